"""What nbgrader's autograde meets in a gradebook that `vae-course grade` has made."""

from typing import Any, NoReturn

from nbgrader.preprocessors import NbGraderPreprocessor


class Refusal(NbGraderPreprocessor):
    """Refuses to autograde, because nbgrader would run the submissions without a sandbox."""

    def preprocess(self, nb: Any, resources: Any) -> NoReturn:
        """Raises RuntimeError, before any code of the submission has run."""
        raise RuntimeError(
            "nbgrader's autograde runs submissions without a sandbox, so it is closed in this folder: run `vae-course grade` "
            "again, which grades what is new and keeps the marks given by hand."
        )

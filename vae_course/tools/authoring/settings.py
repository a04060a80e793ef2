"""The project's own settings: where the checkout is and at which public address its notebooks live."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .errors import AuthoringError

_GITHUB = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
_BRANCH = re.compile(r"[\w./-]+")


@dataclass(frozen=True)
class CourseSettings:
    """A checkout's folder, and from its `[tool.vae-course]` the GitHub owner, name and branch."""

    root: Path
    owner: str
    name: str
    branch: str

    @property
    def repository(self) -> str:
        """The repository's address, without a trailing slash."""
        return f"https://github.com/{self.owner}/{self.name}"

    @property
    def solutions(self) -> Path:
        """The folder of the lessons' sources and full notebooks."""
        return self.root / "solutions"

    @property
    def notebooks(self) -> Path:
        """The folder of the student notebooks."""
        return self.root / "notebooks"

    def relative(self, path: Path) -> str:
        """How messages name a file: from the checkout's folder, with forward slashes."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()


def read(start: Path | None = None) -> CourseSettings:
    """Read the settings of the checkout around `start` (default: the working folder, else the package's own).

    Raises AuthoringError outside a checkout, or where the repository or branch is missing or malformed.
    """
    root = _find_root(start)
    table = _table(root / "pyproject.toml") or {}
    repository, branch = str(table.get("repository", "")), str(table.get("branch", "main"))
    match = _GITHUB.fullmatch(repository)
    if match is None:
        raise AuthoringError(
            f"pyproject.toml: set `repository` in [tool.vae-course] to an address such as"
            f' "https://github.com/OWNER/NAME" (it is "{repository}").'
        )
    if not _BRANCH.fullmatch(branch):
        raise AuthoringError(f'pyproject.toml: `branch` in [tool.vae-course] is not a branch name: "{branch}".')
    return CourseSettings(root=root, owner=match[1], name=match[2], branch=branch)


def _find_root(start: Path | None) -> Path:
    starts = [Path.cwd(), Path(__file__).parent] if start is None else [start]
    for folder in starts:
        for candidate in (folder.resolve(), *folder.resolve().parents):
            if _table(candidate / "pyproject.toml") is not None:
                return candidate
    raise AuthoringError(
        "Lessons are built from a checkout of the course: change into the folder whose pyproject.toml has a"
        " [tool.vae-course] table and run the command again."
    )


def _table(pyproject: Path) -> dict[str, object] | None:
    """The `[tool.vae-course]` table, or None where the file or the table isn't there."""
    if not pyproject.is_file():
        return None
    try:
        tool = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise AuthoringError(f"{pyproject} is not valid TOML: {error}.") from None
    table = tool.get("vae-course")
    return table if isinstance(table, dict) else None

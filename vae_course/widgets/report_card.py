"""The report card of a capstone, with a slider for each row of the rubric; it can be saved beside the notebook."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vae_course.plotting import capstone
from vae_course.plotting.figure import AltFigure
from vae_course.studies.capstone.acceptance import Acceptance
from vae_course.studies.capstone.card import RUBRIC, TOTAL, Headline, ProjectCard
from vae_course.widgets.playground import Playground, choice


class ReportCard(Playground):
    """What a project has to show: findings, headline, bits, and the points that the learner gives to it.

    A slider for each row of the rubric, by mouse or by keyboard; "Save" writes `report_card.json` and `report_card.md`.

    Args:
        track: the track's name.
        headline: its number, with both errors.
        acceptance: what the acceptance test found.
        bits: bits per image by name.
        folder: where to save; by default where the notebook is.
    """

    def __init__(
        self,
        track: str,
        headline: Headline,
        acceptance: Acceptance,
        *,
        bits: Mapping[str, float] | None = None,
        folder: str | Path = ".",
    ) -> None:
        self.card, self.folder = ProjectCard(track, headline, acceptance, bits or {}), Path(folder)
        controls = {row.key: choice(row.name, range(row.points + 1), start=0) for row in RUBRIC}
        buttons = [
            ("Save", "Saving the card", self.save),
            ("Reset", "The reset", self.reset),
        ]
        super().__init__(controls, name="vae-report-card", width=700, buttons=buttons)

    def compute(self, **points: int) -> ProjectCard:
        """The card with these points."""
        return replace(self.card, points=points)

    def draw(self, value: ProjectCard) -> AltFigure:
        """The card as a picture."""
        return capstone.report_card(value)

    def in_words(self, value: ProjectCard) -> str:
        """The verdict and the points."""
        return (
            f"{value.acceptance.verdict} {value.headline}. Own points: {value.total} of {TOTAL}. {self.remark}".strip()
        )

    def save(self) -> None:
        """Write the card as it is now, and say where.

        Raises:
            FileNotFoundError: the folder is not there.
        """
        paths = self.value.save(self.folder)
        self.remark = f"Saved as {' and '.join(path.name for path in paths)}; hand both in."
        self.redraw()

"""The report card of a capstone: what was accepted, the headline with its two errors, bits, and points by the rubric."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from vae_course.studies.capstone.acceptance import Acceptance
from vae_course.support.files import write

JSON, MARKDOWN = "report_card.json", "report_card.md"
ONE_TRAINING = "one training: no error over trainings"


class RubricRow(NamedTuple):
    """One row of the rubric: its key, a name of a few words, what earns its points, and how many it has."""

    key: str
    name: str
    text: str
    points: int


RUBRIC = (
    RubricRow(
        "acceptance",
        "acceptance test",
        "The pipeline passes the acceptance test, and the table of findings is handed in, with what failed at first and why.",
        3,
    ),
    RubricRow(
        "question",
        "question and baseline",
        "One question is asked that a measurement can answer, with a baseline that was named before anything was trained.",
        3,
    ),
    RubricRow(
        "measurement",
        "measurement",
        "Each number says what it is: bound or estimate, which k, which unit, on which images; test images are read once.",
        4,
    ),
    RubricRow(
        "errors",
        "errors",
        "Errors over images and over three trainings or more are told apart, and each claim rests on what it needs; the fewer "
        "the trainings, the more errors a lead has to have.",
        4,
    ),
    RubricRow(
        "cost",
        "cost",
        "What the result costs is counted: the weights in bits, or the time and memory of training and use.",
        2,
    ),
    RubricRow(
        "trap",
        "the track's trap",
        "The trap of the track is examined by a control that could have come out against the result.",
        2,
    ),
    RubricRow(
        "report",
        "report",
        "One page that somebody could repeat the work from: what was done, what was found, what failed, and what is not known.",
        2,
    ),
)
TOTAL = sum(row.points for row in RUBRIC)


@dataclass(frozen=True)
class Headline:
    """The number that a track is about.

    Args:
        what: what was measured, on what, in words.
        value: the number.
        over_images: its standard error over test images.
        over_seeds: its standard error over trainings; None after one training, which has none.
        unit: of all three.

    Raises:
        ValueError: an error is below zero.
    """

    what: str
    value: float
    over_images: float
    over_seeds: float | None
    unit: str = "nats"

    def __post_init__(self) -> None:
        if min(self.over_images, self.over_seeds or 0.0) < 0:
            raise ValueError(
                f"The errors are {self.over_images} and {self.over_seeds}: a standard error is not below zero."
            )

    @property
    def seeds_in_words(self) -> str:
        """The error over trainings, or that there is none."""
        return ONE_TRAINING if self.over_seeds is None else f"± {self.over_seeds:.3f} over trainings"

    def __str__(self) -> str:
        return f"{self.what}: {self.value:.3f} {self.unit}, ± {self.over_images:.3f} over images, {self.seeds_in_words}"


@dataclass(frozen=True)
class ProjectCard:
    """All that a report card says.

    Args:
        track: the track's name.
        headline: its number.
        acceptance: what the acceptance test found.
        bits: bits per image by name, such as "without the weights" and "with the weights".
        points: points that the learner gives to each row of the rubric, by its key.

    Raises:
        ValueError: points name no row of the rubric, or are more than it has.
    """

    track: str
    headline: Headline
    acceptance: Acceptance
    bits: Mapping[str, float] = field(default_factory=dict)
    points: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        most = {row.key: row.points for row in RUBRIC}
        for key, given in self.points.items():
            if not 0 <= given <= most.get(key, -1):
                raise ValueError(
                    f"{key} has {given} points: the rubric gives {', '.join(f'{k} 0 to {n}' for k, n in most.items())}."
                )

    @property
    def total(self) -> int:
        """The learner's own points, of `TOTAL`."""
        return sum(self.points.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        findings = [{"test": str(f.test), "holds": f.holds, "measured": f.measured} for f in self.acceptance.findings]
        return {
            "track": self.track,
            "headline": asdict(self.headline) | {"trainings": self.headline.seeds_in_words},
            "acceptance": {"verdict": self.acceptance.verdict, "findings": findings},
            "bits per image": dict(self.bits),
            "own points": dict(self.points),
        }

    def markdown(self) -> str:
        """The card as a page."""
        findings = [
            f"| {'holds' if f.holds else 'FAILS'} | {escaped(f.test)} | {f.measured} |"
            for f in self.acceptance.findings
        ]
        rubric = [f"| {row.name} | {self.points.get(row.key, 0)} of {row.points} |" for row in RUBRIC]
        parts = [
            f"# Report card: {self.track}",
            f"{self.headline}.",
            "\n".join([self.acceptance.verdict, "", "| | test | measured |", "|---|---|---|", *findings]),
            "\n".join(f"- bits per image, {name}: {value:,.1f}" for name, value in self.bits.items()),
            "\n".join(
                [f"By my own count {self.total} of {TOTAL} points.", "", "| row | points |", "|---|---|", *rubric]
            ),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def save(self, folder: Path) -> tuple[Path, Path]:
        """Write `report_card.json` and `report_card.md` into a folder, and say where.

        Raises:
            FileNotFoundError: there is no such folder.
        """
        if not folder.is_dir():
            raise FileNotFoundError(f"There is no folder {folder}: make it first.")
        paths = folder / JSON, folder / MARKDOWN
        write(paths[0], json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n")
        write(paths[1], self.markdown())
        return paths


def escaped(words: str) -> str:
    """Words for a cell of a Markdown table, whose bars would end it."""
    return words.replace("|", "\\|")

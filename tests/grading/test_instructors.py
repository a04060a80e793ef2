"""The guide for instructors says what the course's data say, and nothing that is not there."""

import re
from pathlib import Path

import pytest

from vae_course import exercises
from vae_course.exercises.model import Exercise, Written
from vae_course.tools import cli
from vae_course.tools.authoring import readme, settings
from vae_course.tools.grading import guide

GUIDE = settings.read().root / "docs" / "instructors.md"
TEXT = GUIDE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", guide.TABLES)
def test_the_guides_generated_parts_are_up_to_date(name: str) -> None:
    assert readme.replace(TEXT, name, guide.TABLES[name]()) == TEXT, "run `make build`"


def test_every_exercise_and_every_rubric_is_in_the_guide() -> None:
    flat = " ".join(TEXT.split())
    for exercise in exercises.all_exercises():
        if isinstance(exercise, Written):
            assert f"#### {exercise.id}: " in TEXT
            assert all(" ".join(line.text.split()) in flat for line in exercise.rubric)
            assert sum(line.points for line in exercise.rubric) == exercise.points
        elif isinstance(exercise, Exercise):
            assert f"**{exercise.id}, " in TEXT
            assert all(known.name in TEXT for known in exercise.misconceptions)


def test_the_generated_parts_change_with_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide, "all_exercises", lambda: (exercises.get("04-elbo"), exercises.get("04-why-q")))
    assert guide.lessons().splitlines()[2:] == ["| 04 | 1 | 2 | 1 | 2 |"]
    assert "*KL added:* You add the KL." in guide.misconceptions()
    assert guide.rubrics().count("#### ") == 1


def test_the_guides_commands_and_options_exist(capsys: pytest.CaptureFixture[str]) -> None:
    shown = ""
    for command in ("release", "grade"):
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
        shown += capsys.readouterr().out
    own = {"--to", "--lessons", "--withhold-solutions", "--overwrite", "--timeout", "--cluster", "--no-sandbox"}
    assert own <= set(re.findall(r"--[a-z-]+", TEXT)) & set(re.findall(r"--[a-z-]+", shown))
    assert f"](docs/{GUIDE.name})" in (Path(GUIDE).parents[1] / "README.md").read_text(encoding="utf-8")

"""The generated tables of the README and of the documents: what the course's data say, and nothing else."""

import re
from pathlib import Path

import pytest

from vae_course import exercises
from vae_course.exercises.model import Exercise, Written
from vae_course.tools import cli
from vae_course.tools.authoring import AuthoringError, settings, tables

ROOT = settings.read().root
GUIDE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("file", "name"), tables.TABLES, ids="-".join)
def test_a_generated_table_is_up_to_date(file: str, name: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert tables.replace(text, name, tables.TABLES[file, name]()) == text, "run `vae-course tables`"


def test_the_command_writes_every_table_and_says_which_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    for name in {"pyproject.toml", "docs/budget.json"} | {file for file, _ in tables.TABLES}:
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "solutions").symlink_to(ROOT / "solutions")
    page = tmp_path / "docs" / "notation.md"
    old = page.read_text(encoding="utf-8")
    page.write_text(tables.replace(old, "notation", "older"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["tables"]) == 0
    assert capsys.readouterr().out == "notation written\n"
    assert page.read_text(encoding="utf-8") == old
    assert cli.main(["tables"]) == 0
    assert capsys.readouterr().out == "All tables are up to date.\n"


def test_a_file_without_markers_is_left_alone(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing here")
    with pytest.raises(AuthoringError, match="lacks the lines"):
        tables.write(readme, "notation", "table")
    assert readme.read_text() == "nothing here"
    with pytest.raises(AuthoringError, match="There is no file"):
        tables.write(tmp_path / "absent.md", "notation", "table")


def test_every_exercise_and_every_rubric_is_in_the_guide() -> None:
    flat = " ".join(GUIDE.split())
    for exercise in exercises.all_exercises():
        if isinstance(exercise, Written):
            assert f"#### {exercise.id}: " in GUIDE
            assert all(" ".join(line.text.split()) in flat for line in exercise.rubric)
            assert sum(line.points for line in exercise.rubric) == exercise.points
        elif isinstance(exercise, Exercise):
            assert f"**{exercise.id}, " in GUIDE
            assert all(known.name in GUIDE for known in exercise.misconceptions)


def test_the_tables_change_with_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "all_exercises", lambda: (exercises.get("04-elbo"), exercises.get("04-why-q")))
    assert tables.lessons().splitlines()[2:] == ["| 04 | 1 | 2 | 1 | 2 |"]
    assert "*KL added:* You add the KL." in tables.misconceptions()
    assert tables.rubrics().count("#### ") == 1


def test_the_guides_commands_and_options_exist(capsys: pytest.CaptureFixture[str]) -> None:
    shown = ""
    for command in ("release", "grade"):
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
        shown += capsys.readouterr().out
    own = {"--to", "--lessons", "--withhold-solutions", "--overwrite", "--timeout", "--cluster", "--no-sandbox"}
    assert own <= set(re.findall(r"--[a-z-]+", GUIDE)) & set(re.findall(r"--[a-z-]+", shown))
    assert "](docs/instructors.md)" in (ROOT / "README.md").read_text(encoding="utf-8")

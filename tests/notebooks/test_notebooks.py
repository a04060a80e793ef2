"""Every lesson runs twice, in opposite worlds, and what the one run can't show the other does.

| notebook | versions | data and network | by | proves beyond that each cell runs |
|---|---|---|---|---|
| full | newest, those of constraints.txt | MNIST, here | nbval | MNIST's numbers; each line of a derivation can fail |
| student's | oldest, Colab's (newest where there is no stand-in) | none: pen digits | nbclient | their numbers; the hand-over |

The first is in this file and the second in test_student_notebooks.py. A student's notebook is the full one without its
answers, so its course is the same. Both start from an empty cache: each training is done once in each world.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.support import tampering
from tests.support.fixtures import toy
from tests.support.nbval import assert_every_cell_passes, cells_to_run, nbval, surroundings
from vae_course.derivations import Derivation
from vae_course.tools.authoring import settings, source
from vae_course.tools.authoring.build import build
from vae_course.tools.authoring.plan import orphans, prepare, stale

CHECKOUT = settings.read(Path(__file__).parent)
# From the sources, so that a notebook that is missing is a failure and not one test less.
LESSONS = source.discover(CHECKOUT.solutions)
DERIVE = [path for path in LESSONS if "Derivation(" in path.read_text(encoding="utf-8")]
# The lessons whose subject is a derivation; the later ones only check a line here and there.
SUBJECT = range(2, 7)


# Drift --------------------------------------------------------------------------------------------------


def test_every_lesson_has_both_notebooks_and_every_notebook_a_lesson() -> None:
    assert LESSONS
    folders = (CHECKOUT.solutions, CHECKOUT.notebooks)
    wanted = [folder / f"{path.stem}.ipynb" for path in LESSONS for folder in folders]
    assert [path for path in wanted if not path.is_file()] == []
    assert orphans(CHECKOUT) == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_notebooks_are_what_their_source_says(path: Path) -> None:
    assert stale(prepare(path, CHECKOUT), CHECKOUT) == [], "run `vae-course build`"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_each_worked_answer_passes_its_check_in_the_full_notebook(path: Path) -> None:
    """A name that a lesson forgot to import would not stop the cell: the check says so, and the notebook goes on."""
    cells = nbformat.read(path.with_suffix(".ipynb"), as_version=4).cells
    checks = {cell.id: cell.outputs for cell in cells if cell.id.endswith("_check")}
    said = {id: str(outputs[0].data["text/plain"]) for id, outputs in checks.items()}
    assert said and not [text for text in said.values() if "passed" not in text[:60]]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_what_nbval_compares_is_printed(path: Path) -> None:
    """Of a table that is filled line by line it would compare the first line alone, with the whole of it."""
    cells = nbformat.read(path.with_suffix(".ipynb"), as_version=4).cells
    compared = [cell for cell in cells if "nbval-check-output" in cell.metadata.get("tags", ())]
    assert [cell.source for cell in compared if any(output.output_type != "stream" for output in cell.outputs)] == []


def test_building_the_first_lesson_twice_gives_the_same_bytes(
    tmp_path: Path, mnist_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_COURSE_DATA", str(mnist_root))
    results = []
    for name in ("one", "two"):
        path, places = toy.checkout(
            tmp_path / name, name=LESSONS[0].stem, lesson=LESSONS[0].read_text(encoding="utf-8")
        )
        assert build(path, places).executed
        results.append([file.read_bytes() for file in sorted((tmp_path / name).rglob("*.ipynb"))])
    assert results[0] == results[1] and len(results[0]) == 2


# The full notebooks, on MNIST -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """A lesson whose full notebook has run: what went wrong, and what its derivations failed to notice."""

    lesson: Path
    failures: list[str]
    passed: int
    lines: list[dict[str, Any]]


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def ran(request: pytest.FixtureRequest, mnist_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    lesson = request.param
    folder = tmp_path_factory.mktemp(lesson.stem)
    # On one thread, as on Binder, and so that two such runs share two cores.
    own = {"VAE_COURSE_DATA": str(mnist_root), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(CHECKOUT.root)}
    if lesson in DERIVE:
        own["IPYTHONDIR"] = str(tampering.profile(folder / "ipython", folder / "lines"))
    run = nbval(lesson.with_suffix(".ipynb"), folder=folder, environment=surroundings(**own))
    yield Ran(lesson, run.failures, run.passed, tampering.noted(folder / "lines"))


@pytest.mark.timeout(1800)
def test_every_cell_of_the_full_notebook_passes(ran: Ran) -> None:
    assert not ran.failures, "\n\n".join(ran.failures)
    assert ran.passed == cells_to_run(ran.lesson.with_suffix(".ipynb"))


@pytest.mark.timeout(1800)
def test_each_line_of_a_derivation_fails_where_its_right_side_is_tampered_with(ran: Ran) -> None:
    least = 20 if int(ran.lesson.stem[:2]) in SUBJECT else 1
    assert len(ran.lines) >= (least if ran.lesson in DERIVE else 0)
    assert {line["formula"]: line["unnoticed"] for line in ran.lines if line["unnoticed"]} == {}


# The check of the check ---------------------------------------------------------------------------------

FAULTS = {
    "an exception": ("print(1)\n\n# %%\n1 / 0", "ZeroDivisionError"),
    "another output": ("import time\n\n# %% tags=['nbval-check-output']\ntime.time()", "mismatch 'text/plain'"),
}


@pytest.mark.parametrize(("code", "says"), FAULTS.values(), ids=FAULTS)
def test_nbval_finds_a_broken_cell_and_shows_it(tmp_path: Path, code: str, says: str) -> None:
    sound = "# %% [markdown]\n# # 00 A lesson\n\n# %%\n" + code.replace("1 / 0", "1")
    path, places = toy.checkout(tmp_path, lesson=sound)
    build(path, places)
    notebook = path.with_suffix(".ipynb")
    if "1 / 0" in code:
        broken = notebook.read_text().replace('"source": [\n    "1"', '"source": [\n    "1 / 0"')
        notebook.write_text(broken)
    with pytest.raises(AssertionError, match=says):
        assert_every_cell_passes(notebook, folder=tmp_path, environment=surroundings())


@pytest.mark.parametrize("tag", ["nbval-skip", "none"])
def test_a_cell_that_did_not_run_is_missed(tmp_path: Path, tag: str) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("1"), nbformat.v4.new_code_cell("2", metadata={"tags": [tag]})]
    )
    nbformat.write(notebook, tmp_path / "n.ipynb")
    run = nbval(tmp_path / "n.ipynb", folder=tmp_path, environment=surroundings())
    assert (run.passed == cells_to_run(tmp_path / "n.ipynb")) == (tag == "none")


def test_a_line_that_holds_whatever_its_right_side_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("step", "algebra"):
        monkeypatch.setattr(Derivation, method, getattr(Derivation, method))
    tampering.begin(tmp_path / "lines")
    lines = Derivation("Lines")
    lines.step("zero", 0.0, 0.0)
    lines.algebra("two", "1 + 1", 2)
    lines.step("noise", 1.0, 1.0, standard_error=10.0)
    unnoticed = [line["unnoticed"] for line in tampering.noted(tmp_path / "lines")]
    assert unnoticed == [["sign of the right", "factor of the right"], [], list(tampering.TAMPERS)]
    assert len(lines.steps) == 3

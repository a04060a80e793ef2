"""What lessons cost: every lesson has a measured row, within bounds, and one that grows is noticed."""

from pathlib import Path

import nbformat
import pytest

from vae_course.tools.authoring import budget, costs, plan, settings, source, stamp
from vae_course.tools.authoring.costs import Cost
from vae_course.tools.authoring.minutes import Minutes

CHECKOUT = settings.read(Path(__file__).parent)
STATED = {name: Cost(10, 10, 500) for name in ("00_a", "01_b", "02_c", "03_d")}


def test_every_lesson_has_a_cost_and_stays_within_bounds() -> None:
    # Three minutes, which one core alone keeps; Binder gives 2,000 MB.
    stated = costs.load(CHECKOUT)
    assert sorted(stated) == [path.stem for path in source.discover(CHECKOUT.solutions)], "run `make budget`"
    assert [name for name, cost in stated.items() if cost.cpu_seconds > 180 or cost.memory_mb > 1500] == []


@pytest.mark.parametrize("path", source.discover(CHECKOUT.solutions), ids=lambda path: path.stem)
def test_a_slow_cell_says_so_beforehand(path: Path) -> None:
    cost = costs.load(CHECKOUT)[path.stem]
    assert cost.slow_cells or cost.cpu_seconds < 60, "run `make budget`"
    assert costs.silent(cost, plan.prepare(path, CHECKOUT).full.cells) == []


def test_a_slow_cell_without_a_word_is_found() -> None:
    code, prose = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    cells = [prose("It takes ten seconds."), code("fit()", id="a"), code("again()", id="b"), prose("Now.")]
    cells.append(code("# a minute\nmore()", id="c"))
    assert costs.silent(Cost(99, 99, 500, {"a": 30, "b": 2, "c": 30}), cells) == []
    assert costs.silent(Cost(99, 99, 500, {"a": 30, "b": 30, "c": 30}), cells) == ["30 s without a word: again()"]
    (changed,) = costs.silent(Cost(99, 99, 500, {"a": 30, "d": 30}), cells)
    assert "run `make budget`" in changed


def took(cpu_seconds: dict[str, float]) -> dict[str, Cost]:
    return {lesson: Cost(seconds, seconds, 500) for lesson, seconds in cpu_seconds.items()}


@pytest.mark.parametrize("speed", [0.2, 1, 7])
def test_a_slower_machine_is_no_slower_lesson(speed: float) -> None:
    assert costs.over(took(dict.fromkeys(STATED, 10 * speed)), STATED) == []


def test_a_lesson_that_grows_is_named_with_what_to_do() -> None:
    (sentence,) = costs.over(took(dict.fromkeys(STATED, 10.0) | {"01_b": 25.0}), STATED)
    assert sentence.startswith("01_b needs 45% of the time of all notebooks, where 25% was stated: make it faster")


def test_a_new_lesson_is_no_lesson_that_grew() -> None:
    assert costs.over(took({"00_a": 10.0, "01_b": 10.0, "09_new": 0.1}), STATED) == []


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (Cost(9, 9.2, 610), "about 10 seconds of one core, trainings included, and 0.7 GB"),
        (Cost(9, 0.3, 90), "about 2 seconds of one core, trainings included, and 0.1 GB"),
        (Cost(9, 51.0, 1000), "about 60 seconds of one core, trainings included, and 1.0 GB"),
        (Cost(9, 61.0, 1499), "about 1.5 minutes of one core, trainings included, and 1.5 GB"),
        (Cost(9, 170.0, 1301), "about 3 minutes of one core, trainings included, and 1.4 GB"),
    ],
)
def test_a_lesson_states_its_cost_rounded_up(cost: Cost, words: str) -> None:
    frame = "**You need first:** much.\n\n**Time:** A cell\ntakes long.\n\n**Symbols**"
    paragraph = stamp.with_time(frame, Minutes(58.2, 0.0), cost).split("\n\n")[1]
    assert paragraph.startswith("**Time:** about 60 minutes. A cell\ntakes long.\nAll cells together need ")
    assert words in paragraph
    assert stamp.with_time(frame, Minutes(1.0, 0.0), None).count("All cells") == 0


def test_a_cost_is_stated_for_the_same_core_whatever_core_measured_it() -> None:
    slow, fast = Cost(33, 30, 500, {"a": 21, "b": 9}), Cost(11, 10, 500, {"a": 7, "b": 3})
    assert slow.at_pace(1.5) == fast.at_pace(0.5) == Cost(22, 20, 500, {"a": 14})


def test_measuring_sees_the_time_and_the_memory_of_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support.fixtures import toy

    code = "# %% [markdown]\n# # 00 A lesson\n\n# %%\nimport time\nx = bytearray(300 * 2**20)\n"
    lesson = code + "while time.process_time() < 1.5:\n    pass\n# %%\nwhile time.process_time() < 5:\n    pass\n"
    path, places = toy.checkout(tmp_path, lesson=lesson)
    for name in ("VAE_COURSE_CACHE", "OMP_NUM_THREADS", "MEM_LIMIT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(costs, "SLOW", 3.0)
    cost = budget.measure(path, places).at_pace(1)
    assert cost.cpu_seconds > 4.5 and cost.seconds > 4.5
    last = plan.prepare(path, places).full.cells[-1]
    assert cost.slow_cells.keys() == {last.id} and 3 < cost.slow_cells[last.id] < cost.cpu_seconds
    assert 300 < cost.memory_mb < 1500

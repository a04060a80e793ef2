"""The minutes of a lesson: what counts, and what of it is off the main path."""

from pathlib import Path

import pytest

from tests.support.fixtures import toy
from vae_course.tools.authoring import AuthoringError, source, tables
from vae_course.tools.authoring.costs import Cost
from vae_course.tools.authoring.minutes import Minutes, estimate, going_deeper, words
from vae_course.tools.authoring.plan import prepare

LESSON = """\
# %% [markdown]
# # 00 A lesson

# %%
a = 1

# %% [markdown]
# ### Build (optional): a tower

# %%
b = 1

# %% [markdown]
# #### Its roof

# %% [markdown]
# ### Back on the path

# %% exercise="00-double"

# %% [markdown]
# ## Going deeper

# %% [markdown]
# ### A proof

# %%
c = 1

# %% exercise="00-why"
"""


def read(folder: Path, lesson: str = LESSON) -> source.Lesson:
    path, places = toy.checkout(folder, lesson=lesson)
    return prepare(path, places, get_exercise=toy.get_exercise).lesson


def minutes(lesson: source.Lesson, cost: Cost | None = None) -> Minutes:
    return estimate(lesson.cells, [str(place) for place in range(len(lesson.cells))], cost)


def test_an_optional_build_ends_at_the_next_heading_of_its_level_and_going_deeper_at_none_below(tmp_path: Path) -> None:
    marks = "".join("d" if deep else "m" for deep in going_deeper(read(tmp_path).cells))
    # Title and cell; the tower with its roof; back, with exercise and check; all that goes deeper.
    assert marks == "mm" + "ddd" + "mmm" + "dddd"


def test_prose_cells_exercises_and_waiting_add_up(tmp_path: Path) -> None:
    lesson = read(tmp_path)
    found = minutes(lesson)
    # Three words and four ("00 A lesson", "Back on the path"), a cell, 00-double; "Build (optional): a tower", "Its roof",
    # "Going deeper", "A proof", two cells, 00-why.
    assert found.main == pytest.approx(7 / 180 + 0.5 + 1)
    assert found.deeper == pytest.approx(10 / 180 + 2 * 0.5 + 4)
    more = minutes(lesson, Cost(9.0, 120.0, 500, {"1": 60.0, "3": 30.0, "of an older text": 10.0}))
    assert more.main - found.main == pytest.approx(1.5) and more.deeper - found.deeper == pytest.approx(0.5)


def test_signs_without_a_letter_are_no_words() -> None:
    assert words("> One, $x = 2$ | ---") == 3


@pytest.mark.parametrize(
    ("taken", "sentence"),
    [
        (Minutes(60.0, 0.0), "about 60 minutes."),
        (Minutes(60.1, 0.2), "about 65 minutes, and about 5 more to go deeper."),
    ],
)
def test_minutes_are_stated_rounded_up_to_five(taken: Minutes, sentence: str) -> None:
    assert taken.sentence == sentence


def test_the_row_of_a_lesson_gets_its_minutes_and_a_lesson_without_a_row_is_named() -> None:
    text = "| [00 A](notebooks/00_a.ipynb) | 1 | 2 | x |\n| [01 B](notebooks/01_b.ipynb) | 3 | 4 | y |\n"
    new = tables.with_minutes(text, {"01_b": Minutes(9.0, 11.0)})
    assert new == text.replace("| 3 | 4 |", "| 10 | 15 |")
    with pytest.raises(AuthoringError, match="needs one row.*02_c"):
        tables.with_minutes(text, {"02_c": Minutes(1.0, 1.0)})

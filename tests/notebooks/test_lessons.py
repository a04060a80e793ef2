"""Every lesson keeps the frame that the course promises, and reads well cell by cell."""

import re
import statistics
from collections import Counter
from functools import cache
from pathlib import Path

import jupytext
import pytest

from vae_course import exercises, quizzes
from vae_course.tools.authoring import settings
from vae_course.tools.authoring.assemble import STAMPED, minutes_of
from vae_course.tools.authoring.minutes import going_deeper, words
from vae_course.tools.authoring.plan import prepare

SOURCES = sorted((Path(__file__).parents[2] / "solutions").glob("[0-9][0-9]_*.py"))
FRAME = [
    "**After this lesson you can**",
    "**You need first:**",
    "**Time:**",
    "**Symbols of this lesson**",
    "Quiz",
    "## Summary",
    "**Sources.**",
    "**Next:**",
]


# Minutes of a main path: 60, and more where a lesson is a workshop.
LIMITS = {"08": 75, "09": 75, "12": 75}

# A link of Markdown: its text and its address, both as they stand.
LINK = re.compile(r"\[([^\[\]]*)\]\(([^)]*)\)")
# arXiv's numbers have five digits since 2015. A DOI with brackets writes them as %28 and %29, for they would end the link.
IDENTIFIER = re.compile(
    r"https://arxiv\.org/abs/(?:(?:0[7-9]|1[0-4])(?:0[1-9]|1[0-2])\.\d{4}|(?:1[5-9]|[2-9]\d)(?:0[1-9]|1[0-2])\.\d{5})"
    r"|https://doi\.org/10\.\d{4,9}/[\w.:%/-]*\w"
)
# Cited by title alone: posts known by title and date, and papers with no open page and no DOI that could be confirmed.
UNLINKED = {
    "Amortized Inference in Probabilistic Reasoning",
    "Classification by Minimum-Message-Length Inference",
    "Generative AI 4: Variational Autoencoders (VAEs)",
    "Variational Autoencoders",
}


@cache
def read(source):
    """The cells of a lesson's source; what is read once is shared by all tests here, none of which changes it."""
    return jupytext.read(source).cells


@cache
def prepared(source):
    """A lesson with its notebooks, assembled and not run."""
    return prepare(source, settings.read())


@pytest.fixture(params=SOURCES, ids=lambda path: path.stem)
def source(request):
    return request.param


@pytest.fixture
def plan(source):
    return prepared(source)


@pytest.fixture
def cells(plan):
    """The cells of the full notebook that come from the lesson's source and from its exercises."""
    return [cell for cell in plan.full.cells if not cell.id.endswith(STAMPED)]


def test_there_are_lessons():
    assert len(SOURCES) >= 2


def test_a_lesson_has_its_frame_in_order(cells):
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    places = [prose.find(part) for part in FRAME]
    assert -1 not in places, f"missing: {FRAME[places.index(-1)]}"
    assert places == sorted(places)
    assert re.match(r"# \d\d \S", cells[0].source)


def test_code_cells_are_short(cells):
    lines = [cell.source.count("\n") + 1 for cell in cells if cell.cell_type == "code"]
    assert max(lines) <= 25 and statistics.median(lines) <= 8


def test_prose_stands_before_nearly_every_code_cell(cells):
    """An answer, its check, and two steps of one thought may follow each other; three cells in a row may not."""
    kinds = ["code" if c.cell_type == "code" and not c.id.endswith("_check") else c.cell_type for c in cells]
    runs = re.findall(r"c+", "".join("c" if kind == "code" else "m" for kind in kinds))
    assert max(map(len, runs)) <= 3
    assert len([cell for cell in cells if cell.cell_type == "markdown"]) >= len(cells) / 2


def test_lines_of_a_source_are_short(source):
    """At most 130 characters; a row of a table can't be broken."""
    lines = [line for line in source.read_text(encoding="utf-8").splitlines() if not line.startswith("# |")]
    assert [line for line in lines if len(line) > 130] == []


def test_every_exercise_of_the_package_is_in_its_lesson_and_the_other_way_round(source):
    number = source.stem[:2]
    placed = re.findall(r'exercise="([^"]+)"', source.read_text(encoding="utf-8"))
    assert placed and len(placed) == len(set(placed))
    assert sorted(placed) == sorted(e.id for e in exercises.all_exercises() if e.id.startswith(f"{number}-"))


def test_every_lesson_shows_its_own_quiz(source):
    number = source.stem[:2]
    assert f'quizzes.show("{number}")' in source.read_text(encoding="utf-8")
    assert quizzes.questions(number)


def test_links_to_other_lessons_lead_somewhere(source):
    cells = read(source)
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    targets = re.findall(r"\]\((\d\d_\w+)\.ipynb\)", prose)
    assert targets
    assert not [target for target in targets if not source.with_name(f"{target}.py").exists()]


def links(source):
    """The links of a lesson's prose, as pairs of a text on one line and an address as it stands."""
    cells = read(source)
    found = (LINK.findall(cell.source) for cell in cells if cell.cell_type == "markdown")
    return [(" ".join(text.split()), address) for pairs in found for text, address in pairs]


def test_links_to_papers_have_well_formed_identifiers(source):
    addresses = [address for _, address in links(source) if re.search(r"arxiv\.|doi\.", address)]
    assert addresses
    assert not [address for address in addresses if not IDENTIFIER.fullmatch(address)]


def test_a_title_and_its_address_belong_together_in_all_lessons():
    pairs = {pair for source in SOURCES for pair in links(source) if pair[1].startswith("http")}
    for side in (0, 1):
        counts = Counter(pair[side] for pair in pairs)
        assert not [pair for pair in sorted(pairs) if counts[pair[side]] > 1]


def test_every_title_among_the_sources_is_linked_or_known_to_have_no_address():
    bare = set()
    for source in SOURCES:
        prose = "\n\n".join(cell.source for cell in read(source) if cell.cell_type == "markdown")
        for paragraph in re.findall(r"^\*\*Sources\.\*\*((?:.+\n?)+)", prose, re.MULTILINE):
            rest = LINK.sub(lambda link: "" if re.fullmatch(r"https?://\S+", link[2]) else link[1], paragraph)
            bare |= {" ".join(title.split()) for title in re.findall(r"\*([^*]+)\*", rest)}
    assert bare == UNLINKED


def test_prose_avoids_words_that_make_learners_feel_slow(cells):
    prose = " ".join(cell.source for cell in cells if cell.cell_type == "markdown").lower()
    found = re.findall(r"\b(simply|obviously|clearly|trivial(?:ly)?|of course)\b", prose)
    assert not found


def test_symbols_are_in_the_table_before_they_are_used_as_code(cells):
    """Each code name of the symbol table appears in the lesson's code."""
    table = next(cell.source for cell in cells if "**Symbols of this lesson**" in cell.source)
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    rows = [row.split("|")[3] for row in table.splitlines() if row.startswith("| $")]
    names = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert len(names) >= 4
    assert not [name for name in names if not re.search(rf"\b{name}\b", code)]


def test_a_lesson_ends_with_what_was_passed_of_it(source):
    code = [cell.source for cell in read(source) if cell.cell_type == "code"]
    quiz = next(i for i, text in enumerate(code) if "quizzes.show(" in text)
    assert code[quiz + 1] == f'exercises.progress("{source.name[:2]}")'


def test_a_picture_sums_up_each_lesson(source):
    cells = [cell.source for cell in read(source)]
    at = next(i for i, text in enumerate(cells) if text.startswith("## Summary"))
    assert cells[at + 1].endswith(f'plotting.summary("{source.name[:2]}")')
    assert cells[at + 2].startswith("**Sources.**")


def test_the_readme_and_the_header_name_the_same_computed_minutes(source, plan):
    title = read(source)[0].source.splitlines()[0].removeprefix("# ")
    taken = minutes_of(plan.lesson, settings.read())
    main, deeper = taken.stated
    readme = (source.parents[1] / "README.md").read_text(encoding="utf-8")
    row = f"| [{title}](notebooks/{source.stem}.ipynb) | {main} | {deeper} |"
    assert readme.count(row) == 1, "run `vae-course tables`"
    header = next(cell.source for cell in plan.full.cells if "**Time:**" in cell.source)
    assert f"**Time:** {taken.sentence} " in header


def test_no_minutes_are_typed_in(source):
    paragraph = re.search(r"^# \*\*Time:\*\*.*(?:\n# .+)*", source.read_text(encoding="utf-8"), re.MULTILINE)
    assert paragraph and "minutes" not in paragraph[0]


def test_the_main_path_is_no_longer_than_it_may_be(source, plan):
    main, _ = minutes_of(plan.lesson, settings.read()).stated
    assert main <= LIMITS.get(source.stem[:2], 60)


def test_the_main_paths_of_the_first_thirteen_lessons_stay_short():
    lessons = [prepared(source).lesson.cells for source in SOURCES[:13]]
    main = (cell for cells in lessons for cell, deep in zip(cells, going_deeper(cells), strict=True) if not deep)
    assert sum(words(cell.text) for cell in main if cell.kind == "markdown" and not cell.task) <= 45_000


def test_what_goes_deeper_comes_last(source):
    """Below the quiz, the summary and the way to the next lesson; whatever follows the heading is off the main path."""
    text = source.read_text(encoding="utf-8")
    at = text.find("\n# ## Going deeper\n")
    assert at < 0 or text.find("# **Next:**") < at
    assert at < 0 or not re.search(r"^# ## ", text[at + 5 :], re.MULTILINE)

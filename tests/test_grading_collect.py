"""From whatever lies in a folder to one submission for each student and lesson."""

import io
import json
import os
import time
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from tests.fixtures.classroom import FIRST, A, both, cell_of, filled, to_bytes
from vae_course.grading import Graded, GradingError, lessons, naming, notebook, unpacking
from vae_course.grading.collect import Collection, collect
from vae_course.grading.results import write_results
from vae_course.grading.salvage import salvage

BOOK = to_bytes(both())
ELBO = "04_the_elbo"
KNOWN = lessons.names()


def laid_out(folder: Path, files: dict[str, bytes]) -> Collection:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return collect(folder)


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def whose(found: Collection) -> list[tuple[str, str]]:
    return [(s.student, s.lesson) for s in found.submissions]


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("alice/04_the_elbo.ipynb", "alice"),
        ("submitted/alice/week 2/04_the_elbo.ipynb", "alice"),
        ("course/submitted/alice/04_the_elbo/04_the_elbo.ipynb", "alice"),
        ("alice_04_the_elbo.ipynb", "alice"),
        ("04_the_elbo-alice.ipynb", "alice"),
        ("04_the_elbo_alice_smith (2).ipynb", "alice_smith"),
        ("alice/Copy of 04_the_elbo.ipynb", "alice"),
        ("alice/Copy of Copy of 04_the_elbo (1).ipynb", "alice"),
        ("alice/04-the-elbo.ipynb", "alice"),
        ("alice/04_The_ELBO - Copy.ipynb", "alice"),
        ("04_the_elbo/alice/notebook.ipynb", "alice"),
        ("Alice Smith_12345_assignsubmission_file_/04_the_elbo.ipynb", "Alice Smith_12345"),
        ("smithalice_LATE_123456_7891011_04_the_elbo.ipynb", "smithalice"),
        ("smithalice_123456_7891011_work/04_the_elbo.ipynb", "smithalice"),
        ("04_the_elbo.ipynb", ""),
    ],
)
def test_a_path_says_whose_it_is(path: str, student: str):
    assert naming.read(PurePosixPath(path), KNOWN) == naming.Place(student, ELBO)


def test_folders_flat_names_and_zips_in_any_mix(tmp_path: Path):
    moodle = {
        f"Dan_123_assignsubmission_file_/{FIRST}.ipynb": BOOK,
        f"Eve_124_assignsubmission_file_/x/{FIRST}.ipynb": BOOK,
    }
    nested = zipped({"frank.zip": zipped({f"{FIRST}.ipynb": BOOK})})
    found = laid_out(
        tmp_path,
        {
            f"alice/{FIRST}.ipynb": BOOK,
            f"submitted/bob/one/{FIRST}.ipynb": BOOK,
            f"carol_{FIRST}.ipynb": BOOK,
            "moodle.zip": zipped(moodle),
            "canvas.zip": nested,
            "grace.zip": zipped({f"{FIRST}.ipynb": BOOK}),
            "alice/notes.txt": b"nothing",
        },
    )
    assert {s for s, _ in whose(found)} == {"alice", "bob", "carol", "Dan_123", "Eve_124", "frank", "grace"}
    assert {lesson for _, lesson in whose(found)} == {FIRST} and found.problems == ()
    assert next(s.name for s in found.submissions if s.student == "grace") == f"grace.zip: {FIRST}.ipynb"


def test_a_notebook_says_itself_of_which_lesson_it_is(tmp_path: Path):
    bare = both()
    bare["metadata"] = {}
    other = {"cells": [], "metadata": {}, "nbformat": 4}
    found = laid_out(
        tmp_path,
        {
            "a/Untitled.ipynb": BOOK,
            "b/homework.ipynb": to_bytes(bare),
            "c/other.ipynb": json.dumps(other).encode(),
            "d/x.ipynb": b"?",
        },
    )
    assert whose(found) == [("a", FIRST), ("b", FIRST)]
    assert len(found.problems) == 2 and all("neither its name nor its content" in p for p in found.problems)


def test_of_two_files_the_newest_is_graded_and_it_is_said(tmp_path: Path):
    older, newer = to_bytes(filled(FIRST, {A: "old"})), to_bytes(filled(FIRST, {A: "new"}))
    for name, content, when in ((f"{FIRST}.ipynb", newer, 2000), (f"{FIRST} (1).ipynb", older, 1000)):
        path = tmp_path / "alice" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (when, when))
    found = collect(tmp_path)
    assert [s.content for s in found.submissions] == [newer]
    assert len(found.problems) == 1 and "2 times" in found.problems[0] and "the newest" in found.problems[0]


def test_only_the_lessons_that_are_asked_for(tmp_path: Path):
    laid_out(tmp_path, {f"a/{FIRST}.ipynb": BOOK, f"a/{ELBO}.ipynb": BOOK})
    assert whose(collect(tmp_path, [ELBO])) == [("a", ELBO)]
    with pytest.raises(GradingError, match="There is no lesson '99_x'; the lessons are 00_start_here"):
        collect(tmp_path, ["99_x"])
    with pytest.raises(GradingError, match="There is no folder"):
        collect(tmp_path / "nowhere")


def test_what_tools_leave_behind_is_no_submission(tmp_path: Path):
    found = laid_out(
        tmp_path,
        {
            f"a/.ipynb_checkpoints/{FIRST}-checkpoint.ipynb": BOOK,
            f"a/__MACOSX/{FIRST}.ipynb": BOOK,
            f"a/._{FIRST}.ipynb": BOOK,
            "b.zip": zipped({f"__MACOSX/b/._{FIRST}.ipynb": BOOK, f".ipynb_checkpoints/{FIRST}.ipynb": BOOK}),
        },
    )
    assert found == Collection((), ())


def test_nothing_is_read_from_outside_the_folder(tmp_path: Path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(BOOK)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / f"{FIRST}.ipynb").symlink_to(secret)
    (tmp_path / "in" / "linked").symlink_to(tmp_path)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo(f"a/{FIRST}.ipynb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(secret))
    escapes = {
        f"../../{FIRST}.ipynb": BOOK,
        f"/etc/{FIRST}.ipynb": BOOK,
        f"..\\..\\{FIRST}.ipynb": BOOK,
        f"C:/{FIRST}.ipynb": BOOK,
    }
    found = laid_out(tmp_path / "in", {"link.zip": stream.getvalue(), "escape.zip": zipped(escapes)})
    assert found.submissions == ()
    assert sum("is a link" in p for p in found.problems) == 3
    assert sum("points out of its archive" in p for p in found.problems) == 4


def test_bombs_and_broken_archives_are_said_and_stop_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unpacking, "LARGEST_NOTEBOOK", 1 << 20)
    good = zipped({f"zoe/{FIRST}.ipynb": BOOK})
    lying = zipped({f"a/{FIRST}.ipynb": b" " * (3 << 20)})
    size = (3 << 20).to_bytes(4, "little")
    assert lying.count(size) == 2
    found = laid_out(
        tmp_path,
        {
            "bomb.zip": zipped({f"a/{FIRST}.ipynb": b" " * (3 << 20)}),
            "lying.zip": lying.replace(size, (100).to_bytes(4, "little")),
            "broken.zip": good[: len(good) // 2],
            "text.zip": b"no zip at all",
            "deep.zip": zipped({"1.zip": zipped({"2.zip": zipped({f"x/{FIRST}.ipynb": BOOK})})}),
            f"huge/{FIRST}.ipynb": b" " * (2 << 20),
            "zoe.zip": good,
        },
    )
    assert whose(found) == [("zoe", FIRST)]
    assert len(found.problems) == 6 and all(p.endswith(".") for p in found.problems)
    assert sum("larger than 1 MB" in p for p in found.problems) == 2


def test_many_small_bombs_together_are_left_out_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unpacking, "LARGEST_CONTENT", 3 * len(BOOK) + 10)
    found = laid_out(tmp_path, {"all.zip": zipped({f"s{n}/{FIRST}.ipynb": BOOK for n in range(5)})})
    assert len(found.submissions) == 3 and len(found.problems) == 2


@pytest.mark.parametrize("inside", ["submitted/bob/one", "Bob_123_assignsubmission_file_"])
def test_nobody_hands_in_for_another_by_the_paths_in_a_zip(tmp_path: Path, inside: str):
    forged = zipped({f"{inside}/{FIRST}.ipynb": to_bytes(filled(FIRST, {A: "forged"}))})
    found = laid_out(tmp_path, {"mallory/work.zip": forged, "canvas.zip": zipped({"eve.zip": forged})})
    assert {s for s, _ in whose(found)} == {"mallory", "eve"}
    assert all("lies in what" in p for p in found.problems) and len(found.problems) == 2


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("submissions/moodle.zip", {f"{name}_12{i}_assignsubmission_file_/{{}}": f"{name}_12{i}" for i, name in enumerate("ab")}),
        ("submissions/alice.zip", {"{}": "alice"}),
        ("04_the_elbo/alice.zip", {"{}": "alice"}),
        ("alice/work.zip", {"{}": "alice"}),
        ("alice_123456_7891011_work.zip", {"{}": "alice"}),
    ],
)  # fmt: skip
def test_a_zip_in_a_folder_that_is_nobodys_tells_the_students_itself(tmp_path: Path, path: str, inside: dict[str, str]):
    files = {name.format(f"{FIRST}.ipynb"): BOOK for name in inside}
    found = laid_out(tmp_path, {path: zipped(files)})
    assert sorted(s for s, _ in whose(found)) == sorted(inside.values()) and found.problems == ()


def test_a_students_zip_in_that_of_the_class_may_be_named_after_the_lesson(tmp_path: Path):
    inner = zipped({f"{ELBO}.ipynb": to_bytes({"cells": [{"cell_type": "code", "source": "x"}]})})
    found = laid_out(tmp_path, {"class.zip": zipped({f"alice_{ELBO}.zip": inner, f"bob_{ELBO}.zip": inner})})
    assert whose(found) == [("alice", ELBO), ("bob", ELBO)] and found.problems == ()


def test_a_damaged_member_of_any_kind_and_an_endless_name_stop_nothing(tmp_path: Path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(f"a/{FIRST}.ipynb", BOOK)
    whole = bytearray(stream.getvalue())
    start = len(f"a/{FIRST}.ipynb") + 30
    whole[start + 4 : start + 40] = b"\xff" * 36  # what the decoder reads first
    found = laid_out(
        tmp_path,
        {
            "lzma.zip": bytes(whole),
            "long.zip": zipped({f"{' ' * 20_000}/{FIRST}.ipynb": BOOK}),
            f"zoe/{FIRST}.ipynb": BOOK,
        },
    )
    assert whose(found) == [("zoe", FIRST)]
    assert len(found.problems) == 2 and all(p.endswith(".") and len(p) < 300 for p in found.problems)


def test_one_name_in_two_spellings_is_one_student_and_odd_bytes_are_a_name(tmp_path: Path):
    """macOS takes letters apart, old systems write one byte for each; none of it may stop the reports."""
    elbo = to_bytes({"cells": [{"cell_type": "code", "source": "x"}]})
    old = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Zo\xeb"))
    old.mkdir()
    (old / f"{FIRST}.ipynb").write_bytes(BOOK)
    found = laid_out(
        tmp_path, {f"Jose\u0301/{FIRST}.ipynb": BOOK, f"Jos\u00e9/{ELBO}.ipynb": elbo, f"a\x1b[2J/{FIRST}.ipynb": BOOK}
    )
    assert {s for s, _ in whose(found)} == {"Jos\u00e9", "Zo\u00eb", "a%1b[2J"}
    graded = [Graded(s.student, s.lesson, s.name, ()) for s in found.submissions]
    write_results(tmp_path / "results", graded, found.submissions, gradebook=False)
    assert len(list((tmp_path / "results" / "feedback").iterdir())) == 3


def long_cells() -> list[list[dict[str, str]]]:
    """Notebooks that once took hours or gigabytes to read."""
    cell = {"cell_type": "code", "source": ""}
    return [
        [cell | {"source": "x = 1\n" * 20_000}],
        [cell | {"source": "x = 1\n" * 20_000 + "("}],
        [cell | {"source": "def f():"}, *[cell | {"source": "    x = 1"}] * 4_000],
        [{"cell_type": "markdown", "source": "\n" * 300_000}],
        [{"cell_type": "markdown", "source": "<!--" * 100_000}],
        [cell | {"source": "x = 0x" + "f" * 10_000}, cell | {"source": "y = " + "1+" * 900 + "1"}],
    ]


@pytest.mark.parametrize("number", range(6))
def test_no_notebook_takes_long_to_read_or_hides_the_answers_beside_it(number: int):
    answers = both()["cells"]
    lesson = lessons.load(FIRST)
    start = time.process_time()
    found = salvage(notebook.read(to_bytes({"cells": [*long_cells()[number], *answers]})), lesson)
    assert [found[e.id].state for e in lesson.exercises] == ["answer", "answer", "written"]
    salvage(notebook.read(to_bytes({"cells": long_cells()[number]})), lesson)
    assert time.process_time() - start < 15


def test_more_code_than_any_lesson_is_refused_in_one_sentence():
    book = {"cells": [{"cell_type": "code", "source": "x" * (notebook.LONGEST_CODE + 1)}]}
    with pytest.raises(notebook.Unreadable, match="more than 2 MB of code"):
        notebook.read(to_bytes(book))


def test_a_notebook_without_a_name_is_graded_as_unknown(tmp_path: Path):
    found = laid_out(tmp_path, {f"{FIRST}.ipynb": BOOK})
    assert whose(found) == [("unknown", FIRST)] and "does not say whose" in found.problems[0]


def test_the_fixture_is_as_it_seems():
    assert "interpolate" in cell_of(both(), A)["source"]

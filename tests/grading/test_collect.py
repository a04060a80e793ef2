"""From whatever lies in a folder to one submission for each student and lesson."""

import functools
import io
import json
import os
import pickle
import re
import struct
import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path, PurePosixPath

import pytest

from tests.support.fixtures.classroom import (
    BOUND,
    FIRST,
    A,
    both,
    cell_of,
    code,
    filled,
    handed_out,
    solution,
    to_bytes,
)  # fmt: skip
from vae_course.tools.grading import Graded, GradingError, Submission
from vae_course.tools.grading.collect import Collection, archives, collect, read_path
from vae_course.tools.grading.collect.roster import read_names
from vae_course.tools.grading.mark import classes, grade_submission
from vae_course.tools.grading.read import lessons
from vae_course.tools.grading.report import write_results
from vae_course.tools.grading.sandbox.limits import DEFAULT_LIMITS

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
        ("Alice Smith_12345_assignsubmission_file_/04_the_elbo.ipynb", "Alice Smith"),
        ("Alice Smith_12345_assignsubmission_file_04_the_elbo.ipynb", "Alice Smith"),
        ("smithalice_LATE_123456_7891011_04_the_elbo.ipynb", "smithalice"),
        ("smithalice_123456_7891011_work/04_the_elbo.ipynb", "smithalice"),
        ("04_the_elbo.ipynb", ""),
    ],
)
def test_a_path_says_whose_it_is(path: str, student: str):
    place = read_path(PurePosixPath(path), KNOWN)
    assert (next((sign.student for sign in place.signs), ""), place.lesson) == (student, ELBO)


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
    assert {s for s, _ in whose(found)} == {"alice", "bob", "carol", "Dan", "Eve", "frank", "grace"}
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
    assert found.submissions == ()
    assert found.problems == ("a holds nothing that can be graded.", "b holds nothing that can be graded.")


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
    monkeypatch.setattr(archives, "LARGEST_NOTEBOOK", 1 << 20)
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
    assert whose(found) == [(student, FIRST) for student in ("bomb", "huge", "lying", "zoe")]
    told = {s.student: s.problem for s in found.submissions}
    assert "larger than 1 MB" in told["bomb"] and "larger than 1 MB" in told["huge"] and "damaged" in told["lying"]
    assert told["zoe"] == "" and next(s for s in found.submissions if s.student == "zoe").content == BOOK
    assert len(found.problems) == 3 and all(p.endswith(".") for p in found.problems)


def test_a_file_that_is_too_large_gets_a_row_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archives, "LARGEST_NOTEBOOK", 1 << 20)
    large = {f"{FIRST}.ipynb": b" " * (2 << 20), f"{ELBO}.ipynb": b" " * (2 << 20), "Untitled.ipynb": b" " * (2 << 20)}
    found = laid_out(tmp_path, {f"ann/{name}": large[name] for name in large} | {f"ann/old/{FIRST}.ipynb": BOOK})
    first, elbo = found.submissions
    assert first.content == BOOK and not first.problem, "an older one that can be graded is"
    assert elbo.content == b"" and "clear the notebook's outputs" in elbo.problem
    assert any("ann/Untitled.ipynb was left out" in problem for problem in found.problems)
    graded = grade_submission(elbo, sandbox=False)
    assert graded.problem == elbo.problem and graded.needs_person() and graded.points == 0


def limited(monkeypatch: pytest.MonkeyPatch, books: int) -> None:
    """So many notebooks may come out of a zip, two out of a zip in it."""
    monkeypatch.setattr(archives, "LARGEST_CONTENT", books * len(BOOK) + 10)
    monkeypatch.setattr(archives, "LARGEST_SHARE", 2 * len(BOOK) + 10, raising=False)
    monkeypatch.setattr(archives, "MOST_EXPANSION", 0, raising=False)


def test_many_small_bombs_together_are_left_out_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    limited(monkeypatch, 3)
    found = laid_out(tmp_path, {"all.zip": zipped({f"s{n}/{FIRST}.ipynb": BOOK for n in range(5)})})
    assert len(found.submissions) == 3 and sum("too much comes out" in p for p in found.problems) == 2


def test_the_bomb_of_one_student_takes_nothing_from_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    limited(monkeypatch, 5)
    many = zipped({f"{name}.ipynb": BOOK for name in KNOWN})
    others = {f"{name}.zip": zipped({f"{FIRST}.ipynb": BOOK}) for name in ("bob", "zoe")}
    loose = laid_out(tmp_path / "loose", {"aaron.zip": many, f"carl/{FIRST}.ipynb": BOOK, **others})
    large = {f"aaron/{name}.ipynb": BOOK + b" " * 10 for name in KNOWN}
    folders = laid_out(tmp_path / "folders", {"class.zip": zipped(large | {f"{n}/{FIRST}.ipynb": BOOK for n in "bcd"})})
    limited(monkeypatch, 20)
    inside = laid_out(tmp_path / "inside", {"class.zip": zipped({"aaron.zip": many, **others})})
    assert {s for s, _ in whose(loose)} == {"aaron", "bob", "carl", "zoe"}
    assert {s for s, _ in whose(inside)} == {"aaron", "bob", "zoe"}
    assert {s for s, _ in whose(folders)} == {"aaron", "b", "c", "d"}
    for found, taken in ((loose, 5), (inside, 2), (folders, 1)):
        assert sum(s == "aaron" for s, _ in whose(found)) == taken
        assert sum("aaron" in problem for problem in found.problems) == len(KNOWN) - taken


@pytest.mark.parametrize("as_zip", [False, True])
def test_however_large_a_class_is_its_files_wait_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_zip: bool
):
    files = {f"s{n}/{FIRST}.ipynb": os.urandom(1 << 20) for n in range(12)}
    if not as_zip:
        monkeypatch.setattr(archives, "LARGEST_CONTENT", 3 << 20)
    laid_out(tmp_path, {"all.zip": zipped(files)} if as_zip else files)
    collect(tmp_path)  # what is loaded once
    tracemalloc.start()
    found = collect(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.submissions) == 12 and found.problems == () and peak < 9 << 20
    assert {s.content for s in found.submissions} == set(files.values())


def test_one_content_has_one_fingerprint_wherever_it_lies_and_goes_along_to_another_process(tmp_path: Path):
    settings = {"limits": DEFAULT_LIMITS, "sandbox": True, "seed": 1}
    layouts = {
        "loose": {f"a/{FIRST}.ipynb": BOOK},
        "zip": {"a.zip": zipped({f"{FIRST}.ipynb": BOOK})},
        "nested": {"all.zip": zipped({"a.zip": zipped({f"{FIRST}.ipynb": BOOK})})},
    }
    rows = [laid_out(tmp_path / name, files).submissions[0] for name, files in layouts.items()]
    keys = {classes.key_of(row, **settings) for row in rows}
    assert keys == {classes.key_of(Submission("a", FIRST, "x", BOOK), **settings)}
    assert classes.key_of(Submission("a", FIRST, "x", BOOK + b" "), **settings) not in keys
    for row, file in zip(rows, (f"loose/a/{FIRST}.ipynb", "zip/a.zip", "nested/all.zip"), strict=True):
        sent = pickle.dumps(row.loaded())
        (tmp_path / file).unlink()
        assert pickle.loads(sent).content == BOOK
        with pytest.raises(GradingError, match=r"can't be read now .* run the same command again"):
            row.loaded()


def test_a_zip_that_changes_between_two_runs_is_read_anew(tmp_path: Path):
    first = laid_out(tmp_path, {"a.zip": zipped({f"{FIRST}.ipynb": BOOK})})
    assert first.submissions[0].content == BOOK
    other = to_bytes(filled(FIRST, {A: "another answer"}))
    (tmp_path / "a.zip").write_bytes(zipped({"notes.txt": b"", f"{FIRST}.ipynb": other}))
    os.utime(tmp_path / "a.zip", (5000, 5000))
    assert collect(tmp_path).submissions[0].content == other


def book(answer: str) -> bytes:
    return to_bytes(filled(FIRST, {A: answer}))


@pytest.mark.parametrize(
    ("names", "students"),
    [
        (["week 1/alice/{}", "week 1/bob/{}"], ["alice", "bob"]),
        (["section-A/alice/{}", "section-B/bob/{}", "section-B/carl/{}"], ["alice", "bob", "carl"]),
        (["section-A/alice/{}", "section-B/alice/{}"], ["section-A-alice", "section-B-alice"]),
        (["Tuesday/alice/{}", "Tuesday/bob/{}", "eve/{}"], ["alice", "bob", "eve"]),
        (["Tuesday/{}", *(f"Tuesday/{name}/{{}}" for name in ("alice", "bob", "carl"))], ["Tuesday", "alice", "bob", "carl"]),
        (["alice_00_start_here/{}", "bob_00_start_here/{}"], ["alice", "bob"]),
        (["00_start_here/{}", "a/{}", "00_start_here/x/{}"], ["a", "unknown", "x"]),
        (["{}", "00_start_here (1).ipynb", "00_start_here (2).ipynb"], ["unknown-1", "unknown-2", "unknown-3"]),
        (["{}", "unknown/{}"], ["unknown", "unknown-2"]),
        (["smithjohn_111_1001_{}", "smithjohn_999_1002_{}"], ["smithjohn_111", "smithjohn_999"]),
        (["smithjohn_111_1001_{}", "smithjohn_LATE_111_1002_{}"], ["smithjohn"]),
        (["group 1/{}", "group 2/{}"], ["group 1", "group 2"]),
        (["group 1/a/{}", "group 1/b/{}"], ["a", "b"]),
        (["alice/{}", "alice/old/{}", "bob/{}"], ["alice", "bob"]),
        (["alice/old/{}", "alice/new/{}", "alice/attempt 3/{}"], ["alice"]),
        (["alice/first/{}", "alice/{}"], ["alice"]),
        (["2026/submitted/alice/{}", "2026/submitted/bob/{}"], ["alice", "bob"]),
        (["2026/submitted/alice/{}"], ["alice"]),
        (["A_123_assignsubmission_file_/x/{}", "A_124_assignsubmission_file_/y/{}"], ["A_123", "A_124"]),
        (["lisa/alice_04_the_elbo.ipynb", "lisa/bob_{}", "alice/{}", "bob/{}"], ["alice", "bob", "lisa", "lisa"]),
        (["late/alice_04_the_elbo.ipynb", "late/bob_{}", "alice/{}", "bob/{}"], ["alice", "alice", "bob", "late-bob"]),
        (["handed in 2026/00_start_here/alice.ipynb", "handed in 2026/00_start_here/bob.ipynb"], ["alice", "bob"]),
        (["VAE-20260101/VAE/alice/{}", "VAE-20260101/VAE/bob/{}"], ["alice", "bob"]),
        (["VAE/HW/a/{}", "VAE/HW/b/{}", "VAE/HW/c/{}", "eve/{}"], ["a", "b", "c", "eve"]),
        (["Tuesday/alice_{}", "Tuesday/bob_{}", "Tuesday/carl_{}", "eve/{}"], ["alice", "bob", "carl", "eve"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("zips", [False, True])
def test_two_students_never_become_one(tmp_path: Path, names: list[str], students: list[str], zips: bool):
    files = {name.format(f"{FIRST}.ipynb"): book(name) for name in names}
    folders = {name.split("/")[0] for name in files if "/" in name}
    if zips:  # the same, with each folder at the top as a zip
        tops = {f"{top}.zip": zipped({n.removeprefix(f"{top}/"): c for n, c in files.items() if n.startswith(f"{top}/")})
                for top in folders}  # fmt: skip
        files = tops | {name: content for name, content in files.items() if "/" not in name}
    found = laid_out(tmp_path, files)
    assert [s for s, _ in whose(found)] == students
    graded = " ".join(s.name for s in found.submissions)
    assert all(name.rsplit("/", 1)[-1] in graded for name in files if "/" not in name and len(students) > 1)


def test_whoever_can_not_be_told_apart_is_for_a_person(tmp_path: Path):
    found = laid_out(
        tmp_path,
        {
            f"{FIRST}.ipynb": book("1"),
            "00_start_here (1).ipynb": book("2"),
            f"section-A/alice/{FIRST}.ipynb": book("3"),
            f"section-B/alice/{FIRST}.ipynb": book("4"),
            f"section-B/alice/{ELBO}.ipynb": BOOK,
            f"dan/{FIRST}.ipynb": book("5"),
            f"dan/a friend/{FIRST}.ipynb": book("6"),
            f"eve/{FIRST}.ipynb": book("7"),
        },
    )
    doubted = {(s.student, s.lesson): " ".join(s.doubts) for s in found.submissions if s.doubts}
    assert "does not say whose" in doubted["unknown-1", FIRST] and "does not say whose" in doubted["unknown-2", FIRST]
    assert "several places (section-A/alice, section-B/alice)" in doubted["section-A-alice", FIRST]
    assert ("section-B-alice", ELBO) in doubted, "all of one place has one name"
    assert "2 times" in doubted["dan", FIRST] and len(doubted) == 6
    unread = next(s for s in found.submissions if s.student == "unknown-1")
    graded = grade_submission(Submission("a", FIRST, "a", b"", doubts=unread.doubts), sandbox=False)
    assert graded.doubts == unread.doubts and graded.needs_person()


def test_one_student_in_several_weeks_is_one(tmp_path: Path):
    found = laid_out(
        tmp_path,
        {
            f"week 1/alice/{FIRST}.ipynb": BOOK,
            f"week 2/alice/{ELBO}.ipynb": BOOK,
            f"smithjohn_111_1001_{FIRST}.ipynb": BOOK,
            f"smithjohn_111_1002_{ELBO}.ipynb": BOOK,
            f"m\u00fcllerhans_12345_67890_{FIRST}.ipynb": BOOK,
            f"m\u00fcllerhans_12345_67999_{ELBO}.ipynb": BOOK,
        },
    )
    assert {s for s, _ in whose(found)} == {"alice", "smithjohn", "m\u00fcllerhans"}
    assert len(found.submissions) == 6 and found.problems == ()


@pytest.mark.parametrize(
    "forged",
    [
        "mallory/submitted/bob/one/{}",
        "mallory/Bob_123_assignsubmission_file_/{}",
        "mallory/bob_111_222_{}",
        "mallory/bob_{}",
        "mallory.zip",
        "submissions/mallory/bob/{}",
        "submitted/mallory/bob/{}",
    ],
)
def test_nobody_takes_the_place_of_another(tmp_path: Path, forged: str):
    content = zipped({f"bob/{FIRST}.ipynb": book("forged")}) if forged == "mallory.zip" else book("forged")
    own = {f"{name}/{FIRST}.ipynb": BOOK for name in ("bob", "Bob_123_assignsubmission_file_")}
    found = laid_out(tmp_path, own | {forged.format(f"{FIRST}.ipynb"): content})
    rows = {s.student: s.content for s in found.submissions}
    assert rows == {"bob": BOOK, "Bob": BOOK, "mallory": book("forged")}


def test_a_folder_that_looks_like_a_class_takes_no_place_either(tmp_path: Path):
    own = {f"submissions/bob/{FIRST}.ipynb": BOOK}
    found = laid_out(tmp_path, own | {f"mallory/{name}/{FIRST}.ipynb": book(name) for name in ("bob", "eve")})
    rows = {s.student: s for s in found.submissions}
    assert {name: row.content for name, row in rows.items()} == {
        "bob": BOOK, "eve": book("eve"), "mallory-bob": book("bob"),
    }  # fmt: skip
    assert rows["mallory-bob"].doubts and rows["bob"].doubts


def test_nothing_is_lost_without_a_word(tmp_path: Path):
    found = laid_out(
        tmp_path,
        {
            f"ann/{FIRST}.ipynb.txt": BOOK,
            f"bob_{FIRST}.ipynb.json": BOOK,
            f"carol/{FIRST}.html": b"<html>",
            f"ann/{FIRST}.html": b"<html>",
            "ann/notes.txt": b"",
            "dave.tar.gz": b"",
            "eve.rar": b"",
            "frank/report.docx": b"",
            "odd.zip": zipped({f"{FIRST}.ipynb": BOOK, ".": b""}),
            "readme.txt": b"",
            "class.zip": zipped(
                {
                    f"gus/{FIRST}.ipynb": BOOK,
                    f"hal/{FIRST}.ipynb": BOOK,
                    "ida/x.7z": b"",
                    "jo/report.docx": b"",
                    "kim/": b"",
                }
            ),
        },
    )
    (tmp_path / "lea").mkdir()
    assert not any("carol/" in problem for problem in collect(tmp_path, [ELBO]).problems)
    found = collect(tmp_path)
    assert {s for s, _ in whose(found)} == {"ann", "bob", "gus", "hal", "odd"}
    started = [" ".join(problem.split()[:3]) for problem in found.problems]
    assert sorted(started) == [
        f"carol/{FIRST}.html was left",
        "class.zip: ida/x.7z was",
        "class/jo holds nothing",
        "class/kim holds nothing",
        "dave.tar.gz was left",
        "eve.rar was left",
        "frank holds nothing",
        "lea holds nothing",
    ]


@pytest.mark.parametrize(("year", "newest"), [(2024, "loose"), (2026, "zip"), (0, "loose")])
def test_the_newest_is_the_newest_in_a_zip_and_beside_it(tmp_path: Path, year: int, newest: str):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{FIRST}.ipynb", (year or 1980, 3, 1, 12, 0, 0)), book("zip"))
    content = stream.getvalue()
    if not year:  # some tools write no date: month 0
        content = content.replace(b"\x00\x60\x61\x00", b"\x00\x60\x00\x00")
        assert zipfile.ZipFile(io.BytesIO(content)).infolist()[0].date_time[1] == 0
    laid_out(tmp_path, {"alice.zip": content, f"alice/{FIRST}.ipynb": book("loose")})
    when = datetime(2025, 6, 1).timestamp()
    os.utime(tmp_path / "alice" / f"{FIRST}.ipynb", (when, when))
    found = collect(tmp_path)
    assert [s.content for s in found.submissions] == [book(newest)]
    assert len(found.problems) == 1 and "2 times" in found.problems[0], "neither is lost"


def test_of_two_files_of_one_time_the_browsers_last_is_graded(tmp_path: Path):
    names = [f"{FIRST}.ipynb", f"{FIRST} (2).ipynb", f"{FIRST} (10).ipynb"]
    laid_out(tmp_path, {f"alice/{name}": book(name) for name in names})
    for name in names:
        os.utime(tmp_path / "alice" / name, (1000, 1000))
    assert [s.content for s in collect(tmp_path).submissions] == [book(names[-1])]


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_could_take_any_memory_to_unpack_is_not_unpacked(tmp_path: Path, compression: int):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr(f"{FIRST}.ipynb", BOOK)
    found = laid_out(tmp_path, {"odd.zip": stream.getvalue(), f"zoe/{FIRST}.ipynb": BOOK})
    assert {s.student: "an ordinary zip" in s.problem for s in found.submissions} == {"odd": True, "zoe": False}


def test_a_member_that_lies_about_its_size_takes_no_more_than_a_notebook_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(archives, "LARGEST_NOTEBOOK", 1 << 20)
    size, most = (40 << 20).to_bytes(4, "little"), 12 << 20
    lying = zipped({f"{FIRST}.ipynb": b" " * (40 << 20)}).replace(size, (10).to_bytes(4, "little"))
    laid_out(tmp_path, {"a.zip": zipped({f"{FIRST}.ipynb": BOOK})})  # what is loaded once
    tracemalloc.start()
    found = laid_out(tmp_path, {"lying.zip": lying})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [s.student for s in found.submissions if "damaged" in s.problem] == ["lying"] and peak < most


@pytest.mark.parametrize("name", ["..zip", "...zip", ".zip"])
def test_a_zip_without_a_name_and_one_with_impossible_numbers_stop_nothing(tmp_path: Path, name: str):
    place = PurePosixPath("in") / name
    assert archives._without_ending(place) == place, "Python 3.13 and later refuse a path without a name"
    inner = zipped({f"{FIRST}.ipynb": BOOK})
    end = inner.rfind(b"PK\x05\x06")
    central = inner[inner.rfind(b"PK\x01\x02") : end]
    far = struct.pack("<HHQ", 1, 8, 2**64 - 2)  # where the member begins, as a number of 64 bits
    central = central[:30] + struct.pack("<H", len(far)) + central[32:42] + b"\xff" * 4 + central[46:] + far
    impossible = inner[: inner.rfind(b"PK\x01\x02")] + central + inner[end : end + 12]
    impossible += struct.pack("<LLH", len(central), inner.rfind(b"PK\x01\x02"), 0)
    files = {
        name: zipped({f"{FIRST}.ipynb": BOOK}),
        "odd.zip": zipped({"inner.zip": impossible, f"{FIRST}.ipynb": BOOK}),
    }
    inside = zipped({name: b"no zip", f"alice/{FIRST}.ipynb": BOOK, f"bob/{FIRST}.ipynb": BOOK})
    found = laid_out(tmp_path, files | {f"zoe/{FIRST}.ipynb": BOOK, "submissions.zip": inside})
    assert {"odd", "zoe", "alice", "bob"} <= {s for s, _ in whose(found)}


def test_who_may_be_somebody_else_is_for_a_person(tmp_path: Path):
    """Names that no platform wrote: two tries of one student look like two students, and the other way round."""
    elbo = to_bytes({"cells": [{"cell_type": "code", "source": "x"}]})
    files = {
        f"alice/first/{FIRST}.ipynb": book("1"),
        f"alice/second/{FIRST}.ipynb": book("2"),
        f"lisa/bob_{FIRST}.ipynb": book("3"),
        f"lisa/carl_{ELBO}.ipynb": elbo,
        f"bob/{ELBO}.ipynb": elbo,
        f"carl/{FIRST}.ipynb": book("4"),
        f"mallory/dan/{ELBO}.ipynb": elbo,
        f"mallory/zed/{ELBO}.ipynb": book("5"),
        **{f"Tuesday/{name}/{FIRST}.ipynb": book(name) for name in ("x", "y", "z")},
        f"dan/{FIRST}.ipynb": book("6"),
        f"eve/{FIRST}.ipynb": book("7"),
    }
    found = laid_out(tmp_path, files)
    doubts = {(s.student, s.lesson): " ".join(s.doubts) for s in found.submissions if s.doubts}
    assert all("alice was taken for a folder of several" in doubts[name, FIRST] for name in ("first", "second"))
    assert "names bob" in doubts["lisa", FIRST] and "names carl" in doubts["lisa", ELBO]
    assert "somebody else may have put it there" in doubts["dan", ELBO]
    assert not any((name, FIRST) in doubts for name in ("carl", "dan", "eve"))
    told = [problem for problem in found.problems if "was taken for a folder of several" in problem]
    assert [problem for problem in told if problem.startswith("Tuesday")] == [
        "Tuesday was taken for a folder of several students: x, y, z. If it is one student's, leave only what counts in it."
    ]
    assert any(problem.startswith("mallory was taken for a folder of several students: dan, zed") for problem in told)


def test_a_download_made_twice_is_of_the_same_students_and_the_newest_counts(tmp_path: Path):
    def download(day: int, answer: str) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name in (f"smithalice_111_1001_{FIRST}.ipynb", f"Bob_123_assignsubmission_file_/{FIRST}.ipynb"):
                archive.writestr(zipfile.ZipInfo(name, (2026, 3, day, 12, 0, 0)), book(answer))
        return stream.getvalue()

    found = laid_out(tmp_path, {"submissions.zip": download(1, "old"), "submissions (1).zip": download(2, "new")})
    assert {s.student: s.content for s in found.submissions} == {"smithalice": book("new"), "Bob": book("new")}
    assert len(found.problems) == 2 and all("2 times" in problem for problem in found.problems)


def test_several_people_of_one_name_have_their_numbers_and_it_is_said(tmp_path: Path):
    """On Canvas a number is a person's; on Moodle it is another one in each assignment, so only two in one are two people."""
    files = {f"smithjohn_111_1001_{FIRST}.ipynb": book("1"), f"smithjohn_999_1002_{ELBO}.ipynb": book("2")}
    files |= {f"Bo_{n}_assignsubmission_file_/{FIRST}.ipynb": book(n) for n in ("501", "502")}
    files |= {f"Bo_{n}_assignsubmission_file_/{ELBO}.ipynb": book(n) for n in ("601", "602")}
    moodle = {
        f"Ann_12{i}_assignsubmission_file_/{lesson}.ipynb": book(str(i)) for i, lesson in enumerate((FIRST, ELBO))
    }
    found = laid_out(tmp_path, files | moodle)
    bos = [f"Bo_{n}" for n in ("501", "502", "601", "602")]
    assert [s for s, _ in whose(found)] == ["Ann", "Ann", *bos, "smithjohn_111", "smithjohn_999"]
    assert [problem.partition(", so")[0] for problem in sorted(found.problems)] == [
        "Bo is the name of several people (501, 502, 601, 602)",
        "smithjohn is the name of several people (111, 999)",
    ]


def test_an_older_file_that_can_be_read_is_graded_and_a_person_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archives, "LARGEST_NOTEBOOK", 1 << 20)
    laid_out(tmp_path, {f"ann/{FIRST}.ipynb": BOOK, f"ann/{FIRST} (1).ipynb": b" " * (2 << 20)})
    os.utime(tmp_path / "ann" / f"{FIRST}.ipynb", (1000, 1000))
    (ann,) = collect(tmp_path).submissions
    assert ann.content == BOOK and "the newest that can be read" in " ".join(ann.doubts)


def test_folders_without_end_stop_nothing(tmp_path: Path):
    laid_out(tmp_path, {f"zoe/{FIRST}.ipynb": BOOK})
    deep = tmp_path / "deep"
    deep.mkdir()
    here = os.open(deep, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    try:
        found = collect(tmp_path)
    finally:
        subprocess.run(["rm", "-r", str(deep)], check=True)
    assert whose(found) == [("zoe", FIRST)]
    assert any("in more than 40 folders" in problem for problem in found.problems)


def test_a_folder_into_which_nobody_may_look_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    laid_out(tmp_path, {f"{name}/{FIRST}.ipynb": BOOK for name in ("shut", "zoe")})

    def refused(path: Path, look: Callable[..., os.stat_result], **settings: bool) -> os.stat_result:
        if path.parent.name == "shut":  # it may be listed, but not entered
            raise PermissionError(13, "Permission denied")
        return look(path, **settings)

    for name in ("stat", "lstat"):
        monkeypatch.setattr(Path, name, functools.partialmethod(refused, getattr(Path, name)))
    found = collect(tmp_path)
    assert whose(found) == [("zoe", FIRST)]
    assert any(problem.startswith("shut/") and "Permission denied" in problem for problem in found.problems)


@pytest.mark.parametrize("inside", ["submitted/bob/one", "Bob_123_assignsubmission_file_"])
def test_nobody_hands_in_for_another_by_the_paths_in_a_zip(tmp_path: Path, inside: str):
    forged = zipped({f"{inside}/{FIRST}.ipynb": to_bytes(filled(FIRST, {A: "forged"}))})
    found = laid_out(tmp_path, {"mallory/work.zip": forged, "canvas.zip": zipped({"eve.zip": forged})})
    assert {s for s, _ in whose(found)} == {"mallory", "eve"}
    assert all("lies in what" in p for p in found.problems) and len(found.problems) == 2


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("submissions/moodle.zip", {f"{name}_12{i}_assignsubmission_file_/{{}}": name for i, name in enumerate("ab")}),
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
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"a/{FIRST}.ipynb", BOOK)
    whole = bytearray(stream.getvalue())
    start = len(f"a/{FIRST}.ipynb") + 30
    whole[start : start + 40] = b"\xff" * 40  # what the decoder reads first
    found = laid_out(
        tmp_path,
        {
            "bad.zip": bytes(whole),
            "long.zip": zipped({f"{' ' * 20_000}/{FIRST}.ipynb": BOOK}),
            f"zoe/{FIRST}.ipynb": BOOK,
        },
    )
    assert {s.student: "damaged" in s.problem for s in found.submissions} == {"bad": True, "zoe": False}
    assert len(found.problems) == 1 and "too long" in found.problems[0] and len(found.problems[0]) < 300


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


def test_a_notebook_without_a_name_is_graded_as_unknown(tmp_path: Path):
    found = laid_out(tmp_path, {f"{FIRST}.ipynb": BOOK})
    assert whose(found) == [("unknown", FIRST)] and "does not say whose" in found.problems[0]


def test_the_fixture_is_as_it_seems():
    assert "interpolate" in cell_of(both(), A)["source"]


# What platforms hand out ------------------------------------------------------------------------------------

TREES = {
    "Moodle": (
        ["Zoë Müller_8801_assignsubmission_file_/{}", "Al O'Neil_8802_assignsubmission_file_/{}"],
        {"Zoë Müller", "Al O'Neil"},
    ),
    "Moodle, one folder for each class": (
        ["Course/Week 3/Ann B_4401_assignsubmission_file_/{}", "Course/Week 3/Bo C_4402_assignsubmission_file_/{}"],
        {"Ann B", "Bo C"},
    ),
    "Canvas": (["leeann_LATE_41234_99887_{}", "parkbo_51234_99888_hw1-2.ipynb"], {"leeann", "parkbo"}),
    "Blackboard": (
        [
            "ps1_alee3_attempt_2016-01-30-20-30-10_{}",
            "ps1_alee3_attempt_2016-02-01-09-00-00_{}",
            "ps1_bpark_attempt_2016-01-30-20-31-10_my work.ipynb",
        ],
        {"alee3", "bpark"},
    ),
    "Brightspace": (
        [
            "39787-640693 - Ann Lee - Oct 11, 2025 1130 AM/{}",
            "39787-640693 - Ann Lee - Oct 12, 2025 9:05 PM/{}",
            "39788-640693 - Bo Park- Oct 11, 2025 1131 AM - {}",
        ],
        {"Ann Lee", "Bo Park"},
    ),
    "Gradescope": (["export/submission_4711001/{}", "export/submission_4711002/{}"], {f"submission_471100{n}" for n in "12"}),
    "nbgrader": (
        [f"course/{folder}/00_start_here/{{}}" for folder in ("source", "release")]
        + [f"course/{folder}/{name}/00_start_here/{{}}" for folder in ("submitted", "autograded") for name in ("ann", "bo")],
        {"ann", "bo"},
    ),
    "GitHub Classroom": ([f"vae-homework-1-{name}/{{}}" for name in ("ann-lee", "bo")], {"ann-lee", "bo"}),
    "Google Drive": (["Ann Lee - {}", "Bo Park - Copy of {}", "Copie de {} - Cy.ipynb"], {"Ann Lee", "Bo Park", "Cy"}),
    "GitHub Classroom, one": (["hw-1-submissions/hw-1-ann-lee/{}"], {"ann-lee"}),
    "Google Drive, the class's download": (
        [f"HW 1-20251011T113000Z-001/HW 1/{name} - HW 1.ipynb" for name in ("Ann Lee", "Bo Park")],
        {"Ann Lee", "Bo Park"},
    ),
    "Teams": (
        [f"Student Work/Submitted files/{name}/HW1/Version 1/{{}}" for name in ("Ann Lee", "Bo Park")],
        {"Ann Lee", "Bo Park"},
    ),
    "Brightspace, other dates": (
        ["39787-640693 - Anne L\u00e9e-Roux - 3 f\u00e9vr. 2025 11 h 30/{}", "39788-640693 - Bo Park - 11 October, 2025 1131/{}"],
        {"Anne L\u00e9e-Roux", "Bo Park"},
    ),
    "Blackboard, users of one last word": (
        [f"ps1_{name}_lee_attempt_2016-01-30-20-30-10_{{}}" for name in "ab"],
        {"lee_ps1_a", "lee_ps1_b"},
    ),
    "Canvas, names with a hyphen": (["smith-jonesann_41234_99887_{}", "obrien_51234_99888_{}"], {"smith-jonesann", "obrien"}),
    "nbgrader, numbers": ([f"submitted/{number}/ps1/{{}}" for number in (1234, 1235)], {"1234", "1235"}),
    "numbers of students in a course": (
        [f"Machine Learning/{number}/{{}}" for number in (12345678, 12345679)],
        {"12345678", "12345679"},
    ),
    "numbers of students above one word": (
        [f"{number}/Desktop/{{}}" for number in (12345678, 12345679)],
        {"12345678", "12345679"},
    ),
    "copies in other letters": (["{} \u306e\u30b3\u30d4\u30fc - Dee.ipynb", "{}\u7684\u526f\u672c - Eva.ipynb"], {"Dee", "Eva"}),
    "months": (["October/ann/{}", "November/bo/{}"], {"ann", "bo"}),
    "words at the end": (["ann_final_{}", "bo_FINAL_v2_{}", "cy_submission/{}"], {"ann", "bo", "cy"}),
    "people of one first name": (
        [f"Maria {name}/{{}}" for name in ("Cruz", "Diaz", "Gil")],
        {"Maria Cruz", "Maria Diaz", "Maria Gil"},
    ),
    "one lesson each": (["VAE/ann/{}", "VAE/bo/04_the_elbo.ipynb"], {"ann", "bo"}),
    "copies": (["Kopie von {}", "Cópia de {}", "Copie de {}"], {"unknown-1", "unknown-2", "unknown-3"}),
    "dates": (["2025-10-11/{}", "11.10.2025/{}", "20251012_1130/{}"], {"unknown-1", "unknown-2", "unknown-3"}),
    "dates above names": (["2025-10-11/ann/{}", "2025-10-12/bo/{}"], {"ann", "bo"}),
    "tries": (["ann/attempt 1/{}", "ann/attempt_2/{}", "bo_late/{}", "cy/resubmission/{}"], {"ann", "bo", "cy"}),
    "numbers": (["1/{}", "2/{}"], {"unknown-1", "unknown-2"}),
    "numbers of students": (["4711001/{}", "4711002/{}"], {"4711001", "4711002"}),
    "words in common": ([f"HW3_VAE_{name}_final/{{}}" for name in ("ann", "bo", "cy")], {"ann", "bo", "cy"}),
    "two of one family": (["anna schmidt/{}", "peter schmidt/{}"], {"anna schmidt", "peter schmidt"}),
    "one student": (["Lee, Ann/{}"], {"Lee, Ann"}),
    "far down": ([f"a/b/Course 2026/Tuesday group/hand-ins/{name}/{{}}" for name in ("ann", "bo", "cy")], {"ann", "bo", "cy"}),
}  # fmt: skip


GRADESCOPE = """---
submission_4711001:
  :submitters:
  - :name: 'Al O''Neil'
    :sid: '0042'
    :email: al@example.org
  :created_at: 2025-10-11 09:30:00.123000000 Z
  :score: 0.0
  :results:
    tests:
    - output: |-
        submission_4711002:
          :submitters:
          - :name: Al O'Neil
  :history:
  - :id: 1
    :submitters:
    - :name: Nobody
submission_4711002:
  :submitters:
  - :name: "Zo\\u00EB M\u00fcller"
    :email: zoe@example.org
  - :name: Bo Park
    :sid: 43
  :created_at: yesterday
submission_4711003:
  :submitters: []
submission_4711004:
  :submitters:
  - :name:
    :sid: ''
    :email: cy@example.org
"""


@pytest.mark.parametrize("as_zip", [False, True])
def test_gradescopes_list_says_whose_its_numbered_folders_are(tmp_path: Path, as_zip: bool):
    files = {f"submission_471100{n}/{FIRST}.ipynb": book(str(n)) for n in range(1, 6)}
    # Nobody becomes somebody else by a list of one's own.
    files["submission_4711001/submission_metadata.yml"] = GRADESCOPE.encode()
    files[f"submission_4711001/submission_4711002/{FIRST} (1).ipynb"] = book("1")
    files["submission_metadata.yml"] = GRADESCOPE.encode()
    inside = {f"assignment_1_export/{name}": content for name, content in files.items()}
    found = laid_out(tmp_path, {"download.zip": zipped(inside)} if as_zip else inside)
    students = {"Al O'Neil": "1", "Zo\u00eb M\u00fcller and Bo Park": "2", "cy@example.org": "4"}
    students |= {f"submission_471100{n}": str(n) for n in (3, 5)}
    assert {s.student: s.content for s in found.submissions} == {name: book(n) for name, n in students.items()}
    assert list(found.platforms) == ["Gradescope"]
    assert [p.partition(" stood in no")[0] for p in found.problems if "submission_metadata" in p] == [
        "2 students (submission_4711003, submission_4711005)"
    ]


def test_a_roster_knows_those_whom_only_gradescopes_list_names(tmp_path: Path):
    roster = tmp_path / "names.csv"
    roster.write_text("login,number\nal,42\nzoe,0042\n", encoding="utf-8")
    path = tmp_path / "in" / f"submission_4711001/{FIRST}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(BOOK)
    (tmp_path / "in" / "submission_metadata.yml").write_text(GRADESCOPE, encoding="utf-8")
    assert whose(collect(tmp_path / "in", names=read_names(roster, None))) == [("zoe", FIRST)]


def test_two_people_of_one_name_on_gradescope_stay_two_and_the_newest_of_one_counts(tmp_path: Path):
    entry = "submission_{0}{1}:\n  :submitters:\n  - :name: Ann Lee\n    :sid: '{1}'\n  :created_at: 2025-10-1{2} 09:30:00 Z\n"
    for export, day in ((7001, 2), (7002, 1)):
        names = "".join(entry.format(export, number, day) for number in (1, 2))
        files = {f"{export}/submission_{export}{n}/{FIRST}.ipynb": book(f"{export}, {n}") for n in (1, 2)}
        found = laid_out(tmp_path, files | {f"{export}/submission_metadata.yml": names.encode()})
    assert {s.student: s.content for s in found.submissions} == {f"Ann Lee_{n}": book(f"7001, {n}") for n in (1, 2)}


def written(name: str) -> str:
    return name.replace("{}", f"{FIRST}.ipynb") if "/{}" in name or name.endswith("{}") else name.replace("{}", FIRST)


@pytest.mark.parametrize("platform", TREES)
def test_a_download_is_of_its_students(tmp_path: Path, platform: str):
    names, students = TREES[platform]
    found = laid_out(tmp_path, {written(name): book(name) for name in names})
    assert {s for s, _ in whose(found)} == students
    assert not any("holds nothing" in problem for problem in found.problems)
    known = re.match("Moodle|Canvas|Blackboard|Brightspace|Gradescope|nbgrader", platform)
    assert not known or list(found.platforms) == [known[0]]


def test_what_nbgrader_keeps_beside_what_was_submitted_is_left_out_with_a_word(tmp_path: Path):
    found = laid_out(tmp_path, {written(name): book(name) for name in TREES["nbgrader"][0]})
    assert [s.content for s in found.submissions] == [
        book(name) for name in TREES["nbgrader"][0] if "submitted" in name
    ]
    assert sorted(problem.partition(" was")[0] for problem in found.problems) == [
        f"course/{folder}" for folder in ("autograded", "release", "source")
    ]


def test_a_roster_finds_names_and_numbers_wherever_they_stand(tmp_path: Path):
    roster = tmp_path / "names.csv"
    roster.write_text(
        "Student ID;Last name;First name;Email\n4711;Lee;Ann;alee@x.org\n4712;Lee Park;Bo;bo@x.org\n4713;Ólafsdóttir;Ásta;\n"
        "4714;Gone;Eve;\n",
        encoding="utf-8",
    )
    names = [
        "2025-10-11/4711 x/{}", "LEE-PARK, BO/deep/{}", "olafsdottirasta_1_2_{}", "Cy/{}", "work/alee/04_the_elbo.ipynb",
        "ann lee and bo lee park/{}",
    ]  # fmt: skip
    for name in names:
        path = tmp_path / "in" / written(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(book(name))
    found = collect(tmp_path / "in", names=read_names(roster, None))
    assert whose(found) == [
        ("4711", FIRST), ("4711", ELBO), ("4712", FIRST), ("4713", FIRST), ("Cy", FIRST), ("ann lee and bo lee park", FIRST),
    ]  # fmt: skip
    doubts = {s.student: " ".join(s.doubts) for s in found.submissions if s.doubts}
    assert (
        "names nobody" in doubts["Cy"]
        and "several students of the roster: 4711, 4712" in doubts["ann lee and bo lee park"]
    )
    assert any(problem.startswith("Of 1 student of the roster there is nothing: 4714") for problem in found.problems)


def test_a_pattern_finds_the_student_in_the_path(tmp_path: Path):
    for name in ("x7-ann-y/{}", "x8-bo-y/{}", "other/{}"):
        path = tmp_path / written(name)
        path.parent.mkdir()
        path.write_bytes(book(name))
    found = collect(tmp_path, names=read_names(None, r"x\d-(?P<student>\w+)-y"))
    assert [s for s, _ in whose(found)] == ["ann", "bo", "other"]
    assert [bool(s.doubts) for s in found.submissions] == [False, False, True]


@pytest.mark.parametrize(
    ("roster", "path", "student"),
    [
        ("First name,Last name,Email\nAnn,Lee,a1@x.org\nAnn,Park,a2@x.org\n", "park, ann/{}", "Ann Park"),
        (
            "Vorname;Nachname;Matrikelnummer\nJ\u00f6rg;M\u00fcller;4711\nEva;Gro\u00df;4712\n",
            "MuellerJoerg_1234_5678_{}",
            "4711",
        ),
        ("Vorname;Nachname;Matrikelnummer\nJ\u00f6rg;M\u00fcller;4711\nEva;Gro\u00df;4712\n", "Gross Eva/{}", "4712"),
        ('Student,ID,Section\n"Lee, Ann",4711,A 1\n"Park, Bo",4712,A 1\n', "A 1/Ann Lee/{}", "4711"),
        ("Lee, Ann\nPark, Bo\n", "hw/bo park/{}", "Park, Bo"),
        ("Ann Lee\nBo Park\n", "lee_ann_{}", "Ann Lee"),
        ("4711\n4712\n", "x 4712/{}", "4712"),
        ("Ann Lee,alee\nBo Park,bpark\n", "x_bpark_{}", "Bo Park"),
        ("Name;Group\n\u674e\u96f7;A\n\u97e9\u6885;A\n", "A/\u674e\u96f7/{}", "\u674e\u96f7"),
        ("\u0141ukasz S\u00f8rensen,ls1\nBo Park,bp1\n", "lukasz-sorensen/{}", "\u0141ukasz S\u00f8rensen"),
    ],
)
def test_a_roster_may_have_any_columns(tmp_path: Path, roster: str, path: str, student: str):
    (tmp_path / "names.csv").write_bytes(roster.encode("cp1252" if "M\u00fcller" in roster else "utf-8"))
    file = tmp_path / "in" / written(path)
    file.parent.mkdir(parents=True)
    file.write_bytes(BOOK)
    found = collect(tmp_path / "in", names=read_names(tmp_path / "names.csv", None))
    assert [(s.student, s.doubts) for s in found.submissions] == [(student, ())]
    assert ["Of 1 student of the roster there is nothing" in problem for problem in found.problems] == [True]


def test_of_many_names_it_is_said_how_many_more_there_are(tmp_path: Path):
    (tmp_path / "names.csv").write_text("login\n" + "\n".join(f"student{n:02}" for n in range(50)) + "\n")
    laid_out(tmp_path / "in", {f"student{n:02}/{FIRST}.ipynb": BOOK for n in range(10)})
    (told,) = collect(tmp_path / "in", names=read_names(tmp_path / "names.csv", None)).problems
    assert told.startswith("Of 40 students of the roster there is nothing: student10, ")
    assert told.endswith("student39 and 10 more.")


def test_a_first_name_of_the_roster_is_not_whoever_is_called_so(tmp_path: Path):
    (tmp_path / "names.csv").write_text("First name,Last name\nAnn,Park\nBo,Lee\n")
    laid_out(tmp_path / "in", {f"Ann Lee/{FIRST}.ipynb": BOOK})
    (ann,) = collect(tmp_path / "in", names=read_names(tmp_path / "names.csv", None)).submissions
    assert ann.student == "Ann Lee" and "names nobody" in " ".join(ann.doubts)


@pytest.mark.parametrize(
    ("roster", "pattern", "says"),
    [
        ("missing.csv", None, r"can't be read \(No such file"),
        ("empty.csv", None, "names nobody"),
        (None, "(", "no regular expression"),
        (None, "x", r"no group \(\?P<student>"),
    ],
)
def test_a_roster_or_pattern_that_is_none_is_said(tmp_path: Path, roster: str | None, pattern: str | None, says: str):
    (tmp_path / "empty.csv").write_text("\n")
    with pytest.raises(GradingError, match=says):
        read_names(tmp_path / roster if roster else None, pattern)


def test_blackboards_own_time_says_which_attempt_is_the_newest(tmp_path: Path):
    names = {day: f"ps1_ann_attempt_2016-01-{day}-20-30-10_{FIRST}.ipynb" for day in (30, 28)}
    laid_out(tmp_path, {name: filled_with(day) for day, name in names.items()})
    os.utime(tmp_path / names[30], (1000, 1000))
    assert [(s.student, s.content) for s in collect(tmp_path).submissions] == [("ann", filled_with(30))]


def filled_with(number: int) -> bytes:
    return to_bytes(filled(FIRST, {A: f"{solution(A)}\n# {number}"}))


def test_several_names_below_one_are_never_merged_without_a_word(tmp_path: Path):
    files = {f"work/ann/{FIRST}.ipynb": BOOK, "work/bo/04_the_elbo.ipynb": BOOK, f"eve/{FIRST}.ipynb": BOOK}
    found = laid_out(tmp_path, files | {f"Tuesday/{name[5:]}": content for name, content in files.items()})
    tuesday = [s for s in found.submissions if s.student == "Tuesday"]
    assert len(tuesday) == 2 and all("several names: ann, bo" in " ".join(s.doubts) for s in tuesday)


# Which file, which lesson -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("newer", "words"),
    [
        (to_bytes(handed_out(FIRST)), "the newest with work in it"),
        (to_bytes({"cells": [code("")], "nbformat": 4}), "the newest with work in it"),
        (to_bytes({"cells": [], "nbformat": 4}), "the newest that can be read"),
        (b"", "the newest that can be read"),
        (BOOK[: len(BOOK) // 2], "the newest that can be read"),
        (b"<html>", "the newest that can be read"),
    ],
    ids=["untouched", "cleared", "no cells", "empty", "cut off", "web page"],
)
def test_a_newer_file_without_work_does_not_beat_the_one_with_it(tmp_path: Path, newer: bytes, words: str):
    laid_out(tmp_path, {f"ann/{FIRST}.ipynb": BOOK, f"ann/new/{FIRST}.ipynb": newer})
    os.utime(tmp_path / "ann" / f"{FIRST}.ipynb", (1000, 1000))
    (ann,) = collect(tmp_path).submissions
    assert ann.content == BOOK and words in " ".join(ann.doubts)


def test_a_newer_file_with_less_work_is_graded_and_a_person_is_told(tmp_path: Path):
    less = to_bytes(filled(FIRST, {A: solution(A)}))
    laid_out(tmp_path, {f"ann/{FIRST}.ipynb": BOOK, f"ann/new/{FIRST}.ipynb": less})
    os.utime(tmp_path / "ann" / f"{FIRST}.ipynb", (1000, 1000))
    (ann,) = collect(tmp_path).submissions
    assert ann.content == less and "2 times" in " ".join(ann.doubts)


@pytest.mark.parametrize("name", [f"{FIRST}.ipynb", "both.ipynb", f"{ELBO}.ipynb"])
def test_two_lessons_in_one_notebook_are_both_seen(tmp_path: Path, name: str):
    elbo = filled(ELBO, {BOUND: solution(BOUND)})
    book = {**both(), "metadata": {}, "cells": [*both()["cells"], *elbo["cells"]]}
    found = laid_out(tmp_path, {f"ann/{name}": to_bytes(book)})
    assert whose(found) == [("ann", FIRST), ("ann", ELBO)] and all(s.doubts for s in found.submissions)
    assert len(found.problems) == 1 and "is graded as each of them" in found.problems[0]
    book["cells"] = [*both()["cells"], *handed_out(ELBO)["cells"]]
    found = laid_out(tmp_path, {f"ann/{name}": to_bytes(book)})
    assert (len(found.submissions) == 1) == (name != f"{ELBO}.ipynb"), "nobody has worked on the other"


@pytest.mark.parametrize("flat", [True, False])
def test_a_zip_of_several_people_is_several_people(tmp_path: Path, flat: bool):
    inside = [f"{name}_{FIRST}.ipynb" if flat else f"{name}/{FIRST}.ipynb" for name in ("ann", "bo", "cy")]
    found = laid_out(
        tmp_path, {"tuesday.zip": zipped({name: book(name) for name in inside}), f"eve/{FIRST}.ipynb": book("eve")}
    )
    assert [s for s, _ in whose(found)] == ["ann", "bo", "cy", "eve"]


def test_a_zip_of_several_people_with_a_lesson_each_is_several_people(tmp_path: Path):
    inside = {f"{name}_{lesson}.ipynb": BOOK for name, lesson in zip(("ann", "bo", "cy"), KNOWN, strict=False)}
    found = laid_out(tmp_path, {"work.zip": zipped(inside), f"eve/{FIRST}.ipynb": BOOK})
    assert [s for s, _ in whose(found)] == ["ann", "bo", "cy", "eve"]

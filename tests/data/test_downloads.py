"""Downloads from mirrors that stall, break off, drip and lie: they recover, or are given up in time."""

import gzip
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.support.mirrors import (
    NOBODY,
    Behaviour,
    Mirror,
    breaks,
    breaks_once,
    drips,
    goes_on_for_ever,
    is_silent,
    lacks,
    lies,
    mirror,
    refuses,
    stalls,
    well,
)
from vae_course.data.downloads import DownloadError, Patience, TooSlow, Wanted, fetch

FILES = {f"{name}.gz": gzip.compress(random.Random(name).randbytes(size)) for name, size in (("a", 99_000), ("b", 999))}
WHOLE = [gzip.decompress(packed) for packed in FILES.values()]
SHORT = Patience(limit=2.0, pause=0.2, least=2000)
ENDLESS = replace(SHORT, limit=None)


def unpack(packed: bytes) -> bytes:
    try:
        return gzip.decompress(packed)
    except (OSError, EOFError) as error:
        raise ValueError from error


WANTED = [Wanted(name, len(packed), unpack) for name, packed in FILES.items()]


@pytest.fixture
def serve() -> Iterator:
    with ExitStack() as stack:
        yield lambda *ways: [stack.enter_context(mirror(way, FILES)) for way in ways]


def get(*mirrors: Mirror, patience: Patience = SHORT) -> list[bytes]:
    return fetch(WANTED, [each.address for each in mirrors], patience=patience)


def test_files_arrive_from_the_first_mirror_and_nothing_is_said(serve, capsys) -> None:
    first, second = serve(well, well)
    assert get(first, second) == WHOLE
    assert second.asked == [] and capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (stalls, "stalled at 0.0 MB"),
        (breaks, "broke off at 0.0 MB"),
        (drips(0.05), "stalled at 0.0 MB"),
        (is_silent, "stalled at 0.0 MB"),
        (lies, "did not send a.gz"),
        (goes_on_for_ever, "did not send a.gz"),
        (lacks, "answered 404 Not Found"),
        (refuses, "answered 416 Requested Range Not Satisfiable"),
    ],
)
def test_a_bad_mirror_is_left_for_the_next_and_one_line_says_so(serve, capsys, way: Behaviour, said: str) -> None:
    bad, good = serve(way, well)
    assert get(bad, good) == WHOLE
    assert capsys.readouterr().out == f"{bad.host} {said}; the rest comes from {good.host}.\n"


def test_a_mirror_that_is_gone_is_left_for_the_next(serve) -> None:
    (good,) = serve(well)
    assert get(Mirror(NOBODY), good) == WHOLE


@pytest.mark.parametrize("way", [stalls, breaks])
def test_what_has_arrived_is_not_fetched_again(serve, way: Behaviour) -> None:
    bad, good = serve(way, well)
    get(bad, good)
    assert good.asked[0] == ("a.gz", len(FILES["a.gz"]) // 2)


def test_a_connection_that_breaks_goes_on_at_the_same_mirror_where_there_is_no_other(serve, capsys) -> None:
    (only,) = serve(breaks_once)
    assert get(only) == WHOLE
    assert only.asked[:2] == [("a.gz", 0), ("a.gz", len(FILES["a.gz"]) // 2)]
    assert "broke off" in capsys.readouterr().out


def test_halves_that_do_not_fit_are_fetched_again_from_the_mirror_that_has_both(serve) -> None:
    """The first mirror breaks off within another file, and the second is not blamed for what then comes out."""

    def breaks_in_another_file(request) -> None:
        request.head(len(request.content))
        request.send(bytes(len(request.content) // 2))

    bad, good = serve(breaks_in_another_file, well)
    assert get(bad, good) == WHOLE


@pytest.mark.parametrize(
    ("way", "patience"),
    [
        *((way, SHORT) for way in (stalls, breaks, is_silent, lies, goes_on_for_ever, lacks)),
        *((way, ENDLESS) for way in (stalls, breaks, drips(0.05))),
    ],
)
def test_with_bad_mirrors_only_it_is_given_up_in_time_however_many_there_are(serve, way, patience, capsys) -> None:
    mirrors, began = serve(*[way] * 6), time.monotonic()
    with pytest.raises(DownloadError) as caught:
        get(*mirrors, patience=patience)
    assert time.monotonic() - began < SHORT.limit + 1.0
    assert "\n" not in str(caught.value) and str(caught.value)
    assert capsys.readouterr().err == ""


def test_a_mirror_that_refuses_is_not_asked_for_ever(serve) -> None:
    (only,) = serve(refuses)
    with pytest.raises(DownloadError, match="answered 416"):
        get(only, patience=ENDLESS)
    assert len(only.asked) == 1


def test_a_limit_holds_for_all_files_together_and_without_one_bytes_that_arrive_are_waited_for(serve) -> None:
    (slow,) = serve(drips(0.02, 1600))  # at most 80 kB a second, and never at a stand
    with pytest.raises(TooSlow, match=r"only 0\.\d of 0\.1 MB arrived in 1 seconds"):
        get(slow, patience=replace(SHORT, limit=1.0))
    assert get(slow, patience=ENDLESS) == WHOLE


def test_a_mirror_that_can_only_begin_anew_is_waited_for_too(serve) -> None:
    def breaks_later(request) -> None:
        breaks(request)
        time.sleep(0.2)

    def begins_anew(request) -> None:
        del request.handler.headers["Range"]
        drips(0.02, 1600)(request)

    bad, slow = serve(breaks_later, begins_anew)
    assert get(bad, slow, patience=Patience(None, 0.15, 500)) == WHOLE


def test_a_mirror_that_breaks_off_again_and_again_is_asked_as_long_as_it_brings_something(serve) -> None:
    def sends_a_part(request) -> None:
        rest = request.content[request.start :]
        request.head(len(rest), start=request.start)
        request.send(rest[:20_000])

    (only,) = serve(sends_a_part)
    assert get(only) == WHOLE


def test_the_same_trouble_everywhere_is_said_once(serve) -> None:
    one, other = serve(lacks, lacks)
    with pytest.raises(DownloadError, match=f"{one.host} and {other.host}: answered 404 Not Found"):
        get(one, other)
    with pytest.raises(DownloadError, match=rf"127\.0\.0\.1:9: .*refused; {one.host}: answered 404"):
        get(Mirror(NOBODY), one)


def test_nothing_is_asked_once_it_is_given_up(serve) -> None:
    bad = serve(stalls, stalls)
    with pytest.raises(DownloadError):
        get(*bad, patience=Patience(0.1, 0.2, 2000))
    time.sleep(0.5)
    asked = [len(each.asked) for each in bad]
    time.sleep(0.5)
    assert [len(each.asked) for each in bad] == asked


def test_a_long_download_shows_its_progress_on_standard_output_unless_it_is_silenced(
    serve, capsys, monkeypatch
) -> None:
    (slow,) = serve(drips(0.02, 1600))
    monkeypatch.delenv("VAE_COURSE_PROGRESS", raising=False)
    get(slow, patience=ENDLESS)
    told = capsys.readouterr()
    assert "%|" in told.out and told.err == ""
    monkeypatch.setenv("VAE_COURSE_PROGRESS", "0")
    get(slow, patience=ENDLESS)
    assert capsys.readouterr() == ("", "")


def test_a_defect_of_ours_is_not_hidden(serve) -> None:
    def broken(_: bytes) -> bytes:
        raise KeyError("ours")

    (good,) = serve(well)
    with pytest.raises(KeyError):
        fetch([Wanted("a.gz", 100_000, broken)], [good.address], patience=SHORT)

"""torchvision's downloads from mirrors that stall, break off, drip and lie: they recover, or are given up in time."""

import gzip
import hashlib
import random
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
import torchvision

from tests.support.mirrors import (
    NOBODY,
    Behaviour,
    Clock,
    Mirror,
    breaks,
    breaks_once,
    drips,
    goes_on_for_ever,
    is_silent,
    lacks,
    lies,
    mirror,
    resets,
    stalls,
    well,
)
from vae_course.data import mnist
from vae_course.data.mnist import DataError, DataSet, Unavailable

SHAPES = dict(zip(mnist.FILES, ((600, 28, 28), (600,), (200, 28, 28), (200,)), strict=True))


def idx(name: str, shape: tuple[int, ...]) -> bytes:
    """A file of MNIST's form, full of noise, which does not get smaller when it is compressed."""
    size = torch.Size(shape).numel()
    return struct.pack(f">HBB{len(shape)}i", 0, 8, len(shape), *shape) + random.Random(name).randbytes(size)


PLAIN = {name: idx(name, shape) for name, shape in SHAPES.items()}
PACKED = {f"{name}.gz": gzip.compress(content) for name, content in PLAIN.items()}
SMALL = DataSet("Small", "FashionMNIST", sum(map(len, PACKED.values())))

Serve = Callable[..., list[Mirror]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that passes only while a mirror lets it."""
    clock = Clock()
    monkeypatch.setattr(mnist, "time", clock)
    return clock


@pytest.fixture
def serve(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Mirrors of a small data set, which torchvision takes for Fashion-MNIST."""
    theirs = torchvision.datasets.FashionMNIST
    sums = [(name, hashlib.md5(content).hexdigest()) for name, content in PACKED.items()]
    monkeypatch.setattr(theirs, "resources", sums)
    monkeypatch.setattr(mnist, "FILES", SHAPES)
    monkeypatch.setenv("VAE_COURSE_PROGRESS", "0")
    with ExitStack() as stack:

        def up(*ways: Behaviour) -> list[Mirror]:
            mirrors = [stack.enter_context(mirror(way, PACKED, clock)) for way in ways]
            monkeypatch.setattr(theirs, "mirrors", [each.address for each in mirrors])
            return mirrors

        yield up


def get(root: Path, *, patient: bool = True) -> mnist.Tensors:
    return mnist.download(root, SMALL, patient=patient)


def raw(root: Path) -> dict[str, bytes]:
    """What is kept, wherever under the root."""
    return {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def ended() -> bool:
    """Wait until no thread downloads any more."""
    for thread in threading.enumerate():
        if isinstance(thread, mnist._Download):
            thread.join(60)
    return not any(isinstance(thread, mnist._Download) for thread in threading.enumerate())


def test_files_arrive_from_the_first_mirror_and_nothing_is_said(serve: Serve, tmp_path: Path, capfd) -> None:
    _first, second = serve(well, well)
    train_x, train_y, test_x, test_y = get(tmp_path)
    assert [tuple(t.shape) for t in (train_x, train_y, test_x, test_y)] == list(SHAPES.values())
    assert train_x.numpy().tobytes() == PLAIN["train-images-idx3-ubyte"][16:]
    assert test_y.tolist() == list(PLAIN["t10k-labels-idx1-ubyte"][8:])
    assert raw(tmp_path) == PLAIN and (tmp_path / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte").exists()
    assert second.asked == [] and capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (stalls, "stalled at 0."),
        (breaks, "sent a broken file"),
        (resets, "broke off at 0."),
        (drips(0.75, 1000), "stalled at 0."),
        (is_silent, "stalled at 0.0 MB"),
        (lies, "sent a broken file"),
        (goes_on_for_ever, "sent too much"),
        (lacks, "answered 404 Not Found"),
    ],
)
def test_a_bad_mirror_is_left_for_the_next_and_one_line_says_so(
    serve: Serve, tmp_path: Path, capfd, way: Behaviour, said: str
) -> None:
    bad, good = serve(way, well)
    get(tmp_path)
    told, errors = capfd.readouterr()
    assert told.startswith(f"{bad.host}: {said}") and told.endswith(f"; the rest comes from {good.host}.\n")
    assert told.count("\n") == 1 and errors == ""
    assert raw(tmp_path) == PLAIN


def test_a_mirror_that_is_gone_is_left_for_the_next(serve: Serve, tmp_path: Path, monkeypatch, capsys) -> None:
    (good,) = serve(well)
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", [NOBODY, good.address])
    get(tmp_path)
    assert "refused" in capsys.readouterr().out


def test_a_file_that_has_arrived_is_not_fetched_again(serve: Serve, tmp_path: Path) -> None:
    def breaks_in_the_third(request) -> None:
        (breaks if "t10k-images" in request.handler.path else well)(request)

    _, good = serve(breaks_in_the_third, well)
    get(tmp_path)
    assert set(good.asked) == {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"}


def test_the_same_mirror_is_asked_again_where_there_is_no_other(serve: Serve, tmp_path: Path) -> None:
    """As long as it sends something: this one breaks off once in each file."""
    serve(breaks_once)
    get(tmp_path)
    assert raw(tmp_path) == PLAIN


@pytest.mark.parametrize("way", [stalls, breaks, resets, is_silent, lies, goes_on_for_ever, lacks, drips(0.75, 1000)])
@pytest.mark.parametrize("patient", [True, False])
def test_with_bad_mirrors_only_it_is_given_up_and_nothing_is_left(
    serve: Serve, tmp_path: Path, capfd, way: Behaviour, patient: bool
) -> None:
    mirrors = serve(way, way)
    with pytest.raises(Unavailable) as caught:
        get(tmp_path, patient=patient)
    assert "\n" not in str(caught.value) and all(each.host in str(caught.value) for each in mirrors)
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_a_limit_holds_for_everything_and_without_one_bytes_that_arrive_are_waited_for(
    serve: Serve, tmp_path: Path, capfd
) -> None:
    (slow,) = serve(drips(2.5))
    with pytest.raises(Unavailable, match=r"sent only 0\.\d MB of 0\.6 MB in 11 seconds; data.load\('mnist'\) waits"):
        get(tmp_path, patient=False)
    get(tmp_path)
    assert slow.clock.now > 2 * mnist.LIMIT and raw(tmp_path) == PLAIN


def test_the_same_trouble_everywhere_is_said_once(serve: Serve, tmp_path: Path, monkeypatch) -> None:
    one, other = serve(lacks, lacks)
    with pytest.raises(Unavailable, match=f"^{one.host} and {other.host}: answered 404 Not Found$"):
        get(tmp_path)
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", [NOBODY, one.address])
    with pytest.raises(Unavailable, match=rf"127\.0\.0\.1:9: .*refused; {one.host}: answered 404"):
        get(tmp_path)


@pytest.mark.parametrize("way", [goes_on_for_ever, drips(20.0)])
def test_a_download_that_is_given_up_ends_with_the_next_bytes(serve: Serve, tmp_path: Path, way: Behaviour) -> None:
    (bad,) = serve(way)
    with pytest.raises(Unavailable):
        get(tmp_path, patient=False)
    assert ended()
    assert set(bad.asked) == {"train-images-idx3-ubyte.gz"} and raw(tmp_path) == {}


def test_progress_goes_to_standard_output_unless_it_is_silenced(
    serve: Serve, tmp_path: Path, capsys, monkeypatch
) -> None:
    serve(drips(0.1))
    made: list[dict] = []
    real = mnist.tqdm

    def bar(**settings):
        made.append(settings)
        return real(**settings | {"delay": 0, "mininterval": 0})

    monkeypatch.setattr(mnist, "tqdm", bar)
    monkeypatch.delenv("VAE_COURSE_PROGRESS", raising=False)
    get(tmp_path / "one")
    told = capsys.readouterr()
    assert "%|" in told.out and told.err == "" and made[0]["delay"] == 1
    monkeypatch.setenv("VAE_COURSE_PROGRESS", "0")
    get(tmp_path / "other")
    assert capsys.readouterr() == ("", "")


def test_torchvision_s_own_bars_stay_as_they_are_elsewhere(serve: Serve, tmp_path: Path, capsys) -> None:
    (good,) = serve(well)
    get(tmp_path)
    name = next(iter(PACKED))
    torchvision.datasets.utils.download_url(good.address + name, str(tmp_path / "own"))
    assert "%|" in capsys.readouterr().err and (tmp_path / "own" / name).read_bytes() == PACKED[name]


def test_a_defect_of_ours_is_not_hidden(serve: Serve, tmp_path: Path, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("ours")

    serve(well)
    monkeypatch.setattr(torchvision.datasets.utils, "download_and_extract_archive", broken)
    with pytest.raises(KeyError):
        get(tmp_path)


def test_without_torchvision_one_sentence_says_so(serve: Serve, tmp_path: Path, monkeypatch) -> None:
    serve(well)
    get(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "torchvision", None)
    for call in (lambda: get(tmp_path), lambda: mnist.read(tmp_path / "FashionMNIST" / "raw", SMALL)):
        with pytest.raises(Unavailable, match="torchvision can't be imported .*; run `vae-course doctor`") as caught:
            call()
        assert caught.value.__suppress_context__


def test_a_data_set_is_found_only_under_its_own_name_unless_its_checksums_are_known(tmp_path: Path) -> None:
    for folder in ("a/MNIST/raw", "b/raw", "c"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "train-labels-idx1-ubyte").touch()
    assert [mnist.find(tmp_path / name) is not None for name in "abc"] == [True] * 3
    assert [mnist.find(tmp_path / name, mnist.DATA_SETS["fashion"]) for name in "abc"] == [None] * 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(b"\1" * len(path.read_bytes())),
        lambda path: path.write_bytes(path.read_bytes()[:3] + b"\2" + path.read_bytes()[4:]),
        lambda path: path.write_bytes(b"\0\0\x0d\1" + path.read_bytes()[4:]),
        lambda path: path.unlink(),
    ],
    ids=["short", "no header", "two dimensions", "of another type", "absent"],
)
def test_a_damaged_file_of_unknown_checksum_is_named_too(serve: Serve, tmp_path: Path, damage) -> None:
    serve(well)
    get(tmp_path)
    folder = tmp_path / "FashionMNIST" / "raw"
    damage(folder / "t10k-labels-idx1-ubyte")
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte .*Small") as caught:
        mnist.read(folder, SMALL)
    assert "\n" not in str(caught.value) and not isinstance(caught.value, Unavailable)
    assert caught.value.__cause__ is None and (caught.value.__suppress_context__ or caught.value.__context__ is None)


def test_the_mirrors_and_files_are_torchvision_s() -> None:
    """A real download needs a network and is not tried here."""
    assert mnist.MIRRORS[0] in torchvision.datasets.MNIST.mirrors
    for data_set in mnist.DATA_SETS.values():
        theirs = getattr(torchvision.datasets, data_set.folder)
        assert [f"{name}.gz" for name in mnist.FILES] == [name for name, _ in theirs.resources]

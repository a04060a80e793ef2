"""Data are loaded the same way every time, and whatever is wrong with them is said in one sentence."""

import gzip
import hashlib
import shutil
import traceback

import numpy as np
import pytest
import torch
import torchvision

from tests.support.mirrors import NOBODY, Clock, breaks, drips, lies, mirror, stalls, well
from vae_course import data
from vae_course.data import DataError, Images, mnist, pen
from vae_course.data import images as images_module


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty cache, no data named, and a network that refuses."""
    monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VAE_COURSE_DATA", raising=False)
    monkeypatch.delenv("VAE_COURSE_OFFLINE", raising=False)
    monkeypatch.delenv("VAE_COURSE_WORLD", raising=False)
    monkeypatch.setenv("VAE_COURSE_PROGRESS", "0")
    monkeypatch.setattr(mnist, "MIRRORS", (NOBODY,))
    return tmp_path


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only while a mirror lets it."""
    clock = Clock()
    monkeypatch.setattr(mnist, "time", clock)
    return clock


@pytest.fixture(scope="module")
def packed(mnist_root):
    """MNIST's files as a mirror has them, and torchvision's checksums of files that are packed like that."""
    folder = mnist.find(mnist_root)
    files = {f"{name}.gz": gzip.compress((folder / name).read_bytes(), 1) for name in mnist.FILES}
    with pytest.MonkeyPatch.context() as change:
        sums = [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]
        change.setattr(torchvision.datasets.MNIST, "resources", sums)
        yield files


@pytest.fixture
def online(packed, elsewhere, clock, monkeypatch):
    """An empty cache, and a network with a good mirror."""
    with mirror(well, packed, clock) as good:
        monkeypatch.setattr(mnist, "MIRRORS", (good.address,))
        yield elsewhere


@pytest.fixture
def few(monkeypatch):
    """Few pen digits, so that a test need not draw 20,000."""
    for name, n in (("PEN_TRAIN", 40), ("PEN_VAL", 20), ("PEN_TEST", 20)):
        monkeypatch.setattr(images_module, name, n)


def images(n=4, **changes):
    return Images(**{"x": torch.rand(n, 1, 28, 28), "y": torch.arange(n)} | changes)


# ---------------------------------------------------------------------------------------------------- MNIST


def test_mnist_has_its_known_mean_and_spread_and_three_splits_that_are_the_whole(mnist_root):
    splits = data.load("mnist", root=mnist_root)
    assert [len(s) for s in (splits.train, splits.val, splits.test)] == [50_000, 10_000, 10_000]
    x = torch.cat([splits.train.x, splits.val.x])
    assert x.mean().item() == pytest.approx(0.13066, abs=1e-5) and x.std().item() == pytest.approx(0.30811, abs=1e-5)
    original = torchvision.datasets.MNIST(mnist_root).data
    # The same images in another order: sums of rows identify an image well enough to compare the two as sets.
    assert torch.equal(fingerprints(x), fingerprints(original.unsqueeze(1).float() / 255))
    assert splits.name == "mnist" and splits.train.factors is None


def test_the_splits_are_the_same_every_time_and_a_limit_takes_their_beginnings(mnist_root):
    whole, limited = data.load("mnist", root=mnist_root), data.load("mnist", root=mnist_root, limit=30)
    for part in ("train", "val", "test"):
        assert torch.equal(getattr(whole, part).x[:30], getattr(limited, part).x)
        assert torch.equal(getattr(whole, part).y[:30], getattr(limited, part).y)


@pytest.mark.parametrize("inner", ["", "raw", "MNIST/raw"])
def test_the_files_are_found_at_each_usual_depth_and_also_compressed(mnist_root, tmp_path, inner):
    folder = tmp_path / inner
    folder.mkdir(parents=True, exist_ok=True)
    for file in mnist.find(mnist_root).iterdir():
        if "labels" in file.name:
            (folder / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        else:
            (folder / file.name).symlink_to(file)
    assert len(data.load("mnist", root=tmp_path, limit=5).val) == 5


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "holds 9,908 bytes where MNIST has 10,008"),
        (lambda path: path.write_bytes(b""), "holds 0 bytes"),
        (lambda path: path.write_bytes(b"\x01" * 10_008), "does not begin like"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x00"), "checksum"),
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.rename(path.with_name(path.name + ".gz")), "can't be read"),
    ],
)
def test_a_damaged_file_is_named_with_the_fix_and_nothing_is_deleted(mnist_root, tmp_path, damage, said):
    for file in mnist.find(mnist_root).iterdir():
        (tmp_path / file.name).symlink_to(file)
    labels = tmp_path / "t10k-labels-idx1-ubyte"
    labels.unlink()
    shutil.copyfile(mnist.find(mnist_root) / labels.name, labels)
    labels.chmod(0o644)
    damage(labels)
    before = sorted(path.name for path in tmp_path.iterdir())
    for name in ("mnist", "auto"):
        with pytest.raises(DataError, match=said) as error:
            data.load(name, root=tmp_path)
        assert "t10k-labels" in str(error.value) and "\n" not in str(error.value)
        assert "".join(traceback.format_exception(error.value)).count("Traceback") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_compressed_file_that_is_damaged_inside_is_named(mnist_root, tmp_path):
    for file in mnist.find(mnist_root).iterdir():
        (tmp_path / file.name).symlink_to(file)
    labels = tmp_path / "t10k-labels-idx1-ubyte"
    packed = bytearray(gzip.compress(labels.read_bytes()))
    packed[300:340] = bytes(byte ^ 0xFF for byte in packed[300:340])
    labels.unlink()
    labels.with_name(f"{labels.name}.gz").write_bytes(packed)
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz can't be read .* move it away"):
        data.load("mnist", root=tmp_path)


def test_a_root_without_mnist_is_an_error_even_for_auto(tmp_path):
    with pytest.raises(DataError, match="holds no MNIST"):
        data.load("auto", root=tmp_path)


def test_the_environment_names_the_folder(mnist_root, elsewhere, monkeypatch):
    monkeypatch.setenv("VAE_COURSE_DATA", str(mnist_root))
    assert data.load("auto", limit=3).name == "mnist"


# ------------------------------------------------------------------------------------------------- no network


def test_without_network_auto_says_so_in_one_line_and_gives_pen_digits(elsewhere, few, capsys):
    assert data.load("auto").name == "pen"
    told = capsys.readouterr()
    assert [line for line in told.out.splitlines() if "pen digits" in line] == told.out.splitlines()[1:]
    assert "refused" in told.out and told.err == ""


def test_without_network_mnist_by_name_is_an_error_with_the_fix(elsewhere):
    with pytest.raises(DataError, match=r"VAE_COURSE_DATA .* data\.load\('pen'\)") as error:
        data.load("mnist")
    assert "".join(traceback.format_exception(error.value)).count("Traceback") == 1


@pytest.mark.parametrize(("name", "title"), [("fashion", "Fashion-MNIST"), ("kmnist", "Kuzushiji-MNIST")])
def test_the_relatives_of_mnist_come_by_the_same_door(elsewhere, monkeypatch, name, title):
    monkeypatch.setenv("VAE_COURSE_OFFLINE", "1")
    with pytest.raises(
        DataError, match=f"^{title} can't be had: VAE_COURSE_OFFLINE is 1. Point .* holds .*/raw, or use"
    ):
        data.load(name)
    folder = elsewhere / "own" / mnist.DATA_SETS[name].folder / "raw"
    folder.mkdir(parents=True)
    for file, shape in mnist.FILES.items():
        head = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
        (folder / file).write_bytes(head + bytes(int(np.prod(shape))))
    splits = data.load(name, root=elsewhere / "own", limit=5)
    assert splits.name == name and splits.train.y.tolist() == [0] * 5 and splits.test.x.shape == (5, 1, 28, 28)


def test_offline_never_touches_the_network(elsewhere, few, monkeypatch, capsys):
    monkeypatch.setenv("VAE_COURSE_OFFLINE", "1")
    monkeypatch.setattr(mnist, "download", lambda *_, **__: pytest.fail("the network was tried"))
    assert data.load("auto").name == "pen"
    assert "VAE_COURSE_OFFLINE is 1" in capsys.readouterr().out


@pytest.mark.parametrize("way", [stalls, breaks, drips(0.75, 1000), lies])
def test_a_bad_download_leaves_nothing_and_one_line_and_pen_digits(
    elsewhere, few, packed, clock, monkeypatch, capsys, way
):
    with mirror(way, packed, clock) as one, mirror(way, packed, clock) as other:
        monkeypatch.setattr(mnist, "MIRRORS", (one.address, other.address))
        for _ in range(2):
            assert data.load("auto").name == "pen"
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert len(lines) == 4 and told.err == ""
    assert lines[::2] == ["Downloading MNIST (12 MB, once)."] * 2
    assert all("can't be had here (" in line and "pen digits" in line for line in lines[1::2])
    assert [path.suffix for path in (elsewhere / "cache").iterdir()] == [".npz"]


def test_a_download_that_breaks_off_half_way_goes_on_elsewhere_and_is_kept(
    elsewhere, packed, clock, monkeypatch, capsys
):
    with mirror(breaks, packed, clock) as bad, mirror(well, packed, clock) as good:
        monkeypatch.setattr(mnist, "MIRRORS", (bad.address, good.address))
        assert data.load("auto", limit=2).name == "mnist"
    assert f"{bad.host}: sent a broken file; the rest comes from {good.host}." in capsys.readouterr().out
    monkeypatch.setattr(mnist, "download", lambda *_, **__: pytest.fail("downloaded again"))
    assert data.load("auto", limit=2).name == "mnist"


def test_a_slow_download_falls_back_says_how_to_have_it_and_is_waited_for_by_name(
    elsewhere, few, packed, clock, monkeypatch, capsys
):
    with mirror(drips(0.5, 400_000), packed, clock) as slow:
        monkeypatch.setattr(mnist, "MIRRORS", (slow.address,))
        assert data.load("auto").name == "pen"
        assert "data.load('mnist') waits for all" in capsys.readouterr().out
        assert data.load("mnist", limit=2).name == "mnist"
    assert data.load("auto", limit=2).name == "mnist"


def test_a_whole_download_is_kept_and_used_the_next_time(online, monkeypatch, capsys):
    assert data.load("auto", limit=2).name == "mnist"
    assert "Downloading" in capsys.readouterr().out
    monkeypatch.setattr(mnist, "download", lambda *_, **__: pytest.fail("downloaded again"))
    assert data.load("auto", limit=2).name == "mnist"


def test_a_download_that_cannot_be_kept_is_used_all_the_same(online, monkeypatch, capsys):
    monkeypatch.setenv("VAE_COURSE_CACHE", str(online / "file" / "cache"))
    (online / "file").write_text("a file where a folder is needed")
    assert data.load("auto", limit=2).name == "mnist"
    (told,) = (line for line in capsys.readouterr().out.splitlines() if "can't be written" in line)
    assert "VAE_COURSE_CACHE" in told


def test_a_download_leaves_everything_else_in_the_cache_as_it_is(online, monkeypatch):
    own = online / "cache" / "MNIST" / "notes" / "own.txt"
    own.parent.mkdir(parents=True)
    own.write_text("own")
    assert data.load("mnist", limit=2).name == "mnist"
    assert own.read_text() == "own"
    assert sorted(path.name for path in (online / "cache" / "MNIST").iterdir()) == ["notes", "raw"]


def test_of_two_downloads_at_once_the_first_is_kept_and_neither_complains(mnist_root, online, monkeypatch, capsys):
    cached = online / "cache" / "MNIST" / "raw"

    fetch = mnist._fetch

    def meanwhile(*args, **settings):
        shutil.copytree(mnist.find(mnist_root), cached)
        return fetch(*args, **settings)

    monkeypatch.setattr(mnist, "_fetch", meanwhile)
    assert data.load("mnist", limit=2).name == "mnist"
    assert capsys.readouterr().out.splitlines() == ["Downloading MNIST (12 MB, once)."]
    assert [path.name for path in (online / "cache" / "MNIST").iterdir()] == ["raw"]


def test_the_environment_can_choose_the_world_of_auto(elsewhere, few, monkeypatch):
    monkeypatch.setenv("VAE_COURSE_WORLD", "pen")
    monkeypatch.setattr(mnist, "download", lambda *_, **__: pytest.fail("the network was tried"))
    assert data.load("auto").name == "pen"
    monkeypatch.setenv("VAE_COURSE_WORLD", "moon")
    with pytest.raises(ValueError, match="no data set 'moon'"):
        data.load("auto")


# ------------------------------------------------------------------------------------------------ pen digits


def test_pen_digits_come_from_the_cache_the_second_time(elsewhere, few, monkeypatch):
    first = data.load("pen")
    monkeypatch.setattr(pen, "draw", lambda *a, **k: pytest.fail("drawn again"))
    again = data.load("pen")
    assert torch.equal(first.test.x, again.test.x)
    assert first.test.factors.keys() == again.test.factors.keys()
    assert [len(s) for s in (first.train, first.val, first.test)] == [40, 20, 20]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"damaged"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: np.savez(path, x=np.zeros((3, 28, 28), np.uint8), y=np.zeros(3, np.int64)),
        lambda path: np.savez(path, other=np.zeros(3)),
    ],
)
def test_a_damaged_cache_is_named_and_drawn_again(elsewhere, few, capsys, damage):
    first = data.load("pen")
    (kept,) = (elsewhere / "cache").glob("pen-*.npz")
    damage(kept)
    assert torch.equal(data.load("pen").train.x, first.train.x)
    told = capsys.readouterr().out
    assert "drawn again" in told and str(kept) in told
    data.load("pen")
    assert capsys.readouterr().out == ""


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(elsewhere, few, monkeypatch, capsys):
    monkeypatch.setenv("VAE_COURSE_CACHE", str(elsewhere / "file" / "cache"))
    (elsewhere / "file").write_text("a file where a folder is needed")
    assert len(data.load("pen").train) == 40
    assert "can't be written" in capsys.readouterr().out


def test_a_limit_keeps_the_three_pen_splits_apart(elsewhere, few):
    whole, limited = data.load("pen"), data.load("pen", limit=5)
    for part in ("train", "val", "test"):
        assert torch.equal(getattr(whole, part).x[:5], getattr(limited, part).x)
        assert len(getattr(limited, part).factors["slant"]) == 5


# ---------------------------------------------------------------------------------------------------- images


def test_images_are_picked_by_slice_mask_or_positions_with_everything_that_belongs_to_them():
    some = images(6, x=torch.rand(6, 3, 8, 8), factors={"slant": torch.arange(6.0)}, classes=tuple("abcdef"))
    for index in (slice(1, 3), torch.tensor([1, 2]), torch.tensor([0, 1, 1, 0, 0, 0]).bool()):
        picked = some[index]
        assert torch.equal(picked.x, some.x[1:3]) and picked.y.tolist() == [1, 2]
        assert picked.factors["slant"].tolist() == [1.0, 2.0]
        assert (picked.name, picked.classes) == (some.name, some.classes)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: images(x=torch.zeros(4, 1, 28, 28).byte()), TypeError, "255"),
        (lambda: images(x=255 * torch.rand(4, 1, 28, 28)), ValueError, "divide by 255"),
        (lambda: images(x=torch.full((4, 1, 28, 28), torch.nan)), ValueError, "without NaN"),
        (lambda: images(x=torch.rand(4, 1, 28, 28) - 0.5), ValueError, r"\[0, 1\]"),
        (lambda: images(x=torch.rand(4, 28, 28)), ValueError, r"x\[:, None\]"),
        (lambda: images(x=torch.rand(4, 784)), ValueError, "give images"),
        (lambda: images(x=torch.rand(4, 2, 28, 28)), ValueError, r"or \[N, 3, 32, 32\]"),
        (lambda: images(0), ValueError, "no images"),
        (lambda: images(x=np.zeros((4, 1, 28, 28), np.float32)), TypeError, r"x is a ndarray: give a tensor"),
        (lambda: images(y=[0, 1, 2, 3]), TypeError, r"y is a list: give a tensor"),
        (lambda: images(y=torch.rand(4)), TypeError, r"y\.long\(\)"),
        (lambda: images(y=torch.arange(3)), ValueError, "one class each"),
        (lambda: images(factors={"slant": torch.zeros(2)}), ValueError, "slant has shape"),
        (lambda: images()[2], TypeError, r"images\[3:4\]"),
        (lambda: images()[4:], ValueError, "no images"),
        (lambda: data.load("cifar"), ValueError, "'auto', 'mnist', 'fashion', 'kmnist' or 'pen'"),
        (lambda: data.load("pen", limit=0), ValueError, "limit is 0: give a whole number from 1"),
        (lambda: data.load("pen", limit=2.5), ValueError, "whole number"),
        (lambda: data.load("pen", limit="5"), ValueError, "whole number"),
    ],
)
def test_bad_input_is_named_in_one_sentence(make, error, said):
    with pytest.raises(error, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------------------------------- binarisation


def test_binarised_pixels_are_0_or_1_with_the_grey_level_as_their_mean():
    grey = images(2000, x=torch.tensor([0.0, 0.3, 1.0]).expand(2000, 1, 1, 3).clone(), y=torch.zeros(2000).long())
    binary = data.binarize(grey, seed=1)
    assert set(binary.x.unique().tolist()) == {0.0, 1.0}
    assert (binary.x[..., 0] == 0).all() and (binary.x[..., 2] == 1).all()
    assert abs(binary.x[..., 1].mean() - 0.3) < 4 * (0.3 * 0.7 / 2000) ** 0.5


def test_a_fixed_binarisation_repeats_and_a_dynamic_one_does_not():
    grey = images(x=torch.full((4, 1, 28, 28), 0.5))
    assert torch.equal(data.binarize(grey, seed=1).x, data.binarize(grey, seed=1).x)
    assert not torch.equal(data.binarize(grey, seed=1).x, data.binarize(grey, seed=2).x)
    generator = torch.Generator().manual_seed(0)
    assert not torch.equal(data.dynamic_binarize(grey.x, generator), data.dynamic_binarize(grey.x, generator))


def fingerprints(x):
    return (x.flatten(1).double() @ torch.arange(784.0, dtype=torch.float64).sqrt()).sort().values

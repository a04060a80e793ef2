"""Images to learn from: MNIST where it can be had, and otherwise pen digits, which the course draws itself."""

import io
import os
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from vae_course.data import mnist, pen
from vae_course.data.mnist import DataError
from vae_course.support.files import write
from vae_course.support.sources import source_digest

__all__ = ["DataError", "Images", "Splits", "binarize", "cache_dir", "dynamic_binarize", "load"]

MNIST_TRAIN = 50_000
PEN_TRAIN, PEN_VAL, PEN_TEST = 16_000, 2_000, 2_000


@dataclass(frozen=True, eq=False)
class Images:
    """Images with their classes and, for drawn ones, the true factors that they were drawn with.

    Args:
        x: pixels in [0, 1], `[N, 1, 28, 28]`, floating point; 1 is ink.
        y: classes, `[N]`, whole numbers.
        factors: name to value of each image, `[N]`; None where nobody knows them.
        name: the world that they come from, `mnist` or `pen`.

    Raises:
        TypeError: x or y is no tensor, the pixels are integers, or the classes are not.
        ValueError: a shape is wrong, there are no images, or a pixel is not in [0, 1].
    """

    x: Tensor
    y: Tensor
    factors: dict[str, Tensor] | None = None
    name: str = "images"

    def __post_init__(self) -> None:
        for name, given in (("x", self.x), ("y", self.y)):
            if not isinstance(given, Tensor):
                raise TypeError(
                    f"{name} is a {type(given).__name__}: give a tensor, for example torch.as_tensor({name})."
                )
        if self.y.is_floating_point():
            raise TypeError(f"The classes are {self.y.dtype}: give whole numbers, for example y.long().")
        if not self.x.is_floating_point():
            raise TypeError(f"The pixels are {self.x.dtype}: give numbers in [0, 1], for example x.float() / 255.")
        if self.x.dim() != 4 or self.x.shape[1] != 1:
            raise ValueError(f"x has shape {list(self.x.shape)}: give images [N, 1, 28, 28], for example x[:, None].")
        if len(self.x) == 0:
            raise ValueError("There are no images: x is empty.")
        if self.y.shape != self.x.shape[:1]:
            raise ValueError(
                f"There are {len(self.x)} images but y has shape {list(self.y.shape)}: give one class each."
            )
        for name, values in (self.factors or {}).items():
            if values.shape != self.x.shape[:1]:
                raise ValueError(f"There are {len(self.x)} images but {name} has shape {list(values.shape)}.")
        low, high = self.x.min().item(), self.x.max().item()
        if not (low >= 0 and high <= 1):
            raise ValueError(
                f"The pixels run from {low:.3g} to {high:.3g}: they must lie in [0, 1] without NaN, so divide by 255 if"
                " they are grey levels."
            )

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: slice | Tensor) -> Self:
        """Some of the images: by a slice, a tensor of positions, or a mask."""
        if not isinstance(index, slice | Tensor):
            raise TypeError(
                f"Index images by a slice or a tensor, not {type(index).__name__}: images[3:4] is the fourth."
            )
        factors = {name: values[index] for name, values in self.factors.items()} if self.factors is not None else None
        return type(self)(self.x[index], self.y[index], factors, self.name)


@dataclass(frozen=True, eq=False)
class Splits:
    """Three parts that share no image: learn from the first, choose with the second, read the third once."""

    train: Images
    val: Images
    test: Images

    @property
    def name(self) -> str:
        """The world that the images come from, `mnist` or `pen`."""
        return self.train.name


def load(name: str = "auto", *, root: str | os.PathLike[str] | None = None, limit: int | None = None) -> Splits:
    """Images in three splits that are the same every time.

    `mnist` has 50,000, 10,000 and 10,000 images, `pen` has 16,000, 2,000 and 2,000. MNIST is looked for in `root`, in
    the folder that the environment variable VAE_COURSE_DATA names, and in the user's cache; then it is downloaded,
    unless VAE_COURSE_OFFLINE is 1. `auto` is MNIST where it can be had within seconds; otherwise it says why in one line
    and is `pen`. On a slow network `mnist` waits for a download as long as bytes arrive, and `auto` finds it from then on.
    The environment variable VAE_COURSE_WORLD takes that choice away: it is what `auto` means then.

    Args:
        name: `auto`, `mnist` or `pen`.
        root: a folder that holds `MNIST/raw`.
        limit: at most so many images in each split.

    Raises:
        ValueError: the name is unknown, or the limit is not a whole number above zero.
        DataError: MNIST was asked for by name and cannot be had, or one of its files is damaged.
    """
    if name == "auto":
        name = os.environ.get("VAE_COURSE_WORLD") or "auto"
    if name not in ("auto", "mnist", "pen"):
        raise ValueError(f"There is no data set {name!r}: choose 'auto', 'mnist' or 'pen'.")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ValueError(f"limit is {limit!r}: give a whole number, and keep at least one image.")
    if name == "pen":
        return _pen(limit)
    folder = _find_mnist(root)
    if folder is not None:
        return _mnist(mnist.read(folder), limit)
    try:
        return _mnist(_download_mnist(patient=name == "mnist"), limit)
    except DataError as error:
        if name == "mnist":
            raise DataError(
                f"MNIST can't be had: {error}. Point VAE_COURSE_DATA at a folder that holds MNIST/raw, or"
                " use data.load('pen')."
            ) from error
        print(f"MNIST can't be had here ({error}), so these are pen digits, which the course draws itself.")
        return _pen(limit)


def binarize(images: Images, *, seed: int = 0) -> Images:
    """Each pixel drawn once as 0 or 1, with its grey level as the probability of 1; the same seed, the same draw.

    Source: Salakhutdinov and Murray, On the quantitative analysis of deep belief networks (2008), who made MNIST binary
    in this way.
    """
    return Images(
        dynamic_binarize(images.x, torch.Generator().manual_seed(seed)), images.y, images.factors, images.name
    )


def dynamic_binarize(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A fresh draw of every pixel, 0 or 1, with the grey level as the probability of 1: `fit`'s `transform`.

    Source: Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), section 5.
    """
    return torch.bernoulli(x, generator=generator)


def cache_dir() -> Path:
    """Where downloads, drawings and trainings are kept: VAE_COURSE_CACHE, or the system's folder for caches."""
    chosen = os.environ.get("VAE_COURSE_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("vae-course", appauthor=False)


def _find_mnist(root: str | os.PathLike[str] | None) -> Path | None:
    """The folder with MNIST's files, in the order root, VAE_COURSE_DATA, cache; a root that lacks them is an error."""
    if root is not None:
        folder = mnist.find(Path(root))
        if folder is None:
            raise DataError(f"{root} holds no MNIST: give the folder that contains MNIST/raw with its four files.")
        return folder
    named = os.environ.get("VAE_COURSE_DATA")
    if named and (folder := mnist.find(Path(named).expanduser())):
        return folder
    if named:
        print(f"VAE_COURSE_DATA names {named}, which holds no MNIST/raw, so MNIST is looked for elsewhere.")
    return mnist.find(cache_dir())


def _download_mnist(*, patient: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    if os.environ.get("VAE_COURSE_OFFLINE") == "1":
        raise DataError("VAE_COURSE_OFFLINE is 1")
    print("Downloading MNIST (12 MB, once).", flush=True)
    return mnist.download(cache_dir(), patient=patient)


def _mnist(images_and_labels: tuple[Tensor, Tensor, Tensor, Tensor], limit: int | None) -> Splits:
    train_x, train_y, test_x, test_y = images_and_labels
    order = torch.randperm(len(train_x), generator=torch.Generator().manual_seed(0))
    train, val = order[:MNIST_TRAIN][:limit], order[MNIST_TRAIN:][:limit]
    parts = (train_x[train], train_y[train]), (train_x[val], train_y[val]), (test_x[:limit], test_y[:limit])
    return Splits(*(Images(_grey(x), y.long(), None, "mnist") for x, y in parts))


def _grey(x: Tensor) -> Tensor:
    return x.unsqueeze(1).float() / 255


def _pen(limit: int | None) -> Splits:
    x, y, factors = _pen_digits()
    ends = (0, PEN_TRAIN, PEN_TRAIN + PEN_VAL, PEN_TRAIN + PEN_VAL + PEN_TEST)
    parts = [slice(start, min(stop, start + (limit or stop))) for start, stop in pairwise(ends)]
    return Splits(*(Images(_grey(x[at]), y[at], {name: v[at] for name, v in factors.items()}, "pen") for at in parts))


def _pen_digits() -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """All pen digits as bytes `[N, 28, 28]`: from the cache, or drawn now and kept there."""
    path = cache_dir() / f"pen-{source_digest(pen.__name__)[:12]}.npz"
    if path.exists():
        try:
            return _kept(path)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            print(f"{path} can't be read ({error}), so the pen digits are drawn again.")
    drawn, y, factors = pen.draw(_pen_total(), seed=0)
    x = (255 * drawn.squeeze(1)).round().to(torch.uint8)
    _keep(path, {"x": x, "y": y, **factors})
    return x, y, factors


def _pen_total() -> int:
    return PEN_TRAIN + PEN_VAL + PEN_TEST


def _kept(path: Path) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    # numpy leaves a file open that it cannot read, so it is opened and closed here.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
        arrays = {key: torch.from_numpy(kept[key]) for key in kept.files}
    x, y = arrays.pop("x"), arrays.pop("y")
    if x.shape != (_pen_total(), pen.SIZE, pen.SIZE) or any(len(v) != len(x) for v in (y, *arrays.values())):
        raise ValueError(f"it does not hold {_pen_total():,} digits")
    return x, y, arrays


def _keep(path: Path, arrays: dict[str, Tensor]) -> None:
    packed, named = io.BytesIO(), {name: values.numpy() for name, values in arrays.items()}
    np.savez(packed, **named)
    try:
        write(path, packed.getvalue())
    except OSError as error:
        print(f"{path.parent} can't be written ({error.strerror}), so the pen digits are drawn anew each time.")

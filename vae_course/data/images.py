"""Images in three splits: the classes, and `load`, which has some in every place, with a network or without."""

import os
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from vae_course.data import mnist, pen
from vae_course.data.mnist import DATA_SETS, DataError, DataSet, Unavailable
from vae_course.support.files import cache_dir
from vae_course.support.numbers import whole_number

MNIST_TRAIN = 50_000
PEN_TRAIN, PEN_VAL, PEN_TEST = 16_000, 2_000, 2_000


@dataclass(frozen=True, eq=False)
class Images:
    """Images with their classes and, for drawn ones, the true factors that they were drawn with.

    Args:
        x: pixels in [0, 1], `[N, 1, H, W]`, or `[N, 3, H, W]` in colour, floating point; of digits 1 is ink.
        y: classes, `[N]`, whole numbers.
        factors: name to value of each image, `[N]`; None where nobody knows them.
        name: the world that they come from, such as `mnist` or `pen`.
        classes: what the classes 0, 1, ... are called, where that is not their number.

    Raises:
        TypeError: x or y is no tensor, the pixels are integers, or the classes are not.
        ValueError: a shape is wrong, there are no images, or a pixel is not in [0, 1].
    """

    x: Tensor
    y: Tensor
    factors: dict[str, Tensor] | None = None
    name: str = "images"
    classes: tuple[str, ...] | None = None

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
        if self.x.dim() != 4 or self.x.shape[1] not in (1, 3):
            raise ValueError(
                f"x has shape {list(self.x.shape)}: give images [N, 1, 28, 28], for example x[:, None], or [N, 3, 32, 32]."
            )
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
        return replace(self, x=self.x[index], y=self.y[index], factors=factors)


@dataclass(frozen=True, eq=False)
class Splits:
    """Three parts that share no image: learn from the first, choose with the second, read the third once."""

    train: Images
    val: Images
    test: Images

    @property
    def name(self) -> str:
        """The world that the images come from, such as `mnist` or `pen`."""
        return self.train.name


def load(name: str = "auto", *, root: str | os.PathLike[str] | None = None, limit: int | None = None) -> Splits:
    """Images in three splits that are the same every time.

    `mnist`, `fashion` (clothes) and `kmnist` (Japanese characters) have 50,000, 10,000 and 10,000 images, `pen` has 16,000,
    2,000 and 2,000. The first three are looked for in `root`, in the folder that the environment variable VAE_COURSE_DATA
    names, and in the user's cache; then torchvision downloads them, unless VAE_COURSE_OFFLINE is 1. `auto` is MNIST where it
    can be had within seconds; otherwise it says why in one line and is `pen`. On a slow network `mnist` waits for a download
    as long as bytes arrive, and `auto` finds it from then on. The environment variable VAE_COURSE_WORLD takes that choice
    away: it is what `auto` means then.

    Args:
        name: `auto`, `mnist`, `fashion`, `kmnist` or `pen`.
        root: a folder that holds `MNIST/raw`, `FashionMNIST/raw` or `KMNIST/raw`.
        limit: at most so many images in each split.

    Raises:
        ValueError: the name is unknown, or the limit is not a whole number above zero.
        DataError: the data were asked for by name and cannot be had, or a file is damaged.
    """
    if name == "auto":
        name = os.environ.get("VAE_COURSE_WORLD") or "auto"
    if name not in ("auto", "pen", *DATA_SETS):
        known = ", ".join(repr(known) for known in ("auto", *DATA_SETS))
        raise ValueError(f"There is no data set {name!r}: choose {known} or 'pen'.")
    limit = None if limit is None else whole_number(limit, "limit", least=1)
    if name == "pen":
        return _pen(limit)
    world = "mnist" if name == "auto" else name
    data_set = DATA_SETS[world]
    try:
        return _splits(_read_or_download(data_set, root, patient=name != "auto"), world, limit)
    except Unavailable as error:
        if name == "auto":
            print(f"MNIST can't be had here ({error}), so these are pen digits, which the course draws itself.")
            return _pen(limit)
        raise DataError(
            f"{data_set.title} can't be had: {error}. Point VAE_COURSE_DATA at a folder that holds"
            f" {data_set.folder}/raw, or use data.load('pen')."
        ) from None


def binarize(images: Images, *, seed: int = 0) -> Images:
    """Each pixel drawn once as 0 or 1, with its grey level as the probability of 1; the same seed, the same draw.

    Source: Salakhutdinov and Murray, On the quantitative analysis of deep belief networks (2008), who made MNIST binary
    in this way.
    """
    return replace(images, x=dynamic_binarize(images.x, torch.Generator().manual_seed(whole_number(seed, "seed"))))


def dynamic_binarize(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A fresh draw of every pixel, 0 or 1, with the grey level as the probability of 1: `fit`'s `transform`.

    Source: Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders (2016), section 5.
    """
    return torch.bernoulli(x, generator=generator)


def _read_or_download(data_set: DataSet, root: str | os.PathLike[str] | None, *, patient: bool) -> mnist.Tensors:
    folder = _find(data_set, root)
    if folder is not None:
        return mnist.read(folder, data_set)
    if os.environ.get("VAE_COURSE_OFFLINE") == "1":
        raise Unavailable("VAE_COURSE_OFFLINE is 1")
    print(f"Downloading {data_set.title} ({data_set.size / 1e6:.0f} MB, once).", flush=True)
    return mnist.download(cache_dir(), data_set, patient=patient)


def _find(data_set: DataSet, root: str | os.PathLike[str] | None) -> Path | None:
    """The folder with the files, in the order root, VAE_COURSE_DATA, cache; a root that lacks them is an error."""
    title, inner = data_set.title, f"{data_set.folder}/raw"
    if root is not None:
        folder = mnist.find(Path(root), data_set)
        if folder is None:
            raise DataError(f"{root} holds no {title}: give the folder that contains {inner} with its four files.")
        return folder
    *named, cache = mnist.places()
    for place in named:
        if folder := mnist.find(place, data_set):
            return folder
        print(f"VAE_COURSE_DATA names {place}, which holds no {inner}, so {title} is looked for elsewhere.")
    return mnist.find(cache, data_set)


def _splits(images_and_labels: mnist.Tensors, world: str, limit: int | None) -> Splits:
    train_x, train_y, test_x, test_y = images_and_labels
    order = torch.randperm(len(train_x), generator=torch.Generator().manual_seed(0))
    train, val = order[:MNIST_TRAIN][:limit], order[MNIST_TRAIN:][:limit]
    parts = (train_x[train], train_y[train]), (train_x[val], train_y[val]), (test_x[:limit], test_y[:limit])
    return Splits(*(Images(_grey(x), y, None, world) for x, y in parts))


def _pen(limit: int | None) -> Splits:
    ends = (0, PEN_TRAIN, PEN_TRAIN + PEN_VAL, PEN_TRAIN + PEN_VAL + PEN_TEST)
    x, y, factors = pen.load(ends[-1])
    parts = [slice(start, min(stop, start + (limit or stop))) for start, stop in pairwise(ends)]
    return Splits(*(Images(_grey(x[at]), y[at], {name: v[at] for name, v in factors.items()}, "pen") for at in parts))


def _grey(x: Tensor) -> Tensor:
    return x.unsqueeze(1).float() / 255

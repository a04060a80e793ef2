"""Images of your own: a folder of pictures, all made alike, in three splits."""

import os
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.data.images import Images, Splits
from vae_course.data.mnist import DataError
from vae_course.support.numbers import whole_number
from vae_course.support.words import count

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
SPLITS = {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}
FEWEST = 10  # images of which a tenth is one
MOST_BYTES = 2**32  # of all pixels in memory


def load_folder(
    path: str | os.PathLike[str], *, size: int = 28, colour: bool = False, seed: int = 0, limit: int | None = None
) -> Splits:
    """The images of a folder in three splits, eight, one and one tenths of them, that are the same every time.

    Where the folder holds folders, each of these is a class, in the order of their names, with all images in it however deep;
    `splits.train.classes` are the names. Otherwise all images are of class 0.

    An image becomes a square: turned as its camera noted (EXIF), its middle cut out, brought to `size`. Transparent parts become
    white, which a line tells; of an animation the first picture counts. Grey is light: what is white has 1, so dark lines on
    white paper need `1 - x` to look like MNIST.

    Args:
        path: the folder.
        size: height and width of the images, in pixels.
        colour: `[N, 3, size, size]` in red, green and blue, in place of `[N, 1, size, size]` in grey.
        seed: of the order in which the images are dealt out to the splits.
        limit: at most so many images in each split; no others are read.

    Raises:
        DataError: there is no such folder, it holds no or few images, it is not clear what its classes are, an image can't be
            read, or all together need too much memory.
        ValueError: size or limit is not a whole number above zero, or seed none.
    """
    folder, size = Path(path).expanduser(), whole_number(size, "size", least=1)
    limit = None if limit is None else whole_number(limit, "limit", least=1)
    files, labels, classes = _found(folder)
    if len(files) < FEWEST:
        raise DataError(
            f"{folder} holds {count(len(files), 'image')}: three splits need {FEWEST} or more, and a VAE learns from hundreds."
        )
    order = torch.randperm(len(files), generator=torch.Generator().manual_seed(whole_number(seed, "seed")))
    tenth = len(files) // 10
    parts = [part[:limit] for part in (order[2 * tenth :], order[tenth : 2 * tenth], order[:tenth])]
    needed = 4 * sum(map(len, parts)) * size**2 * (3 if colour else 1)
    if needed > MOST_BYTES:
        raise DataError(
            f"The images of {folder} need {needed / 1e9:.1f} GB at {size} x {size} pixels: give a smaller size, or a limit."
        )
    transparent = 0
    images = []
    for part in parts:
        pixels, seen = zip(*(_read(files[i], size, colour) for i in part.tolist()), strict=True)
        transparent += sum(seen)
        images.append(Images(torch.stack(pixels).float() / 255, labels[part], None, folder.resolve().name, classes))
    if transparent:
        print(f"{count(transparent, 'image')} of {folder} had transparent parts, which are white now.")
    return Splits(*images)


def _found(folder: Path) -> tuple[list[Path], Tensor, tuple[str, ...] | None]:
    """The images of a folder in the order of their paths, their classes `[N]`, and the names of these."""
    if not folder.is_dir():
        what = "is a file" if folder.is_file() else "is not there"
        raise DataError(f"{folder} {what}: give a folder that holds your images, unpacked.")
    files = sorted(_visible(folder), key=lambda path: path.relative_to(folder).as_posix())
    images = [path for path in files if path.suffix.lower() in ENDINGS]
    if not images:
        raise DataError(f"{folder} holds no images ({' '.join(ENDINGS)}){_instead(files)}.")
    inside = [path.relative_to(folder).parts for path in images]
    classes = tuple(sorted({parts[0] for parts in inside if len(parts) > 1}))
    if not classes:
        return images, torch.zeros(len(images), dtype=torch.long), None
    loose = sum(len(parts) == 1 for parts in inside)
    if loose:
        raise DataError(
            f"{folder} holds {count(loose, 'image')} beside the {'folder' if len(classes) == 1 else 'folders'}"
            f" {_listed(classes)}: folders are classes, so put each image into one, or all into none."
        )
    if {name.lower() for name in classes} <= SPLITS:
        raise DataError(
            f"{folder} holds the splits {_listed(classes)}, and folders are classes: give one of them, such as"
            f" {folder / classes[0]}, which is split anew."
        )
    return images, torch.tensor([classes.index(parts[0]) for parts in inside]), classes


def _visible(folder: Path) -> list[Path]:
    """All files of a folder, however deep, without those that a system hides in it."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    hidden = (".", "__MACOSX")
    return [path for path in paths if not any(part.startswith(hidden) for part in path.relative_to(folder).parts)]


def _instead(files: list[Path]) -> str:
    if not files:
        return ": it is empty"
    (ending, n), *_ = Counter(path.suffix for path in files).most_common()
    return f" but {count(n, 'file')} that {'ends' if n == 1 else 'end'} in {ending!r}: save pictures as PNG or JPEG"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _read(path: Path, size: int, colour: bool) -> tuple[Tensor, bool]:
    """One image as bytes `[C, size, size]`, and whether a part of it was transparent."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                # A JPEG far larger than that is read in a fraction of the time.
                opened.draft(None, (2 * size, 2 * size))
                image = ImageOps.exif_transpose(opened)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise DataError(f"{path} has more than {Image.MAX_IMAGE_PIXELS:,} pixels: save it smaller.") from None
    except Exception as error:  # of a damaged file Pillow's readers raise nearly anything
        reason = getattr(error, "strerror", None)
        why = f"can't be opened ({reason})" if reason else "is damaged, or no image"
        raise DataError(f"{path} {why}: take it out of the folder, or save it again as PNG or JPEG.") from None
    image, transparent = _opaque(_eight_bits(image, path))
    fitted = ImageOps.fit(image.convert("RGB" if colour else "L"), (size, size))
    return torch.from_numpy(np.array(fitted)).reshape(size, size, -1).permute(2, 0, 1), transparent


def _eight_bits(image: Any, path: Path) -> Any:
    """The image with 256 grey levels in place of 65,536, which Pillow would cut off at 255."""
    from PIL import Image

    if image.mode in ("I", "F"):
        raise DataError(f"{path} has pixels of 32 bits, whose range nobody knows: save it with 8 bits.")
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    return image


def _opaque(image: Any) -> tuple[Any, bool]:
    """The image on white, and whether any of the white is seen."""
    from PIL import Image

    if not image.has_transparency_data:
        return image, False
    layered = image.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered), layered.getextrema()[3][0] < 255

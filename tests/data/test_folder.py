"""A learner's own images: whatever their form they become alike, and whatever is wrong is said in one sentence."""

import traceback

import numpy as np
import pytest
import torch
from PIL import Image

from vae_course import data
from vae_course.colour import ColourVAE
from vae_course.data import DataError, folder
from vae_course.objectives import elbo


def picture(grey, size=(8, 8), mode="L"):
    """A plain picture of one grey level."""
    return Image.new("L", size, grey).convert(mode)


@pytest.fixture
def grey(tmp_path):
    """Thirty pictures, told apart by their grey levels 1 to 30."""
    for level in range(1, 31):
        picture(level).save(tmp_path / f"{level:02}.png")
    return tmp_path


@pytest.fixture
def put(tmp_path):
    """Saves a picture first among nine plain black ones, and loads them: where it is, and what it became, `[C, size, size]`."""

    def load(image, name="a.png", *, saved=None, **settings):
        for level in range(9):
            picture(0, (40, 40)).save(tmp_path / f"plain{level}.png")
        image.save(tmp_path / name, **(saved or {}))
        splits = data.load_folder(tmp_path, **settings)
        x = torch.cat([part.x for part in (splits.train, splits.val, splits.test)])
        return x[x.flatten(1).sum(1).argmax()]

    return load


def levels(splits):
    return [(255 * part.x[:, 0, 0, 0]).round().int().tolist() for part in (splits.train, splits.val, splits.test)]


def test_three_splits_share_no_image_and_miss_none(grey):
    splits = data.load_folder(grey)
    assert splits.train.x.shape == (24, 1, 28, 28) and len(splits.val) == len(splits.test) == 3
    assert sorted(level for part in levels(splits) for level in part) == list(range(1, 31))
    assert splits.name == grey.name and splits.train.y.tolist() == [0] * 24 and splits.train.classes is None


def test_they_are_the_same_every_time_and_others_with_another_seed(grey):
    first = levels(data.load_folder(grey))
    assert levels(data.load_folder(str(grey))) == first != levels(data.load_folder(grey, seed=1))


def test_a_limit_takes_their_beginnings_and_reads_no_more(grey, monkeypatch):
    whole, read = levels(data.load_folder(grey)), []
    monkeypatch.setattr(
        folder, "_read", lambda path, *rest, original=folder._read: read.append(path) or original(path, *rest)
    )
    assert levels(data.load_folder(grey, limit=2)) == [part[:2] for part in whole]
    assert len(read) == 6


def test_folders_are_classes_with_all_that_lies_in_them(tmp_path):
    for level in range(1, 21):
        place = tmp_path / ("owls" if level % 2 else "cats/grey")
        place.mkdir(parents=True, exist_ok=True)
        picture(level).save(place / f"{level}.PNG")
    splits = data.load_folder(tmp_path)
    for part, values in zip((splits.train, splits.val, splits.test), levels(splits), strict=True):
        assert part.classes == ("cats", "owls") and part[1:].classes == part.classes
        assert part.y.tolist() == [value % 2 for value in values]
    assert data.binarize(splits.train).classes == ("cats", "owls")


def test_what_a_system_hides_and_what_is_no_image_stays_out(grey):
    for name in (".DS_Store", "._01.png", "notes.txt", ".ipynb_checkpoints/01.png", "__MACOSX/01.png"):
        (grey / name).parent.mkdir(exist_ok=True)
        (grey / name).write_bytes(b"no image")
    assert len(data.load_folder(grey).train) == 24


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LA"])
@pytest.mark.parametrize("colour", [False, True])
def test_every_mode_becomes_grey_or_colour(put, mode, colour):
    ending = {"CMYK": "jpg", "YCbCr": "jpg"}.get(mode, "png")
    found = put(picture(255, (40, 40), mode), f"a.{ending}", colour=colour)
    assert found.shape == (3 if colour else 1, 28, 28) and found.dtype == torch.float32
    assert torch.allclose(found, torch.ones(()), atol=0.02)


@pytest.mark.parametrize("ending", [e.removeprefix(".") for e in folder.ENDINGS])
def test_every_ending_that_is_promised_is_read(put, ending):
    assert put(picture(200, (40, 40)), f"a.{ending.upper()}").mean().item() == pytest.approx(200 / 255, abs=0.01)


def test_colours_are_red_green_and_blue(put):
    found = put(Image.new("RGB", (40, 40), (255, 102, 0)), colour=True, size=16)
    assert torch.allclose(found.mean((1, 2)), torch.tensor([1.0, 0.4, 0.0])) and found.shape == (3, 16, 16)


def test_pixels_are_grey_levels_of_8_bits_as_the_likelihood_of_colours_takes_them(put, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    put(Image.fromarray(noise), colour=True, size=32)
    x = data.load_folder(tmp_path, colour=True, size=32).train.x
    assert torch.isfinite(elbo(ColourVAE.conv(2, channels=4), x).elbo).all()


def test_sixteen_bits_are_scaled_and_not_cut_off(put):
    ramp = np.linspace(0, 65_535, 40).astype(np.uint16)[None].repeat(40, 0)
    found = put(Image.fromarray(ramp), size=40)
    assert torch.allclose(found[0], torch.linspace(0, 1, 40).expand(40, 40), atol=1 / 255 + 1e-6)


def test_transparent_parts_become_white_and_a_line_tells(put, capsys):
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 20, 40))
    found = put(image, size=40)
    assert (found[0, :, :20] == 0).all() and (found[0, :, 20:] == 1).all()
    told = capsys.readouterr().out
    assert told.startswith("1 image of ") and told.endswith(" had transparent parts, which are white now.\n")


def test_transparent_colours_of_a_palette_become_white(put):
    image = Image.new("P", (40, 40), 1)
    image.putpalette([0, 0, 0, 0, 0, 0])
    assert (put(image, saved={"transparency": 1}) == 1).all()


def test_opaque_images_are_loaded_without_a_word(put, capsys):
    put(picture(255, (40, 40), "RGBA"))
    assert capsys.readouterr().out == ""


def test_an_image_is_turned_as_its_camera_noted(put):
    image = picture(0, (40, 40))
    image.paste(255, (0, 0, 40, 20))  # the upper half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    found = put(image, "a.jpg", saved={"exif": exif}, size=40)
    assert (found[0, :, 22:] > 0.9).all() and (found[0, :, :18] < 0.1).all()


@pytest.mark.parametrize("size", [(100, 40), (40, 100)])
def test_the_middle_is_cut_out_and_nothing_is_stretched(put, size):
    image = picture(128, size)
    for x, y in ((0, 0), (size[0] - 20, 0), (0, size[1] - 20), (size[0] - 20, size[1] - 20)):
        image.paste(255, (x, y, x + 20, y + 20))
    width, height = size
    image.paste(128, (width // 2 - 20, height // 2 - 20, width // 2 + 20, height // 2 + 20))
    assert torch.allclose(put(image, size=20), torch.tensor(128 / 255))


def test_a_large_photograph_is_read_small_and_looks_alike(put):
    x = np.linspace(0, 255, 1600)
    image = Image.fromarray(np.add.outer(x, x).__truediv__(2).astype(np.uint8))
    found = put(image, "a.jpg", size=16)[0]
    middle = (torch.arange(16) + 0.5) / 16
    assert torch.allclose(found, (middle[:, None] + middle) / 2, atol=0.02)


def test_of_an_animation_the_first_picture_counts(put):
    saved = {"save_all": True, "append_images": [picture(0, (40, 40))]}
    assert put(picture(255, (40, 40)), "a.gif", saved=saved).mean() > 0.99


# What is wrong


def damaged(path, content):
    (path / "05.png").write_bytes(content)


def truncated(path):
    noise = np.random.default_rng(0).integers(0, 256, (50, 50), dtype=np.uint8)
    Image.fromarray(noise).save(path / "05.png")
    damaged(path, (path / "05.png").read_bytes()[:1500])


def beside(path):
    (path / "cats").mkdir()
    picture(3).save(path / "cats" / "1.png")


def as_splits(path):
    for name in ("Test", "train"):
        (path / name).mkdir()
    for image in path.glob("*.png"):
        image.rename(path / ("Test" if image.name < "10" else "train") / image.name)


def few(path):
    for image in list(path.glob("*.png"))[4:]:
        image.unlink()


def photographs(path):
    for image in path.glob("*.png"):
        image.rename(image.with_suffix(".HEIC"))


def empty(path):
    for image in path.glob("*.png"):
        image.unlink()


def wide(path):
    (path / "05.png").unlink()
    Image.fromarray(np.ones((8, 8), np.float32)).save(path / "05.tiff")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncated, r"05\.png is damaged, or no image: take it out of the folder, or save it again"),
        (lambda path: damaged(path, b""), r"05\.png is damaged, or no image"),
        (lambda path: damaged(path, b"<html>not found</html>"), r"05\.png is damaged, or no image"),
        (wide, r"05\.tiff has pixels of 32 bits, whose range nobody knows: save it with 8 bits"),
        (beside, "holds 30 images beside the folder cats: folders are classes, so put each image into one, or all"),
        (as_splits, "holds the splits Test, train, and folders are classes: give one of them, such as .*Test, which"),
        (few, "holds 4 images: three splits need 10 or more"),
        (photographs, "holds no images .* but 30 files that end in '.HEIC': save pictures as PNG or JPEG"),
        (empty, "holds no images .*: it is empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_folder_is_one_sentence_with_the_fix(grey, damage, said):
    damage(grey)
    with pytest.raises(DataError, match=said) as error:
        data.load_folder(grey)
    assert str(grey) in str(error.value) and "\n" not in str(error.value)
    assert "".join(traceback.format_exception(error.value)).count("Traceback") == 1


def test_a_folder_that_is_not_there_or_a_file_is_named(grey):
    with pytest.raises(DataError, match="photos is not there: give a folder"):
        data.load_folder(grey / "photos")
    with pytest.raises(DataError, match="01.png is a file: give a folder that holds your images, unpacked"):
        data.load_folder(grey / "01.png")


def test_an_image_that_may_not_be_opened_says_so(grey, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(DataError, match=r"\d\d.png can't be opened \(Permission denied\): take it out"):
        data.load_folder(grey)


@pytest.mark.parametrize("most", [60, 30])
def test_a_huge_image_is_named_before_it_fills_the_memory(grey, monkeypatch, most):
    # Pillow warns from its limit on, and refuses from twice the limit on: a picture here has 64 pixels.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
    with pytest.raises(DataError, match=f"has more than {most} pixels: save it smaller"):
        data.load_folder(grey)


def test_more_than_fits_into_memory_is_refused_before_any_is_read(grey, monkeypatch):
    monkeypatch.setattr(folder, "_read", lambda *_: pytest.fail("read"))
    with pytest.raises(DataError, match=r"need 9\.0 GB at 5000 x 5000 pixels: give a smaller size, or a limit"):
        data.load_folder(grey, size=5000, colour=True)


@pytest.mark.parametrize("settings", [{"size": 0}, {"size": 2.5}, {"limit": 0}, {"seed": 0.5}])
def test_settings_that_make_no_sense_are_refused(grey, settings):
    with pytest.raises(ValueError, match="give a whole number"):
        data.load_folder(grey, **settings)

"""Freeze one level of a hierarchy, redraw the other, and see what of a picture stays."""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from vae_course.data import Images
from vae_course.hierarchies import TwoLevelVAE
from vae_course.plotting.figure import AltFigure
from vae_course.plotting.images import image_grid
from vae_course.studies.levels import Redrawn, redraw
from vae_course.support.state import evaluating, isolated_rng
from vae_course.widgets.playground import STYLE, Playground, choice

SHOWN = 10  # new pictures, beside the image and its copy
DRAWS = tuple(range(20))
CODES = 1000  # the seed of the codes, which no draw shares
# What the control says, and which level that draws anew.
CHOICES: dict[str, Redrawn] = {
    "freeze both": "neither",
    "freeze the top, redraw the bottom": "bottom",
    "freeze the bottom, redraw the top": "top",
    "redraw both": "both",
}


@dataclass(frozen=True)
class Redrawing:
    """An image, its copy and new pictures `[SHOWN, 1, H, W]`, and how each of these but the image is read."""

    image: Tensor
    copy: Tensor
    pictures: Tensor
    read: tuple[int, ...]
    level: Redrawn

    @property
    def same(self) -> int:
        """New pictures that are read like the copy."""
        return sum(digit == self.read[0] for digit in self.read[1:])


class LevelsPlayground(Playground):
    """Codes of an image on two levels, of which one is kept and the other drawn anew from the model.

    Choose an image and what to freeze, by mouse or by keyboard; the last slider makes other draws. `go` does the same from
    code.

    Args:
        model: a trained model with two levels.
        images: some images, pixels as the model was trained on, one or more.
        read: a trained network that reads digits, from images to ten scores.

    Raises:
        ValueError: there is no image.
    """

    def __init__(self, model: TwoLevelVAE, images: Images | Tensor, read: nn.Module) -> None:
        self.x: Tensor = images.x if isinstance(images, Images) else images
        self.model, self.read = model, read
        if len(self.x) == 0:
            raise ValueError("images is empty: give at least one image.")
        with evaluating(model), isolated_rng(CODES):
            self.z1, self.z2 = (codes[0] for codes in model.draw(self.x)[:2])
        options: Sequence[tuple[str, Redrawn]] = list(CHOICES.items())
        controls = {
            "image": choice("image", range(len(self.x)), start=0),
            "level": widgets.RadioButtons(options=options, value="bottom", description="levels", **STYLE),
            "luck": choice("draws", DRAWS, start=0),
        }
        super().__init__(controls, name="vae-levels", width=470, buttons=[("Reset", "The reset", self.reset)])

    def compute(self, image: int, level: Redrawn, luck: int) -> Redrawing:
        """The pictures of one image with this level drawn anew."""
        z1, z2 = self.z1[image], self.z2[image]
        with evaluating(self.model), evaluating(self.read):
            codes = torch.cat((z1[None], redraw(self.model, z1, z2, level, n=SHOWN, seed=luck)))
            pictures = self.model.decode_mean(codes)
            read = tuple(self.read(pictures).argmax(1).tolist())
        return Redrawing(self.x[image], pictures[0], pictures[1:], read, level)

    def draw(self, value: Redrawing) -> AltFigure:
        """The image, its copy, and the new pictures with how each is read."""
        titles = ["image", f"copy: {value.read[0]}", *map(str, value.read[1:])]
        fig = image_grid(torch.stack((value.image, value.copy, *value.pictures)), ncols=4, titles=titles)
        assert isinstance(fig, AltFigure)  # nobody gave it axes
        return fig

    def in_words(self, value: Redrawing) -> str:
        """What was frozen, and how many pictures are read as the copy is."""
        words = next(words for words, level in CHOICES.items() if level == value.level)
        return (
            f"Image {self.values['image']}, draws {self.values['luck']}, {words}: {value.same} of {SHOWN} new pictures are read"
            f" as a {value.read[0]}, like the copy."
        )

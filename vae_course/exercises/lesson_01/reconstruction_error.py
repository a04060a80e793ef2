"""01-reconstruction-error: squared differences, summed over the pixels, with one mean over the batch."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def reconstruction_error(x: Tensor, x_hat: Tensor) -> Tensor:
    """Squared error, summed over pixels and averaged over the batch: [B, 1, H, W] twice to one number, a tensor."""
    squares = (x - x_hat) ** 2
    return squares.flatten(1).sum(dim=1).mean()


def _cases(seed: int) -> list[Inputs]:
    """Images of several sizes, of which one comes twice; one batch is as large as a lesson's.

    One batch holds one image more than there are pixels in one. A linear decoder leaves [0, 1], some more than others.
    """
    source = generator(seed)
    b, width = integer(source, 4, 6), integer(source, 7, 9)
    cases: list[Inputs] = []
    for shape in ((1, 1, 4, 3), (3, 1, 5, 4), (b, 1, 2, width), (b, 1, 2, width), (7, 1, 2, 3), (64, 1, 6, 8)):
        cases.append({"x": uniform(source, *shape), "x_hat": uniform(source, *shape)})
    for spread in (0.5, 20.0):
        cases.append({"x": uniform(source, 3, 1, 5, 4), "x_hat": 0.5 + spread * normal(source, 3, 1, 5, 4)})
    return cases


def _loop(x: Tensor, x_hat: Tensor) -> Tensor:
    errors = []
    for image, copy in zip(x, x_hat, strict=True):
        total = torch.tensor(0.0)
        for a, b in zip(image.flatten(), copy.flatten(), strict=True):
            total = total + (a - b) ** 2
        errors.append(total)
    return torch.stack(errors).mean()


def _norms(x: Tensor, x_hat: Tensor) -> Tensor:
    """The distance of each image from its copy, `[B]`."""
    return (x - x_hat).flatten(1).square().sum(1).sqrt()


EXERCISE = Exercise(
    id="01-reconstruction-error",
    title="The error of a reconstruction",
    points=2,
    difficulty=1,
    minutes=3,
    task=(
        "Return the reconstruction error, one number (a tensor): squared differences between `x` and `x_hat`, both "
        "`[B, 1, H, W]`, summed over the pixels of each image and averaged over the B images."
    ),
    hints=(
        "Do it in three steps: a squared difference for each pixel, one sum for each image, one mean over the images.",
        "error = 1/B sum_b sum_i (x_bi - x_hat_bi)^2, where i runs over the pixels of an image.",
        "`flatten(1)` turns a batch `[B, 1, H, W]` of squares into `[B, H W]`; then take a sum over axis 1 and a mean.",
    ),
    explanation=(
        "An image is one thing, so its pixels are added up; a batch is a collection of things, so it is averaged. The "
        "result neither changes with the batch size nor shrinks with the number of pixels, and the losses of all later "
        "lessons are reduced in the same way."
    ),
    returns="one number, a tensor of shape []",
    reference=reconstruction_error,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "einsum",
            lambda x, x_hat: torch.einsum("bchw,bchw->b", x - x_hat, x - x_hat).mean(),
        ),
        Alternative("float64", lambda x, x_hat: reconstruction_error(x.double(), x_hat.double())),
        Alternative("sum over all, divided by B", lambda x, x_hat: (x - x_hat).pow(2).sum() / len(x)),
        Alternative("mse_loss", lambda x, x_hat: F.mse_loss(x_hat, x, reduction="sum") / x.shape[0]),
    ),
    misconceptions=(
        Misconception(
            "mean over pixels",
            lambda x, x_hat: F.mse_loss(x_hat, x),
            "This is a mean over pixels and images alike, so it is too small by the number of pixels in an image. Add "
            "up the pixels; only the images are averaged.",
            variants=(lambda x, x_hat: (x - x_hat).square().flatten(1).mean(1).mean(),),
        ),
        Misconception(
            "784 written in",
            lambda x, x_hat: (x - x_hat).square().mean() * 784,
            "You multiply a mean by 784, but the images here have other sizes, such as 4 x 3. Let the code find the "
            "size: `flatten(1)` and a sum over axis 1.",
            variants=(lambda x, x_hat: (x - x_hat).square().sum() / 784,),
        ),
        Misconception(
            "sum over the batch",
            lambda x, x_hat: (x - x_hat).square().sum(),
            "You add up the images too, so the error grows with the batch. Divide by the number of images, not of "
            "pixels.",
        ),
        Misconception(
            "pixels averaged, images added",
            lambda x, x_hat: (x - x_hat).square().flatten(1).mean(1).sum(),
            "The two reductions are the wrong way round: you average the pixels and add up the images. Add up the "
            "pixels and average the images.",
        ),
        Misconception(
            "one error for each image",
            lambda x, x_hat: (x - x_hat).square().flatten(1).sum(1),
            "These are the errors of the single images, `[B]`. One number is asked for: take their mean.",
        ),
        Misconception(
            "not squared",
            lambda x, x_hat: (x - x_hat).flatten(1).sum(1).mean(),
            "The differences are not squared, so one that is too dark cancels one that is too light. Square each "
            "difference before you add.",
        ),
        Misconception(
            "absolute differences",
            lambda x, x_hat: (x - x_hat).abs().flatten(1).sum(1).mean(),
            "You add absolute differences. They measure an error too, but PCA minimises the squares: square each "
            "difference.",
        ),
        Misconception(
            "root of the sum",
            lambda x, x_hat: _norms(x, x_hat).mean(),
            "You take the root of each image's sum: that is a distance, and a mean of roots is not the root of a "
            "mean. The squared error is asked for, without the root.",
        ),
        Misconception(
            "squared after adding",
            lambda x, x_hat: (x - x_hat).flatten(1).sum(1).square().mean(),
            "You add up the differences of an image first and square the sum, so errors of opposite sign cancel. "
            "Square each pixel's difference, then add.",
        ),
        Misconception(
            "summed over one axis",
            lambda x, x_hat: (x - x_hat).square().sum(-1).mean(),
            "Your sum runs over one row of pixels, and the mean over all else. Flatten the images first, so that axis 1 "
            "holds all their pixels, and add those up.",
            variants=(lambda x, x_hat: (x - x_hat).square().sum(-2).mean(),),
        ),
        Misconception(
            "half of it",
            lambda x, x_hat: 0.5 * reconstruction_error(x, x_hat),
            "This is half of the error. The 1/2 belongs to the log density of a Gaussian; here the sum of squares itself is "
            "asked for.",
        ),
        Misconception(
            "root at the end",
            lambda x, x_hat: reconstruction_error(x, x_hat).sqrt(),
            "You take the root of the mean error. The squared error is asked for, without the root.",
            variants=(lambda x, x_hat: F.mse_loss(x_hat, x).sqrt(),),
        ),
        Misconception(
            "pixels divided by a side",
            lambda x, x_hat: (x - x_hat).square().sum() / x.shape[-1],
            "You divide by a side of the image. The pixels are added up; divide by the number of images alone.",
            variants=(lambda x, x_hat: (x - x_hat).square().sum() / x.shape[-2],),
        ),
        Misconception(
            "batch size written in",
            lambda x, x_hat: (x - x_hat).square().sum() / 128,
            "You divide by a number that is written into your function. The batches here have other sizes, such as 3: "
            "divide by `len(x)`, or take a mean over the images.",
            variants=tuple(
                lambda x, x_hat, n=n: (x - x_hat).square().sum() / n for n in (10, 16, 32, 64, 100, 256, 512, 1000)
            ),
        ),
        Misconception(
            "median image",
            lambda x, x_hat: (x - x_hat).square().flatten(1).sum(1).median(),
            "You pick one of the images' errors, such as the one in the middle, the largest or the first. Average over all "
            "images: `.mean()`.",
            variants=(
                lambda x, x_hat: (x - x_hat).square().flatten(1).sum(1).max(),
                lambda x, x_hat: (x - x_hat).square().flatten(1).sum(1)[0],
            ),
        ),
        Misconception(
            "another error",
            lambda x, x_hat: F.binary_cross_entropy(x_hat.clamp(0, 1), x, reduction="sum") / len(x),
            "This is an error of another kind than the squared difference of each pixel: a cross-entropy, a Huber loss or a "
            "spread. Square `x - x_hat` and add up.",
            variants=(
                lambda x, x_hat: F.binary_cross_entropy(x_hat, x, reduction="sum") / len(x),
                lambda x, x_hat: F.binary_cross_entropy_with_logits(x_hat, x, reduction="sum") / len(x),
                lambda x, x_hat: F.smooth_l1_loss(x_hat, x, reduction="sum") / len(x),
                lambda x, x_hat: F.l1_loss(x_hat, x),
                lambda x, x_hat: (x - x_hat).flatten(1).var(1).mean(),
            ),
        ),
        Misconception(
            "squares apart",
            lambda x, x_hat: (x**2 - x_hat**2).flatten(1).sum(1).mean(),
            "You square the images and take the difference of the squares, in which errors cancel. Take the difference "
            "first, then square it.",
        ),
        Misconception(
            "pixels cut off",
            lambda x, x_hat: reconstruction_error(x, x_hat.clamp(0, 1)),
            "You cut the reconstruction off at 0 and 1 before you compare, which hides a part of its error. Take `x_hat` as "
            "it is.",
            variants=(lambda x, x_hat: reconstruction_error(x, torch.sigmoid(x_hat)),),
        ),
        Misconception(
            "an error for each pixel",
            lambda x, x_hat: (x - x_hat).square().mean(0),
            "You add up or average over the images and keep the pixels. One number is asked for: add up the pixels, then "
            "average over the images.",
            variants=(lambda x, x_hat: (x - x_hat).square().sum(0), lambda x, x_hat: (x - x_hat).square()),
        ),
        Misconception(
            "cut off from the gradient",
            lambda x, x_hat: (x - x_hat).detach().square().flatten(1).sum(1).mean(),
            "The number is right, but it is cut off from what made it, so nothing could be trained with it. Return the "
            "tensor itself, without `.detach()`, `.data` or `.item()`.",
        ),
    ),
    cases=_cases,
    batch="x",
    gradients=("x_hat",),
)

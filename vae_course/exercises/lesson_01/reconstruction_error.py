"""01-reconstruction-error: squared differences, summed over the pixels, with one mean over the batch."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def reconstruction_error(x: Tensor, x_hat: Tensor) -> Tensor:
    """Squared error, summed over pixels and averaged over the batch: [B, 1, H, W] twice to one number, a tensor."""
    squares = (x - x_hat) ** 2
    return squares.flatten(1).sum(dim=1).mean()


def _cases(seed: int) -> list[Inputs]:
    """Images of several sizes; the last batch holds one image more than there are pixels in one."""
    source = generator(seed)
    cases: list[Inputs] = []
    for shape in ((1, 1, 4, 3), (3, 1, 5, 4), (4, 1, 2, 7), (7, 1, 2, 3)):
        cases.append({"x": uniform(source, *shape), "x_hat": uniform(source, *shape)})
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

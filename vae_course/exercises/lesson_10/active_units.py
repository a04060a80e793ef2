"""10-active-units: which latent dimensions say anything about the image."""

import math

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def is_active(mu: Tensor, logvar: Tensor, threshold: float) -> Tensor:
    """True for each latent dimension whose posterior mean varies over the images; mu, logvar [N, D] to [D]."""
    return mu.var(dim=0) > threshold


def _cases(seed: int) -> list[Inputs]:
    """Dimensions that move, that stand still at zero and elsewhere, and wide and narrow ones.

    Near the threshold both variances, over N and over N - 1, lie on the same side of it: either is a right answer.
    """
    source = generator(seed)
    few = integer(source, 9, 12)
    cases: list[Inputs] = []
    for n, threshold in ((3, 0.01), (few, 0.01), (few, 0.01), (few, 0.25), (6, 1e-4), (40, 4.0), (500, 0.05)):
        spread = 10 * threshold**0.5 * torch.tensor([1.0, 0.01, 0.05, 0.15, 0.09, 0.13, 0.02, 0.03])
        noise = normal(source, n, len(spread))
        unit = (noise - noise.mean(0)) / noise.std(0)
        centre = torch.tensor([0.0, 0.6, -0.3, 4.0, 0.2, -0.1, 0.0, 0.0])
        logvar = torch.tensor([-3.0, 0.0, -2.0, -0.1, -0.01, -5.0, 0.0, -2.0])
        # A width that changes from image to image, here in a dimension that stands still, is not what is asked for.
        logvar = logvar + torch.tensor([0.01, 6, 0.01, 0.01, 0.01, 0.01, 3, 0.01]) * (
            uniform(source, n, len(spread)) - 0.5
        )
        order = torch.randperm(len(spread), generator=source)
        cases.append(
            {
                "mu": (centre + spread * unit)[:, order],
                "logvar": logvar[:, order],
                "threshold": threshold,
            }
        )
    # Far from 0, where a limit would hide how they move.
    far = torch.tensor([60.0, -60.0, 60.0, 15.0, -15.0, 0.0])
    noise = normal(source, few, len(far))
    unit = (noise - noise.mean(0)) / noise.std(0) * torch.tensor([1.0, 1.0, 0.1, 1.0, 0.1, 1.0])
    cases.append({"mu": far + unit, "logvar": -2.0 + normal(source, few, len(far)), "threshold": 0.25})
    return cases


def _loop(mu: Tensor, logvar: Tensor, threshold: float) -> Tensor:
    active = []
    for column in mu.unbind(1):
        squares = (column - column.mean()) ** 2
        active.append(squares.sum() / (len(column) - 1) > threshold)
    return torch.stack(active)


def _kl(mu: Tensor, logvar: Tensor) -> Tensor:
    return (0.5 * (logvar.exp() + mu**2 - 1 - logvar)).mean(0)


EXERCISE = Exercise(
    id="10-active-units",
    title="Which dimensions are active",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "Return True or False for each latent dimension, `[D]`: whether the variance over the images of its posterior mean "
        "is above `threshold`. Given are `mu` and `logvar` `[N, D]` of N images."
    ),
    hints=(
        "The test asks whether the posterior mean moves from image to image. Is the width of the posterior "
        "needed for that?",
        "active_d = Var_n(mu_nd) > threshold, with the variance over the N images.",
        "`mu.var(dim=0)` is the variance over the images, `[D]`; compare it with the threshold.",
    ),
    explanation=(
        "A posterior that is the same for all images can have any width and any place: its code does not depend on x. That "
        "is why the variance of the mean is measured, and neither its size nor the width. The test has a blind spot: a width "
        "that changes from image to image says something too, and no variance of the mean shows it."
    ),
    returns="True or False for each dimension, [D]",
    reference=is_active,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "centred squares",
            lambda mu, logvar, threshold: (mu - mu.mean(0)).square().sum(0) / (len(mu) - 1) > threshold,
        ),
        Alternative("variance over N", lambda mu, logvar, threshold: mu.var(0, unbiased=False) > threshold),
        Alternative(
            "mean of centred squares",
            lambda mu, logvar, threshold: ((mu - mu.mean(0)) ** 2).mean(0) > threshold,
        ),
        Alternative("standard deviation", lambda mu, logvar, threshold: mu.std(0) > threshold**0.5),
        Alternative("float64", lambda mu, logvar, threshold: mu.double().var(0) > threshold),
        Alternative("covariance", lambda mu, logvar, threshold: torch.diagonal(torch.cov(mu.T)) > threshold),
    ),
    misconceptions=(
        Misconception(
            "variance over the dimensions",
            lambda mu, logvar, threshold: mu.var(1) > threshold,
            "You take the variance over axis 1, the dimensions, and get one answer for each image. The images lie along "
            "axis 0.",
        ),
        Misconception(
            "mean square",
            lambda mu, logvar, threshold: mu.square().mean(0) > threshold,
            "A mean that is far from zero, but the same for all images, counts as active here. Take the variance, which "
            "is about the mean over the images.",
            variants=(lambda mu, logvar, threshold: mu.abs().mean(0) > threshold**0.5,),
        ),
        Misconception(
            "standard deviation against the threshold",
            lambda mu, logvar, threshold: mu.std(0) > threshold,
            "You hold a distance, such as the standard deviation, against a threshold for a variance, a mean of squared "
            "distances: use `.var`.",
            variants=(lambda mu, logvar, threshold: (mu - mu.mean(0)).abs().mean(0) > threshold,),
        ),
        Misconception(
            "variance of the draws",
            lambda mu, logvar, threshold: mu.var(0) + logvar.exp().mean(0) > threshold,
            "You add the width of the posterior. A dead dimension has width 1 and would count as active: this test "
            "asks about the mean alone.",
        ),
        Misconception(
            "the width of the posterior",
            lambda mu, logvar, threshold: logvar.exp().mean(0) > threshold,
            "You hold the width of the posterior against the threshold. A dead dimension has width 1 and would count as active: "
            "take the variance of the means over the images.",
            variants=(lambda mu, logvar, threshold: (logvar / 2).exp().mean(0) > threshold,),
        ),
        Misconception(
            "KL against the threshold",
            lambda mu, logvar, threshold: _kl(mu, logvar) > threshold,
            "You hold the KL against the threshold. A dimension with a fixed code that is not the prior's has a KL and says "
            "nothing; the variance of the mean is asked for.",
        ),
        Misconception(
            "the mean against the threshold",
            lambda mu, logvar, threshold: mu.mean(0).abs() > threshold,
            "You hold the size of the means against the threshold. Means far from 0 that are the same for all images say nothing "
            "about them: take the variance over the images.",
            variants=(
                lambda mu, logvar, threshold: mu.mean(0) > threshold,
                lambda mu, logvar, threshold: mu.abs().mean(0) > threshold,
                lambda mu, logvar, threshold: mu.mean(0) ** 2 > threshold,
            ),
        ),
        Misconception(
            "another measure of spread",
            lambda mu, logvar, threshold: mu.amax(0) - mu.amin(0) > threshold,
            "You measure how far the means of the images lie apart, but not by their variance. That is the mean of the squared "
            "distances from the mean.",
            variants=(lambda mu, logvar, threshold: (mu - mu.mean(0)).square().sum(0) > threshold,),
        ),
        Misconception(
            "one mean for all dimensions",
            lambda mu, logvar, threshold: (mu - mu.mean()).square().mean(0) > threshold,
            "You take the distances from one mean of all dimensions, so one that stays in a place of its own counts as active. "
            "Each dimension has its own mean over the images.",
            variants=(lambda mu, logvar, threshold: (mu - mu.mean(1, keepdim=True)).square().mean(0) > threshold,),
        ),
        Misconception(
            "one image is enough",
            lambda mu, logvar, threshold: (mu.square() > threshold).any(0),
            "You ask whether any image lies beyond the threshold. The variance is taken over all images, about their mean.",
            variants=(
                lambda mu, logvar, threshold: (mu.abs() > threshold).any(0),
                lambda mu, logvar, threshold: (mu > threshold).any(0),
                lambda mu, logvar, threshold: ((mu - mu.mean(0)).square() > threshold).any(0),
            ),
        ),
        Misconception(
            "relative to the other dimensions",
            lambda mu, logvar, threshold: mu.var(0) / mu.var(0).amax() > threshold,
            "You divide by the variance of other dimensions, so whether one is active hangs on its neighbours. Hold each "
            "variance as it is against the threshold.",
            variants=(
                lambda mu, logvar, threshold: mu.var(0) / mu.var(0).sum() > threshold,
                lambda mu, logvar, threshold: mu.var(0) / mu.var(0).mean() > threshold,
            ),
        ),
        Misconception(
            "moving widths counted",
            lambda mu, logvar, threshold: (mu.var(0) > threshold) | (logvar.var(0) > threshold),
            "You also count dimensions whose width changes from image to image. That does say something about the image, but "
            "this test is about the posterior mean alone: leave logvar out.",
            variants=(
                lambda mu, logvar, threshold: mu.var(0) + logvar.var(0) > threshold,
                lambda mu, logvar, threshold: (mu.var(0) > threshold) | (logvar.exp().var(0) > threshold),
            ),
        ),
        Misconception(
            "widths in place of means",
            lambda mu, logvar, threshold: logvar.var(0) > threshold,
            "You take the variance of logvar over the images. The posterior mean is what the test is about: `mu.var(dim=0)`.",
            variants=(lambda mu, logvar, threshold: logvar.exp().var(0) > threshold,),
        ),
        Misconception(
            "a threshold of its own",
            lambda mu, logvar, threshold: mu.var(0) > 0.01,
            "You compare with 0.01 whatever `threshold` is. Other lessons and papers use other thresholds: compare with the "
            "argument.",
            variants=tuple(lambda mu, logvar, threshold, t=t: mu.var(0) > t for t in (0.02, 0.1, 1e-3)),
        ),
        Misconception(
            "the variances themselves",
            lambda mu, logvar, threshold: mu.var(0),
            "These are the right variances. True or False is asked for: compare them with `threshold`.",
        ),
        Misconception(
            "not over the images",
            lambda mu, logvar, threshold: mu.var() > threshold,
            "You take one variance over everything and get one answer. Each dimension needs its own: `mu.var(dim=0)`.",
        ),
        Misconception(
            "how many",
            lambda mu, logvar, threshold: (mu.var(0) > threshold).sum(),
            "This is how many are active. Asked for is which ones, `[D]`.",
        ),
        Misconception(
            "dead ones",
            lambda mu, logvar, threshold: mu.var(0) < threshold,
            "You mark the dimensions that are not active: turn the comparison round.",
        ),
        Misconception(
            "narrow posteriors",
            lambda mu, logvar, threshold: logvar.exp().mean(0) < 1 - threshold,
            "You ask whether the posterior is narrow. A narrow posterior in the same place for all images "
            "says nothing about them: look at the variance of the mean.",
            variants=(
                lambda mu, logvar, threshold: logvar.mean(0) < math.log(threshold),
                lambda mu, logvar, threshold: logvar.exp().mean(0) < threshold,
            ),
        ),
        Misconception(
            "compared with the posterior's own width",
            lambda mu, logvar, threshold: mu.var(0) / logvar.exp().mean(0) > threshold,
            "You divide the variance of the means by that of the posterior. A fixed dimension may have a narrow posterior; the "
            "variance of the mean alone is held against the threshold.",
            variants=(lambda mu, logvar, threshold: mu.var(0) / (mu.var(0) + logvar.exp().mean(0)) > threshold,),
        ),
    ),
    cases=_cases,
)

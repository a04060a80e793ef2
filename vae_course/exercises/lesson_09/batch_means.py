"""09-batch-means: mend an average that counts batches in place of images."""

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception
from vae_course.exercises.probes import one_number


def mean_over_images(means: Tensor, counts: Tensor) -> Tensor:
    """The mean over all images, one number in nats, from the means [N] and sizes [N] of N batches."""
    return (means * counts).sum() / counts.sum()


def _cases(seed: int) -> list[Inputs]:
    """By hand and a single batch, then whole numbers of images by chance; the last batch is often the smallest."""
    source = generator(seed)
    cases: list[Inputs] = [
        {"means": torch.tensor([-100.0, -90.0]), "counts": torch.tensor([3, 1])},
        {"means": torch.tensor([-120.0]), "counts": torch.tensor([7])},
    ]
    full, last, few, many = (integer(source, *ends) for ends in ((90, 140), (2, 20), (2, 4), (16, 24)))
    small = (integer(source, 1, 5), *(integer(source, 6, 12) for _ in range(few)), integer(source, 1, 5))
    large = tuple(integer(source, *ends) for ends in ((15_000, 25_000), (5_000, 12_000), (100, 500)))
    for sizes in ((full,) * few + (1,), small, (full,) * many + (last,), (full,) * many + (last,), large):
        cases.append({"means": -100 + 30 * normal(source, len(sizes)), "counts": torch.tensor(sizes)})
    above_zero = 500 * normal(source, len(small)) + 200  # as the bounds of a density may be
    return [*cases, {"means": above_zero, "counts": torch.tensor(small)}]


def _loop(means: Tensor, counts: Tensor) -> Tensor:
    total, images = torch.tensor(0.0), 0
    for mean, count in zip(means, counts, strict=True):
        total = total + mean * count
        images = images + count
    return total / images


def _running(means: Tensor, kept: float) -> Tensor:
    """The average in which each mean replaces a share of all before it."""
    average = means[0]
    for mean in means[1:]:
        average = kept * average + (1 - kept) * mean
    return average


EXERCISE = Exercise(
    id="09-batch-means",
    title="Every image counts once",
    points=2,
    difficulty=2,
    minutes=4,
    task=(
        "Correct the average: from the mean ELBO of each of N batches, `means` `[N]` in nats, and their numbers of images, "
        "`counts` `[N]`, return the mean over all images, one number."
    ),
    hints=(
        "How much does an image of a small batch count in the mean of the means, and how much one of a large batch?",
        "mean = sum_n counts_n means_n / sum_n counts_n.",
        "Multiply each mean by its count, add up, and divide by the number of all images, not of the batches; for a "
        "product with `@` make both of one type, `counts.to(means.dtype)`.",
    ),
    explanation=(
        "A batch's mean times its number of images is the sum over its images; the sums add up, and one division at "
        "the end makes the mean. Where all batches are equally large, both averages agree, which is why the mistake "
        "is seldom seen."
    ),
    returns="one number, a tensor of shape []",
    reference=mean_over_images,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "einsum", lambda means, counts: torch.einsum("n,n->", means, counts.to(means.dtype)) / int(counts.sum())
        ),
        Alternative("repeat each mean", lambda means, counts: means.repeat_interleave(counts).mean()),
        Alternative("NumPy", lambda means, counts: np.average(means.numpy(), weights=counts.numpy())),
        Alternative("plain numbers", lambda means, counts: sum((means * counts).tolist()) / int(counts.sum())),
        Alternative("weights", lambda means, counts: means @ (counts / counts.sum())),
        Alternative("float64", lambda means, counts: mean_over_images(means.double(), counts.double())),
    ),
    misconceptions=(
        Misconception(
            "as it was",
            lambda means, counts: means.mean(),
            "This is the average as it was: each batch counts the same, so an image of a small batch counts more than "
            "others. Weight each mean by its count.",
        ),
        Misconception(
            "last batch dropped",
            lambda means, counts: means[:-1].mean() if len(means) > 1 else means.mean(),
            "You leave out the last batch. Its images are part of the data: weight each mean by its count.",
            variants=(
                lambda means, counts: means[:-1].mean(),
                lambda means, counts: (
                    (means[:-1] * counts[:-1]).sum() / counts[:-1].sum() if len(means) > 1 else means.mean()
                ),
            ),
        ),
        Misconception(
            "only the largest batches",
            lambda means, counts: means[counts == counts.max()].mean(),
            "You keep the largest batches alone. The images of the smaller ones are part of the data: weight each mean by its "
            "count.",
            variants=(lambda means, counts: means[counts.argmax()],),
        ),
        Misconception(
            "weighted, divided by the batches",
            lambda means, counts: (means * counts).mean(),
            "You weight by the counts, then divide by the number of batches. Divide by the number of images.",
        ),
        Misconception(
            "weights averaged",
            lambda means, counts: (means * counts / counts.sum()).mean(),
            "counts / counts.sum() are weights that already add up to 1, so the weighted means are to be summed, not "
            "averaged.",
        ),
        Misconception(
            "divided by the count",
            lambda means, counts: (means / counts).sum() / counts.sum(),
            "You divide each mean by its count. A batch's mean stands for `count` images, so multiply, and divide by the "
            "number of all images in the end.",
            variants=(lambda means, counts: (means / counts).sum(), lambda means, counts: (means / counts).mean()),
        ),
        Misconception(
            "not divided",
            lambda means, counts: (means * counts).sum(),
            "This is the sum over all images. Divide it by their number, `counts.sum()`.",
        ),
        Misconception(
            "divided by the first count",
            lambda means, counts: (means * counts).sum() / (counts[0] * len(counts)),
            "You divide as if every batch were as large as the first, or as the largest. The last is often smaller: divide by "
            "`counts.sum()`.",
            variants=(lambda means, counts: (means * counts).sum() / (counts.max() * len(counts)),),
        ),
        Misconception(
            "weighted the other way",
            lambda means, counts: (means / counts).sum() / (1 / counts).sum(),
            "You divide each mean by its count, so small batches count even more. Multiply.",
        ),
        Misconception(
            "sum of the means",
            lambda means, counts: means.sum() / counts.sum(),
            "You divide the sum of the means by the number of images, but each mean stands for a whole batch. Multiply "
            "each by its count first.",
        ),
        Misconception(
            "mean of the counts as the divisor",
            lambda means, counts: (means * counts).sum() / counts.float().mean(),
            "You divide by the mean number of images in a batch, so the result is N times too large. Divide by the number of "
            "all images, `counts.sum()`.",
        ),
        Misconception(
            "softmax of the counts",
            lambda means, counts: (torch.softmax(counts.float(), 0) * means).sum(),
            "A softmax exponentiates the counts, so the largest batch takes all the weight. Divide the counts by their sum.",
        ),
        Misconception(
            "one image too many or too few",
            lambda means, counts: (means * counts).sum() / (counts.sum() - 1),
            "Your divisor is off by one image. Divide by the number of all images, `counts.sum()`.",
            variants=(lambda means, counts: (means * counts).sum() / (counts.sum() + 1),),
        ),
        Misconception(
            "sign lost",
            lambda means, counts: -(means * counts).sum() / counts.sum(),
            "The size is right and the sign is not. The means are ELBOs, negative numbers of nats, and so is their mean.",
            variants=(lambda means, counts: ((means * counts).sum() / counts.sum()).abs(),),
        ),
        Misconception(
            "median",
            lambda means, counts: means.median(),
            "The median of the batches is not a mean over images: it ignores how large they are. Weight each mean by its "
            "count.",
        ),
        Misconception(
            "a running average",
            lambda means, counts: _running(means, 0.9),
            "You let each mean replace a fixed share of what came before, so the average hangs on the order of the batches. "
            "Weight each by its count.",
            variants=(lambda means, counts: _running(means, 0.99), lambda means, counts: _running(means, 0.5)),
        ),
    ),
    cases=_cases,
    probe=one_number,
)

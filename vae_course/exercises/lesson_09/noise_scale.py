"""09-noise-scale: mend an instrument that measures the noise inside the codes."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def noise_scale(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """The root mean square of (z - mu) / sigma for each dimension, [D], from [L, B, D] and twice [B, D]."""
    eps = (z - mu) / torch.exp(0.5 * logvar)
    return (eps**2).mean(dim=(0, 1)).sqrt()


def _cases(seed: int) -> list[Inputs]:
    """Codes whose noise has another scale, and a shift, in each dimension; once next to no noise."""
    source = generator(seed)
    cases: list[Inputs] = [
        {"z": torch.tensor([[[3.0, 1.0]]]), "mu": torch.tensor([[1.0, 0.0]]), "logvar": torch.tensor([[0.0, 1.4]])}
    ]
    few = integer(source, 2, 4), integer(source, 4, 6), 3
    sizes = ((4, 1, 3), (1, 4, 2), few, few, (5, 3, 1), (20, 64, 10))
    places = [(size, 0.0, -1.0) for size in sizes]
    # Sharp, wide and far off; a code that lies far off can't be sharp in float32.
    places += [((4, 3, 2), *place) for place in ((0.0, 15.0), (0.0, -30.0), (30.0, 0.0), (-30.0, 0.0))]
    for (draws, b, d), place, level in places:
        mu, logvar = place + normal(source, b, d), level + normal(source, b, d)
        mu = mu if level > -10 else 1e-3 * mu
        eps = normal(source, draws, b, d) * (0.4 + 3 * normal(source, d).abs()) + 0.5
        cases.append({"z": mu + torch.exp(0.5 * logvar) * eps, "mu": mu, "logvar": logvar})
    mu = normal(source, 4, 3)
    return [*cases, {"z": mu + 1e-3 * normal(source, 5, 4, 3), "mu": mu, "logvar": torch.zeros(4, 3)}]


def _loop(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    scales = []
    for d in range(mu.shape[1]):
        total = torch.tensor(0.0)
        for draw in z:
            for b in range(len(mu)):
                total = total + (draw[b, d] - mu[b, d]) ** 2 / torch.exp(logvar[b, d])
        scales.append(torch.sqrt(total / (len(z) * len(mu))))
    return torch.stack(scales)


def _eps(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return (z - mu) * torch.exp(-0.5 * logvar)


def _wrong_eps(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return (z - mu) * torch.exp(-logvar)


EXERCISE = Exercise(
    id="09-noise-scale",
    title="Fix the instrument",
    points=3,
    difficulty=3,
    minutes=6,
    task=(
        "Correct the instrument: from L draws z `[L, B, D]` and the `mu` and `logvar` `[B, D]` that they claim to come "
        "from, return the size of the noise in each dimension, `[D]`: the root of the mean square of (z - mu) / sigma "
        "over draws and examples."
    ),
    hints=(
        "There are two errors: one in what z - mu is divided by, one in which axes are averaged and how.",
        "scale_d = sqrt( 1/(L B) sum_lb eps_lbd^2 ), with eps = (z - mu) / sigma and sigma = exp(logvar / 2).",
        "Divide by `torch.exp(0.5 * logvar)`; square, take the mean over axes 0 and 1, then the root.",
    ),
    explanation=(
        "If the draws come from N(mu, sigma^2), eps is standard normal, so its mean square is 1 in each dimension. A "
        "standard deviation about the sample's own mean would not see a shift, and one number for all dimensions "
        "would not see which of them is off."
    ),
    returns="one number for each dimension, [D]",
    reference=noise_scale,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "einsum",
            lambda z, mu, logvar: torch.sqrt(
                torch.einsum("lbd,bd->d", (z - mu) ** 2, torch.exp(-logvar)) / (z.shape[0] * z.shape[1])
            ),
        ),
        Alternative(
            "flattened",
            lambda z, mu, logvar: (
                torch.linalg.vector_norm(_eps(z, mu, logvar).flatten(0, 1), dim=0) / (len(z) * len(mu)) ** 0.5
            ),
        ),
        Alternative("float64", lambda z, mu, logvar: noise_scale(z.double(), mu.double(), logvar.double())),
    ),
    misconceptions=(
        Misconception(
            "as it was",
            lambda z, mu, logvar: _wrong_eps(z, mu, logvar).std(),
            "This is the instrument as it was: it divides by exp(logvar), the variance, and has one number for all "
            "dimensions. Divide by sigma, and average over draws and examples only.",
            variants=(lambda z, mu, logvar: _wrong_eps(z, mu, logvar).square().mean().sqrt(),),
        ),
        Misconception(
            "sigma mended only",
            lambda z, mu, logvar: _eps(z, mu, logvar).std(),
            "You divide by sigma now, but there is still one number for all dimensions. Average over draws and "
            "examples, axes 0 and 1, and keep `[D]`.",
            variants=(lambda z, mu, logvar: _eps(z, mu, logvar).square().mean().sqrt(),),
        ),
        Misconception(
            "axes mended only",
            lambda z, mu, logvar: _wrong_eps(z, mu, logvar).square().mean((0, 1)).sqrt(),
            "The axes are right, but you still divide by exp(logvar), the variance. That is the very mistake that this "
            "instrument is to find: sigma is exp(logvar / 2).",
            variants=(lambda z, mu, logvar: _wrong_eps(z, mu, logvar).std((0, 1)),),
        ),
        Misconception(
            "spread about its own mean",
            lambda z, mu, logvar: _eps(z, mu, logvar).std((0, 1)),
            "`.std` measures the spread about the mean of the draws, so noise with a shift would pass. Take the root "
            "of the mean square.",
            variants=(lambda z, mu, logvar: _eps(z, mu, logvar).std((0, 1), correction=0),),
        ),
        Misconception(
            "no root",
            lambda z, mu, logvar: _eps(z, mu, logvar).square().mean((0, 1)),
            "This is the mean square. Take its root, so that noise that is too small by a factor shows that factor.",
        ),
        Misconception(
            "mean of the sizes",
            lambda z, mu, logvar: _eps(z, mu, logvar).abs().mean((0, 1)),
            "You average the absolute values, which gives 0.8 for standard normal noise. Square, average, take the root.",
        ),
        Misconception(
            "mean of the noise",
            lambda z, mu, logvar: _eps(z, mu, logvar).mean((0, 1)),
            "This is the mean of the noise, which is near 0 however large the noise is. Average its square, and take "
            "the root.",
        ),
        Misconception(
            "mean of roots",
            lambda z, mu, logvar: _eps(z, mu, logvar).square().mean(0).sqrt().mean(0),
            "You take a root for each example and average the roots, which comes out too small. Average the squares "
            "over draws and examples first, and take one root for each dimension at the end.",
            variants=(lambda z, mu, logvar: _eps(z, mu, logvar).square().mean(1).sqrt().mean(0),),
        ),
        Misconception(
            "multiplied by sigma",
            lambda z, mu, logvar: ((z - mu) * torch.exp(0.5 * logvar)).square().mean((0, 1)).sqrt(),
            "You multiply by sigma. z is mu + sigma eps, so to get eps back, take away mu and divide by sigma.",
        ),
        Misconception(
            "not divided",
            lambda z, mu, logvar: (z - mu).square().mean((0, 1)).sqrt(),
            "This is the size of z - mu, which depends on sigma. Divide by sigma first, to compare with 1.",
        ),
        Misconception(
            "averaged over the draws only",
            lambda z, mu, logvar: _eps(z, mu, logvar).square().mean(0).sqrt(),
            "You average over the draws but not over the examples, and keep `[B, D]`. Take the mean over axes 0 and 1.",
        ),
        Misconception(
            "mu forgotten",
            lambda z, mu, logvar: (z * torch.exp(-0.5 * logvar)).square().mean((0, 1)).sqrt(),
            "You forgot to take away mu, so this is the size of the code, not of its noise.",
        ),
        Misconception(
            "one variance for all examples",
            lambda z, mu, logvar: ((z - mu).square().mean((0, 1)) / logvar.exp().mean(0)).sqrt(),
            "You average the squares and the variances of the examples by themselves and divide at the end. Each example has a "
            "sigma of its own: divide by it first.",
            variants=(
                lambda z, mu, logvar: ((z - mu) / torch.exp(0.5 * logvar).mean(0)).square().mean((0, 1)).sqrt(),
                lambda z, mu, logvar: ((z - mu) / torch.exp(0.5 * logvar.mean(0))).square().mean((0, 1)).sqrt(),
            ),
        ),
    ),
    cases=_cases,
    batch="mu",
)

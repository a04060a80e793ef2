"""02-ancestral: draws of the linear-Gaussian world, from noise that is given."""

from typing import Any

import torch
from torch import Tensor
from torch.distributions import AffineTransform

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair

Pair = tuple[Tensor, Tensor]


def ancestral(W: Tensor, b: Tensor, sigma: float, eps_z: Tensor, eps_x: Tensor) -> Pair:
    """Codes z [N, D] and observations x [N, X] from W [X, D], b [X], sigma and noise [N, D], [N, X]."""
    z = eps_z
    x = z @ W.T + b + sigma * eps_x
    return z, x


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """Codes and observations under their names."""
    z, x = pair(answer(*case.values()), "z", "x")
    return {"z": z, "x": x}


def _cases(seed: int) -> list[Inputs]:
    """Codes of one number first, which can be followed by hand."""
    source = generator(seed)
    first: Inputs = {
        "W": torch.tensor([[2.0], [-1.0], [0.5]]),
        "b": torch.tensor([1.0, 0.5, 0.0]),
        "sigma": 0.5,
        "eps_z": torch.tensor([[1.5], [-2.0]]),
        "eps_x": torch.tensor([[1.0, -3.0, 2.0], [0.0, 1.0, -1.0]]),
    }
    cases = [first]
    n, d = integer(source, 3, 4), integer(source, 5, 6)
    shapes = (
        (1, 2, 3, 0.7),
        (4, 3, 2, 1.5),
        (n, d, 7, 0.3),
        (n, d, 7, 0.01),
        (2, 1, 5, 20.0),
        (3, 4, 4, 0.5),
        (64, 2, 784, 0.1),
    )
    for codes, size, pixels, sigma in shapes:
        eps_z, eps_x = normal(source, codes, size), normal(source, codes, pixels)
        W, b = normal(source, pixels, size), normal(source, pixels)
        cases.append({"W": W, "b": b, "sigma": sigma, "eps_z": eps_z, "eps_x": eps_x})
    far: Inputs = {
        "W": 3 * normal(source, 4, 2),
        "b": torch.tensor([30.0, -30.0, 0.0, 1.0]),
        "sigma": 3.0,
        "eps_z": 10 * normal(source, 3, 2),
        "eps_x": 10 * normal(source, 3, 4),
    }
    return [*cases, far]


def _loop(W: Tensor, b: Tensor, sigma: float, eps_z: Tensor, eps_x: Tensor) -> Pair:
    rows = []
    for code, noise in zip(eps_z, eps_x, strict=True):
        rows.append(torch.mv(W, code) + b + noise * sigma)
    return eps_z, torch.stack(rows)


def _einsum(W: Tensor, b: Tensor, sigma: float, eps_z: Tensor, eps_x: Tensor) -> Pair:
    return eps_z, torch.einsum("xd,nd->nx", W, eps_z) + b + sigma * eps_x


def _mean_first(W: Tensor, b: Tensor, sigma: float, eps_z: Tensor, eps_x: Tensor) -> Pair:
    mean = torch.nn.functional.linear(eps_z, W, b)
    return eps_z, AffineTransform(mean, sigma)(eps_x)


def _float64(W: Tensor, b: Tensor, sigma: float, eps_z: Tensor, eps_x: Tensor) -> Pair:
    return _einsum(W.double(), b.double(), sigma, eps_z.double(), eps_x.double())


def _wrong(make: Any) -> Answer:
    """A wrong answer with the right codes: `make` gives its x."""
    return lambda W, b, sigma, eps_z, eps_x: (eps_z, make(W, b, sigma, eps_z, eps_x))


EXERCISE = Exercise(
    id="02-ancestral",
    title="Draw from the model",
    points=2,
    difficulty=2,
    minutes=5,
    task=(
        "Return codes `z` `[N, D]` and observations `x` `[N, X]` of the linear-Gaussian world, in this order, from its "
        "`W` `[X, D]`, `b` `[X]` and `sigma`, and from standard normal noise `eps_z` `[N, D]` and `eps_x` `[N, X]`."
    ),
    hints=(
        "Follow the arrow: first the codes from the prior, then the observations from the likelihood of those codes.",
        "z = eps_z, because the prior is N(0, I); x = W z + b + sigma eps_x for each of the N codes.",
        "The codes are rows, so W z for all of them at once is `z @ W.T`, `[N, X]`. Then come the mean `b` and the "
        "noise, stretched by `sigma`.",
    ),
    explanation=(
        "Ancestral sampling goes along the arrow: whatever x depends on is drawn first. The noise of x is a draw of its "
        "own. Its standard deviation is sigma, the root of the variance sigma^2 that stands in N(W z + b, sigma^2 I)."
    ),
    returns="two tensors, z [N, D] and x [N, X]",
    reference=ancestral,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("mean first", _mean_first),
        Alternative("float64", _float64),
        Alternative("columns", lambda W, b, sigma, eps_z, eps_x: (eps_z, (W @ eps_z.T).T + b + sigma * eps_x)),
    ),
    misconceptions=(
        Misconception(
            "noise forgotten",
            _wrong(lambda W, b, sigma, eps_z, eps_x: eps_z @ W.T + b),
            "Your x is W z + b, the mean of the likelihood. A draw also has noise: add sigma times `eps_x`.",
        ),
        Misconception(
            "variance as sigma",
            _wrong(lambda W, b, sigma, eps_z, eps_x: eps_z @ W.T + b + sigma**2 * eps_x),
            "The noise is stretched by sigma squared, which is its variance. The stretch is the standard deviation, "
            "`sigma`.",
        ),
        Misconception(
            "root of sigma",
            _wrong(lambda W, b, sigma, eps_z, eps_x: eps_z @ W.T + b + sigma**0.5 * eps_x),
            "The noise is stretched by the root of sigma. sigma is the standard deviation already: multiply by it as it "
            "is.",
        ),
        Misconception(
            "noise not stretched",
            _wrong(lambda W, b, sigma, eps_z, eps_x: eps_z @ W.T + b + eps_x),
            "Your noise has the standard deviation 1. Multiply `eps_x` by `sigma`.",
        ),
        Misconception(
            "mean of x forgotten",
            _wrong(lambda W, b, sigma, eps_z, eps_x: eps_z @ W.T + sigma * eps_x),
            "The mean `b` is missing, so your draws lie around zero. Add it to each row.",
        ),
        Misconception(
            "everything stretched",
            _wrong(lambda W, b, sigma, eps_z, eps_x: sigma * (eps_z @ W.T + b + eps_x)),
            "You multiply all of x by sigma. Only the noise is stretched by it: `sigma * eps_x`.",
        ),
        Misconception(
            "mean of x stretched",
            _wrong(lambda W, b, sigma, eps_z, eps_x: eps_z @ W.T + sigma * (b + eps_x)),
            "Your `b` stands inside the bracket that sigma multiplies, so it is stretched like noise. Add it as it is; only "
            "`eps_x` is multiplied by sigma.",
        ),
        Misconception(
            "noise added to the code",
            lambda W, b, sigma, eps_z, eps_x: (eps_z, (1 + sigma) * (eps_z @ W.T) + b),
            "You put the noise into the code. The code is drawn from the prior alone; the noise belongs to x, after "
            "W z + b.",
        ),
        Misconception(
            "order of the results",
            lambda W, b, sigma, eps_z, eps_x: ancestral(W, b, sigma, eps_z, eps_x)[::-1],
            "Both are right, but they have changed places. Return the codes first: `z, x`.",
        ),
        Misconception(
            "x drawn without its code",
            _wrong(lambda W, b, sigma, eps_z, eps_x: b + sigma * eps_x),
            "Your x does not depend on z, so nothing could be learned about the code from it. The mean of x is W z + b.",
        ),
        Misconception(
            "one code for all",
            lambda W, b, sigma, eps_z, eps_x: (
                eps_z[:1].expand_as(eps_z).clone(),
                eps_z[:1] @ W.T + b + sigma * eps_x,
            ),
            "You use the first code for each of the N observations. Every observation gets a code of its own.",
            variants=(_wrong(lambda W, b, sigma, eps_z, eps_x: eps_z[:1] @ W.T + b + sigma * eps_x),),
        ),
        Misconception(
            "code stretched too",
            lambda W, b, sigma, eps_z, eps_x: (sigma * eps_z, sigma * eps_z @ W.T + b + sigma * eps_x),
            "You stretch the code by sigma. The prior is N(0, I), so the code is `eps_z` itself; sigma belongs to the "
            "noise of x.",
        ),
    ),
    cases=_cases,
    batch="eps_z",
    probe=_probe,
)

"""The effective beta is what the gradients of a loss say, for every way to reduce its two terms."""

import itertools
import math
from typing import get_args

import pytest
import torch

from vae_course.objectives import Reduction, effective_beta

SIZES = {"pixels": 12, "latents": 3, "batch": 5}
REDUCED = {
    "sum": lambda table: table.sum(1).mean(),
    "mean": lambda table: table.mean(),
    "sum over all": lambda table: table.sum(),
    "mean, summed over batch": lambda table: table.mean(1).sum(),
}


def honest_weights(loss, errors, kl):
    """The factors of the summed error and the summed KL of one image in a loss, by its gradients."""
    by_error, by_kl = torch.autograd.grad(loss(errors, kl), (errors, kl))
    return len(errors) * by_error[0, 0].item(), len(kl) * by_kl[0, 0].item()


def test_every_reduction_is_covered():
    assert set(REDUCED) == set(get_args(Reduction))


@pytest.mark.parametrize(("of_errors", "of_kl"), [*itertools.product(REDUCED, REDUCED)])
def test_it_is_the_ratio_of_the_gradients(of_errors, of_kl):
    errors = torch.rand(SIZES["batch"], SIZES["pixels"], dtype=torch.float64, requires_grad=True)
    kl = torch.rand(SIZES["batch"], SIZES["latents"], dtype=torch.float64, requires_grad=True)
    a, b = honest_weights(lambda e, k: REDUCED[of_errors](e) + 0.3 * REDUCED[of_kl](k), errors, kl)
    assert effective_beta(of_errors, of_kl, weight=0.3, **SIZES) == pytest.approx(b / a)


@pytest.mark.parametrize("sigma", [0.1, 0.5**0.5, 1.0, 3.0])
def test_a_squared_error_counts_by_its_sigma(sigma):
    x, mean = torch.rand(2, 5, 12, dtype=torch.float64)
    mean.requires_grad_()
    (by_loss,) = torch.autograd.grad((x - mean).square().mean(), mean)
    nll = -torch.distributions.Normal(mean, sigma).log_prob(x).sum(1).mean()
    (by_nats,) = torch.autograd.grad(nll, mean)
    a = (by_loss / by_nats).mean().item()
    beta = effective_beta("mean", "sum", nats=1 / (2 * sigma**2), **SIZES)
    assert beta == pytest.approx(1 / a)


@pytest.mark.parametrize(
    ("reductions", "options", "beta"),
    [
        (("mean", "mean"), {"pixels": 784, "latents": 200, "batch": 128}, 3.92),
        (("mean", "sum"), {"pixels": 784, "latents": 2, "batch": 128}, 784),
        (("sum", "mean"), {"pixels": 784, "latents": 2, "batch": 128}, 0.5),
        (("mean", "sum over all"), {"pixels": 784, "latents": 2, "batch": 8, "weight": 1e-4}, 0.6272),
        (("sum", "sum"), {"pixels": 784, "latents": 20, "batch": 128}, 1),
    ],
)
def test_the_published_losses(reductions, options, beta):
    assert effective_beta(*reductions, **options) == pytest.approx(beta)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reconstruction": "median"}, "There is no reduction 'median'"),
        ({"kl": "avg"}, "There is no reduction 'avg'"),
        ({"pixels": 0}, "pixels is 0"),
        ({"latents": -1}, "latents is -1"),
        ({"batch": 0}, "batch is 0"),
        ({"nats": 0.0}, "nats is 0.0"),
        ({"weight": math.nan}, "weight is nan"),
    ],
)
def test_bad_input_is_named_in_one_sentence(changed, said):
    with pytest.raises(ValueError, match=said):
        effective_beta(**({"reconstruction": "sum", "kl": "sum", **SIZES} | changed))

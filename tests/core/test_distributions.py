"""Each density against torch.distributions, a sum by hand, Monte Carlo, and autograd's own check."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from vae_course.distributions import (
    bernoulli_log_prob,
    gaussian_kl,
    gaussian_log_prob,
    reparameterize,
)

sizes = st.integers(1, 5)


def gaussian(mu, logvar):
    return Independent(Normal(mu, torch.exp(0.5 * logvar)), 1)


@given(batch=sizes, dims=sizes, seed=st.integers(0, 1000), scale=st.sampled_from([1e-3, 1.0, 8.0]))
@settings(max_examples=40, deadline=None)
def test_gaussian_kl_agrees_with_torch(batch, dims, seed, scale):
    torch.manual_seed(seed)
    mu, logvar, mu_p, logvar_p = (scale * torch.randn(4, batch, dims, dtype=torch.float64)).unbind()
    zeros = torch.zeros_like(mu)
    torch.testing.assert_close(
        gaussian_kl(mu, logvar), kl_divergence(gaussian(mu, logvar), gaussian(zeros, zeros)), atol=1e-12, rtol=1e-7
    )
    torch.testing.assert_close(
        gaussian_kl(mu, logvar, mu_p, logvar_p),
        kl_divergence(gaussian(mu, logvar), gaussian(mu_p, logvar_p)),
        atol=1e-12,
        rtol=1e-7,
    )


@pytest.mark.parametrize("only", ["mu_p", "logvar_p"])
def test_gaussian_kl_with_half_of_p_given_takes_the_standard_value_for_the_other(only):
    mu, logvar, other = torch.randn(3, 4, 2).unbind()
    zeros = torch.zeros_like(mu)
    full = {"mu_p": zeros, "logvar_p": zeros} | {only: other}
    torch.testing.assert_close(gaussian_kl(mu, logvar, **{only: other}), gaussian_kl(mu, logvar, **full))


@given(st.floats(-80, 80), st.floats(-80, 80))
def test_gaussian_kl_is_finite_and_never_negative_at_extremes(mean, logvar):
    kl = gaussian_kl(torch.tensor([[mean]]), torch.tensor([[logvar]]))
    assert torch.isfinite(kl).all() and (kl >= 0).all()


def test_a_tiny_gaussian_kl_keeps_its_digits_in_single_precision():
    logvar = torch.full((1, 1), 1e-4)
    # To second order KL = logvar^2 / 4; exp(logvar) - 1 - logvar in float32 would lose every digit of it.
    torch.testing.assert_close(gaussian_kl(torch.zeros(1, 1), logvar), torch.tensor([2.5e-9]), rtol=0.1, atol=0)


def test_gaussian_kl_lies_within_four_standard_errors_of_its_monte_carlo_twin():
    torch.manual_seed(0)
    mu, logvar, mu_p, logvar_p = torch.randn(4, 6, 3, dtype=torch.float64).unbind()
    for p in ({}, {"mu_p": mu_p, "logvar_p": logvar_p}):
        q, against = gaussian(mu, logvar), gaussian(p.get("mu_p", 0 * mu), p.get("logvar_p", 0 * mu))
        z = q.sample((20_000,))
        log_ratio = q.log_prob(z) - against.log_prob(z)
        estimate, error = log_ratio.mean(0), log_ratio.std(0) / len(z) ** 0.5
        assert ((estimate - gaussian_kl(mu, logvar, **p)).abs() < 4 * error).all()
        assert (error < 0.1 * gaussian_kl(mu, logvar, **p)).all(), "an error this large would prove nothing"


@given(batch=sizes, seed=st.integers(0, 1000), shape=st.sampled_from([(3,), (1, 4, 4), (2, 3)]))
@settings(max_examples=30, deadline=None)
def test_image_densities_agree_with_torch_and_sum_over_everything_but_the_batch(batch, seed, shape):
    torch.manual_seed(seed)
    logits, logvar = (3 * torch.randn(2, batch, *shape, dtype=torch.float64)).unbind()
    x = torch.bernoulli(torch.sigmoid(logits))
    event = len(shape)
    torch.testing.assert_close(bernoulli_log_prob(x, logits), Independent(Bernoulli(logits=logits), event).log_prob(x))
    torch.testing.assert_close(
        gaussian_log_prob(x, logits, logvar), Independent(Normal(logits, torch.exp(logvar / 2)), event).log_prob(x)
    )


def test_the_bernoulli_sums_to_one_over_every_image():
    logits = torch.randn(1, 5, dtype=torch.float64)
    images = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 5)
    total = bernoulli_log_prob(images, logits.expand(32, -1)).exp().sum()
    torch.testing.assert_close(total, torch.ones((), dtype=torch.float64))


def test_the_gaussian_integrates_to_one():
    x = torch.linspace(-30, 30, 20001, dtype=torch.float64).unsqueeze(1)
    density = gaussian_log_prob(x, torch.full_like(x, 0.3), torch.full_like(x, 0.8)).exp()
    torch.testing.assert_close(torch.trapezoid(density, x.squeeze(1)), torch.ones((), dtype=torch.float64))


@pytest.mark.parametrize("logit", [-200.0, -100.0, 0.0, 100.0, 200.0])
@pytest.mark.parametrize("pixel", [0.0, 1.0])
def test_extreme_logits_stay_finite_with_finite_gradients(logit, pixel):
    logits = torch.full((1, 1), logit, requires_grad=True)
    log_prob = bernoulli_log_prob(torch.full((1, 1), pixel), logits)
    log_prob.sum().backward()
    # log sigmoid(a) for the pixel's own sign: exact in double precision.
    expected = -torch.nn.functional.softplus(torch.tensor((1 - 2 * pixel) * logit, dtype=torch.float64)).float()
    torch.testing.assert_close(log_prob.squeeze(), expected)
    assert torch.isfinite(logits.grad).all()


def test_gradients_are_right():
    torch.manual_seed(0)
    a, b, c, d = (torch.randn(2, 3, dtype=torch.float64, requires_grad=True) for _ in range(4))
    x = torch.rand(2, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(gaussian_kl, (a, b))
    assert torch.autograd.gradcheck(gaussian_kl, (a, b, c, d))
    assert torch.autograd.gradcheck(gaussian_log_prob, (a, b, c))
    assert torch.autograd.gradcheck(lambda logits: bernoulli_log_prob(x, logits), (a,))
    assert torch.autograd.gradcheck(lambda mu, logvar: reparameterize(mu, logvar, x), (a, b))


def test_reparameterised_draws_have_the_mean_and_the_spread_asked_for():
    torch.manual_seed(0)
    n = 40_000
    mu, logvar = torch.tensor([[1.0, -2.0]]), torch.tensor([[-1.0, 0.5]])
    z = reparameterize(mu.expand(n, 2), logvar.expand(n, 2))
    std = torch.exp(0.5 * logvar)
    assert ((z.mean(0) - mu).abs() < 4 * std / n**0.5).all()
    assert ((z.std(0) - std).abs() < 4 * std / (2 * n) ** 0.5).all()


def test_fresh_noise_differs_for_every_entry():
    z = reparameterize(torch.zeros(50, 4), torch.zeros(50, 4))
    assert len(z.unique()) == 200


def test_given_noise_makes_the_draw_exact_and_may_hold_several_draws():
    mu, logvar, eps = torch.randn(2, 3), torch.randn(2, 3), torch.randn(5, 2, 3)
    torch.testing.assert_close(reparameterize(mu, logvar, eps), mu + logvar.exp().sqrt() * eps)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_keep_the_dtype_and_have_one_number_an_example(dtype):
    mu, logvar = torch.randn(2, 7, 3, dtype=dtype).unbind()
    for value in (gaussian_kl(mu, logvar), gaussian_log_prob(mu, mu, logvar), bernoulli_log_prob(mu.sigmoid(), mu)):
        assert value.shape == (7,) and value.dtype == dtype


@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: gaussian_kl(a, b),
        lambda a, b: reparameterize(a, b),
        lambda a, b: bernoulli_log_prob(a, b),
        lambda a, b: gaussian_log_prob(a, b, b),
        lambda a, b: reparameterize(a, a, b),
    ],
)
def test_shapes_that_do_not_fit_are_named_in_one_sentence(call):
    with pytest.raises(ValueError, match=r"has shape \[") as error:
        call(torch.zeros(4, 3), torch.zeros(4, 1))
    assert "\n" not in str(error.value)

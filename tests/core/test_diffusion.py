"""Every term of the bound against Gaussians of torch and the world x0 ~ N(0, s^2), every sampler against what it leads to."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from vae_course.diffusion import (
    PointDenoiser,
    continuous_bound,
    cosine,
    denoising_loss,
    diffuse,
    eps_from_x0,
    levels,
    linear_log_snr,
    posterior_step,
    sample_ancestral,
    sample_ddim,
    score,
    signal_and_noise,
    step_kl,
    step_variance,
    terms,
    velocity,
    x0_from_eps,
    x0_from_v,
)

SCHEDULES = {"linear": linear_log_snr, "cosine": cosine}
S = 0.5  # of the Gaussian world
few = settings(max_examples=30, deadline=None)
seeds, log_snrs = st.integers(0, 1000), st.floats(-9, 9)
falls = st.tuples(log_snrs, st.floats(0.01, 18)).map(lambda ends: (ends[0], ends[0] + ends[1]))  # at t and at s


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def double(number):
    return torch.tensor(number, dtype=torch.float64)


def gaussian_denoiser(x_t, log_snr):
    """E[x0 | x_t] = alpha s^2 x_t / (alpha^2 s^2 + sigma^2), if x0 ~ N(0, s^2)."""
    signal = torch.sigmoid(log_snr)
    return (signal.sqrt() * S**2 / (signal * S**2 + torch.sigmoid(-log_snr))).unsqueeze(-1) * x_t


def gaussian_variance(log_snr_t, log_snr_s):
    """Of p(x_s | x_t) in that world, from the covariance of x_s and x_t."""
    alpha_t, alpha_s = torch.sigmoid(log_snr_t).sqrt(), torch.sigmoid(log_snr_s).sqrt()
    var_t, var_s = (alpha.square() * S**2 + 1 - alpha.square() for alpha in (alpha_t, alpha_s))
    # x_t = (alpha_t / alpha_s) x_s + noise
    return var_s - (alpha_t / alpha_s * var_s).square() / var_t


# Schedules


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_falls_from_its_first_log_snr_to_its_last(name):
    found = levels(SCHEDULES[name](7.0, -5.0), 30)
    assert found.shape == (31,) and found.dtype == torch.float64 and (found.diff() < 0).all()
    assert found[[0, -1]].tolist() == pytest.approx([7, -5])


def test_the_two_schedules_are_even_in_the_log_snr_and_in_the_angle():
    assert torch.allclose(levels(linear_log_snr(), 9).diff(), double(-2.0))
    alpha, sigma = signal_and_noise(levels(cosine(), 9))
    angles = torch.atan2(sigma, alpha).diff()
    assert torch.allclose(angles, angles[0])


@few
@given(log_snrs)
def test_signal_and_noise_have_a_total_power_of_one_and_the_right_ratio(log_snr):
    alpha, sigma = signal_and_noise(double(log_snr))
    assert (alpha**2 + sigma**2).item() == pytest.approx(1)
    assert (alpha**2 / sigma**2).item() == pytest.approx(math.exp(log_snr))


def test_noise_is_added_point_by_point():
    x0, eps, log_snr = draws(3, 2), draws(3, 2, seed=1), draws(3, seed=2)
    each = [
        torch.sigmoid(each).sqrt() * x + torch.sigmoid(-each).sqrt() * e
        for x, e, each in zip(x0, eps, log_snr, strict=True)
    ]
    assert torch.allclose(diffuse(x0, log_snr, eps), torch.stack(each))
    assert torch.allclose(diffuse(x0, log_snr[0], eps)[0], each[0])


# One step back


@few
@given(falls, seeds)
def test_the_step_back_is_bayes_rule(fall, seed):
    """q(x_s | x_t, x0) = q(x_s | x0) q(x_t | x_s) / q(x_t | x0), at any x_s."""
    t, s = map(double, fall)
    x0, x_t, x_s = draws(3, 4, seed=seed)
    (alpha_t, sigma_t), (alpha_s, sigma_s) = signal_and_noise(t), signal_and_noise(s)
    ratio = alpha_t / alpha_s
    forward = Normal(ratio * x_s, (sigma_t**2 - ratio**2 * sigma_s**2).sqrt())
    expected = (
        Normal(alpha_s * x0, sigma_s).log_prob(x_s)
        + forward.log_prob(x_t)
        - Normal(alpha_t * x0, sigma_t).log_prob(x_t)
    )
    mean, variance = posterior_step(x_t, x0, t, s)
    assert torch.allclose(Normal(mean, variance.sqrt()).log_prob(x_s), expected, rtol=1e-6, atol=1e-6)


def test_each_point_may_step_from_a_level_of_its_own():
    x_t, x0, t, s = draws(3, 2), draws(3, 2, seed=1), draws(3, seed=2), draws(3, seed=2) + 1
    mean, variance = posterior_step(x_t, x0, t, s)
    assert mean.shape == (3, 2) and variance.shape == (3, 1)
    for i in range(3):
        alone = posterior_step(x_t[i], x0[i], t[i], s[i])
        assert torch.allclose(mean[i], alone[0]) and torch.allclose(variance[i], alone[1])


def test_the_step_to_an_infinite_log_snr_ends_in_the_data_point():
    mean, variance = posterior_step(draws(3, 2), draws(3, 2, seed=1), double(1.0), double(math.inf))
    assert torch.equal(mean, draws(3, 2, seed=1)) and variance == 0
    assert step_variance("large", double(1.0), double(math.inf)).item() == pytest.approx(1 / (1 + math.e))


@few
@given(falls)
def test_reverse_variances_are_those_of_the_two_steps_of_q_and_shares_lie_between_their_logs(fall):
    t, s = map(double, fall)
    (alpha_t, sigma_t), (alpha_s, sigma_s) = signal_and_noise(t), signal_and_noise(s)
    forward = sigma_t**2 - (alpha_t / alpha_s * sigma_s) ** 2  # of q(x_t | x_s), beta_t where no step is skipped
    small, large = step_variance("small", t, s), step_variance("large", t, s)
    assert torch.allclose(large, forward, rtol=1e-6)
    assert torch.allclose(small, posterior_step(draws(2), draws(2), t, s)[1])
    assert torch.allclose(step_variance(0.3, t, s).log(), 0.7 * small.log() + 0.3 * large.log())
    assert step_variance(lambda a, b: a + 2 * b, t, s) == t + 2 * s
    assert small <= gaussian_variance(t, s) * (1 + 1e-9) <= large * (1 + 2e-9)


# What a step costs


@few
@given(falls, seeds, st.sampled_from(["small", "large", 0.4, gaussian_variance]))
def test_a_step_costs_the_divergence_of_two_gaussians(fall, seed, choice):
    t, s = map(double, fall)
    x_t, x0, x0_hat = draws(3, 5, 2, seed=seed)
    mean, variance = posterior_step(x_t, x0, t, s)
    guess, _ = posterior_step(x_t, x0_hat, t, s)
    q, p = Normal(mean, variance.sqrt()), Normal(guess, step_variance(choice, t, s).sqrt())
    assert torch.allclose(step_kl(x_t, x0, x0_hat, t, s, choice), kl_divergence(q, p).sum(-1), rtol=1e-6)


def snr_form(x0, x0_hat, t, s):
    """1/2 (SNR_s - SNR_t) |x0 - x0_hat|^2: Kingma and others, Variational Diffusion Models (2021), equation 13."""
    return 0.5 * (torch.exp(s) - torch.exp(t)) * (x0 - x0_hat).square().sum(-1)


@few
@given(falls, seeds)
def test_the_divergence_the_snr_form_and_the_noise_form_are_one_number(fall, seed):
    t, s = map(double, fall)
    x0, x0_hat, eps = draws(3, 5, 2, seed=seed)
    x_t = diffuse(x0, t, eps)
    expected = step_kl(x_t, x0, x0_hat, t, s)
    assert torch.allclose(snr_form(x0, x0_hat, t, s), expected, rtol=1e-6)
    in_noise = 0.5 * torch.expm1(s - t) * (eps - eps_from_x0(x_t, x0_hat, t)).square().sum(-1)  # their equation 14
    assert torch.allclose(in_noise, expected, rtol=1e-6)


def test_forms_take_a_level_for_each_point():
    x0, x0_hat, t, s = draws(3, 2), draws(3, 2, seed=1), draws(3, seed=2), draws(3, seed=2) + 1
    assert torch.allclose(snr_form(x0, x0_hat, t, s), step_kl(draws(3, 2, seed=3), x0, x0_hat, t, s))


# One guess, many names


@few
@given(log_snrs, seeds)
def test_conversions_lead_back(log_snr, seed):
    x0, eps = draws(2, 5, 2, seed=seed)
    alpha, sigma = signal_and_noise(double(log_snr))
    x_t = diffuse(x0, double(log_snr), eps)
    assert torch.allclose(eps_from_x0(x_t, x0, double(log_snr)), eps)
    assert torch.allclose(x0_from_eps(x_t, eps, double(log_snr)), x0)
    assert torch.allclose(x0_from_v(x_t, alpha * eps - sigma * x0, double(log_snr)), x0)


@few
@given(log_snrs)
def test_the_score_is_the_gradient_of_the_log_density(log_snr):
    x_t = draws(7, 1).requires_grad_()
    alpha, sigma = signal_and_noise(double(log_snr))
    log_q = Normal(0.0, (alpha**2 * S**2 + sigma**2).sqrt()).log_prob(x_t).sum()
    found = score(x_t, gaussian_denoiser(x_t, double(log_snr)), double(log_snr))
    assert torch.allclose(found, torch.autograd.grad(log_q, x_t)[0])


@pytest.mark.parametrize("name", SCHEDULES)
def test_ddim_is_eulers_method_along_the_velocity(name):
    x_T, log_snr = draws(6, 2), levels(SCHEDULES[name](), 7).flip(0)
    path = sample_ddim(gaussian_denoiser, x_T, SCHEDULES[name](), 7).path
    for k in range(7):
        (alpha, sigma), (alpha_s, sigma_s) = signal_and_noise(log_snr[k]), signal_and_noise(log_snr[k + 1])
        dr = sigma_s / (alpha_s + sigma_s) - sigma / (alpha + sigma)
        u = velocity(path[k], gaussian_denoiser(path[k], log_snr[k]), log_snr[k])
        assert torch.allclose(path[k + 1] / (alpha_s + sigma_s), path[k] / (alpha + sigma) + dr * u)


# The bound


def log_px(x0):
    return Normal(0.0, S).log_prob(x0).sum(-1)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("n_steps", [1, 2, 7])
def test_with_every_step_right_the_bound_is_log_p_x_for_any_number_of_steps(name, n_steps):
    x0 = S * draws(4000, 2, seed=9)
    found = terms(gaussian_denoiser, x0, SCHEDULES[name](0.0, -9.0), n_steps, reverse_variance=gaussian_variance,
                  generator=torch.Generator().manual_seed(0))  # fmt: skip
    assert found.steps.shape == (n_steps, 4000) and found.prior.shape == found.reconstruction.shape == (4000,)
    lost = log_px(x0) - found.elbo
    # The prior of N(0, I) at t = 1 is off by less than a millionth.
    assert abs(lost.mean()) < 4 * lost.std() / 4000**0.5 + 1e-6


@pytest.mark.parametrize("choice", ["small", "large", 0.4])
def test_each_term_is_on_average_the_one_of_the_gaussian_world(choice):
    x0, n_steps = S * draws(20_000, 1), 6
    found = terms(gaussian_denoiser, x0, cosine(4.0, -2.0), n_steps, reverse_variance=choice,
                  generator=torch.Generator().manual_seed(1))  # fmt: skip
    log_snr = levels(cosine(4.0, -2.0), n_steps)
    alpha, sigma = signal_and_noise(log_snr)
    q_T = Normal(alpha[-1] * x0, sigma[-1])
    assert torch.allclose(found.prior, kl_divergence(q_T, Normal(0.0, 1.0)).sum(-1))
    for k in range(n_steps):
        t, s = log_snr[k + 1], log_snr[k]
        right, given_ = step_variance(gaussian_variance, t, s), step_variance(choice, t, s)
        q, p = step_variance("small", t, s), given_
        # The entropy of q lies below that of the true step by as much as x0 tells: E KL = 1/2 (log(p / q) + right / p - 1).
        expected = 0.5 * ((p / q).log() + right / p - 1)
        error = (found.steps[k].std() / 20_000**0.5).item()
        assert found.steps[k].mean().item() == pytest.approx(expected.item(), abs=4 * error)
    v = sigma[0] ** 2
    left = S**2 * v / (alpha[0] ** 2 * S**2 + v)  # variance of x0 given x_0
    expected = 0.5 * (math.log(2 * math.pi) + v.log() + left / v)
    error = (found.reconstruction.std() / 20_000**0.5).item()
    assert found.reconstruction.mean().item() == pytest.approx(expected.item(), abs=4 * error)
    assert torch.allclose(found.elbo, -found.prior - found.steps.sum(0) - found.reconstruction)


@pytest.mark.parametrize("n_draws", [2, 100])
def test_the_limit_of_many_steps_is_the_integral_and_leaves_no_gap_but_at_the_ends(n_draws):
    x0 = S * draws(4000, 2, seed=9)
    found = continuous_bound(gaussian_denoiser, x0, cosine(), n_draws, generator=torch.Generator().manual_seed(2))
    assert found.steps.shape == (n_draws, 4000)
    lost = log_px(x0) - found.elbo
    assert abs(lost.mean()) < 4 * lost.std() / 4000**0.5
    # 1/2 integral of SNR s^2 / (1 + SNR s^2): half the log of 1 + s^2 SNR at both ends, for each of two numbers.
    expected = math.log1p(S**2 * math.exp(9)) - math.log1p(S**2 * math.exp(-9))
    total = found.steps.sum(0)
    assert total.mean().item() == pytest.approx(expected, abs=4 * (total.std() / 4000**0.5).item())


def test_the_loss_is_the_integral_for_the_bound_and_a_mean_over_times_for_the_simple_one():
    torch.manual_seed(0)
    x0 = S * draws(50_000, 1)
    bound = [denoising_loss(gaussian_denoiser, x0)["loss"].item() for _ in range(4)]
    expected = (math.log1p(S**2 * math.exp(9)) - math.log1p(S**2 * math.exp(-9))) / 2
    assert sum(bound) / 4 == pytest.approx(expected, rel=0.02)
    # E |eps - eps_hat|^2 at lambda is SNR s^2 / (1 + SNR s^2).
    for name, make in SCHEDULES.items():
        simple = denoising_loss(gaussian_denoiser, x0, weighting="simple", schedule=make())["loss"].item()
        power = S**2 * levels(make(), 20_000).exp()
        assert simple == pytest.approx((power / (1 + power)).mean().item(), rel=0.04), name


def test_one_loss_spreads_its_levels_over_the_whole_range():
    seen = []

    def denoiser(x_t, log_snr):
        seen.append(log_snr)
        return x_t

    for weighting in ("bound", "simple"):
        denoising_loss(denoiser, draws(40, 2), weighting=weighting, schedule=linear_log_snr(3.0, -1.0))
        gaps = seen[-1].sort().values.diff()
        assert torch.allclose(gaps, double(0.1), atol=1e-5) and (-1 <= seen[-1]).all() and (seen[-1] <= 3).all()


# Samplers


def test_the_path_begins_in_the_noise_and_ends_in_the_data():
    x_T = draws(2000, 1, seed=5)
    for found in (
        sample_ancestral(gaussian_denoiser, x_T, cosine(), 40, generator=torch.Generator().manual_seed(0)),
        sample_ddim(gaussian_denoiser, x_T, cosine(), 40),
    ):
        assert found.path.shape == (41, 2000, 1) and found.x0.shape == (2000, 1)
        assert torch.equal(found.path[0], x_T) and not torch.equal(found.path[1], x_T)
        assert torch.allclose(found.x0, gaussian_denoiser(found.path[-1], double(9.0)))


@pytest.mark.parametrize("n_steps", [3, 20])
def test_ancestral_draws_with_the_right_variance_follow_the_data_at_every_level(n_steps):
    found = sample_ancestral(gaussian_denoiser, draws(20_000, 1), cosine(), n_steps, reverse_variance=gaussian_variance,
                             generator=torch.Generator().manual_seed(1))  # fmt: skip
    alpha, sigma = signal_and_noise(levels(cosine(), n_steps).flip(0))
    expected = (alpha**2 * S**2 + sigma**2).sqrt()
    assert torch.allclose(found.path.std(1).squeeze(-1), expected, rtol=0.025)


def test_ddim_follows_the_quantiles_of_the_data_when_steps_are_many():
    x_T = draws(50, 1)
    many = sample_ddim(gaussian_denoiser, x_T, cosine(), 1000)
    assert torch.allclose(many.x0, S * x_T, rtol=0.01)
    few_ = sample_ddim(gaussian_denoiser, x_T, cosine(), 5)
    assert not torch.allclose(few_.x0, S * x_T, rtol=0.05)


# The network


@pytest.mark.parametrize("predicts", ["eps", "x0", "v"])
def test_what_a_network_predicts_becomes_a_guess_of_the_data(predicts):
    model, x_t, log_snr, given_ = (
        PointDenoiser(predicts=predicts).double(),
        draws(5, 2),
        draws(5, seed=1),
        draws(2, seed=2),
    )
    model.last.weight.data.zero_()
    model.last.bias.data.copy_(given_)
    (alpha, sigma), guess = signal_and_noise(log_snr.unsqueeze(-1)), model(x_t, log_snr)
    eps = (x_t - alpha * guess) / sigma
    found = {"eps": eps, "x0": guess, "v": alpha * eps - sigma * guess}[predicts]
    assert torch.allclose(found, given_.expand(5, 2))


def test_a_network_learns_the_best_denoiser_of_a_gaussian():
    torch.manual_seed(0)
    model, schedule, x0 = PointDenoiser(1, hidden=16, n_blocks=1), cosine(3.0, -3.0), S * torch.randn(1000, 1)

    def gap():
        with torch.no_grad():
            ours, best = (continuous_bound(d, x0, schedule, 20, generator=torch.Generator().manual_seed(1)).elbo.mean()
                          for d in (model, gaussian_denoiser))  # fmt: skip
        return (best - ours).item()

    start, optimiser = gap(), torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(100):
        optimiser.zero_grad()
        denoising_loss(model, S * torch.randn(100, 1), schedule=schedule)["loss"].backward()
        optimiser.step()
    assert start > 0.5 and -0.01 < gap() < 0.1


def test_a_network_sees_the_level_of_each_point_and_the_blocks_use_it():
    torch.manual_seed(0)
    model, x_t = PointDenoiser(3, predicts="x0"), draws(4, 3).float()
    alone = torch.cat([model(x_t[i : i + 1], torch.tensor([float(i)])) for i in range(4)])
    assert torch.allclose(model(x_t, torch.arange(4.0)), alone, atol=1e-6)
    assert not torch.allclose(model(x_t, torch.arange(4.0)), model(x_t, torch.zeros(4)), atol=1e-3)
    assert sum(p.numel() for p in PointDenoiser().parameters()) == 38_882


# Bad input


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: levels(linear_log_snr(-9, 9), 3), ValueError, "do not fall from t = 0 to t = 1"),
        (lambda: levels(cosine(-9, 9), 3), ValueError, "do not fall"),
        (lambda: levels(linear_log_snr(math.inf, 0), 3), ValueError, "do not fall"),
        (lambda: levels(cosine(), 0), ValueError, "n_steps is 0: give a whole number from 1"),
        (lambda: levels(lambda t: t, 3), ValueError, "do not fall from t = 0 to t = 1"),
        (lambda: diffuse(draws(3, 2), double(0.0), draws(2)), ValueError, r"eps has shape \[2\] but x0 has \[3, 2\]"),
        (lambda: diffuse(draws(3, 2), draws(2), draws(3, 2)), ValueError, r"the points \[3, 2\]: give one, or \[3\]"),
        (lambda: step_variance("tiny", double(0.0), double(1.0)), ValueError, "reverse_variance is 'tiny': give \"small\""),
        (lambda: step_variance(1.5, double(0.0), double(1.0)), ValueError, "reverse_variance is 1.5"),
        (lambda: terms(gaussian_denoiser, draws(3), cosine(), 3), ValueError, r"points have shape \[3\]: give \[B, D\]"),
        (lambda: terms(gaussian_denoiser, draws(0, 2), cosine(), 3), ValueError, "one point or more"),
        (lambda: terms(gaussian_denoiser, torch.ones(3, 2).long(), cosine(), 3), TypeError, "hold torch.int64"),
        (lambda: terms(lambda x, _: x[:1], draws(3, 2), cosine(), 3), ValueError, r"makes \[1, 2\] of \[3, 2\]"),
        (lambda: continuous_bound(gaussian_denoiser, draws(3, 2), cosine(), 0), ValueError, "n_draws is 0"),
        (lambda: sample_ddim(gaussian_denoiser, draws(3), cosine(), 3), ValueError, r"points have shape \[3\]"),
        (lambda: sample_ancestral(gaussian_denoiser, draws(3, 2), cosine(), 2.5), ValueError, "n_steps is 2.5"),
        (lambda: denoising_loss(gaussian_denoiser, draws(3, 2), weighting="fair"), ValueError, "weighting is 'fair'"),
        (lambda: denoising_loss(gaussian_denoiser, draws(3)), ValueError, "points have shape"),
        (lambda: PointDenoiser(0), ValueError, "dim is 0"),
        (lambda: PointDenoiser(hidden=0), ValueError, "hidden is 0"),
        (lambda: PointDenoiser(n_blocks=0), ValueError, "n_blocks is 0"),
        (lambda: PointDenoiser(predicts="y"), ValueError, "predicts is 'y'"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_sentence(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_type_of_numbers_stays(dtype):
    x0 = draws(5, 2).to(dtype)
    found = terms(gaussian_denoiser, x0, cosine(), 3)
    assert {part.dtype for part in (*found, found.elbo, *continuous_bound(gaussian_denoiser, x0, cosine(), 3))} == {
        dtype
    }
    for made in (sample_ddim(gaussian_denoiser, x0, cosine(), 3), sample_ancestral(gaussian_denoiser, x0, cosine(), 3)):
        assert made.x0.dtype == made.path.dtype == dtype

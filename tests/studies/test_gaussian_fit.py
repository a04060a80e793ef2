"""A Gaussian q in place of a density: its numbers against closed forms, draws and finer grids, and its descent."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal, Uniform, kl_divergence

from vae_course.evaluation import standard_error
from vae_course.exact import GridWorld
from vae_course.studies.gaussian_fit import (
    KL,
    LOG_VARIANCES,
    MEANS,
    bimodal,
    bound,
    climb,
    descend,
    forward_kl,
    optimum,
    reverse_kl,
)
from vae_course.studies.two_hills import bimodal_world

STARTS = list(itertools.product((-3.0, -1.0, 0.0, 0.5, 2.5), (-1.5, 0.0, 1.0)))
NUMBER = st.floats(-3, 3)
LOG_STD = st.floats(-2, 1.5)
STEP = 0.05  # of the playground's sliders

pytestmark = pytest.mark.usefixtures("one_thread_only")


@given(NUMBER, LOG_STD, NUMBER, LOG_STD)
def test_both_directions_agree_with_the_closed_form_where_p_is_a_gaussian(mean, log_std, mean_p, log_std_p):
    p = Normal(torch.tensor(mean_p, dtype=torch.float64), math.exp(log_std_p))
    q = Normal(torch.tensor(mean, dtype=torch.float64), math.exp(log_std))
    torch.testing.assert_close(reverse_kl(p, mean, log_std), kl_divergence(q, p), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(forward_kl(p, mean, log_std), kl_divergence(p, q), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("mean", "log_std"), [(0.0, 0.0), (2.0, -1.0), (0.4, 0.7)])
def test_both_directions_agree_with_draws_from_the_bimodal_p(mean, log_std):
    p, q = bimodal(), Normal(torch.tensor(mean, dtype=torch.float64), math.exp(log_std))
    z_q, z_p = q.sample((100_000,)), p.sample((100_000,))
    for kl, ratios in (
        (reverse_kl(p, mean, log_std), q.log_prob(z_q) - p.log_prob(z_q)),
        (forward_kl(p, mean, log_std), p.log_prob(z_p) - q.log_prob(z_p)),
    ):
        assert abs(kl - ratios.mean()) < 4 * standard_error(ratios)


@pytest.mark.parametrize("direction", KL)
@pytest.mark.parametrize(("mean", "log_std"), STARTS)
def test_a_descent_lowers_the_kl_and_ends_where_the_ground_is_level(direction, mean, log_std):
    p = bimodal()
    walk = descend(p, mean, log_std, direction)
    assert walk.after < walk.before == pytest.approx(float(KL[direction](p, mean, log_std)))
    assert walk.after == pytest.approx(float(KL[direction](p, walk.mean, walk.log_std)))
    for nudge in (-0.05, 0.05):
        assert KL[direction](p, walk.mean + nudge, walk.log_std) > walk.after
        assert KL[direction](p, walk.mean, walk.log_std + nudge) > walk.after


def test_each_step_of_a_descent_goes_down():
    values = [descend(bimodal(), 0.0, 0.0, "reverse", steps=n).after for n in range(12)]
    assert all(later < earlier for earlier, later in itertools.pairwise(values))


def test_the_reverse_descent_finds_one_of_two_modes_and_pays_for_the_other():
    ends = {round(w.mean): w for w in (descend(bimodal(), *start, "reverse") for start in STARTS)}
    assert sorted(ends) == [-2, 2]
    for mean, weight in ((-2, 0.4), (2, 0.6)):
        assert ends[mean].mean == pytest.approx(mean, abs=1e-3)
        assert math.exp(ends[mean].log_std) == pytest.approx(0.35, abs=1e-3)
        assert ends[mean].after == pytest.approx(-math.log(weight), abs=1e-4)


@pytest.mark.parametrize(("mean", "log_std"), STARTS)
def test_the_forward_descent_matches_the_moments_from_everywhere(mean, log_std):
    p, walk = bimodal(), descend(bimodal(), mean, log_std, "forward")
    assert walk.mean == pytest.approx(float(p.mean), abs=1e-3)
    assert math.exp(walk.log_std) == pytest.approx(float(p.stddev), abs=1e-3)


def test_modes_that_lie_close_are_covered_by_the_reverse_direction_too():
    p = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.tensor([0.4, 0.6], dtype=torch.float64)),
        Normal(torch.tensor([-1.5, 1.5], dtype=torch.float64), 0.8),
    )
    ends = [descend(p, *start, "reverse") for start in STARTS]
    assert all(math.exp(end.log_std) > 1.4 for end in ends)
    assert max(end.after for end in ends) < 0.2


def test_a_descent_from_an_infinite_kl_is_refused():
    box = Uniform(torch.tensor(0.0, dtype=torch.float64), 1.0, validate_args=False)
    with pytest.raises(ValueError, match="no slope to follow"):
        descend(box, 0.0, 0.0, "reverse")


def test_an_unknown_direction_is_named():
    with pytest.raises(ValueError, match="choose reverse or forward"):
        descend(bimodal(), 0.0, 0.0, "sideways")


def places(limits, every=1):
    """The places of a slider."""
    return torch.arange(limits[0], limits[1] + STEP / 2, every * STEP, dtype=torch.float64)


def gaussian_world():
    """Its posterior at x = 1 is N(1/2, 1/2), within the sliders' reach."""
    return GridWorld(lambda z: z.unsqueeze(-1), 1.0, half_width=20.0, n_points=1001), torch.ones(
        1, 1, dtype=torch.float64
    )


def test_bound_and_gap_add_up_to_log_p_x_wherever_q_is():
    world, x = bimodal_world()
    for mu in places(MEANS, 6).tolist():
        for logvar in places(LOG_VARIANCES, 6).tolist():
            value = bound(world, x, mu, logvar)
            assert value.elbo + value.gap == pytest.approx(value.log_px, abs=1e-6)
            assert value.gap > 0.4


def test_log_p_x_is_that_of_a_finer_and_wider_grid():
    world, x = bimodal_world()
    finer = GridWorld(world.f, world.sigma, half_width=30.0, n_points=12_001)
    assert bound(world, x, 0.7, -1.0).log_px == pytest.approx(finer.log_marginal(x).item(), abs=1e-9)
    mu, logvar = torch.tensor([[[3.0]], [[1.0]]], dtype=torch.float64)  # the widest q, furthest out
    assert bound(world, x, 3.0, 1.0).elbo == pytest.approx(finer.elbo(x, mu, logvar).item(), rel=1e-6)


def test_the_gap_vanishes_where_q_is_the_posterior():
    value = bound(*gaussian_world(), 0.5, math.log(0.5))
    assert value.gap == pytest.approx(0, abs=1e-9) and value.elbo == pytest.approx(value.log_px, abs=1e-9)


def slope(world, x, value):
    place = torch.tensor([value.mu, value.logvar], dtype=torch.float64, requires_grad=True)
    world.elbo(x, place[:1, None], place[1:, None]).sum().backward()
    return place.grad


def test_the_optimum_is_at_least_as_good_as_every_setting_of_the_sliders():
    world, x = bimodal_world()
    logvars = places(LOG_VARIANCES).unsqueeze(1)
    best = max(world.elbo(x, torch.full_like(logvars, mu), logvars).max().item() for mu in places(MEANS).tolist())
    found = optimum(world, x)
    assert best <= found.elbo < best + 0.005
    assert slope(world, x, found).abs().max() < 0.01


def test_the_optimum_of_a_gaussian_world_leaves_no_gap():
    found = optimum(*gaussian_world())
    assert found.mu == pytest.approx(0.5, abs=1e-3) and found.logvar == pytest.approx(math.log(0.5), abs=1e-3)
    assert 0 <= found.gap < 1e-6


@pytest.mark.parametrize(("start", "mu", "gap"), [((-2.0, -1.0), -1.48, 1.105), ((0.0, 0.0), 0.01, 1.402)])
def test_a_climb_goes_uphill_and_may_end_on_a_lower_hill(start, mu, gap):
    world, x = bimodal_world()
    top = climb(world, x, *start)
    assert top.elbo > bound(world, x, *start).elbo
    assert top.mu == pytest.approx(mu, abs=0.02) and top.gap == pytest.approx(gap, abs=0.002)
    assert slope(world, x, top).abs().max() < 0.01


def test_a_climb_stays_on_the_sliders():
    world = GridWorld(lambda z: z.unsqueeze(-1), 0.05, half_width=20.0, n_points=4001)
    top = climb(world, torch.tensor([[9.0]], dtype=torch.float64), 2.8, -4.8)
    assert (top.mu, top.logvar) == (MEANS[1], LOG_VARIANCES[0])


def test_a_bound_of_anything_but_one_point_is_refused():
    with pytest.raises(ValueError, match="give one point"):
        bound(gaussian_world()[0], torch.ones(1), 0.0, 0.0)

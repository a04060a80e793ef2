"""Targets against the world and by quadrature; gaps of flows by another sum than the one that they were fitted by."""

import functools

import pytest
import torch
from torch.distributions import MultivariateNormal

from vae_course.studies import flow_fit, gaussian_fit
from vae_course.studies.flow_fit import banana_target, fit, fit_mixture, hills_target
from vae_course.studies.two_hills import bimodal_world

kept = functools.cache(fit)
FITS = [
    ("two hills", "affine", 0, 0), ("two hills", "planar", 2, 0), ("two hills", "planar", 4, 1),
    ("two hills", "spline", 1, 0), ("banana", "affine", 0, 0), ("banana", "planar", 2, 0), ("banana", "coupling", 2, 0),
]  # fmt: skip


def made(name, kind, n_steps, seed):
    return kept(flow_fit.TARGETS[name](), kind, n_steps, seed=seed)


def wide_grid(target, n=1201, reach=6.0):
    """Places over all that matters, and the volume that belongs to each."""
    axis = torch.linspace(-reach, reach, n, dtype=torch.float64)
    places = torch.stack(torch.meshgrid(*[axis] * target.dim, indexing="xy"), -1)
    return places, (2 * reach / (n - 1)) ** target.dim


def test_the_joint_of_the_hills_is_that_of_their_world():
    (world, x), target = bimodal_world(), hills_target()
    assert torch.allclose(target.log_joint(world.grid.unsqueeze(-1)), world.log_joint(x)[0])
    assert target.log_px == pytest.approx(world.log_marginal(x).item(), abs=1e-12)


def test_the_joint_of_the_banana_is_prior_times_likelihood():
    z = torch.randn(20, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    prior = MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double()).log_prob(z)
    likelihood = torch.distributions.Normal(z[:, 1] - 0.6 * z[:, 0] ** 2, 0.3).log_prob(torch.tensor(-1.0))
    assert torch.allclose(banana_target().log_joint(z), prior + likelihood)


@pytest.mark.parametrize("target", [hills_target(), banana_target()], ids=lambda target: target.name)
def test_a_posterior_integrates_to_one_and_lies_in_its_window(target):
    z, volume = wide_grid(target)
    assert (target.density(z).sum() * volume).item() == pytest.approx(1, abs=1e-6)
    inside = target.grid(401)
    share = (torch.tensor(target.window[1::2]) - torch.tensor(target.window[::2])).prod() / 400**target.dim
    assert (target.density(inside).sum() * share).item() > 0.99


def test_the_grid_has_a_row_for_each_height():
    z = banana_target().grid(5)
    assert z.shape == (5, 5, 2) and (z[:, :, 0] == z[0, :, 0]).all() and (z[:, :, 1].diff(dim=0) > 0).all()
    assert hills_target().grid(7).shape == (7, 1)


@pytest.mark.parametrize("case", FITS, ids=str)
def test_the_gap_is_the_kl_by_a_sum_over_places_of_z(case):
    found = made(*case)
    z, volume = wide_grid(found.target, 4001 if found.target.dim == 1 else 801)
    q = found.density(z)
    assert (q.sum() * volume).item() == pytest.approx(1, abs=2e-3)
    kl = (torch.xlogy(q, q) - q * (found.target.log_joint(z) - found.target.log_px)).sum() * volume
    assert kl.item() == pytest.approx(found.gap, abs=3e-3)
    assert found.elbo + found.gap == pytest.approx(found.target.log_px) and found.gap > 0


@pytest.mark.parametrize("case", FITS, ids=str)
def test_the_density_is_that_of_draws_whose_way_is_known(case):
    found = made(*case)
    way = found.path(9)
    dim = found.target.dim
    assert way.shape == (len(found.flow.steps) + 1, *[9] * dim, dim)
    z, log_det = found.flow(way[0])
    assert torch.allclose(way[-1], z)
    log_q = torch.distributions.Normal(0.0, 1.0).log_prob(way[0]).sum(-1) - log_det
    assert torch.allclose(found.density(z).log(), log_q, atol=1e-8)


def test_affine_steps_leave_the_best_gaussian_of_lesson_04_on_the_line_whatever_their_number():
    best = gaussian_fit.optimum(*bimodal_world()).gap
    assert [made("two hills", "affine", n, 0).gap for n in (0, 1, 3)] == pytest.approx([best] * 3, abs=1e-4)
    assert fit_mixture(hills_target(), 1).gap == pytest.approx(best, abs=1e-4)


def test_in_the_plane_the_best_gaussian_cannot_be_improved_by_a_small_change():
    found = made("banana", "affine", 0, 0)
    step = found.flow.steps[0]
    for parameter in (step.m, step.log_diag, step.below):
        for by in (-0.02, 0.02):
            parameter.data += by
            assert flow_fit.bound(found.target, found.flow, 201).item() < found.elbo
            parameter.data -= by


def test_bends_close_most_of_what_a_gaussian_leaves():
    gaps = {case: made(*case).gap for case in FITS}
    assert gaps["two hills", "spline", 1, 0] < 0.1 * gaps["two hills", "affine", 0, 0]
    assert gaps["banana", "coupling", 2, 0] < 0.01 * gaps["banana", "affine", 0, 0]


def test_two_gaussians_are_far_better_than_one_and_their_bound_is_a_bound():
    found = fit_mixture(hills_target(), 2)
    assert 0 < found.gap < 0.06
    z, volume = wide_grid(found.target)
    assert (found.density(z).sum() * volume).item() == pytest.approx(1, abs=1e-6)
    assert found.elbo + found.gap == pytest.approx(found.target.log_px)


def test_a_fit_is_the_same_at_every_run_and_draws_nothing_from_the_common_noise():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, second = (fit(hills_target(), "planar", 1, seed=3) for _ in range(2))
    assert torch.equal(first.curve, second.curve) and first.elbo == second.elbo
    assert torch.equal(torch.random.get_rng_state(), before)
    assert fit(hills_target(), "planar", 1, seed=4).curve[-1] != first.curve[-1]


def test_the_curve_falls_to_the_gap_and_a_new_flow_is_its_gaussian():
    found = made("two hills", "planar", 2, 0)
    assert (found.curve.diff() <= 0).all() and found.curve[-1].item() == pytest.approx(found.gap, abs=2e-3)
    starts = [fit(hills_target(), kind, 1, updates=1).curve[0].item() for kind in ("affine", "planar", "spline")]
    assert starts == pytest.approx([starts[0]] * 3, abs=1e-6)


def test_it_fits_where_gradients_are_switched_off():
    with torch.no_grad():
        assert fit(hills_target(), "affine", 0, updates=3).curve[-1] < 2


def test_names_say_kind_and_number():
    assert [made(*case).name for case in FITS[:3]] == ["Gaussian", "planar, 2 steps", "planar, 4 steps"]
    assert made("two hills", "spline", 1, 0).name == "spline, 1 step"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: fit(hills_target(), "coupling", 1), "kind is 'coupling': two hills takes affine, planar, spline"),
        (lambda: fit(banana_target(), "spline", 1), "kind is 'spline': banana takes affine, planar, coupling"),
        (lambda: fit(hills_target(), "planar", 9), "n_steps is 9: give a whole number from 0 to 8"),
        (lambda: fit(hills_target(), "planar", -1), "n_steps is -1"),
        (lambda: fit_mixture(banana_target(), 2), "banana lies in the plane: give a target on the line"),
        (lambda: fit_mixture(hills_target(), 0), "n_components is 0"),
    ],
)
def test_bad_input_is_told_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()

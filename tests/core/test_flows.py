"""Every log-determinant against the Jacobian of autograd, every inverse by going there and back, every density by quadrature."""

import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.distributions import Independent, MultivariateNormal, Normal

from vae_course import flows
from vae_course.flows import (
    Autoregressive,
    Coupling,
    Flow,
    FlowDistribution,
    Planar,
    Spline,
    Triangular,
)

KINDS = {
    "planar": Planar,
    "triangular": Triangular,
    "coupling": lambda dim: Coupling(dim, hidden=9),
    "flipped coupling": lambda dim: Coupling(dim, hidden=9, flip=True),
    "autoregressive": lambda dim: Autoregressive(dim, hidden=9),
    "spline": lambda dim: Spline(dim, bins=5, bound=3.0),
    "chain": lambda dim: Flow(Coupling(dim, hidden=9), Spline(dim), Triangular(dim)),
}
UNDONE = [kind for kind in KINDS if kind != "planar"]
few = settings(max_examples=30, deadline=None)
kinds, seeds = st.sampled_from(sorted(KINDS)), st.integers(0, 1000)


def moved(kind, dim, seed=0, by=0.6):
    """A step in float64, far from where it starts."""
    torch.manual_seed(seed)
    step = KINDS[kind](dim).double()
    for parameter in step.parameters():
        parameter.data += by * torch.randn_like(parameter)
    return step


def codes(*shape, seed=0, scale=1.5):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def jacobian(step, z):
    """dy/dz, [D, D], of one code."""
    return torch.autograd.functional.jacobian(lambda at: step(at)[0], z)


def normal(dim):
    return Independent(Normal(torch.zeros(dim).double(), 1.0), 1)


@few
@given(kinds, st.integers(2, 5), seeds)
def test_the_log_determinant_is_that_of_the_jacobian(kind, dim, seed):
    step, z = moved(kind, dim, seed), codes(4, dim, seed=seed)
    expected = torch.stack([torch.linalg.slogdet(jacobian(step, each)).logabsdet for each in z])
    assert torch.allclose(step(z)[1], expected, atol=1e-9)


@few
@given(st.sampled_from(UNDONE), st.integers(2, 6), seeds)
def test_an_inverse_leads_back_to_rounding_and_its_log_determinant_cancels(kind, dim, seed):
    step, z = moved(kind, dim, seed), codes(3, 4, dim, seed=seed, scale=2.0)
    y, log_det = step(z)
    back, back_log_det = step.inverse(y)
    assert torch.allclose(back, z, rtol=1e-9, atol=1e-9)
    assert torch.allclose(back_log_det, -log_det, rtol=1e-9, atol=1e-9)
    there, there_log_det = step.inverse(z)
    assert torch.allclose(step(there)[0], z, rtol=1e-9, atol=1e-9)
    assert torch.allclose(step(there)[1], -there_log_det, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "coupling" not in kind and kind != "chain"])
def test_a_density_on_the_line_integrates_to_one(kind):
    step = moved(kind, 1)
    z = torch.linspace(-9, 9, 200_001, dtype=torch.float64).unsqueeze(-1)
    y, log_det = step(z)
    density = (normal(1).log_prob(z) - log_det).exp()
    assert torch.trapezoid(density, y.squeeze(-1)).abs().item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("kind", UNDONE)
def test_a_density_in_the_plane_integrates_to_one(kind):
    axis = torch.linspace(-15, 15, 501, dtype=torch.float64)
    q = FlowDistribution(normal(2), moved(kind, 2, by=0.3))
    assert (q.log_prob(torch.cartesian_prod(axis, axis)).exp().sum() * 0.06**2).item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dim", [2, 3, 6])
def test_a_new_step_is_the_identity(kind, dim):
    torch.manual_seed(1)
    z = codes(20, dim)
    step = Flow(Coupling(dim), Planar(dim), Spline(dim)) if kind == "chain" else KINDS[kind](dim)
    y, log_det = step.double()(z)
    assert torch.allclose(y, z, atol=1e-6) and torch.allclose(log_det, torch.zeros(20).double(), atol=1e-6)


@few
@given(kinds, st.integers(2, 4), seeds, st.lists(st.integers(0, 3), max_size=3))
def test_any_shape_of_batch_gives_one_log_determinant_a_code(kind, dim, seed, shape):
    step, z = moved(kind, dim, seed), codes(*shape, dim, seed=seed)
    y, log_det = step(z)
    assert y.shape == z.shape and log_det.shape == z.shape[:-1]
    if z.numel():
        one_by_one = torch.stack([step(each)[1] for each in z.reshape(-1, dim)])
        assert torch.allclose(log_det.flatten(), one_by_one)


@few
@given(kinds, seeds)
def test_far_away_every_number_and_gradient_is_finite(kind, seed):
    step, z = moved(kind, 3, seed), codes(5, 3, seed=seed, scale=1e4).requires_grad_()
    y, log_det = step(z)
    gradients = torch.autograd.grad(y.sum() + log_det.sum(), [z, *step.parameters()], allow_unused=True)
    assert all(torch.isfinite(t).all() for t in (y, log_det, *(g for g in gradients if g is not None)))


# What each step is


@few
@given(st.integers(1, 5), seeds, st.floats(0.1, 6))
def test_a_planar_step_is_the_one_of_the_paper_and_can_always_be_undone(dim, seed, by):
    step, z = moved("planar", dim, seed, by), codes(50, dim, seed=seed)
    u, w, b = step.u_hat(), step.w, step.b
    y, log_det = step(z)
    assert torch.allclose(y, z + u * torch.tanh(z @ w + b)[:, None])
    psi = (1 - torch.tanh(z @ w + b).square())[:, None] * w
    assert torch.allclose(log_det.exp(), 1 + psi @ u, rtol=1e-9, atol=1e-12)
    assert (log_det > -math.inf).all()
    assert (w @ u).item() == pytest.approx(math.log1p(math.exp((w @ step.u).item())) - 1, abs=1e-9)


def test_the_part_of_u_across_w_stays():
    step = moved("planar", 3)
    across = torch.eye(3).double() - torch.outer(step.w, step.w) / step.w.square().sum()
    assert torch.allclose(across @ step.u_hat(), across @ step.u)


def test_a_triangular_step_makes_the_gaussian_of_its_matrix():
    step, z = moved("triangular", 3), codes(7, 3)
    L, y = step.matrix(), codes(7, 3, seed=1)
    assert torch.equal(L, L.tril()) and (L.diagonal() > 0).all()
    assert torch.allclose(step(z)[0], z @ L.T + step.m)
    expected = MultivariateNormal(step.m, covariance_matrix=L @ L.T).log_prob(y)
    assert torch.allclose(FlowDistribution(normal(3), step).log_prob(y), expected)


@pytest.mark.parametrize(
    ("dim", "flip", "passing"),
    [(4, False, [0, 1]), (4, True, [2, 3]), (5, False, [0, 1]), (5, True, [2, 3, 4])],
)
def test_a_coupling_step_lets_one_half_pass_and_its_jacobian_is_triangular(dim, flip, passing):
    step, z = moved("flipped coupling" if flip else "coupling", dim), codes(dim)
    moving = [d for d in range(dim) if d not in passing]
    y, J = step(z)[0], jacobian(step, z)
    assert torch.equal(y[passing], z[passing])
    assert torch.equal(J[passing][:, moving], torch.zeros(len(passing), len(moving)).double())
    block = J[moving][:, moving]
    assert torch.equal(block, torch.diag(block.diagonal())) and (J[moving][:, passing] != 0).all()


@few
@given(st.integers(1, 7), st.integers(1, 12), seeds)
def test_an_autoregressive_step_has_a_triangular_jacobian(dim, hidden, seed):
    torch.manual_seed(seed)
    step = Autoregressive(dim, hidden=hidden).double()
    for parameter in step.parameters():
        parameter.data += torch.randn_like(parameter)
    J = jacobian(step, codes(dim, seed=seed))
    assert torch.equal(J, J.tril())
    if hidden >= dim - 1:  # as many units as it takes to tell all numbers apart
        below = torch.ones(dim, dim).tril(-1).bool()
        assert (J[below] != 0).all()


@pytest.mark.parametrize(("kind", "there", "back"), [("autoregressive", 1, 5), ("coupling", 1, 1)])
def test_the_passes_of_a_network(kind, there, back):
    step, counted = moved(kind, 5), []
    network = step.network
    network.register_forward_hook(lambda *_: counted.append(1))
    step(codes(3, 5))
    assert len(counted) == there
    step.inverse(codes(3, 5))
    assert len(counted) == there + back


def test_scales_are_bounded_softly():
    raw = torch.tensor([[-1e6, 1e6, 1e-4, 0.0]]).double()
    s, t = flows._scale_and_shift(torch.cat([raw, raw], -1))
    assert s.flatten().tolist() == pytest.approx([-3, 3, 1e-4, 0], rel=1e-6)
    assert torch.equal(t, raw)


@few
@given(st.integers(1, 12), st.floats(0.5, 20), seeds)
@example(6, 17.66009997440658, 504)  # steep at its left end
def test_a_spline_rises_meets_the_identity_at_its_ends_and_stays_within(bins, bound, seed):
    torch.manual_seed(seed)
    step = Spline(2, bins=bins, bound=bound).double()
    for parameter in step.parameters():
        parameter.data += 2 * torch.randn_like(parameter)
    z = torch.linspace(-1.5 * bound, 1.5 * bound, 2001, dtype=torch.float64)[:, None].expand(-1, 2)
    y, _ = step(z)
    assert (y.diff(dim=0) > 0).all()
    outside = z[:, 0].abs() >= bound
    assert torch.equal(y[outside], z[outside])
    edge = torch.tensor([[-bound, bound]], dtype=torch.float64) * (1 - 1e-13)
    assert torch.allclose(step(edge)[0], edge, rtol=1e-6)
    assert torch.allclose(jacobian(step, edge[0]).diagonal(), torch.ones(2).double(), atol=1e-3)


def test_the_bins_of_a_new_spline_are_equally_wide_from_end_to_end():
    step = Spline(2, bins=4, bound=2.0)
    for raw in (step.widths, step.heights):
        assert torch.allclose(step._knots(raw), torch.linspace(-2, 2, 5).expand(2, -1))


def test_a_spline_passes_through_its_knots_with_its_slopes():
    step = moved("spline", 2)
    xs, ys = step._knots(step.widths).T[1:-1], step._knots(step.heights).T[1:-1]
    assert torch.allclose(step(xs)[0], ys)
    slopes = torch.stack([jacobian(step, x).diagonal() for x in xs])
    assert torch.allclose(slopes.T, flows.LEAST + torch.nn.functional.softplus(step.slopes))


# Chains and distributions


@few
@given(st.integers(2, 4), seeds)
def test_log_determinants_of_a_chain_add_up_and_the_path_shows_each(dim, seed):
    steps, z = [moved(kind, dim, seed) for kind in ("coupling", "planar", "autoregressive")], codes(6, dim, seed=seed)
    y, log_det = Flow(*steps)(z)
    path = Flow(*steps).path(z)
    at = z
    for k, step in enumerate(steps):
        assert torch.equal(path.z[k], at)
        at, each = step(at)
        assert torch.equal(path.log_dets[k], each)
    assert torch.equal(path.z[-1], at) and torch.equal(y, at)
    assert torch.allclose(log_det, path.log_dets.sum(0))


def test_draws_know_their_log_density_with_and_without_an_inverse():
    q = FlowDistribution(normal(3), moved("chain", 3))
    torch.manual_seed(3)
    y, log_q = q.sample_with_log_prob((4, 5))
    assert y.shape == (4, 5, 3) and torch.allclose(q.log_prob(y), log_q)
    torch.manual_seed(3)
    assert torch.equal(q.rsample((4, 5)), y)
    assert not q.sample().requires_grad and q.rsample().requires_grad
    assert (q.batch_shape, q.event_shape) == ((), (3,))


def test_a_batch_of_bases_gives_a_batch_of_draws():
    mean = codes(5, 2)
    q = FlowDistribution(Independent(Normal(mean, 0.1), 1), moved("spline", 2))
    y, log_q = q.sample_with_log_prob((7,))
    assert y.shape == (7, 5, 2) and log_q.shape == (7, 5) and torch.allclose(q.log_prob(y), log_q)


def test_a_planar_flow_has_draws_but_no_density_at_a_given_place():
    q = FlowDistribution(normal(2), Flow(Triangular(2), Planar(2)).double())
    y, _ = q.sample_with_log_prob((3,))
    with pytest.raises(NotImplementedError, match="Planar has no inverse.*sample_with_log_prob"):
        q.log_prob(y)


def test_moments_of_draws_are_those_of_the_density():
    step = moved("spline", 1)
    z = torch.linspace(-9, 9, 40_001, dtype=torch.float64)[:, None]
    mean = (normal(1).log_prob(z).exp() * step(z)[0].squeeze(-1)).sum() * (z[1] - z[0])
    torch.manual_seed(0)
    draws = FlowDistribution(normal(1), step).sample((40_000,)).squeeze(-1)
    assert abs(draws.mean() - mean.item()) < 4 * draws.std() / 200


# Bad input


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: Planar(0), ValueError, "dim is 0: give a whole number from 1"),
        (lambda: Triangular(1.5), ValueError, "dim is 1.5: give a whole number"),
        (lambda: Coupling(1), ValueError, "dim is 1: give a whole number from 2"),
        (lambda: Coupling(2, hidden=0), ValueError, "hidden is 0"),
        (lambda: Autoregressive(2, hidden=0), ValueError, "hidden is 0"),
        (lambda: Spline(2, bins=0), ValueError, "bins is 0"),
        (lambda: Spline(2, bins=1000), ValueError, "bins is 1000: give fewer than 1000"),
        (lambda: Spline(2, bound=0), ValueError, "bound is 0: give a finite number above zero"),
        (lambda: Spline(2, bound=math.inf), ValueError, "bound is inf"),
        (lambda: Flow(), ValueError, "The steps have no dimensions: give one or more"),
        (lambda: Flow(Planar(2), Planar(3)), ValueError, r"\[2, 3\] dimensions.*the same dim"),
        (lambda: Flow([Planar(2)]), TypeError, "list is no step.*separated by commas"),
        (lambda: FlowDistribution(Normal(0.0, 1.0), Planar(1)), ValueError, r"shape \[\] but the flow takes \[1\]"),
        (lambda: FlowDistribution(normal(3), Planar(2)), ValueError, r"shape \[3\] but the flow takes \[2\]"),
    ],
)
def test_what_can_not_be_built_says_why(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


@pytest.mark.parametrize("kind", KINDS)
def test_codes_of_another_shape_or_kind_are_refused_in_a_sentence(kind):
    step = moved(kind, 3)
    ways = [step] if kind == "planar" else [step, step.inverse]
    for way in ways:
        with pytest.raises(ValueError, match=r"The codes have shape \[5, 2\] but this step takes \[\.\.\., 3\]"):
            way(codes(5, 2))
        with pytest.raises(TypeError, match="The codes hold torch.int64: give floating-point"):
            way(torch.ones(5, 3, dtype=torch.int64))

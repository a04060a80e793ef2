"""Quantisers of N(0, 1): the numbers of the literature, quadrature as an oracle, and the rate-distortion curve as a floor."""

import math

import pytest
import torch

from vae_course.studies.scalar_quantiser import (
    QUARTER_BIT,
    Quantiser,
    centroids,
    least_bits,
    lloyd_max,
    uniform,
)

STEPS = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0)


def by_quadrature(quantiser: Quantiser) -> tuple[torch.Tensor, float]:
    """P(k) and D by a fine sum over x; no closed form and no erf."""
    x = torch.linspace(-10, 10, 400_001, dtype=torch.float64)
    weights = torch.exp(-0.5 * x.square()) / math.sqrt(2 * math.pi) * (x[1] - x[0])
    k = quantiser.indices(x)
    masses = torch.zeros_like(quantiser.points).index_add_(0, k, weights)
    return masses, float((weights * (x - quantiser.points[k]).square()).sum())


# Max (1960), table I, for 2 to 16; the distortion at 64 from the same conditions.
@pytest.mark.parametrize(
    ("k", "distortion"), [(1, 1.0), (2, 0.3634), (4, 0.1175), (8, 0.03454), (16, 0.009497), (64, 0.000644)]
)
def test_lloyd_max_has_the_published_distortions(k: int, distortion: float):
    assert lloyd_max(k).distortion == pytest.approx(distortion, rel=1e-3)


def test_two_points_are_known_in_closed_form():
    two = lloyd_max(2)
    assert two.points.tolist() == pytest.approx([-math.sqrt(2 / math.pi), math.sqrt(2 / math.pi)])
    assert two.distortion == pytest.approx(1 - 2 / math.pi) and two.entropy == pytest.approx(1)


@pytest.mark.parametrize("quantiser", [lloyd_max(5), uniform(0.7), uniform(0.7, midpoints=True), uniform(4.0)])
def test_masses_and_distortion_are_those_of_quadrature(quantiser: Quantiser):
    masses, distortion = by_quadrature(quantiser)
    torch.testing.assert_close(quantiser.masses, masses, rtol=0, atol=3e-5)
    assert quantiser.distortion == pytest.approx(distortion, rel=2e-4)


@pytest.mark.parametrize("k", [2, 3, 8])
def test_no_small_move_of_a_point_or_an_edge_lowers_the_distortion_of_lloyd_max(k: int):
    best = lloyd_max(k)
    for i in range(k):
        for move in (-1e-3, 1e-3):
            points, edges = best.points.clone(), best.edges.clone()
            points[i] += move
            assert Quantiser(edges, points).distortion > best.distortion
            if i < k - 1:
                edges[i] += move
                assert Quantiser(edges, best.points).distortion > best.distortion


def test_an_index_is_that_of_the_interval_and_each_interval_of_lloyd_max_is_nearest_to_its_point():
    best = lloyd_max(6)
    x = torch.randn(2000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(best.indices(x), (x[:, None] - best.points).abs().argmin(1))
    assert uniform(1.0).indices(torch.tensor([-0.4, 0.4, 0.6])).diff().tolist() == [0, 1]


def test_the_centroid_of_a_far_interval_keeps_its_digits():
    """From 8 to 9: 1 minus a number would have forgotten the mass of 6e-16."""
    inner = float(centroids(torch.tensor([8.0, 9.0], dtype=torch.float64))[1])
    x = torch.linspace(8, 9, 100_001, dtype=torch.float64)
    p = torch.exp(-0.5 * (x.square() - 64))
    assert inner == pytest.approx(float(torch.trapezoid(x * p, x) / torch.trapezoid(p, x)), rel=1e-6)
    assert torch.isfinite(uniform(0.01).points).all()


# ------------------------------------------------------------------------------------------------ against R(D)


def test_no_quantiser_gets_below_the_rate_distortion_curve():
    for quantiser in (
        *(lloyd_max(k) for k in (1, 2, 4, 8, 16)),
        *(uniform(s, midpoints=m) for s in STEPS for m in (0, 1)),
    ):
        assert quantiser.coded_gap >= 0
        assert quantiser.fixed_gap >= quantiser.coded_gap - 1e-12
    assert lloyd_max(1).coded_gap == lloyd_max(1).fixed_gap == 0


def test_the_gap_of_uniform_steps_grows_to_a_quarter_of_a_bit():
    gaps = {step: uniform(step).coded_gap for step in STEPS}
    assert sorted(gaps.values(), reverse=True) == list(gaps.values()) and max(gaps.values()) < QUARTER_BIT
    assert (gaps[4.0], gaps[2.0], gaps[1.0]) == pytest.approx((0.099, 0.251, 0.2545), abs=5e-4)
    assert uniform(0.02).coded_gap == pytest.approx(QUARTER_BIT, abs=1e-6)
    assert pytest.approx(0.2546, abs=5e-5) == QUARTER_BIT


def test_midpoints_come_from_above_with_the_same_indices():
    """Up to steps of 2; beyond that most numbers have one index, and the gap falls again."""
    gaps = {step: uniform(step, midpoints=True).coded_gap for step in STEPS}
    fine = [gaps[step] for step in STEPS[:4]]
    assert sorted(fine) == fine and min(fine) > QUARTER_BIT
    assert uniform(1.0, midpoints=True).entropy == uniform(1.0).entropy
    assert uniform(0.1, midpoints=True).distortion == pytest.approx(0.1**2 / 12, rel=1e-6)


def test_lloyd_max_pays_more_where_indices_are_entropy_coded():
    """From four points on; at the same distortion uniform steps need fewer bits."""
    fixed = [lloyd_max(k).fixed_gap for k in (2, 4, 8, 16)]
    coded = [lloyd_max(k).coded_gap for k in (2, 4, 8, 16)]
    assert sorted(fixed) == fixed and max(fixed) < 0.5 * math.log2(math.sqrt(3) * math.pi / 2) == pytest.approx(
        0.722, abs=1e-3
    )
    assert (fixed[0], coded[-1]) == pytest.approx((0.270, 0.406), abs=1e-3)
    assert all(coded[i] > QUARTER_BIT for i in range(4))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: lloyd_max(0), "k is 0"),
        (lambda: lloyd_max(2.5), "k is 2.5"),
        (lambda: uniform(0.0), "The step is 0"),
        (lambda: uniform(math.nan), "The step is nan"),
        (lambda: least_bits(0.0), "The distortion is 0"),
        (lambda: Quantiser(torch.zeros(2), torch.zeros(2)), "K points need K - 1 edges"),
        (lambda: Quantiser(torch.tensor([1.0, 0.0]), torch.zeros(3)), "don't increase"),
    ],
)
def test_bad_input_is_named_in_one_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_a_distortion_above_the_variance_needs_no_bits():
    assert least_bits(0.25) == 1 and least_bits(1.0) == least_bits(3.0) == 0

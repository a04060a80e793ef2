"""Pictures of densities: what they say in words is what they show, and bad input is named."""

import math

import pytest
import torch
from matplotlib.collections import PolyCollection
from torch.distributions import Normal

from vae_course.plotting import AltFigure, figure
from vae_course.plotting.densities import densities, divergence, ellipses

Z = torch.linspace(-8, 8, 1601, dtype=torch.float64)
P, Q = Normal(1.0, 0.5), Normal(-1.0, 1.0)
LOG_P, LOG_Q = P.log_prob(Z), Q.log_prob(Z)
INTEGRAND = LOG_Q.exp() * (LOG_Q - LOG_P)


def legend(ax):
    return [entry.get_text() for entry in ax.get_legend().get_texts()]


def test_the_words_of_a_divergence_give_its_peaks_and_its_area():
    fig = divergence(Z, LOG_P.exp(), LOG_Q.exp(), INTEGRAND, name="KL(q || p)")
    area = torch.distributions.kl_divergence(Q, P).item()
    assert isinstance(fig, AltFigure)
    assert "p(z) is highest at 1.00, q(z) at -1.00" in fig.alt
    assert "KL(q || p)" in fig.alt and f"area over this range is {area:.2f} nats" in fig.alt


def test_what_adds_and_what_lowers_are_shaded_apart():
    fig = divergence(Z, LOG_P.exp(), LOG_Q.exp(), INTEGRAND, name="KL(q || p)")
    adds, lowers = (c for c in fig.axes[1].collections if isinstance(c, PolyCollection))
    assert adds.get_paths()[0].vertices[:, 1].min() >= 0 > lowers.get_paths()[0].vertices[:, 1].min()
    assert lowers.get_hatch() and not adds.get_hatch()
    assert legend(fig.axes[1]) == ["adds", "lowers"]


def test_a_start_is_drawn_only_when_given():
    without = divergence(Z, LOG_P.exp(), LOG_Q.exp(), INTEGRAND, name="KL")
    with_start = divergence(Z, LOG_P.exp(), LOG_Q.exp(), INTEGRAND, name="KL", start=LOG_P.exp())
    assert legend(without.axes[0]) == ["p(z)", "q(z)"]
    assert legend(with_start.axes[0]) == ["p(z)", "q(z) at the start", "q(z)"]


def test_densities_are_named_in_the_legend_and_in_words():
    fig = densities(Z, LOG_P.exp(), {"narrow": LOG_Q.exp()}, name="p(z | x)", title="two")
    assert legend(fig.axes[0]) == ["p(z | x)", "narrow"]
    top = math.sqrt(2 / math.pi)
    assert (
        fig.alt == f"two: Densities over z: p(z | x) is highest, {top:.2f}, at 1.00; narrow is highest, 0.40, at -1.00."
    )


def test_no_peak_is_said_to_lie_at_minus_zero():
    z = Z - 0.001
    assert "-0.00" not in densities(z, Normal(0.0, 1.0).log_prob(z).exp(), {}).alt


def test_densities_go_on_axes_that_are_given():
    fig, axes = figure(2, 1)
    assert densities(Z, LOG_P.exp(), {}, ax=axes[0, 0]) is fig
    assert len(axes[0, 0].lines) == 1 and not axes[1, 0].lines


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"p": LOG_P[:5].exp()}, r"p\(z\) has 5 values for 1601 places"),
        ({"q": LOG_Q.exp() * torch.nan}, r"q\(z\) holds NaN"),
        ({"integrand": INTEGRAND - torch.inf}, "KL holds NaN or infinity"),
        ({"start": LOG_P[:3]}, "q.z. at the start has 3 values"),
    ],
)
def test_bad_input_is_named_in_one_sentence(change, said):
    given = {"p": LOG_P.exp(), "q": LOG_Q.exp(), "integrand": INTEGRAND} | change
    with pytest.raises(ValueError, match=said):
        divergence(Z, **given, name="KL")


LEANING = torch.tensor([[1.0, 0.9], [0.9, 1.0]])


def test_an_ellipse_leans_and_reaches_as_its_covariance_says():
    fig = ellipses(LEANING, {"narrow": 0.19 * torch.eye(2), "flat": torch.diag(torch.tensor([4.0, 1.0]))})
    p, narrow, flat = fig.axes[0].patches
    assert legend(fig.axes[0]) == ["p(z)", "narrow", "flat"]
    assert (p.width, p.height) == pytest.approx((4 * math.sqrt(1.9), 4 * math.sqrt(0.1)), rel=1e-5)
    assert p.angle % 180 == pytest.approx(45)
    assert narrow.width == pytest.approx(narrow.height) == pytest.approx(4 * math.sqrt(0.19), rel=1e-5)
    assert (flat.width, flat.height, flat.angle % 180) == pytest.approx((8, 4, 0))
    assert p.get_fill() and not narrow.get_fill()
    assert "p(z) reaches 2.76 along its longer axis and 0.63 along the other; narrow reaches 0.87" in fig.alt


def test_all_ellipses_lie_within_the_picture():
    ax = ellipses(LEANING, {"wide": 9 * torch.eye(2)}).axes[0]
    assert ax.get_xlim()[1] > 6 and ax.get_ylim()[0] < -6 and ax.get_aspect() == 1


@pytest.mark.parametrize(
    "matrix",
    [torch.eye(3), torch.ones(2), torch.ones(2, 2), torch.tensor([[1.0, 0.5], [0.0, 1.0]])],
    ids=["three", "variances", "flat", "not symmetric"],
)
def test_what_is_not_a_covariance_is_refused(matrix):
    with pytest.raises(ValueError, match="bad needs a covariance: a symmetric 2 x 2 matrix"):
        ellipses(LEANING, {"bad": matrix})

"""One picture a lesson: drawn from formulas, the same bytes each time, and each case of lesson 09 in its place."""

import math
from pathlib import Path

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae_course import claims, plotting
from vae_course.plotting.figure import LARGEST
from vae_course.plotting.summaries import AUTOENCODERS, PICTURES
from vae_course.studies.bugs.cases import ALL
from vae_course.studies.gaussian_fit import bimodal, forward_kl, reverse_kl
from vae_course.studies.two_hills import bimodal_world

LESSONS = sorted(path.name[:2] for path in (Path(__file__).parents[2] / "solutions").glob("[0-9][0-9]_*.py"))


def test_each_lesson_has_one():
    assert sorted(PICTURES) == LESSONS


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_picture_is_small_said_in_words_and_the_same_each_time(lesson):
    fig = plotting.summary(lesson)
    png = fig.png()
    assert len(png) <= LARGEST // 2
    assert 60 <= len(fig.alt) <= 500 and fig.alt.endswith(".")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        assert plotting.summary(lesson).png() == png


def test_an_unknown_lesson_is_named():
    with pytest.raises(ValueError, match='no picture for lesson "99"'):
        plotting.summary("99")


def test_the_bounds_of_lesson_04_are_exact():
    world, x = bimodal_world()
    assert f"log p(x) = {float(world.log_marginal(x)):.2f} " in plotting.summary("04").alt


def test_the_fits_of_lesson_03_are_the_best_of_their_kind():
    p = bimodal()
    lines = [ax.lines[0].get_xydata() for ax in plotting.summary("03").axes]
    (z, one), (_, both) = (torch.tensor(line).T for line in lines)
    for density, kl in ((one, reverse_kl), (both, forward_kl)):
        mean = float(torch.trapezoid(z * density, z))
        log_std = float(torch.trapezoid((z - mean) ** 2 * density, z).log() / 2)
        here = kl(p, torch.tensor(mean).double(), torch.tensor(log_std).double())
        for change in (-0.1, 0.1):
            assert kl(p, torch.tensor(mean + change).double(), torch.tensor(log_std).double()) > here


def test_each_case_of_lesson_09_is_named_once():
    alt = plotting.summary("09").alt
    for case in ALL:
        assert alt.count(f"{case.letter} {case.name.replace('-', ' ')}") == 1


def test_the_rates_of_lesson_15_have_closed_forms():
    bars = plotting.summary("15").axes[2].patches
    tops = [bar.get_y() + bar.get_height() for bar in bars[1::2]]
    posterior = Normal(torch.tensor([-1.0, 1.0], dtype=torch.float64), 0.5)
    for top, variance in zip(tops, (1.0, 1.25), strict=False):
        prior = Normal(torch.zeros(2, dtype=torch.float64), variance**0.5)
        assert top == pytest.approx(float(kl_divergence(posterior, prior).mean()), abs=1e-6)
    # The mixture is q(z): what is left is the information, which is less than that of a fair coin.
    assert tops[2] == pytest.approx(bars[0].get_height()) and 0.5 < tops[2] < math.log(2)


def test_the_costs_of_lesson_18_are_rates_of_gaussian_codes():
    bars = plotting.summary("18").axes[1].patches
    for (stays, saved), (_, std, sigma), weight in zip((bars[:2], bars[2:]), AUTOENCODERS, ("1", "1e-6"), strict=True):
        measured = [claims.lookup(f"18-{what}-{weight}", "mnist")["value"] for what in ("code_std", "sigma")]
        assert (std, sigma) == pytest.approx(measured, rel=0.1)
        mu = torch.linspace(-12, 12, 20_001, dtype=torch.float64) * std
        share = Normal(0.0, (std**2 - sigma**2) ** 0.5).log_prob(mu).softmax(0)
        rates = [float((share * kl_divergence(Normal(mu, sigma), Normal(0.0, width))).sum()) for width in (std, 1.0)]
        assert stays.get_width() == pytest.approx(rates[0], abs=1e-4) and saved.get_x() == pytest.approx(
            stays.get_width()
        )
        assert saved.get_width() == pytest.approx(rates[1] - rates[0], abs=1e-4)

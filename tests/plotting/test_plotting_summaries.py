"""One picture a lesson: drawn from formulas, the same bytes each time, and each case of lesson 09 in its place."""

from pathlib import Path

import pytest
import torch

from vae_course import plotting
from vae_course.plotting.figure import LARGEST
from vae_course.plotting.summaries import PICTURES
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

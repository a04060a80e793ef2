"""Lesson 08 and what leans on it: the benchmark times the lesson's own training, and stated numbers say ten digits."""

import re
from pathlib import Path

import jupytext
import pytest
import torch

from benchmarks import manifold
from vae_course import claims, exercises

LESSON = Path(__file__).parents[2] / "solutions" / "08_inside_the_latent_space.py"


def code() -> str:
    return "\n".join(cell.source for cell in jupytext.read(LESSON).cells if cell.cell_type == "code")


def span(name: str, world: str) -> tuple[float, float]:
    """The lowest and the highest value that a run may find without contradicting the stated number."""
    stated = claims.lookup(name, world)
    return stated["value"] - stated["tolerance"], stated["value"] + stated["tolerance"]


def test_the_benchmark_times_the_recipe_of_the_lesson():
    told = f"VAE.mlp(2, hidden={manifold.HIDDEN}),\n    epochs=epochs({manifold.SHOWN:_}),\n    lr=3e-3,"
    assert told in code()
    assert manifold.PEAK == 3e-3 and f'"batch_size": {manifold.BATCH}' in code()


def test_a_part_of_an_epoch_is_measured_and_scaled():
    part = manifold.PLAIN_STEPS * manifold.PLAIN_BATCH / 60_000
    assert part == pytest.approx(0.1)


@pytest.mark.parametrize("world", ["mnist", "pen"])
def test_all_ten_digits_are_in_the_plane_however_the_training_varies(world):
    assert claims.lookup("08-classes", world) == {"value": 10.0, "tolerance": 0, "unit": "classes of 10", "digits": 0}
    assert span("08-fewest", world)[0] >= 1


@pytest.mark.parametrize("world", ["mnist", "pen"])
def test_the_two_parts_of_the_kl_add_up(world):
    whole, told, far = (claims.lookup(f"08-{name}", world)["value"] for name in ("asked-kl", "information", "marginal"))
    assert whole == pytest.approx(told + far, abs=0.05)


@pytest.mark.parametrize("world", ["mnist", "pen"])
def test_the_cage_costs_reconstruction_and_not_kl(world):
    """What the prose says of the caged model, beyond the numbers themselves."""
    caged, mended = (
        {part: claims.lookup(f"08-{name}-{part}", world)["value"] for part in ("kl", "log-px-z")}
        for name in ("caged", "mended")
    )
    assert caged["kl"] < mended["kl"] and caged["log-px-z"] < mended["log-px-z"]


@pytest.mark.parametrize("world", ["mnist", "pen"])
def test_in_the_lessons_run_most_of_the_prior_lies_where_the_caged_decoder_has_practised(world):
    """And the means crowd at 0, not at 1. Both are of this one run: another start ends elsewhere."""
    low, high, gap, outside = (
        claims.lookup(f"08-{name}", world)["value"] for name in ("low-edge", "high-edge", "caged-gap", "codes-outside")
    )
    assert gap < 50 < outside and high < 50 < low


def test_the_answer_about_the_corner_says_nothing_that_the_lesson_measures_otherwise():
    """In the lesson's run the caged decoder has practised far outside of the square."""
    corner = exercises.get("08-corner")
    told = " ".join([corner.solution, *(criterion.text for criterion in corner.rubric)])
    assert "sigma" in told and not re.search(r"surroundings only|learned little", told)


@pytest.mark.parametrize("world", ["mnist", "pen"])
def test_the_tails_of_the_aggregated_posterior_are_heavier_than_the_priors(world):
    assert span("08-outside", world)[0] > 1


@pytest.mark.parametrize("world", ["mnist", "pen"])
def test_by_class_keeps_more_classes_when_ink_is_taken_and_much_less_so_for_the_slant(world):
    """The differences are taken image by image. That of the slant may have either sign, and the prose says so."""
    assert span("08-ink-lead", world)[0] > max(0, span("08-slant-lead", world)[1])


def test_the_aggregated_posterior_of_one_image_is_its_posterior():
    log_aggregate = exercises.get("08-aggregate").reference
    mu, logvar, z = torch.tensor([[0.3, -1.0]]), torch.tensor([[-1.0, 0.2]]), torch.randn(5, 2)
    expected = torch.distributions.Normal(mu, (0.5 * logvar).exp()).log_prob(z).sum(1)
    torch.testing.assert_close(log_aggregate(z, mu, logvar), expected)

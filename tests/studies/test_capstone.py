"""The world of 12 pixels, what is exact in it, the acceptance test with each known mistake, and the report card."""

import functools
import itertools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vae_course.models import VAE
from vae_course.objectives import elbo, iwae_bound
from vae_course.studies.capstone import exact
from vae_course.studies.capstone.acceptance import (
    LEAST_EXPECTED,
    LEAST_P,
    UNKNOWN,
    Acceptance,
    AcceptanceFinding,
    Relation,
    Test,
    _cells,
    _spread,
    _sum,
    accept,
)
from vae_course.studies.capstone.card import RUBRIC, TOTAL, Headline, ProjectCard
from vae_course.studies.capstone.mistakes import MISTAKES, PIXEL_MEAN, RIGHT, bounds_with
from vae_course.studies.capstone.world import SHAPE, BarsWorld, every_image, number_of

pytestmark = pytest.mark.usefixtures("one_thread_only")

WORLD = BarsWorld()


@functools.cache
def vae() -> VAE:
    """An untrained model whose decoder is sharp and whose codes differ, so that no mistake hides."""
    torch.manual_seed(2)
    model = VAE.mlp(2, hidden=(16,), shape=SHAPE)
    with torch.no_grad():
        for network, factor in ((model.encoder, 3.0), (model.decoder, 2.5)):
            for weights in network.parameters():
                weights *= factor
    return model.requires_grad_(False)


@functools.cache
def exact_numbers() -> tuple[Tensor, Tensor]:
    log_px = exact.log_marginal(vae())
    return log_px, exact.kl_to_posterior(vae(), log_px)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quadrature of the one model here is done once."""
    log_px, kl = exact_numbers()
    monkeypatch.setattr(exact, "log_marginal", lambda model: log_px)
    monkeypatch.setattr(exact, "kl_to_posterior", lambda model, log_px: kl)


# ------------------------------------------------------------------------------------------------ the world


def test_every_image_stands_once_and_is_found_by_its_number():
    assert every_image().shape == (4096, 1, 3, 4) and len(every_image().unique(dim=0)) == 4096
    assert torch.equal(number_of(every_image()), torch.arange(4096))


def test_the_world_is_what_its_story_says_counted_over_all_ways():
    """One image's probability, by a sum over coin, bars and flips that is written out."""
    x, total = every_image()[0b111100000001].flatten().tolist(), 0.0
    for rows in itertools.product((0, 1), repeat=3):
        pattern = [rows[i // 4] for i in range(12)]
        total += 0.5 / 8 * math.prod(0.95 if a == b else 0.05 for a, b in zip(x, pattern, strict=True))
    for columns in itertools.product((0, 1), repeat=4):
        pattern = [columns[i % 4] for i in range(12)]
        total += 0.5 / 16 * math.prod(0.95 if a == b else 0.05 for a, b in zip(x, pattern, strict=True))
    assert float(WORLD.log_p[0b111100000001].exp()) == pytest.approx(total, rel=1e-12)
    assert float(WORLD.log_p.exp().sum()) == pytest.approx(1, abs=1e-12)


def test_without_structure_the_entropy_is_that_of_coins():
    assert BarsWorld(0.5).entropy == pytest.approx(12 * math.log(2))
    assert WORLD.entropy < BarsWorld(0.1).entropy < 12 * math.log(2)


def test_samples_are_spread_like_the_world_and_follow_their_seed():
    drawn = number_of(WORLD.sample(20_000, seed=0))
    p = WORLD.log_p.exp()
    often = p > 0.01
    share = torch.bincount(drawn, minlength=4096).double()[often] / 20_000
    assert ((share - p[often]).abs() < 5 * (p[often] / 20_000).sqrt()).all()
    assert torch.equal(WORLD.sample(9, seed=3), WORLD.sample(9, seed=3))


@pytest.mark.parametrize(
    ("bad", "said"), [(lambda: BarsWorld(0.0), "flip is 0.0"), (lambda: WORLD.sample(0, seed=0), "n is 0")]
)
def test_bad_worlds_and_sizes_are_named(bad: Callable[[], object], said: str):
    with pytest.raises(ValueError, match=said):
        bad()


# ------------------------------------------------------------------------------------------------ exact numbers


def test_the_quadrature_adds_up_to_one_and_hardly_changes_on_a_finer_grid():
    log_px = exact.log_marginal(vae())
    assert float(log_px.exp().sum()) == pytest.approx(1, abs=1e-6)
    assert float((log_px - exact.log_marginal(vae(), n_points=201)).abs().max()) < 0.01


def test_the_kl_is_log_p_less_the_elbo_by_many_draws():
    log_px, chosen = exact.log_marginal(vae()), torch.arange(5, 4096, 409)
    kl = exact.kl_to_posterior(vae(), log_px)[chosen]
    torch.manual_seed(0)
    draws = torch.stack([elbo(vae(), every_image()[chosen]).elbo for _ in range(4000)]).double()
    error = draws.std(0) / math.sqrt(len(draws))
    assert (kl >= 0).all() and ((log_px[chosen] - kl - draws.mean(0)).abs() < 5 * error + 0.02).all()


def test_another_model_is_named_with_what_to_make():
    with pytest.raises(ValueError, match=r"3 latent dimensions .* VAE.mlp\(2"):
        exact.log_marginal(VAE.mlp(3, hidden=(4,), shape=SHAPE))


# ------------------------------------------------------------------------------------------------ the acceptance test


def right_samples(n: int = 4000) -> Tensor:
    torch.manual_seed(1)
    return vae().likelihood(vae().prior().sample((n,))).sample()


def failing(acceptance: Acceptance) -> set[Test]:
    return {finding.test for finding in acceptance.findings if not finding.holds}


def test_the_right_pipeline_is_the_packages_bounds():
    x, generator = every_image()[:50], torch.Generator().manual_seed(0)
    eps = torch.randn(300, 50, 2, generator=generator)
    own = RIGHT(vae(), x, eps)
    torch.manual_seed(0)
    theirs = elbo(vae(), x, n_samples=300).elbo, iwae_bound(vae(), x, k=300)
    assert all(float((a - b).mean().abs()) < 0.1 for a, b in zip(own, theirs, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_a_right_pipeline_is_accepted_whatever_the_noise(seed: int, known: None):
    assert accept(vae(), RIGHT, right_samples(), seed=seed).passed


def test_a_right_pipeline_in_another_form_is_accepted(known: None):
    assert accept(vae(), bounds_with(elbo=lambda parts: parts.log_w.mean(0))).passed


# What a world of 12 pixels can't show.
UNSEEN = {"exponentials underflow", "log of probabilities"}


@pytest.mark.slow
@pytest.mark.parametrize("mistake", [m for m in MISTAKES if m.name not in UNSEEN], ids=lambda m: m.name)
def test_each_mistake_fails_and_is_named(mistake, known: None):
    for bounds in (mistake.bounds, *mistake.variants):
        found = accept(vae(), bounds)
        assert not found.passed
        assert {finding.fix for finding in found.findings if not finding.holds} == {mistake.message}


def test_a_mean_over_pixels_fails_in_both_of_its_numbers_and_says_why(known: None):
    found = accept(vae(), PIXEL_MEAN)
    assert {Test.TOTAL, Test.ELBO, Test.BELOW, Test.UNIT, Test.ENTROPY} <= failing(found)
    assert "average over the pixels" in str(found) and not found.passed
    assert found.verdict == f"Not accepted: {8 - len(failing(found))} of 8 tests hold."
    assert "vae-acceptance" in found._repr_html_() and repr(found) == str(found)


def test_what_no_known_mistake_explains_is_said_to_be_unknown(known: None):
    found = accept(vae(), lambda model, x, eps: tuple(part - 0.7 for part in RIGHT(model, x, eps)))
    assert {finding.fix for finding in found.findings if not finding.holds} == {UNKNOWN}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: vae().sample(2000, generator=torch.Generator().manual_seed(0)).round(),
        lambda: vae().sample(2000, generator=torch.Generator().manual_seed(0)),
        lambda: vae().likelihood(torch.zeros(4000, 2)).sample(),
    ],
    ids=["thresholded", "means", "one code"],
)
def test_samples_of_another_kind_are_found_out(wrong: Callable[[], Tensor], known: None):
    torch.manual_seed(0)
    found = accept(vae(), RIGHT, wrong())
    assert failing(found) == {Test.SAMPLES} and "Draw" in str(found)


@functools.cache
def untrained() -> tuple[VAE, Tensor]:
    """A model as it is made, all of whose images are about as frequent, and its p(x)."""
    torch.manual_seed(0)
    model = VAE.mlp(2, hidden=(64, 64), shape=SHAPE).requires_grad_(False)
    return model, exact.log_marginal(model).exp()


@pytest.mark.parametrize("which", ["sharp", "untrained"])
def test_p_values_of_right_samples_are_spread_evenly(which: str):
    model, p = untrained() if which == "untrained" else (vae(), exact_numbers()[0].exp())
    p_values = []
    for seed in range(30):
        torch.manual_seed(seed)
        drawn = model.likelihood(model.prior().sample((3000,))).sample()
        p_values.append(_spread(drawn, p).value)
    assert LEAST_P < min(p_values) < 0.25 and max(p_values) > 0.75


def test_thresholded_samples_of_an_untrained_model_are_found_out():
    model, p = untrained()
    drawn = model.sample(3000, generator=torch.Generator().manual_seed(0)).round()
    assert not _spread(drawn, p).holds


@pytest.mark.parametrize("expected", [[30.0, 30.0, 2.0], [900.0] + [0.5] * 200, [1000.0, 0.0]])
def test_each_cell_of_samples_has_enough_expected_and_no_number_is_left_out(expected: list[float]):
    due = torch.tensor(expected).double()
    cells = _cells(due)
    sums = torch.zeros(int(cells.max()) + 1).double().index_add_(0, cells, due)
    assert (sums >= LEAST_EXPECTED).all() and float(sums.sum()) == float(due.sum())


def test_errors_of_sums_over_images_come_from_the_images_own_noise():
    """Few rounds, and still as many false alarms as a normal distribution has."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(4096, generator=generator).double()
    draws = torch.randn(400, 4, 4096, generator=generator).double() * weights
    off = torch.tensor([abs(total) / error for total, error in (_sum(values, weights) for values in draws)])
    assert 0.9 < float(off.square().mean()) < 1.3 and float((off > 4).double().mean()) < 0.005


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (lambda model, x, eps: None, "NoneType"),
        (lambda model, x, eps: (torch.zeros(3), torch.zeros(3)), r"\[\[3\], \[3\]\]"),
        (lambda model, x, eps: torch.zeros(4096), "Tensor"),
    ],
)
def test_a_pipeline_that_returns_something_else_is_told_what_to_return(bounds, said: str, known: None):
    with pytest.raises(ValueError, match=f"{said}.*return two tensors"):
        accept(vae(), bounds)


@pytest.mark.parametrize(
    ("relation", "value", "holds"),
    [
        (Relation.EQUAL, 1.39, True),
        (Relation.EQUAL, 1.41, False),
        (Relation.EQUAL, 0.59, False),
        (Relation.AT_MOST, 1.39, True),
        (Relation.AT_MOST, 1.41, False),
        (Relation.AT_MOST, -9.0, True),
        (Relation.AT_LEAST, 0.61, True),
        (Relation.AT_LEAST, 0.59, False),
        (Relation.AT_LEAST, 9.0, True),
    ],
)
def test_a_finding_allows_four_errors(relation: Relation, value: float, holds: bool):
    assert AcceptanceFinding(Test.UNIT, value, relation, 1.0, error=0.1).holds == holds


# ------------------------------------------------------------------------------------------------ the card


def card(**points: int) -> ProjectCard:
    finding = AcceptanceFinding(Test.ELBO, -7.0, Relation.EQUAL, -7.01, 0.01, unit="nats")
    found = Acceptance((finding,), 7.0, 5.3, 0.1)
    return ProjectCard("compress", Headline("lead", 0.2, 0.02, 0.1), found, {"with the weights": 20.5}, points)


def test_the_rubric_has_twenty_points_and_a_key_for_each_row():
    assert TOTAL == 20 and len({row.key for row in RUBRIC}) == len(RUBRIC)


def test_a_card_is_saved_twice_and_read_again(tmp_path: Path):
    paths = card(errors=3, report=1).save(tmp_path)
    kept = json.loads(paths[0].read_text(encoding="utf-8"))
    assert kept == card(errors=3, report=1).to_dict() and kept["own points"] == {"errors": 3, "report": 1}
    page = paths[1].read_text(encoding="utf-8")
    assert (
        "By my own count 4 of 20 points." in page and "| errors | 3 of 4 |" in page and "0.100 over trainings" in page
    )
    rows = [line for line in page.splitlines() if line.startswith("| holds")]
    assert len(rows) == 1 and rows[0].replace("\\|", "").count("|") == 4


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda: card(errors=5), "errors has 5 points"),
        (lambda: card(beauty=1), "beauty has 1 points"),
        (lambda: Headline("lead", 0.2, -0.1, 0.1), "not below zero"),
    ],
)
def test_points_outside_the_rubric_are_named(bad: Callable[[], object], said: str):
    with pytest.raises(ValueError, match=said):
        bad()


def test_one_training_has_no_error_over_trainings_and_says_so():
    alone = Headline("lead", 0.2, 0.02, None)
    assert str(alone).endswith("one training: no error over trainings")
    one = replace(card(), headline=alone)
    assert "no error over trainings." in one.markdown() and one.to_dict()["headline"]["over_seeds"] is None
    assert json.loads(json.dumps(one.to_dict()))["headline"]["trainings"] == "one training: no error over trainings"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        card().save(tmp_path / "nowhere")

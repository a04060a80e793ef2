"""The acceptance test of a capstone: a learner's pipeline, held against a world in which all it should give is known.

Each test is a `AcceptanceFinding`: what was measured, what it must be, and how sure the measurement is.
"""

import html
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import torch
from torch import Tensor

from vae_course.models import VAE
from vae_course.studies.capstone import exact
from vae_course.studies.capstone.mistakes import MISTAKES, RIGHT, Bounds
from vae_course.studies.capstone.world import PIXELS, SHAPE, BarsWorld, every_image, number_of
from vae_course.support.outputs import digits, row, table
from vae_course.support.state import evaluating

# k, and how often that many draws are made for each of the 4,096 images.
ROUNDS = {1: 32, 8: 8, 64: 4}
SURE = 4.0  # standard errors that a right pipeline may be off by
PER_CELL, LEAST_EXPECTED = 25.0, 5.0  # samples in a cell of the chi-squared test, about and at least
LEAST_P = 1e-3
UNKNOWN = "No mistake that the course knows gives these numbers: look at one image and one draw by hand."


class Test(StrEnum):
    """What is tested, as a learner reads it."""

    __test__ = False  # it is no test of pytest's

    NOISE = "1: images that depend on others, or not on all of their draws"
    TOTAL = "2: your p(x), added up over all 4,096 images"
    ELBO = "3: your ELBO, mean with each of 4,096 images counted the same"
    BELOW = "4: most that an ELBO lies above its log p(x), less noise"
    RISES = "5: smaller step of your bound, k = 1 to 8 and 8 to 64"
    TIGHT = "6: your p(x), k = 64, over the exact one, world's mean"
    UNIT = "7: your -log p(x), world's mean, against the exact one"
    ENTROPY = "8: the same, against the world's entropy"
    SAMPLES = "9: your samples against p(x): p-value of chi-squared"


class Relation(StrEnum):
    """How a value has to stand to its target."""

    EQUAL = "="
    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True)
class AcceptanceFinding:
    """One test and what came of it.

    Args:
        test: what was tested.
        value: what was measured.
        relation: how it must stand to the target.
        target: what it is held against.
        error: the standard error of the value; 0 where it is exact.
        slack: what it may be off by besides, for the bias of the method.
        unit: of value and target.
        fix: which mistake it looks like and what to do, where it does not hold.
    """

    test: Test
    value: float
    relation: Relation
    target: float
    error: float = 0.0
    slack: float = 0.0
    unit: str = ""
    fix: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value stands to its target as it must, up to `SURE` standard errors and the slack."""
        allowed, above = SURE * self.error + self.slack, self.value - self.target
        if self.relation == Relation.EQUAL:
            return abs(above) <= allowed
        return above <= allowed if self.relation == Relation.AT_MOST else above >= -allowed

    @property
    def measured(self) -> str:
        """The numbers in words, such as "0.998 ± 0.002, must be = 1"."""
        error = f" ± {digits(self.error)}" if self.error else ""
        unit = self.unit if self.unit in ("", "%") else f" {self.unit}"
        return f"{digits(self.value)}{error}{unit}, must be {self.relation} {digits(self.target)}{unit}"

    def __str__(self) -> str:
        told = f"{'holds' if self.holds else 'FAILS'}: {self.test}: {self.measured}"
        return told if self.holds else f"{told}. {self.fix}"


@dataclass(frozen=True, repr=False)
class Acceptance:
    """The findings, and what is known of the model itself.

    Args:
        findings: one for each test.
        cross_entropy: -log p(x) of the model, averaged over the world exactly, in nats.
        entropy: the least that any model could have, in nats.
        gap: KL(q || posterior), averaged over the world exactly, in nats.
    """

    findings: tuple[AcceptanceFinding, ...]
    cross_entropy: float
    entropy: float
    gap: float

    @property
    def passed(self) -> bool:
        """Whether every test holds."""
        return all(finding.holds for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        held = sum(finding.holds for finding in self.findings)
        return f"{'Accepted' if self.passed else 'Not accepted'}: {held} of {len(self.findings)} tests hold."

    def __str__(self) -> str:
        return "\n".join([self.verdict, *map(str, self.findings)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The findings as a table, for a notebook."""
        rows = [
            row(
                html.escape(finding.test),
                "✓" if finding.holds else "<b>✗</b>",
                html.escape(finding.measured),
                html.escape(finding.fix if not finding.holds else ""),
            )
            for finding in self.findings
        ]
        return f"<p><b>{html.escape(self.verdict)}</b></p>{table(rows, 'vae-acceptance')}"


def accept(
    model: VAE, bounds: Bounds, samples: Tensor | None = None, *, world: BarsWorld | None = None, seed: int = 0
) -> Acceptance:
    """Hold a pipeline against the exact numbers of a small VAE.

    The noise is drawn here from a seed, so that a pipeline gets the same verdict each time.

    Args:
        model: a VAE of images of 3 x 4 pixels with two latent dimensions, trained or not.
        bounds: from the model, images `[B, 1, 3, 4]` and noise `[k, B, 2]` to ELBO and importance-weighted bound, `[B]` each,
            in nats.
        samples: images `[N, 1, 3, 4]` that were drawn from the model, a thousand or more; None leaves their test out.
        world: where images come from.
        seed: fixes the noise.

    Raises:
        ValueError: the model is another one, or the pipeline does not return two tensors `[B]`.
    """
    world = world or BarsWorld()
    log_px = exact.log_marginal(model)
    kl = exact.kl_to_posterior(model, log_px)
    p = world.log_p.exp()
    elbos, estimates = _draws(model, bounds, seed)
    cross_entropy = -float(p @ log_px)
    each = torch.ones_like(p)
    nll, nll_error = _sum(-estimates[64], p)
    ratio, ratio_error = _sum((estimates[64] - log_px).exp(), p)
    total, total_error = _sum(estimates[64].exp(), each)
    elbo, elbo_error = _sum(elbos, each / len(p))  # each image counts the same: thousands of them make it sharp
    findings = [
        AcceptanceFinding(Test.NOISE, _strangers(model, bounds, seed), Relation.AT_MOST, 1.0, unit="%"),
        AcceptanceFinding(Test.TOTAL, total, Relation.EQUAL, 1.0, total_error, 1e-3),
        AcceptanceFinding(Test.ELBO, elbo, Relation.EQUAL, float((log_px - kl).mean()), elbo_error, 0.01, "nats"),
        AcceptanceFinding(Test.BELOW, _worst(elbos, log_px), Relation.AT_MOST, 0.0, unit="nats"),
        _rises(estimates, p),
        AcceptanceFinding(Test.TIGHT, ratio, Relation.EQUAL, 1.0, ratio_error, 1e-3),
        AcceptanceFinding(Test.UNIT, nll, Relation.EQUAL, cross_entropy, nll_error, 0.05, "nats"),
        AcceptanceFinding(Test.ENTROPY, nll, Relation.AT_LEAST, world.entropy, nll_error, unit="nats"),
    ]
    if not all(finding.holds for finding in findings):
        findings = _explained(findings, model, bounds, seed)
    if samples is not None:
        findings.append(_spread(samples, log_px.exp()))
    return Acceptance(tuple(findings), cross_entropy, world.entropy, float(p @ kl))


def _draws(model: VAE, bounds: Bounds, seed: int) -> tuple[Tensor, dict[int, Tensor]]:
    """The ELBO with one draw, `[32, 4096]`, and for each k the bounds `[rounds, 4096]`, in float64."""
    elbos, estimates = [], {}
    generator = torch.Generator().manual_seed(seed)
    with evaluating(model):
        for k, rounds in ROUNDS.items():
            pairs = [_called(model, bounds, _noise(k, generator)) for _ in range(rounds)]
            estimates[k] = torch.stack([log_px for _, log_px in pairs])
            if k == 1:
                elbos = [elbo for elbo, _ in pairs]
    return torch.stack(elbos), estimates


def _noise(k: int, generator: torch.Generator) -> Tensor:
    return torch.randn(k, 2**PIXELS, 2, generator=generator)


def _called(model: VAE, bounds: Bounds, eps: Tensor, x: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The two numbers of all images, or of as many others."""
    result = bounds(model, every_image() if x is None else x, eps)
    shapes = (
        [list(part.shape) for part in result if isinstance(part, Tensor)] if isinstance(result, tuple | list) else []
    )
    if shapes != [[2**PIXELS]] * 2:
        raise ValueError(
            f"Your pipeline gave {shapes or type(result).__name__} for {2**PIXELS} images: return two tensors, elbo and log_px, "
            f"each [{2**PIXELS}], one number for each image."
        )
    elbo, log_px = result
    return elbo.detach().double(), log_px.detach().double()


def _strangers(model: VAE, bounds: Bounds, seed: int) -> float:
    """Percent of the images whose numbers stay when their second draw is another, or change when other images or draws do."""
    generator = torch.Generator().manual_seed(seed)
    eps, other = _noise(2, generator), _noise(2, generator)
    odd = torch.arange(2**PIXELS) % 2 == 1
    other[0], other[1, ~odd] = eps[0], eps[1, ~odd]
    strange = every_image().clone()
    strange[odd] = 0.0
    with evaluating(model):
        before = _called(model, bounds, eps)
        after, among_others = _called(model, bounds, other), _called(model, bounds, eps, strange)
    changed = torch.stack([a != b for a, b in zip(before, after, strict=True)])
    moved = torch.stack([a != b for a, b in zip(before, among_others, strict=True)]) & ~odd
    return 100 * float(((changed != odd) | moved).any(0).double().mean())


def _explained(findings: Sequence[AcceptanceFinding], model: VAE, bounds: Bounds, seed: int) -> list[AcceptanceFinding]:
    """The findings, those that fail with the known mistake that gives the very numbers of the pipeline on the same noise."""
    eps = _noise(8, torch.Generator().manual_seed(seed))
    with evaluating(model):
        right, own = _called(model, RIGHT, eps), _called(model, bounds, eps)
        known = [
            (mistake.message, _called(model, one, eps))
            for mistake in MISTAKES
            for one in (mistake.bounds, *mistake.variants)
        ]
    words = [
        next(
            (words for words, theirs in known if _same(own[i], theirs[i]) and not _same(theirs[i], right[i])),
            UNKNOWN,
        )
        for i in (0, 1)
    ]
    of_elbo = {Test.ELBO, Test.BELOW}
    both = {Test.NOISE: next((told for told in words if told != UNKNOWN), UNKNOWN)}
    return [
        finding if finding.holds else replace(finding, fix=both.get(finding.test, words[finding.test not in of_elbo]))
        for finding in findings
    ]


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-4)


def _sum(values: Tensor, weights: Tensor) -> tuple[float, float]:
    """The weighted sum over images of values `[rounds, 4096]`, averaged over rounds, and its standard error.

    The noise of one image has nothing to do with another's, so their variances add up: a few rounds are enough for them.
    """
    return float(values.mean(0) @ weights), float((values.var(0) @ weights.square() / len(values)).sqrt())


def _worst(elbos: Tensor, log_px: Tensor) -> float:
    """By how many nats the ELBO lies above log p(x) beyond its standard errors, where it does most: at most 0 for a bound.

    Of 4,096 images some are off by more than `SURE` of theirs, since 32 draws are few: twice as many are allowed here.
    """
    error = elbos.std(0) / math.sqrt(len(elbos))
    return float((elbos.mean(0) - 2 * SURE * error - 1e-3 - log_px).max())


def _rises(estimates: dict[int, Tensor], p: Tensor) -> AcceptanceFinding:
    """The smaller of the two steps from k = 1 over 8 to 64."""
    means = [_sum(values, p) for values in estimates.values()]
    steps = [(b[0] - a[0], math.hypot(a[1], b[1])) for a, b in itertools.pairwise(means)]
    step, error = min(steps)
    return AcceptanceFinding(Test.RISES, step, Relation.AT_LEAST, 0.0, error, unit="nats")


def _spread(samples: Tensor, p: Tensor) -> AcceptanceFinding:
    """Samples against p(x) by a chi-squared test."""
    if samples.shape[1:] != SHAPE or len(samples) < 1000:
        raise ValueError(f"samples has shape {list(samples.shape)}: give a thousand images or more, [N, 1, 3, 4].")
    if not ((samples == 0) | (samples == 1)).all():
        fix = "These are mean images, not samples. Draw each pixel from its probability: model.likelihood(z).sample()."
        return AcceptanceFinding(Test.SAMPLES, 0.0, Relation.AT_LEAST, LEAST_P, fix=fix)
    expected = p / p.sum() * len(samples)
    counts = torch.bincount(number_of(samples), minlength=len(p)).double()
    cells = _cells(expected)
    seen, due = (torch.zeros(int(cells.max()) + 1).double().index_add_(0, cells, part) for part in (counts, expected))
    freedom = torch.tensor(float(max(len(due) - 1, 1)), dtype=torch.float64)
    p_value = float(torch.special.gammaincc(freedom / 2, ((seen - due).square() / due).sum() / 2))
    fix = (
        "Draw z from N(0, I), one for each image, and each pixel by itself: no threshold at 1/2 in place of a draw, no narrower "
        "or wider z, no codes from q."
    )
    return AcceptanceFinding(Test.SAMPLES, p_value, Relation.AT_LEAST, LEAST_P, fix=fix)


def _cells(expected: Tensor) -> Tensor:
    """The cell of each image in the chi-squared test: images that are about as frequent share one, until enough are expected."""
    order = expected.argsort(descending=True)
    cells = torch.empty_like(order)
    cells[order] = (expected[order].cumsum(0) / PER_CELL).long().unique(return_inverse=True)[1]
    last = int(cells.max())
    if last and expected[cells == last].sum() < LEAST_EXPECTED:
        cells[cells == last] = last - 1
    return cells

"""05-baseline: the score-function gradient with the mean of the other draws subtracted from f."""

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Exercise, Inputs, Misconception


def baseline_gradient(f: Tensor, score: Tensor) -> Tensor:
    """The score-function gradient with leave-one-out baselines, [B, D], from f [L, B] and score [L, B, D]."""
    baseline = (f.sum(dim=0) - f) / (len(f) - 1)
    return ((f - baseline).unsqueeze(-1) * score).mean(dim=0)


def _cases(seed: int) -> list[Inputs]:
    source = generator(seed)
    first: Inputs = {"f": torch.tensor([[1.0], [4.0]]), "score": torch.tensor([[[1.0, 0.5]], [[-2.0, 1.0]]])}
    n, b = integer(source, 4, 5), integer(source, 2, 3)
    shapes = ((3, 1, 2), (4, 3, 1), (5, 2, 3), (n, b, 5), (n, b, 5), (4, 2, 4), (6, 4, 7), (64, 2, 3))
    cases: list[Inputs] = [{"f": 2 * normal(source, *s[:2]) - 3, "score": normal(source, *s)} for s in shapes]
    high: Inputs = {"f": 200 + 50 * normal(source, 4, 3), "score": 10 * normal(source, 4, 3, 2)}
    wide: Inputs = {"f": -12000 * uniform(source, 5, 2), "score": normal(source, 5, 2, 3)}
    return [first, *cases, high, wide]


def _with(f: Tensor, score: Tensor, baseline: Tensor) -> Tensor:
    return ((f - baseline).unsqueeze(-1) * score).mean(0)


def _others(f: Tensor) -> Tensor:
    return (f.sum(0) - f) / (len(f) - 1)


def _loop(f: Tensor, score: Tensor) -> Tensor:
    total = torch.zeros_like(score[0])
    for draw in range(len(f)):
        rest = torch.cat([f[:draw], f[draw + 1 :]])
        total = total + (f[draw] - rest.mean(0)).unsqueeze(-1) * score[draw]
    return total / len(f)


def _left_out(f: Tensor) -> Tensor:
    """f less the mean over the other draws, `[L, B]`."""
    return f - (f.sum(0) - f) / (len(f) - 1)


EXERCISE = Exercise(
    id="05-baseline",
    title="The other draws as a baseline",
    points=3,
    difficulty=3,
    minutes=7,
    task=(
        "Return the score-function gradient `[B, D]` with a leave-one-out baseline: from `f` `[L, B]` and `score` "
        "`[L, B, D]` at L draws, where the baseline of a draw is the mean of f over the L - 1 other draws."
    ),
    hints=(
        "Which of the L values of f may the baseline of draw number l contain, if it is to know nothing about that "
        "draw?",
        "c_l = (sum of all f - f_l) / (L - 1), and g = 1/L sum_l (f_l - c_l) score_l.",
        "`f.sum(dim=0) - f` is, for each draw, the sum over the others, `[L, B]`. Divide it, subtract it from `f`, give "
        "the result a last axis, multiply by `score` and average over axis 0.",
    ),
    explanation=(
        "The other draws say how large f is in general, and know nothing of this draw, so the baseline times the score "
        "still averages to zero. A mean that includes the draw itself would shrink the gradient by the factor "
        "(L - 1) / L."
    ),
    returns="one gradient per example, [B, D]",
    reference=baseline_gradient,
    alternatives=(
        Alternative("loop", _loop),
        Alternative(
            "sample covariance by einsum",
            lambda f, score: torch.einsum("lb,lbd->bd", f - f.mean(0), score - score.mean(0)) / (len(f) - 1),
        ),
        Alternative(
            "mean of all, then L / (L - 1)",
            lambda f, score: ((f - f.mean(0)).unsqueeze(-1) * score).sum(0) / (len(f) - 1),
        ),
        Alternative("float64", lambda f, score: baseline_gradient(f.double(), score.double())),
    ),
    misconceptions=(
        Misconception(
            "one other draw",
            lambda f, score: ((f - f.roll(1, 0)).unsqueeze(-1) * score).mean(0),
            "Your baseline is the value of one other draw. It does not bias the gradient, but is as noisy as f itself: take the "
            "mean over all L - 1 others.",
            variants=(lambda f, score: ((f - f.roll(-1, 0)).unsqueeze(-1) * score).mean(0),),
        ),
        Misconception(
            "median for mean",
            lambda f, score: ((f - f.median(0).values).unsqueeze(-1) * score).mean(0),
            "Your baseline is the median over all draws, this one included. The mean over the L - 1 others is asked for.",
        ),
        Misconception(
            "mean including itself",
            lambda f, score: _with(f, score, f.mean(0)),
            "Your baseline is the mean of all draws, this one included. It knows its own draw, so the gradient comes out "
            "biased: it is only (L - 1) / L of what it should be. Leave the draw itself out.",
        ),
        Misconception(
            "divided by all",
            lambda f, score: _with(f, score, (f.sum(0) - f) / len(f)),
            "The sum over the others is right, but there are L - 1 of them: divide by L - 1, not by L.",
        ),
        Misconception(
            "sum of the others",
            lambda f, score: _with(f, score, f.sum(0) - f),
            "Your baseline is the sum of the other values, far from f itself. Take their mean: divide by L - 1.",
        ),
        Misconception(
            "no baseline",
            lambda f, score: _with(f, score, torch.zeros_like(f)),
            "This is the plain score-function gradient: right on average, but with all the noise. Subtract the mean of "
            "the other draws from f.",
        ),
        Misconception(
            "only the baseline",
            lambda f, score: _with(_others(f), score, torch.zeros_like(f)),
            "You weight the score by the baseline in place of f - baseline. On average that is zero: the baseline is "
            "subtracted from f.",
        ),
        Misconception(
            "baseline added",
            lambda f, score: _with(f, score, -_others(f)),
            "You add the baseline. It should take away what f has in common over the draws: f - baseline.",
        ),
        Misconception(
            "sign turned",
            lambda f, score: -baseline_gradient(f, score),
            "Your gradient points downhill: it is baseline - f that you weight. Subtract the baseline from f.",
        ),
        Misconception(
            "one baseline for the batch",
            lambda f, score: _with(f, score, f.mean()),
            "Your baseline is the mean over draws and examples. Each example has its own level of f: take the mean over "
            "the other draws, axis 0.",
            variants=(lambda f, score: _with(f, score, (f.sum() - f) / (f.numel() - 1)),),
        ),
        Misconception(
            "the other examples",
            lambda f, score: _with(f, score, (f.sum(1, keepdim=True) - f) / max(f.shape[1] - 1, 1)),
            "Your baseline is a mean over the examples, axis 1. The draws are on axis 0: leave one draw out there.",
            variants=(
                lambda f, score: _with(f, score, (f.sum(1, keepdim=True) - f) / (f.shape[1] - 1)),
                lambda f, score: _with(f, score, f.mean(1, keepdim=True)),
            ),
        ),
        Misconception(
            "divided by the spread",
            lambda f, score: (((f - f.mean(0)) / f.std(0)).unsqueeze(-1) * score).mean(0),
            "You also divide by the standard deviation of f. That changes the length of the gradient, so it's not an "
            "estimate of it any more. Subtract only.",
            variants=(
                lambda f, score: ((_left_out(f) / f.std(0)).unsqueeze(-1) * score).mean(0),
                lambda f, score: (((f - f.mean(0)) / (f.std(0) + 1e-8)).unsqueeze(-1) * score).mean(0),
            ),
        ),
        Misconception(
            "corrected twice",
            lambda f, score: baseline_gradient(f, score) * len(f) / (len(f) - 1),
            "You leave the draw out of its baseline and divide by L - 1 as well, so the gradient is too large by "
            "L / (L - 1). One of the two is enough: average over all L draws.",
        ),
        Misconception(
            "draws added up",
            lambda f, score: len(f) * baseline_gradient(f, score),
            "You add the draws up, so the gradient grows with L. Take the mean over axis 0.",
        ),
        Misconception(
            "averaged over the batch",
            lambda f, score: baseline_gradient(f, score).mean(0),
            "Your mean runs over the batch as well. Return one gradient for each example, `[B, D]`.",
        ),
        Misconception(
            "the draws before",
            lambda f, score: (
                (f - (f.cumsum(0) - f) / torch.arange(len(f)).clamp(min=1)[:, None])[..., None] * score
            ).mean(0),
            "Your baseline of a draw is the mean of those before it, so the first has none. All draws are here at once: take "
            "the mean of all L - 1 others.",
        ),
    ),
    cases=_cases,
    batch=None,
    gradients=(),
)

"""13-unlabelled: the bound of an image without a label, from its bounds with each label and a classifier."""

import math

import torch
from torch import Tensor
from torch.distributions import Categorical
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception


def unlabelled_bound(bounds: Tensor, logits: Tensor) -> Tensor:
    """The bound on log p(x) in nats, [B], from bounds on log p(x, y) and logits of q(y | x), both [B, K]."""
    log_q = torch.log_softmax(logits, dim=1)
    return (log_q.exp() * (bounds - log_q)).sum(dim=1)


def _cases(seed: int) -> list[Inputs]:
    """By hand, a single image, two classes, a sure and an unsure classifier, classes that it rules out, deep bounds, many
    classes.
    """
    source = generator(seed)
    b, k = integer(source, 5, 7), integer(source, 3, 4)
    cases: list[Inputs] = [
        {"bounds": torch.tensor([[-2.0, -1.0, -3.0]]), "logits": torch.tensor([[0.5, 0.3, 0.2]]).log()},
    ]
    for images, classes, level, spread, sure in (
        (1, 10, -5.0, 2.0, 1.0), (b, k, -3.0, 2.0, 2.0), (b, k, -3.0, 1.0, 0.1), (4, 2, -3.0, 2.0, 1.0),
        (3, 10, -100.0, 9.0, 3.0), (2, 5, 150.0, 3.0, 1.0), (3, 4, -12_000.0, 40.0, 2.0), (60, 10, -110.0, 5.0, 3.0),
        (2, 1000, -3.0, 1.0, 1.0),
    ):  # fmt: skip
        # Far from zero in double precision, since a gradient is a difference of two bounds.
        dtype = torch.float32 if abs(level) < 50 else torch.float64
        bounds = level + spread * normal(source, images, classes).to(dtype)
        cases.append({"bounds": bounds, "logits": sure * normal(source, images, classes).to(dtype)})
    # One class stands so far above that q of the others rounds to 0, but its own bound may be the worst.
    logits = normal(source, 3, 5)
    for row in logits:
        row[integer(source, 0, 4)] += 200.0
    return [*cases, {"bounds": -2 + 2 * normal(source, 3, 5), "logits": logits}]


def _loop(bounds: Tensor, logits: Tensor) -> Tensor:
    totals = []
    for row, scores in zip(bounds, logits, strict=True):
        total = torch.zeros((), dtype=row.dtype)
        for bound, log_q in zip(row, scores - torch.logsumexp(scores, 0), strict=True):
            total = total + log_q.exp() * (bound - log_q)
        totals.append(total)
    return torch.stack(totals)


def _categorical(bounds: Tensor, logits: Tensor) -> Tensor:
    q = Categorical(logits=logits)
    return (q.probs * bounds).sum(-1) + q.entropy()


def _einsum(bounds: Tensor, logits: Tensor) -> Tensor:
    q, log_q = F.softmax(logits, 1), F.log_softmax(logits, 1)
    return torch.einsum("bk,bk->b", q, bounds) - torch.einsum("bk,bk->b", q, log_q)


def _cross_entropy(bounds: Tensor, logits: Tensor) -> Tensor:
    """The entropy of q as its cross entropy with itself."""
    q = logits.softmax(1)
    return (q * bounds).sum(1) + F.cross_entropy(logits, q, reduction="none")


def _minus_kl(bounds: Tensor, logits: Tensor) -> Tensor:
    """What Bayes' rule would give, less the KL from q to its p(y | x)."""
    log_q, total = logits.log_softmax(1), torch.logsumexp(bounds, 1)
    return total - (log_q.exp() * (log_q - bounds.log_softmax(1))).sum(1)


def _q(logits: Tensor) -> Tensor:
    return logits.softmax(1)


def _entropy(logits: Tensor) -> Tensor:
    return -(logits.softmax(1) * logits.log_softmax(1)).sum(1)


def _mean(bounds: Tensor, logits: Tensor) -> Tensor:
    return (_q(logits) * bounds).sum(1)


def _taken(bounds: Tensor, places: Tensor) -> Tensor:
    return bounds.gather(1, places[:, None])[:, 0]


def _patched(tiny: float) -> tuple[Answer, ...]:
    return (
        lambda a, s: (_q(s) * (a - (_q(s) + tiny).log())).sum(1),
        lambda a, s: (_q(s) * (a - _q(s).clamp(min=tiny).log())).sum(1),
        lambda a, s: (_q(s).clamp(min=tiny) * (a - _q(s).clamp(min=tiny).log())).sum(1),
    )


EXERCISE = Exercise(
    id="13-unlabelled",
    title="An image without a label",
    points=3,
    difficulty=3,
    minutes=8,
    task=(
        "Return the bound on log p(x) in nats for each image without a label, `[B]`. `bounds` `[B, K]` holds L(x, y) + log "
        "p(y), a bound on log p(x, y), for each of the K classes; `logits` `[B, K]` are those of the classifier, q(y | x) = "
        "softmax. Both are trained through the result, so no gradient may become NaN where a q(y | x) rounds to 0."
    ),
    hints=(
        "The label is a latent variable now, and q(y | x) its posterior. The ELBO has a mean under q and, for q itself, one "
        "term more. Which?",
        "bound = sum_y q(y | x) ( L(x, y) + log p(y) - log q(y | x) ): the mean of `bounds` under q, plus the entropy of q.",
        "`torch.log_softmax` over axis 1 gives log q, which stays finite where q rounds to 0; its `exp` is q. Multiply q by "
        "the difference of `bounds` and log q, and add up the classes.",
    ),
    explanation=(
        "It is the ELBO of a discrete latent variable, as in lesson 04, with a bound in the place of log p(x, y). The entropy "
        "rewards a classifier for doubt, unless the bounds differ by more; the best q is the softmax of the bounds, Bayes' "
        "rule. log p(y) is inside `bounds` already."
    ),
    returns="one number per image, [B]",
    reference=unlabelled_bound,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("categorical", _categorical),
        Alternative("einsum", _einsum),
        Alternative("cross entropy with itself", _cross_entropy),
        Alternative("log p(x) minus a KL", _minus_kl),
        Alternative("float64", lambda bounds, logits: unlabelled_bound(bounds.double(), logits.double())),
    ),
    misconceptions=(
        Misconception(
            "entropy left out",
            _mean,
            "This is the mean of the bounds under q alone. The entropy of q(y | x) is missing: -log q(y | x) belongs inside "
            "the mean too.",
        ),
        Misconception(
            "entropy subtracted",
            lambda a, s: _mean(a, s) - _entropy(s),
            "You subtract the entropy of q. The bound has -log q inside the mean, which adds it.",
            variants=(lambda a, s: _mean(a, s) - _entropy(s) + math.log(a.shape[1]),),
        ),
        Misconception(
            "entropy alone",
            lambda a, s: _entropy(s),
            "This is the entropy of q alone. The mean of the bounds under q is missing.",
        ),
        Misconception(
            "log K for the entropy",
            lambda a, s: _mean(a, s) + math.log(a.shape[1]),
            "You add log K, the entropy of a classifier that knows nothing. Add that of q(y | x): minus the mean of its own "
            "logarithm.",
        ),
        Misconception(
            "likeliest class only",
            lambda a, s: _taken(a, s.argmax(1)),
            "You take the bound of the class that the classifier finds likeliest, as if it were the label. Every class "
            "counts, as much as q(y | x) says.",
            variants=(
                lambda a, s: _taken(a, s.argmax(1)) + _entropy(s),
                lambda a, s: _taken(a - s.log_softmax(1), s.argmax(1)),
            ),
        ),
        Misconception(
            "best bound only",
            lambda a, s: a.amax(1),
            "You take the largest bound, whatever the classifier says. The bound is a mean under q(y | x), so it also "
            "counts the classes with a bad bound.",
            variants=(lambda a, s: a.amax(1) + _entropy(s), lambda a, s: (a - s.log_softmax(1)).amax(1)),
        ),
        Misconception(
            "mean over the classes without q",
            lambda a, s: a.mean(1) + _entropy(s),
            "Each class counts the same in your mean of the bounds. The expectation is under q(y | x): weigh each bound by "
            "its probability.",
            variants=(lambda a, s: a.mean(1), lambda a, s: (a - s.log_softmax(1)).mean(1)),
        ),
        Misconception(
            "sum over the classes without q",
            lambda a, s: a.sum(1) + _entropy(s),
            "You add the bounds up without weights. The expectation is under q(y | x): multiply each bound by its "
            "probability first.",
            variants=(lambda a, s: a.sum(1), lambda a, s: (a - s.log_softmax(1)).sum(1)),
        ),
        Misconception(
            "mean after the weights",
            lambda a, s: (_q(s) * (a - s.log_softmax(1))).mean(1),
            "The weights q(y | x) make the mean already, so the terms are added; your `.mean` divides by the number of "
            "classes once more.",
            variants=(
                lambda a, s: (_q(s) * a).mean(1) + _entropy(s),
                lambda a, s: _mean(a, s) - (_q(s) * s.log_softmax(1)).mean(1),
            ),
        ),
        Misconception(
            "zero times minus infinity",
            lambda a, s: (_q(s) * (a - _q(s).log())).sum(1),
            "Where q(y | x) rounds to 0 its logarithm is minus infinity, and 0 times that is NaN. `log_softmax` has the "
            "logarithm without the detour.",
            variants=(lambda a, s: _mean(a, s) - (_q(s) * _q(s).log()).sum(1),),
        ),
        Misconception(
            "gradient that is NaN",
            lambda a, s: _mean(a, s) + torch.special.entr(_q(s)).sum(1),
            "The numbers are right, but where q(y | x) rounds to 0 the slope of q log q is infinite, and 0 times that gives "
            "a gradient of NaN, which ends a training. Take log q from `log_softmax`.",
            variants=(
                lambda a, s: (_q(s) * a - torch.xlogy(_q(s), _q(s))).sum(1),
                lambda a, s: _mean(a, s) - torch.where(_q(s) > 0, _q(s) * _q(s).log(), 0.0).sum(1),
                lambda a, s: _mean(a, s) - (_q(s) * _q(s).log()).nan_to_num().sum(1),
            ),
        ),
        Misconception(
            "small number inside the logarithm",
            _patched(1e-3)[0],
            "A number inside the logarithm, or a limit there, changes the result. `log_softmax` needs no such patch.",
            variants=tuple(wrong for tiny in (1e-2, 1e-3, 1e-4) for wrong in _patched(tiny)),
        ),
        Misconception(
            "log p(y) counted twice",
            lambda a, s: _mean(a, s) + _entropy(s) - math.log(a.shape[1]),
            "You count a uniform log p(y) once more, -log K: what you subtract is the KL from q(y | x) to the prior. "
            "log p(y) is in `bounds` already: add the entropy alone.",
            variants=(lambda a, s: _mean(a, s) - (_q(s) * (s.log_softmax(1) + math.log(a.shape[1]))).sum(1),),
        ),
        Misconception(
            "log p(y) taken out",
            lambda a, s: _mean(a, s) + _entropy(s) + math.log(a.shape[1]),
            "You take a uniform log p(y) out of the bounds, + log K. log p(x) needs the joint: leave it in.",
        ),
        Misconception(
            "by Bayes' rule",
            lambda a, s: torch.logsumexp(a, 1),
            "You sum exp(bounds) over the classes, and q(y | x) is not in it. That is the bound for the best q; the classifier's "
            "own is asked for, so that it can be trained.",
            variants=(lambda a, s: (a.softmax(1) * (a - a.log_softmax(1))).sum(1),),
        ),
        Misconception(
            "mean before the logarithm",
            lambda a, s: torch.logsumexp(a + s.log_softmax(1), 1),
            "You weigh exp(bounds) by q and take the logarithm afterwards. The bound is the mean under q of logarithms: of "
            "`bounds` - log q.",
            variants=(lambda a, s: torch.logsumexp(a + s.log_softmax(1), 1) + _entropy(s),),
        ),
        Misconception(
            "logits as weights",
            lambda a, s: (s * a).sum(1) + _entropy(s),
            "You weigh by the logits. They become probabilities by a softmax over the classes.",
            variants=(lambda a, s: (s * (a - s)).sum(1),),
        ),
        Misconception(
            "logits as log q",
            lambda a, s: (_q(s) * (a - s)).sum(1),
            "You take the logits for log q(y | x). They lack the normaliser: `log_softmax` subtracts it.",
        ),
        Misconception(
            "sigmoid for softmax",
            lambda a, s: (s.sigmoid() * (a - F.logsigmoid(s))).sum(1),
            "Your weights come from a sigmoid and don't sum to 1. One image has one class: softmax.",
            variants=(lambda a, s: (s.sigmoid() * a).sum(1),),
        ),
        Misconception(
            "softmax over the images",
            lambda a, s: (s.softmax(0) * (a - s.log_softmax(0))).sum(1),
            "Your probabilities sum to 1 over the images. For each image those of the K classes must: axis 1.",
        ),
        Misconception(
            "entropy of the whole batch",
            lambda a, s: _mean(a, s) + _entropy(s).mean(),
            "Your entropy is one number for the whole batch, and every image gets it. Add up the classes only, so that each "
            "image has its own.",
            variants=(lambda a, s: _mean(a, s) + _entropy(s).sum(),),
        ),
        Misconception(
            "entropy in bits",
            lambda a, s: _mean(a, s) + _entropy(s) / math.log(2),
            "Your entropy has logarithms to base 2, and the bounds are in nats. Use the natural logarithm.",
        ),
        Misconception(
            "classifier cut off",
            lambda a, s: (_q(s).detach() * (a - s.log_softmax(1))).sum(1),
            "The numbers are right, but q is cut off from the gradient in a place, so the classifier is not trained by the "
            "bound. Leave out `.detach()`.",
            variants=(
                lambda a, s: _mean(a, s.detach()) + _entropy(s),
                lambda a, s: _mean(a, s) + _entropy(s.detach()),
                lambda a, s: _mean(a, s.detach()) + _entropy(s.detach()),
            ),
        ),
        Misconception(
            "not summed",
            lambda a, s: _q(s) * (a - s.log_softmax(1)),
            "These are the contributions of the single classes, `[B, K]`. The bound is their sum, one number for each image.",
        ),
        Misconception(
            "averaged over the batch",
            lambda a, s: (_mean(a, s) + _entropy(s)).mean(),
            "You average, or add, over the images. Return one bound for each, `[B]`.",
            variants=(lambda a, s: (_mean(a, s) + _entropy(s)).sum(),),
        ),
        Misconception(
            "the loss",
            lambda a, s: -_mean(a, s) - _entropy(s),
            "This is minus the bound, what an optimiser makes small. The bound itself is asked for.",
        ),
    ),
    cases=_cases,
    batch="bounds",
    gradients=("bounds", "logits"),
    tolerance=2e-5,
)

"""16-merge: two Gaussian messages about the same code, merged by Bayes' rule."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal, small_numbers
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import pair

Pair = tuple[Any, Any]
NAMES = ("mu_a", "logvar_a", "mu_b", "logvar_b")


def merge(mu_a: Tensor, logvar_a: Tensor, mu_b: Tensor, logvar_b: Tensor) -> tuple[Tensor, Tensor]:
    """mu and logvar of the Gaussian that is proportional to the product of two; all of one shape, [..., D]."""
    logvar = -torch.logaddexp(-logvar_a, -logvar_b)
    share = torch.exp(logvar - logvar_a)
    mu = share * mu_a + torch.exp(logvar - logvar_b) * mu_b
    return mu, logvar


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    mu, logvar = pair(answer(*case.values()), "mu", "logvar")
    return {"mu": mu, "logvar": logvar}


def _cases(seed: int) -> list[Inputs]:
    """By hand, one row, sizes by chance and twice, one dimension, draws on an axis in front, then narrow beside wide."""
    source = generator(seed)
    b, d = integer(source, 4, 6), integer(source, 2, 3)
    by_hand = ([1.0, 0.0], [0.0, 0.0], [4.0, 2.0], [-0.6931472, 1.0986123])
    cases: list[Inputs] = [{name: torch.tensor([row]) for name, row in zip(NAMES, by_hand, strict=True)}]
    for shape in ((1, 3), (b, d), (b, d), (3, 1), (3, b, d), (2, 20), (32, 3)):
        cases.append(_near(source, shape, 0.0, 0.0, 0.0, 2.0))
    for centre, logvar_a, logvar_b in (
        (0, 30, 30),
        (0, -30, -30),
        (3, 30, -30),
        (-3, -30, 30),
        (30, -15, -14),
        (0, -8, 8),
    ):
        cases.append(_near(source, (b, d), centre, logvar_a, logvar_b, 0.7))
    # In double precision as far again.
    for logvar_a, logvar_b in ((60, 60), (-60, -60), (60, -60), (-60, 60)):
        case = _near(source, (2, 3), 1.0, logvar_a, logvar_b, 0.7)
        cases.append({name: value.double() for name, value in case.items() if isinstance(value, Tensor)})
    return cases


def _near(
    source: torch.Generator, shape: tuple[int, ...], centre: float, logvar_a: float, logvar_b: float, spread: float
) -> Inputs:
    """Two messages near this place, whose log variances are spread around these two."""
    return {
        "mu_a": centre + 2 * normal(source, *shape),
        "logvar_a": logvar_a + spread * (2 * torch.rand(shape, generator=source) - 1),
        "mu_b": centre + 2 * normal(source, *shape),
        "logvar_b": logvar_b + spread * (2 * torch.rand(shape, generator=source) - 1),
    }


def _precisions(mu_a: Tensor, logvar_a: Tensor, mu_b: Tensor, logvar_b: Tensor) -> Pair:
    """As the formula stands."""
    precision_a, precision_b = 1 / logvar_a.exp(), 1 / logvar_b.exp()
    variance = 1 / (precision_a + precision_b)
    return variance * (mu_a * precision_a + mu_b * precision_b), variance.log()


def _products(mu_a: Tensor, logvar_a: Tensor, mu_b: Tensor, logvar_b: Tensor) -> Pair:
    var_a, var_b = logvar_a.exp(), logvar_b.exp()
    both = var_a + var_b
    return (mu_a * var_b + mu_b * var_a) / both, torch.log(var_a * var_b / both)


def _gain(mu_a: Tensor, logvar_a: Tensor, mu_b: Tensor, logvar_b: Tensor) -> Pair:
    """As a filter does it: from a towards b, by as much as b is to be believed."""
    gain = torch.sigmoid(logvar_a - logvar_b)
    return mu_a + gain * (mu_b - mu_a), logvar_b + torch.nn.functional.logsigmoid(logvar_a - logvar_b)


def _softmax(mu_a: Tensor, logvar_a: Tensor, mu_b: Tensor, logvar_b: Tensor) -> Pair:
    logs = -torch.stack([logvar_a, logvar_b])
    return (logs.softmax(0) * torch.stack([mu_a, mu_b])).sum(0), -logs.logsumexp(0)


def _loop(mu_a: Tensor, logvar_a: Tensor, mu_b: Tensor, logvar_b: Tensor) -> Pair:
    """One number after another."""
    mu, logvar = [], []
    for m_a, l_a, m_b, l_b in zip(*(t.flatten() for t in (mu_a, logvar_a, mu_b, logvar_b)), strict=True):
        total = torch.exp(-l_a) + torch.exp(-l_b)
        mu.append((m_a * torch.exp(-l_a) + m_b * torch.exp(-l_b)) / total)
        logvar.append(-torch.log(total))
    return torch.stack(mu).view(mu_a.shape), torch.stack(logvar).view(mu_a.shape)


def _einsum(mu_a: Tensor, logvar_a: Tensor, mu_b: Tensor, logvar_b: Tensor) -> Pair:
    precisions = torch.stack([(-logvar_a).exp(), (-logvar_b).exp()])
    total = torch.einsum("m...->...", precisions)
    return torch.einsum("m...,m...->...", precisions, torch.stack([mu_a, mu_b])) / total, -total.log()


def _mean(m_a: Tensor, a: Tensor, m_b: Tensor, b: Tensor) -> Tensor:
    """The right mean."""
    return m_a + torch.sigmoid(a - b) * (m_b - m_a)


def _width(a: Tensor, b: Tensor) -> Tensor:
    """The right log variance."""
    return -torch.logaddexp(-a, -b)


def _half(m_a: Tensor, a: Tensor, m_b: Tensor, b: Tensor) -> Tensor:
    return (m_a + m_b) / 2


def _by(power: float) -> Answer:
    """A mean with the weights sigma^power in place of sigma^-2."""
    return lambda m_a, a, m_b, b: m_a + torch.sigmoid(power / 2 * (b - a)) * (m_b - m_a)


def _with(mean: Answer = _mean, width: Callable[[Tensor, Tensor], Tensor] = _width) -> Answer:
    """The merge with one thing changed, or two."""
    return lambda m_a, a, m_b, b: (mean(m_a, a, m_b, b), width(a, b))


def _each(width: Callable[[Tensor, Tensor], Tensor], *means: Answer) -> tuple[Answer, ...]:
    """This width beside the right mean and beside these."""
    return tuple(_with(mean, width) for mean in (_mean, *means))


def _unscaled(m_a: Tensor, a: Tensor, m_b: Tensor, b: Tensor) -> Tensor:
    return m_a * (-a).exp() + m_b * (-b).exp()


def _patched(tiny: float) -> tuple[Answer, ...]:
    """Small numbers where published code has them."""

    def in_variances(m_a: Tensor, a: Tensor, m_b: Tensor, b: Tensor) -> Pair:
        p_a, p_b = 1 / (a.exp() + tiny), 1 / (b.exp() + tiny)
        return (m_a * p_a + m_b * p_b) / (p_a + p_b), torch.log(1 / (p_a + p_b))

    def in_total(m_a: Tensor, a: Tensor, m_b: Tensor, b: Tensor) -> Pair:
        p_a, p_b = (-a).exp(), (-b).exp()
        return (m_a * p_a + m_b * p_b) / (p_a + p_b + tiny), -(p_a + p_b + tiny).log()

    def in_logarithm(m_a: Tensor, a: Tensor, m_b: Tensor, b: Tensor) -> Pair:
        return _mean(m_a, a, m_b, b), (1 / ((-a).exp() + (-b).exp()) + tiny).log()

    def in_products(m_a: Tensor, a: Tensor, m_b: Tensor, b: Tensor) -> Pair:
        both = a.exp() + b.exp() + tiny
        return (m_a * b.exp() + m_b * a.exp()) / both, (a.exp() * b.exp() / both).log()

    def in_widths(m_a: Tensor, a: Tensor, m_b: Tensor, b: Tensor) -> Pair:
        p_a, p_b = 1 / ((a / 2).exp() + tiny) ** 2, 1 / ((b / 2).exp() + tiny) ** 2
        return (m_a * p_a + m_b * p_b) / (p_a + p_b), -torch.log(p_a + p_b)

    def as_limit(m_a: Tensor, a: Tensor, m_b: Tensor, b: Tensor) -> Pair:
        return _mean(m_a, a, m_b, b), -((-a).exp() + (-b).exp()).clamp(min=tiny).log()

    def as_limit_of_variance(m_a: Tensor, a: Tensor, m_b: Tensor, b: Tensor) -> Pair:
        return _mean(m_a, a, m_b, b), (1 / ((-a).exp() + (-b).exp())).clamp(min=tiny).log()

    return in_variances, in_total, in_logarithm, in_products, in_widths, as_limit, as_limit_of_variance


def _held(low: float, high: float) -> tuple[Answer, ...]:
    return (
        lambda m_a, a, m_b, b: merge(m_a, a.clamp(low, high), m_b, b.clamp(low, high)),
        lambda m_a, a, m_b, b: (_mean(m_a, a, m_b, b), _width(a, b).clamp(low, high)),
    )


EXERCISE = Exercise(
    id="16-merge",
    title="Two messages, one posterior",
    points=2,
    difficulty=2,
    minutes=6,
    task=(
        "Two messages about the same code, N(`mu_a`, exp(`logvar_a`)) and N(`mu_b`, exp(`logvar_b`)), all of one shape "
        "`[..., D]`, are multiplied number by number, and what comes out is a Gaussian again, up to a constant. Return its "
        "`mu` and its `logvar`. Log variances go from -60 to 60, and both levels are trained through the result."
    ),
    hints=(
        "Write both exponents side by side and collect what stands before z^2 and what stands before z. Which quantity of a "
        "Gaussian is the one that adds up?",
        "1 / sigma^2 = 1 / sigma_a^2 + 1 / sigma_b^2, and mu = sigma^2 (mu_a / sigma_a^2 + mu_b / sigma_b^2): the sharper "
        "message counts more.",
        "The precision of a message is `torch.exp(-logvar)`. The log of the sum of two is what `torch.logaddexp` gives; with a "
        "minus it is the new `logvar`, and exp(logvar - logvar_a) is the weight of `mu_a`.",
    ),
    explanation=(
        "Log densities add up when densities are multiplied, and in the exponent z^2 stands with the precision: so precisions "
        "add, and each mean counts by its own. With p(z1 | z2) as one message and what x says as the other this is Bayes' rule. "
        "The result is sharper than either, however far apart the two means are."
    ),
    returns="mu and logvar, each in the shape of mu_a",
    reference=merge,
    alternatives=(
        Alternative("the formula as it stands", _precisions),
        Alternative("variances multiplied", _products),
        Alternative("gain of a filter", _gain),
        Alternative("softmax", _softmax),
        Alternative("loop", _loop),
        Alternative("einsum", _einsum),
        Alternative("float64", lambda *inputs: merge(*(one.double() for one in inputs))),
        Alternative("list", lambda *inputs: list(merge(*inputs))),
    ),
    misconceptions=(
        Misconception(
            "means averaged",
            _with(_half),
            "Your mean is halfway between the two, whatever their widths. The sharper message counts more: weight each mean "
            "by its precision, exp(-logvar).",
        ),
        Misconception(
            "variances added",
            _with(width=torch.logaddexp),
            "You add the variances, as for a sum of two random numbers, so the result is wider than either. Two messages about "
            "one number make it sharper: precisions add.",
            variants=_each(torch.logaddexp, _half, _by(2))[1:],
        ),
        Misconception(
            "variances averaged",
            _with(width=lambda a, b: torch.logaddexp(a, b) - torch.tensor(2.0).log()),
            "Your variance is the mean of the two, or that of a mean. No averaging is asked for: the two precisions add up, and "
            "the result is sharper than either message.",
            variants=(
                *_each(lambda a, b: torch.logaddexp(a, b) - torch.tensor(2.0).log(), _half, _by(2))[1:],
                *_each(lambda a, b: torch.logaddexp(a, b) - torch.tensor(4.0).log(), _half, _by(2)),
            ),
        ),
        Misconception(
            "logvars averaged",
            _with(width=lambda a, b: (a + b) / 2),
            "You average the log variances. What adds up is the precision exp(-logvar), and the logarithm is taken of the sum.",
            variants=_each(lambda a, b: (a + b) / 2, _half, _by(2))[1:],
        ),
        Misconception(
            "logvars added",
            _with(width=lambda a, b: a + b),
            "Your log variance is the sum of the two, so variances (or precisions) are multiplied and nothing more. "
            "Precisions are added: take the logarithm after that.",
            variants=_each(lambda a, b: a + b, _half, _by(2))[1:],
        ),
        Misconception(
            "weights the wrong way round",
            _with(_by(2)),
            "Your wider message counts more: each mean is weighted by its own variance. Weight it by its precision, "
            "exp(-logvar), or by the variance of the other.",
        ),
        Misconception(
            "sigma for sigma squared",
            _with(_by(-1)),
            "You have 1 / sigma where the precision 1 / sigma^2 belongs. logvar is log sigma^2 already: the precision is "
            "exp(-logvar), without a half.",
            variants=(
                *_each(lambda a, b: _width(a / 2, b / 2), _by(-1)),
                *_each(lambda a, b: 2 * _width(a / 2, b / 2), _by(-1)),
            ),
        ),
        Misconception(
            "logvar as log sigma",
            _with(_by(-4), lambda a, b: _width(2 * a, 2 * b)),
            "You take exp(logvar) for the standard deviation and square it once more. It is the variance, so the precision is "
            "exp(-logvar).",
            variants=(
                _with(_by(-4)),
                _with(_by(-4), lambda a, b: _width(2 * a, 2 * b) / 2),
                *_each(lambda a, b: _width(2 * a, 2 * b)),
                *_each(lambda a, b: _width(2 * a, 2 * b) / 2),
            ),
        ),
        Misconception(
            "logarithms as widths",
            lambda m_a, a, m_b, b: ((m_a / a + m_b / b) / (1 / a + 1 / b), 1 / (1 / a + 1 / b)),
            "You take 1 / logvar for the precision. logvar is a logarithm: the variance is exp(logvar), the precision "
            "exp(-logvar).",
            variants=(
                lambda m_a, a, m_b, b: ((m_a / a + m_b / b) / (1 / a + 1 / b), (1 / (1 / a + 1 / b)).log()),
                lambda m_a, a, m_b, b: ((m_a * b + m_b * a) / (a + b), a * b / (a + b)),
                _with(width=lambda a, b: a * b / (a + b)),
                _with(width=lambda a, b: 1 / (1 / a + 1 / b)),
                _with(lambda m_a, a, m_b, b: (m_a / a + m_b / b) / (1 / a + 1 / b)),
            ),
        ),
        Misconception(
            "precision returned",
            _with(width=lambda a, b: -_width(a, b)),
            "Your second result is the precision, or its logarithm. Asked for is log sigma^2: minus the logarithm of the "
            "precision.",
            variants=(_with(width=lambda a, b: (-_width(a, b)).exp()),),
        ),
        Misconception(
            "variance returned",
            _with(width=lambda a, b: _width(a, b).exp()),
            "Your second result is the variance itself. Asked for is its logarithm, `logvar`.",
        ),
        Misconception(
            "standard deviation returned",
            _with(width=lambda a, b: (_width(a, b) / 2).exp()),
            "Your second result is the standard deviation or its logarithm. Asked for is log sigma^2, twice log sigma.",
            variants=(_with(width=lambda a, b: _width(a, b) / 2),),
        ),
        Misconception(
            "precisions averaged",
            _with(width=lambda a, b: _width(a, b) + torch.tensor(2.0).log()),
            "You average the two precisions, so the result is as unsure as if one message had come. Both have: their "
            "precisions add up.",
            variants=(_with(_half, lambda a, b: _width(a, b) + torch.tensor(2.0).log()),),
        ),
        Misconception(
            "not divided by the precision",
            _with(_unscaled),
            "Your means are multiplied by their precisions and added, but not divided by the sum of the precisions. As they "
            "stand, the weights don't add up to 1.",
            variants=(_with(lambda *inputs: _unscaled(*inputs) / 2),),
        ),
        Misconception(
            "weights that do not add up",
            _with(lambda m_a, a, m_b, b: m_a + m_b),
            "The weights of your two means don't add up to 1, so even two equal means would not be kept. They are the shares "
            "of the two precisions in their sum.",
            variants=(
                _with(lambda m_a, a, m_b, b: torch.sigmoid(b - a) * m_a + m_b),
                _with(lambda m_a, a, m_b, b: torch.sigmoid(b - a).sqrt() * m_a + torch.sigmoid(a - b).sqrt() * m_b),
                _with(lambda m_a, a, m_b, b: m_a + torch.sigmoid(a - b) * m_b),
                _with(lambda m_a, a, m_b, b: torch.sigmoid(b - a) * (m_a + m_b)),
                _with(lambda m_a, a, m_b, b: torch.sigmoid(a - b) * (m_a + m_b)),
                lambda m_a, a, m_b, b: (m_a + m_b, torch.logaddexp(a, b)),
            ),
        ),
        Misconception(
            "exponentials of exponentials",
            _with(lambda m_a, a, m_b, b: m_a + torch.sigmoid((-b).exp() - (-a).exp()) * (m_b - m_a)),
            "Your weights are a softmax of precisions, variances or widths, which takes their exponential once more. Divide each "
            "precision by their sum, or give softmax the logarithms, -logvar.",
            variants=(
                _with(lambda m_a, a, m_b, b: m_a + torch.sigmoid(a.exp() - b.exp()) * (m_b - m_a)),
                _with(lambda m_a, a, m_b, b: m_a + torch.sigmoid(b.exp() - a.exp()) * (m_b - m_a)),
                _with(lambda m_a, a, m_b, b: m_a + torch.sigmoid((a / 2).exp() - (b / 2).exp()) * (m_b - m_a)),
                _with(lambda m_a, a, m_b, b: m_a + torch.sigmoid((-b / 2).exp() - (-a / 2).exp()) * (m_b - m_a)),
            ),
        ),
        Misconception(
            "widths added or averaged",
            _with(width=lambda a, b: 2 * torch.logaddexp(a / 2, b / 2)),
            "You add or average the standard deviations of the two messages. What adds up is their precisions, exp(-logvar).",
            variants=(
                _with(width=lambda a, b: 2 * (torch.logaddexp(a / 2, b / 2) - torch.tensor(2.0).log())),
                _with(width=lambda a, b: torch.logaddexp(a / 2, b / 2) - torch.tensor(2.0).log()),
                _with(_half, lambda a, b: 2 * torch.logaddexp(a / 2, b / 2)),
                _with(_half, lambda a, b: 2 * (torch.logaddexp(a / 2, b / 2) - torch.tensor(2.0).log())),
            ),
        ),
        Misconception(
            "a mixture of the two",
            lambda m_a, a, m_b, b: (
                (m_a + m_b) / 2,
                ((a.exp() + b.exp()) / 2 + ((m_a - m_b) / 2).square()).log(),
            ),
            "Your variance grows with the distance of the two means, as that of a mixture does: one message or the other. "
            "Here both hold at once, their densities are multiplied, and the distance has no part in it.",
            variants=(
                lambda m_a, a, m_b, b: (
                    _mean(m_a, a, m_b, b),
                    (2 * _width(a, b).exp() + torch.sigmoid(a - b) * torch.sigmoid(b - a) * (m_a - m_b).square()).log(),
                ),
            ),
        ),
        Misconception(
            "the sharper one alone",
            lambda m_a, a, m_b, b: (torch.where(a < b, m_a, m_b), torch.minimum(a, b)),
            "You keep the sharper message and forget the other. Both say something: the mean lies between theirs, and the "
            "result is sharper than the sharper one.",
            variants=(_with(width=torch.minimum), _with(_half, torch.minimum)),
        ),
        Misconception(
            "the difference the wrong way round",
            _with(width=lambda a, b: a - torch.nn.functional.softplus(b - a)),
            "In your log variance the difference of the two has the wrong sign. logvar_a - log(1 + exp(logvar_a - logvar_b)) "
            "is right: the wider a is, the more b takes off.",
            variants=(
                _with(width=lambda a, b: b - torch.nn.functional.softplus(a - b)),
                _with(_by(2), lambda a, b: a - torch.nn.functional.softplus(b - a)),
                _with(_by(2), lambda a, b: b - torch.nn.functional.softplus(a - b)),
            ),
        ),
        Misconception(
            "the width of one message",
            _with(width=lambda a, b: a),
            "Your log variance is that of one message alone. The other one is heard too, and the result is sharper than "
            "either: the two precisions add up.",
            variants=(
                _with(width=lambda a, b: b),
                _with(_half, lambda a, b: a),
                _with(_half, lambda a, b: b),
                lambda m_a, a, m_b, b: (m_a, a),
                lambda m_a, a, m_b, b: (m_b, b),
            ),
        ),
        Misconception(
            "logvars without their minus",
            _with(width=lambda a, b: -torch.logaddexp(a, b)),
            "Your log variance is minus the log of a sum of variances. What adds up is the precisions, exp(-logvar): a minus "
            "belongs inside as well.",
            variants=(
                _with(_by(2), lambda a, b: -torch.logaddexp(a, b)),
                _with(_half, lambda a, b: -torch.logaddexp(a, b)),
            ),
        ),
        Misconception(
            "a small number for safety",
            _patched(1e-8)[0],
            "A small number, added to a width, a variance or a precision or set as a limit, is larger than these may be, and the "
            "result depends on it. With `logaddexp` no division by zero can come up.",
            variants=(
                *(wrong for tiny in small_numbers(1e-12, 1e-4) for wrong in _patched(tiny)[:2]),
                *(wrong for tiny in (1e-6, 1e-7, 1e-8, 1e-10) for wrong in _patched(tiny)[2:]),
            ),
        ),
        Misconception(
            "log variances cut off",
            _held(-10, 10)[0],
            "You hold log variances within limits. They go from -60 to 60 here, and a message that is cut off gets another "
            "weight.",
            variants=tuple(
                wrong for limits in ((-10, 10), (-30, 20), (-20, 20), (-15, 15), (-8, 8)) for wrong in _held(*limits)
            ),
        ),
        Misconception(
            "a difference that rounds to zero",
            _with(width=lambda a, b: (a.exp() - a.exp() ** 2 / (a.exp() + b.exp())).log()),
            "Your variance is a difference of two numbers. Where one message is far wider than the other they round to the same, "
            "and nothing is left of it. Add precisions, or multiply in place of subtracting.",
            variants=(
                _with(width=lambda a, b: ((1 - a.exp() / (a.exp() + b.exp())) * a.exp()).log()),
                _with(width=lambda a, b: ((1 - torch.sigmoid(a - b)) * a.exp()).log()),
                _with(width=lambda a, b: a + torch.log(1 - torch.sigmoid(a - b))),
                _with(width=lambda a, b: a + torch.log1p(-torch.sigmoid(a - b))),
            ),
        ),
        Misconception(
            "weights cut off",
            _with(lambda m_a, a, m_b, b: _mean(m_a, a.detach(), m_b, b.detach())),
            "The numbers are right, but the log variances, or the means, are held fixed in one of your two results. Both "
            "levels are trained through the merge: leave out `.detach()`.",
            variants=(
                _with(width=lambda a, b: _width(a, b).detach()),
                _with(lambda m_a, a, m_b, b: _mean(m_a.detach(), a, m_b, b)),
                _with(lambda m_a, a, m_b, b: _mean(m_a, a, m_b.detach(), b)),
            ),
        ),
        Misconception(
            "both results cut off",
            lambda *inputs: tuple(part.detach() for part in merge(*inputs)),
            "The numbers are right, but no gradient flows back through either of your results. Both levels are trained through "
            "the merge: leave out `.detach()` and `torch.no_grad()`.",
        ),
    ),
    cases=_cases,
    batch="mu_a",
    probe=_probe,
    gradients=NAMES,
    tolerance=2e-5,
)

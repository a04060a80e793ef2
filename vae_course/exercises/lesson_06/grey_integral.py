"""06-grey-integral: what exp(-cross-entropy) adds up to over all grey levels."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception


def _away_from_zero(logits: Tensor) -> Tensor:
    return torch.where(logits == 0, 1.0, logits)


def grey_integral(logits: Tensor) -> Tensor:
    """Integral of lam^x (1 - lam)^(1 - x) over x from 0 to 1, lam = sigmoid(logits): [...] to the same shape."""
    # The other branch of torch.where is trained through too: a 0 / 0 there would make the slope NaN.
    divisor = torch.where(logits == 0, 1.0, logits)
    return torch.where(logits == 0, 0.5, torch.tanh(divisor / 2) / divisor)


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The integrals, and their slopes in float64, where no legitimate formula loses the digits that count.

    Close to 0 the integrals are taken in float64 too: there (2 lambda - 1) / logit loses digits in float32.
    """
    logits = case["logits"]
    assert isinstance(logits, Tensor)
    leaf, slope = logits.detach().double().requires_grad_(), torch.zeros(())
    result, again = answer(logits), answer(leaf)
    if isinstance(again, Tensor):
        if not again.requires_grad:
            raise AnswerError(
                "no gradient reaches the logits, so your function has no slope: do without `.detach()`, `.item()`, "
                "`torch.no_grad()` and conversions to plain numbers."
            )
        (slope,) = torch.autograd.grad(again.sum(), leaf)
    if isinstance(again, Tensor) and logits.abs().max() < 0.02:
        result = again.detach()
    return {"": result, "the slope with respect to the logits": slope}


def _cases(seed: int) -> list[Inputs]:
    """Some logits are exactly 0, some close to it, some so large that exp overflows."""
    source = generator(seed)
    b, x = integer(source, 4, 8), integer(source, 9, 13)
    cases: list[Inputs] = [
        {"logits": torch.tensor([[2.0, 0.0]])},
        {"logits": torch.tensor([[-3.0, 0.0, 1.0], [4.0, -0.5, 200.0]])},
        {"logits": torch.tensor([[0.05, -0.1, 0.15, -0.25]])},
        {"logits": torch.tensor([[0.001, -0.002, 0.005, -0.01]])},
    ]
    for shape in ((1, 5), (b, x), (b, x), (3, 7), (2, 784)):
        logits = 3 * normal(source, *shape)
        logits = logits + 0.2 * logits.sign()
        logits[0, 0] = 0.0
        logits[-1, 1] = -150.0
        cases.append({"logits": logits})
    return cases


def _loop(logits: Tensor) -> Tensor:
    values = []
    for one in logits.flatten():
        values.append(torch.tanh(one / 2) / one if one != 0 else torch.tensor(0.5))
    return torch.stack(values).reshape(logits.shape)


def _by_probability(logits: Tensor) -> Tensor:
    """(2 lambda - 1) / logit, in float64 because the difference loses digits near 1/2."""
    lam, other = torch.sigmoid(logits.double()), _away_from_zero(logits.double())
    return torch.where(logits == 0, 0.5, (2 * lam - 1) / other)


def _by_exponential(logits: Tensor) -> Tensor:
    """The integral is the same for minus the logit, and exp of minus its size can't overflow."""
    size = _away_from_zero(logits).abs()
    return torch.where(logits == 0, 0.5, -torch.expm1(-size) / (size * (1 + torch.exp(-size))))


def _masked(logits: Tensor) -> Tensor:
    values = torch.full_like(logits, 0.5)
    rest = logits != 0
    values[rest] = torch.tanh(logits[rest] / 2) / logits[rest]
    return values


def _divided_by_a_little_more(small: float) -> Answer:
    return lambda logits: torch.tanh(logits / 2) / (logits + small)


def _back_from_probability(logits: Tensor) -> Tensor:
    lam = torch.sigmoid(logits)
    return (2 * lam - 1) / torch.log(lam / (1 - lam))


def _naive(logits: Tensor) -> Tensor:
    return torch.tanh(logits / 2) / logits


def _half_within(limit: float) -> Answer:
    """A wrong answer that is 1/2, and flat, wherever the logit is smaller than a limit."""
    return lambda logits: torch.where(logits.abs() < limit, 0.5, grey_integral(_away_from_zero(logits)))


def _mean_of_points(points: Tensor) -> tuple[Answer, Answer]:
    """The mean of the integrand at these x, by powers and by logarithms."""

    def of_each(logits: Tensor) -> Tensor:
        return points.to(logits.dtype).reshape(-1, *[1] * logits.dim())

    def by_powers(logits: Tensor) -> Tensor:
        x, lam = of_each(logits), torch.sigmoid(logits)
        return (lam**x * (1 - lam) ** (1 - x)).mean(0)

    def by_logarithms(logits: Tensor) -> Tensor:
        x = of_each(logits)
        return (F.logsigmoid(logits) * x + F.logsigmoid(-logits) * (1 - x)).exp().mean(0)

    return by_powers, by_logarithms


EXERCISE = Exercise(
    id="06-grey-integral",
    title="What the cross-entropy adds up to",
    points=3,
    difficulty=3,
    minutes=6,
    task=(
        "Return the integral over x from 0 to 1 of lambda^x (1 - lambda)^(1 - x), with lambda = sigmoid(logits), for "
        "each entry of `logits`, in the same shape; a logit may be exactly 0, and the slope of your function must be a "
        "number there too."
    ),
    hints=(
        "The formula is in the prose above. Which logit makes it 0 / 0, and what does the integrand look like there?",
        "The integral is tanh(l / 2) / l for a logit l, and 1/2 for l = 0, where the integrand is 1/2 everywhere.",
        "Divide `torch.tanh(logits / 2)` by the logits, and let `torch.where` put 1/2 where a logit is exactly 0. "
        "Autograd takes the slope of both branches, so first put another number in place of each 0 that you divide by.",
    ),
    explanation=(
        "Written with the logit, the integrand is (1 - lambda) exp(l x), whose integral is (2 lambda - 1) / l. The "
        "hyperbolic tangent keeps its digits near 0 and does not overflow far from it; only l = 0 itself needs a case "
        "of its own. `torch.where` hides the value 0 / 0, but its slope, NaN times 0, is NaN all the same: so the zeros "
        "are replaced before the division."
    ),
    returns="one number for each logit, in the shape of logits",
    reference=grey_integral,
    alternatives=(
        Alternative("loop", _loop),
        Alternative("from the probability", _by_probability),
        Alternative("from the exponential", _by_exponential),
        Alternative("float64", lambda logits: grey_integral(logits.double())),
        Alternative("only where it is not 0", _masked),
        Alternative(
            "a small number in place of 0",
            lambda logits: (
                torch.tanh(torch.where(logits == 0, 1e-4, logits) / 2) / torch.where(logits == 0, 1e-4, logits)
            ),
        ),
    ),
    misconceptions=(
        Misconception(
            "zero over zero",
            _naive,
            "Where the logit is 0 your formula divides 0 by 0 and gives NaN. There lambda is 1/2 and the integrand is "
            "1/2 for every x: return 0.5 in those places.",
            variants=(lambda logits: (2 * torch.sigmoid(logits) - 1) / logits,),
        ),
        Misconception(
            "slope of zero over zero",
            lambda logits: torch.where(logits == 0, 0.5, _naive(logits)),
            "The integrals are right, but at a logit of 0 the slope is NaN: the value 0 / 0 was replaced, not the division. "
            "Put another number in place of each 0 before you divide.",
            variants=(
                lambda logits: torch.nan_to_num(_naive(logits), nan=0.5),
                lambda logits: torch.where(logits == 0, 0.5, (2 * torch.sigmoid(logits) - 1) / logits),
            ),
        ),
        Misconception(
            "one half around the middle",
            _half_within(0.3),
            "You return 1/2 for small logits too. It is right at exactly 0 only; beside it the formula holds.",
            variants=tuple(map(_half_within, (0.2, 0.1, 0.05, 0.02, 0.01))),
        ),
        Misconception(
            "a small number below the line",
            lambda logits: torch.tanh(logits / 2) / (logits + 1e-8),
            "The small number that you add to the divisor makes the result 0 at a logit of 0, where the integral is 1/2. "
            "Give that place a case of its own.",
            variants=tuple(map(_divided_by_a_little_more, (1e-12, 1e-10, 1e-7, 1e-6, 1e-5))),
        ),
        Misconception(
            "the middle level only",
            lambda logits: 0.5 / torch.cosh(logits / 2),
            "This is the integrand at x = 1/2, the geometric mean of lambda and 1 - lambda. Integrate over all x.",
            variants=(lambda logits: (torch.sigmoid(logits) * (1 - torch.sigmoid(logits))).sqrt(),),
        ),
        Misconception(
            "overflow",
            lambda logits: torch.where(
                logits == 0, 0.5, torch.expm1(logits) / (_away_from_zero(logits) * (1 + torch.exp(logits)))
            ),
            "With a logit of 200 your exp overflows and the result is NaN. Use the form with the hyperbolic tangent, "
            "which stays between -1 and 1.",
        ),
        Misconception(
            "the logit from its probability",
            _back_from_probability,
            "You make log odds of lambda again. For the computer the sigmoid of a logit of 200 is exactly 1, so its log odds are "
            "infinite: divide by `logits` itself, and give a logit of 0, where you divide by 0, a case of its own.",
            variants=(
                lambda logits: (2 * torch.sigmoid(logits) - 1) / torch.logit(torch.sigmoid(logits)),
                lambda logits: (
                    (2 * torch.sigmoid(logits) - 1) / (torch.sigmoid(logits).log() - (1 - torch.sigmoid(logits)).log())
                ),
            ),
        ),
        Misconception(
            "one at the middle",
            lambda logits: torch.nan_to_num(_naive(logits), nan=1.0),
            "At a logit of 0 you return 1. There lambda is 1/2, so the integrand is 1/2 at each x, and so is its "
            "integral over a stretch of length 1.",
            variants=(lambda logits: torch.where(logits == 0, 1.0, _naive(_away_from_zero(logits))),),
        ),
        Misconception(
            "zero at the middle",
            lambda logits: torch.nan_to_num(_naive(logits)),
            "At a logit of 0 you return 0. There lambda is 1/2, so the integrand is 1/2 at each x, and so is its "
            "integral over a stretch of length 1.",
            variants=(
                lambda logits: torch.where(logits == 0, 0.0, _naive(_away_from_zero(logits))),
                lambda logits: torch.tanh(logits / 2) / _away_from_zero(logits),
            ),
        ),
        Misconception(
            "half forgotten",
            lambda logits: torch.where(logits == 0, 0.5, torch.tanh(logits) / _away_from_zero(logits)),
            "You take tanh of the logit itself. The formula has tanh(l / 2): 2 lambda - 1 is the hyperbolic tangent of "
            "half the logit.",
            variants=(lambda logits: torch.where(logits == 0, 1.0, torch.tanh(logits) / _away_from_zero(logits)),),
        ),
        Misconception(
            "the normaliser",
            lambda logits: 1 / grey_integral(logits),
            "This is 1 divided by the integral, the factor that would turn the integrand into a density. The integral "
            "itself is asked for.",
        ),
        Misconception(
            "its logarithm",
            lambda logits: grey_integral(logits).log(),
            "You take the logarithm of the integral. Return the integral, a number between 0 and 1/2.",
            variants=(
                lambda logits: -grey_integral(logits).log(),
                lambda logits: _naive(logits).log(),
                lambda logits: torch.where(logits == 0, 0.5, _naive(logits).log()),
            ),
        ),
        Misconception(
            "constant left out",
            lambda logits: torch.where(logits == 0, 1.0, torch.expm1(logits) / _away_from_zero(logits)),
            "You integrate exp(l x) alone. The integrand has the factor 1 - lambda in front of it, the same for each x.",
            variants=(
                lambda logits: torch.where(logits == 0, 0.5, torch.expm1(logits) / _away_from_zero(logits)),
                lambda logits: torch.expm1(logits) / logits,
            ),
        ),
        Misconception(
            "sum of two",
            lambda logits: torch.sigmoid(logits) + torch.sigmoid(-logits),
            "You add up the values at x = 0 and x = 1, which gives 1, as it must for a pixel that is 0 or 1. Here x "
            "takes every value between them: integrate.",
            variants=(lambda logits: torch.ones_like(logits) + 0 * logits,),
        ),
        Misconception(
            "logits read as probabilities",
            lambda logits: (2 * logits - 1) / torch.logit(logits),
            "You use the logits as if they were lambda. They are log odds: lambda = sigmoid(logits).",
        ),
        Misconception(
            "one number for the image",
            lambda logits: grey_integral(logits).prod(-1),
            "You put the pixels of a row together in one number. Return the integral of each pixel, in the shape of the logits.",
            variants=(lambda logits: grey_integral(logits).sum(-1), lambda logits: grey_integral(logits).mean(-1)),
        ),
        Misconception(
            "a mean of a few points",
            _mean_of_points(torch.linspace(0, 1, 11))[0],
            "You average the integrand at a few points, which leaves an error. The integral has a closed form: lambda^x (1 - "
            "lambda)^(1 - x) is an exponential in x.",
            variants=(
                _mean_of_points(torch.linspace(0, 1, 11))[1],
                *(answer for n in (5, 10, 21, 51, 101) for answer in _mean_of_points(torch.linspace(0, 1, n))),
                *(answer for n in (5, 10) for answer in _mean_of_points((torch.arange(n) + 0.5) / n)),
            ),
        ),
    ),
    cases=_cases,
    batch="logits",
    probe=_probe,
)

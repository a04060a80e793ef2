"""16-ladder: a build. The bound of a ladder: what x says of z1 is merged with what z2 says, and charged against p(z1 | z2)."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage

Pair = tuple[Tensor, Tensor]
Four = tuple[Any, Any, Any, Any]
TOP, MERGED = BuildStage(1, 4, "the top"), BuildStage(2, 4, "the merge")
BOTTOM, BOUND = BuildStage(3, 4, "the bottom's rate"), BuildStage(4, 4, "the bound")
DREW_TOP = TOP.result(
    "the z2 that `decode_top` got",
    "It is drawn from q(z2 | x), whose mu and logvar `encode_top` gives: mu + sigma `eps2`.",
)
KL_TOP = TOP.result("kl_top", "It is the KL of q(z2 | x) to N(0, I) in closed form, summed over D2.")
DREW = MERGED.result(
    "the z1 that `decode` got",
    "Precisions add: merge what `encode` says of z1 with what `decode_top` says, and draw by `eps1` from the result.",
)
KL_BOTTOM = BOTTOM.result(
    "kl_bottom",
    "It is the KL of the merged Gaussian to p(z1 | z2), what `decode_top` gives, in closed form, summed over D1.",
)
LOG_PX = BOUND.result(
    "log_px_z", "It is the log-probability of all pixels of an image, from the logits that `decode` gives."
)
ELBO = BOUND.result("elbo", "It is log_px_z less both rates.")


def ladder_terms(model: Any, x: Tensor, eps2: Tensor, eps1: Tensor) -> Four:
    """elbo, log_px_z, kl_bottom and kl_top in nats, each [B], for binary images x [B, 1, H, W] and the noise of one draw."""
    mu_2, logvar_2 = model.encode_top(x)
    z2 = mu_2 + torch.exp(0.5 * logvar_2) * eps2
    kl_top = 0.5 * (mu_2**2 + logvar_2.exp() - 1 - logvar_2).sum(dim=1)
    mu_p, logvar_p = model.decode_top(z2)
    mu_x, logvar_x = model.encode(x)
    logvar = -torch.logaddexp(-logvar_x, -logvar_p)
    mu = torch.exp(logvar - logvar_x) * mu_x + torch.exp(logvar - logvar_p) * mu_p
    z1 = mu + torch.exp(0.5 * logvar) * eps1
    error = (mu - mu_p) ** 2 / logvar_p.exp()
    kl_bottom = 0.5 * (torch.exp(logvar - logvar_p) + error - 1 + logvar_p - logvar).sum(dim=1)
    log_px_z = -F.binary_cross_entropy_with_logits(model.decode(z1), x, reduction="none").flatten(1).sum(dim=1)
    return log_px_z - kl_bottom - kl_top, log_px_z, kl_bottom, kl_top


class _Part:
    """One network of the small model: an affine map whose last row is the bias. It keeps what it was given."""

    def __init__(self, name: str, weights: Tensor, finish: Callable[[Tensor], Any], content: str) -> None:
        self.name, self.weights, self.finish, self.content = name, weights, finish, content
        self.given: list[Tensor] = []

    def __call__(self, h: Tensor) -> Any:
        needed = len(self.weights) - 1
        if isinstance(h, Tensor) and self.name.startswith("encode") and h.dim() > 2:
            h = h.flatten(1) if h.dim() == 4 else h.flatten()[None]
        if not isinstance(h, Tensor) or h.dim() == 0 or h.shape[-1] != needed:
            found = f"of shape {list(h.shape)}" if isinstance(h, Tensor) else f"of type {type(h).__name__}"
            raise AnswerError(f"`model.{self.name}` takes {self.content}; it was given something {found}.")
        self.given.append(h)
        own = self.weights.to(h.dtype)
        return self.finish(h @ own[:-1] + own[-1])

    def seen(self, rows: int) -> Tensor | None:
        """What it was last given for the whole batch, or row by row."""
        if not self.given:
            return None
        parts = [h.detach().reshape(-1, h.shape[-1]) for h in self.given]
        return parts[-1] if len(parts[-1]) == rows else torch.cat(parts)


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The results by their stages; the model is trained through the bound alone."""
    x, eps2, eps1, encode, encode_top, decode_top, decode = map(torch.as_tensor, case.values())
    height, width = x.shape[-2:]

    def halves(out: Tensor) -> tuple[Tensor, ...]:
        return out.chunk(2, dim=-1)

    model = SimpleNamespace(
        encode=_Part("encode", encode, halves, "images, [B, 1, H, W]"),
        encode_top=_Part("encode_top", encode_top, halves, "images, [B, 1, H, W]"),
        decode_top=_Part("decode_top", decode_top, halves, f"codes of the top, [B, {eps2.shape[1]}]"),
        decode=_Part(
            "decode",
            decode,
            lambda out: out.unflatten(-1, (1, height, width)),
            f"codes of the bottom, [B, {eps1.shape[1]}]",
        ),
    )
    result = answer(model, x, eps2, eps1)
    if not isinstance(result, tuple | list) or len(result) != 4:
        raise AnswerError(
            f"{TOP} is not reached: return four tensors, `elbo, log_px_z, kl_bottom, kl_top`, in this order."
        )
    z2, z1 = (part.seen(len(x)) for part in (model.decode_top, model.decode))
    for stage, name, seen in ((TOP, "decode_top", z2), (MERGED, "decode", z1)):
        if seen is None:
            raise AnswerError(f"{stage} is not reached: your function never calls `model.{name}`.")
    elbo, *parts = result
    log_px, kl_bottom, kl_top = (part.detach() if isinstance(part, Tensor) else part for part in parts)
    return {DREW_TOP: z2, KL_TOP: kl_top, DREW: z1, KL_BOTTOM: kl_bottom, LOG_PX: log_px, ELBO: elbo}


def _cases(seed: int) -> list[Inputs]:
    """One image, sizes by chance and twice, one dimension; messages of all widths, far means, sure pixels."""
    source = generator(seed)
    b, d1 = integer(source, 6, 7), integer(source, 3, 4)
    tame = {"message": 0.0, "prior": 0.0, "top": 0.0, "centre": 0.0, "pixel": 0.0}
    cases = [
        _case(source, sizes, **tame)
        for sizes in (
            (1, 3, 2, 2, 1),
            (b, d1, 2, 2, 3),
            (b, d1, 2, 2, 3),
            (3, 1, 2, 3, 2),
            (4, 2, 1, 2, 3),
            (12, 5, 4, 3, 4),
        )
    ]
    for changed in (
        {"message": -15.0}, {"prior": -15.0}, {"message": 15.0, "prior": 15.0}, {"message": -15.0, "prior": 15.0},
        {"message": 30.0, "prior": -30.0}, {"top": -15.0}, {"top": 6.0}, {"centre": 30.0}, {"pixel": 200.0}, {"pixel": -200.0},
    ):  # fmt: skip
        case = _case(source, (3, 4, 2, 2, 3), **(tame | changed))
        cases.append({name: value.double() for name, value in case.items() if isinstance(value, Tensor)})
    return cases


def _case(
    source: torch.Generator,
    sizes: tuple[int, int, int, int, int],
    *,
    message: float,
    prior: float,
    top: float,
    centre: float,
    pixel: float,
) -> Inputs:
    """Affine networks whose log variances, means of z1 and logits lie near these levels."""
    b, d1, d2, h, w = sizes
    m = h * w
    encode, encode_top = 0.5 * normal(source, m + 1, 2 * d1), 0.5 * normal(source, m + 1, 2 * d2)
    decode_top, decode = normal(source, d2 + 1, 2 * d1), normal(source, d1 + 1, m)
    decode_top[:, d1:] *= 0.03 if top > 0 else 0.3
    for weights, size, level in ((encode, d1, message), (decode_top, d1, prior), (encode_top, d2, top)):
        weights[-1, size:] += level
    # Both messages stand at the same far place, or apart by about the width of the wider one.
    encode[-1, :d1] += centre
    decode_top[-1, :d1] += centre
    decode[-1] += pixel - centre * decode[:-1].sum(0)
    return {
        "x": (uniform(source, b, 1, h, w) < 0.5).float(),
        "eps2": normal(source, b, d2),
        "eps1": normal(source, b, d1),
        "encode": encode,
        "encode_top": encode_top,
        "decode_top": decode_top,
        "decode": decode,
    }


def _draw(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return mu + torch.exp(0.5 * logvar) * eps


def _merged(q: Pair, p: Pair) -> Pair:
    (mu, logvar), (mu_p, logvar_p) = q, p
    share = torch.sigmoid(logvar_p - logvar)
    return mu_p + share * (mu - mu_p), -torch.logaddexp(-logvar, -logvar_p)


def _closed(q: Pair, p: Pair) -> Tensor:
    """The KL between two Gaussians, of every single number."""
    (mu, logvar), (mu_p, logvar_p) = q, p
    return 0.5 * (torch.exp(logvar - logvar_p) + (mu - mu_p) ** 2 / logvar_p.exp() - 1 + logvar_p - logvar)


def _standard(like: Tensor) -> Pair:
    return torch.zeros_like(like), torch.zeros_like(like)


def _log_px(logits: Tensor, x: Tensor) -> Tensor:
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def _loop(model: Any, x: Tensor, eps2: Tensor, eps1: Tensor) -> list[Tensor]:
    """Image by image."""
    rows = []
    for i in range(len(x)):
        mu_2, logvar_2 = (part[0] for part in model.encode_top(x[i : i + 1]))
        z2 = mu_2 + torch.exp(logvar_2 / 2) * eps2[i]
        kl_top = -0.5 * (1 + logvar_2 - mu_2.square() - logvar_2.exp()).sum()
        p = model.decode_top(z2)
        mu, logvar = _merged(tuple(part[0] for part in model.encode(x[i : i + 1])), p)
        logits = model.decode(mu + torch.exp(logvar / 2) * eps1[i])
        kl_bottom = _closed((mu, logvar), p).sum()
        log_px = (x[i] * F.logsigmoid(logits) + (1 - x[i]) * F.logsigmoid(-logits)).sum()
        rows.append(torch.stack([log_px - kl_bottom - kl_top, log_px, kl_bottom, kl_top]))
    return list(torch.stack(rows, 1))


def _distributions(model: Any, x: Tensor, eps2: Tensor, eps1: Tensor) -> Four:
    mu_2, logvar_2 = model.encode_top(x)
    p1 = model.decode_top(mu_2 + torch.exp(logvar_2 / 2) * eps2)
    mu, logvar = _merged(model.encode(x), p1)
    q1, p = Normal(mu, torch.exp(logvar / 2)), Normal(p1[0], torch.exp(p1[1] / 2))
    log_px = Bernoulli(logits=model.decode(q1.loc + q1.scale * eps1)).log_prob(x).sum((1, 2, 3))
    bottom, top = kl_divergence(q1, p).sum(1), _closed((mu_2, logvar_2), _standard(mu_2)).sum(1)
    return log_px - bottom - top, log_px, bottom, top


def _einsum(model: Any, x: Tensor, eps2: Tensor, eps1: Tensor) -> Four:
    """By precisions as they stand."""
    (mu_2, logvar_2), (mu_x, logvar_x) = model.encode_top(x), model.encode(x)
    mu_p, logvar_p = model.decode_top(mu_2 + logvar_2.exp().sqrt() * eps2)
    precision = torch.exp(-logvar_x) + torch.exp(-logvar_p)
    mu = (mu_x * torch.exp(-logvar_x) + mu_p * torch.exp(-logvar_p)) / precision
    logits = model.decode(mu + precision.rsqrt() * eps1)
    log_px = torch.einsum("bchw,bchw->b", x, logits) - F.softplus(logits).sum((1, 2, 3))
    ratio = torch.exp(-logvar_p) / precision
    bottom = 0.5 * (ratio - 1 - ratio.log() + (mu - mu_p) ** 2 * torch.exp(-logvar_p)).sum(1)
    top = 0.5 * (torch.einsum("bd,bd->b", mu_2, mu_2) + (torch.expm1(logvar_2) - logvar_2).sum(1))
    return log_px - bottom - top, log_px, bottom, top


def _with(
    *,
    draw: Callable[[Tensor, Tensor, Tensor], Tensor] = _draw,
    draw_top: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None,
    merged: Callable[[Pair, Pair], Pair] = _merged,
    bottom: Callable[[Pair, Pair, Pair, Tensor], Tensor] = lambda q, message, p, z1: _closed(q, p).sum(1),
    top: Callable[[Pair, Tensor], Tensor] = lambda q2, z2: _closed(q2, _standard(q2[0])).sum(1),
    log_px: Callable[[Tensor, Tensor], Tensor] = _log_px,
    ends: Callable[[Tensor, Tensor, Tensor], Four] = lambda log_px, bottom, top: (
        log_px - bottom - top,
        log_px,
        bottom,
        top,
    ),
) -> Answer:
    """The build with one thing changed."""

    def answer(model: Any, x: Tensor, eps2: Tensor, eps1: Tensor) -> Four:
        q2, message = model.encode_top(x), model.encode(x)
        z2 = (draw_top or draw)(q2[0], q2[1], eps2)
        p = model.decode_top(z2)
        q = merged(message, p)
        z1 = draw(*q, eps1)
        return ends(log_px(model.decode(z1), x), bottom(q, message, p, z1), top(q2, z2))

    return answer


def _half_on_the_square(q: Pair, p: Pair) -> Tensor:
    """The published slip: a 1/2 on the quotients and none on the logarithms."""
    (mu, logvar), (mu_p, logvar_p) = q, p
    return logvar_p - logvar + 0.5 * (torch.exp(logvar - logvar_p) + (mu - mu_p) ** 2 / logvar_p.exp() - 1)


def _sampled(z: Tensor, q: Pair, p: Pair) -> Tensor:
    return (Normal(q[0], _width(q)).log_prob(z) - Normal(p[0], _width(p)).log_prob(z)).sum(1)


def _fixed(q: Pair) -> Pair:
    return q[0].detach(), q[1].detach()


def _width(q: Pair) -> Tensor:
    return torch.exp(0.5 * q[1])


def _precise(power: float, tiny: float = 0.0) -> Callable[[Pair, Pair], Pair]:
    """A merge by precisions sigma^power, with a small number in the variances."""

    def merged(q: Pair, p: Pair) -> Pair:
        weights = [((pair[1]).exp() + tiny) ** (power / 2) for pair in (q, p)]
        total = weights[0] + weights[1]
        return (q[0] * weights[0] + p[0] * weights[1]) / total, -total.log()

    return merged


EXERCISE = Exercise(
    id="16-ladder",
    title="Build: the bound of a ladder",
    points=4,
    difficulty=4,
    minutes=20,
    task=(
        "A build, optional: q(z2 | x) comes from `model.encode_top(x)`, and q(z1 | x, z2) is the merge of what "
        "`model.encode(x)` says of z1 with p(z1 | z2), which `model.decode_top(z2)` gives; each returns mu and logvar, `[B, "
        "D2]` or `[B, D1]`. `model.decode(z1)` returns logits in the shape of the binary images `x` `[B, 1, H, W]`. Draw z2, "
        "then z1, with the noise `eps2` and `eps1`, and return `elbo, log_px_z, kl_bottom, kl_top` in nats, each `[B]`, both "
        "KLs in closed form. All networks are trained through `elbo`. The check names the first of its four stages that you "
        "have not reached."
    ),
    hints=(
        "Go down the ladder: draw z2, ask what it says of z1, merge, draw z1. Of which Gaussian was z1 drawn, and which one "
        "does the model expect once z2 is known? These two make the rate of the bottom.",
        "kl_bottom = KL( q(z1 | x, z2) || p(z1 | z2) ), where 1/2 (log sigma_p^2 - log sigma^2 + (sigma^2 + (mu - mu_p)^2) / "
        "sigma_p^2 - 1) is summed over D1; kl_top = KL( q(z2 | x) || N(0, I) ).",
        "Merge as in `16-merge`: minus `logaddexp` of both -logvar. Draws are mu + exp(0.5 * logvar) * eps. For the pixels take "
        '`F.binary_cross_entropy_with_logits` with `reduction="none"`, and `.flatten(1)` before the sum.',
    ),
    explanation=(
        "Given z2, z1 is drawn from the merged Gaussian, so its rate has a closed form, unlike in the bottom-up model. "
        "The merge holds p(z1 | z2) already: where x says nothing, q is p and the level costs nothing. Nothing "
        "was drawn from the message alone, so it has no place in a KL."
    ),
    returns="elbo, log_px_z, kl_bottom and kl_top, each [B]",
    reference=ladder_terms,
    alternatives=(
        Alternative("loop over the images", _loop),
        Alternative("distributions", _distributions),
        Alternative("einsum and precisions", _einsum),
        Alternative(
            "float64", lambda model, x, eps2, eps1: ladder_terms(model, x.double(), eps2.double(), eps1.double())
        ),
    ),
    misconceptions=(
        Misconception(
            "bottom against the message",
            _with(bottom=lambda q, message, p, z1: _closed(q, message).sum(1)),
            "Your bottom is the KL of the merged Gaussian to the message of `encode`, as a published ladder has it. That "
            "message is part of q: the model expects p(z1 | z2), from `decode_top`.",
            variants=(
                _with(bottom=lambda q, message, p, z1: _closed(message, q).sum(1)),
                _with(bottom=lambda q, message, p, z1: _sampled(z1, q, message)),
            ),
        ),
        Misconception(
            "the message against the prior",
            _with(bottom=lambda q, message, p, z1: _closed(message, p).sum(1)),
            "Your bottom is the KL of the message alone to p(z1 | z2). z1 was drawn from the merged Gaussian, so that is the "
            "q that has to be paid for.",
        ),
        Misconception(
            "z1 against N(0, I)",
            _with(bottom=lambda q, message, p, z1: _closed(q, _standard(q[0])).sum(1)),
            "Your bottom compares z1 with N(0, I), the prior of a model of one level. Once z2 is known, the prior of z1 is "
            "p(z1 | z2).",
            variants=(
                _with(bottom=lambda q, message, p, z1: _closed(message, _standard(q[0])).sum(1)),
                _with(bottom=lambda q, message, p, z1: _closed(p, _standard(q[0])).sum(1)),
            ),
        ),
        Misconception(
            "bottom the other way round",
            _with(bottom=lambda q, message, p, z1: _closed(p, q).sum(1)),
            "Your bottom is the KL from p(z1 | z2) to q. The rate is KL( q || p ), the mean taken over what was drawn: q first.",
        ),
        Misconception(
            "half missing on the logs",
            _with(bottom=lambda q, message, p, z1: _half_on_the_square(q, p).sum(1)),
            "The 1/2 is missing on the log variances in a KL of yours. All of it is halved, logarithms too.",
            variants=(
                _with(top=lambda q2, z2: _half_on_the_square(q2, _standard(q2[0])).sum(1)),
                _with(
                    bottom=lambda q, message, p, z1: _half_on_the_square(q, p).sum(1),
                    top=lambda q2, z2: _half_on_the_square(q2, _standard(q2[0])).sum(1),
                ),
            ),
        ),
        Misconception(
            "half forgotten",
            _with(bottom=lambda q, message, p, z1: 2 * _closed(q, p).sum(1)),
            "A KL of yours is twice too large: the closed form begins with one half.",
            variants=(
                _with(top=lambda q2, z2: 2 * _closed(q2, _standard(q2[0])).sum(1)),
                _with(
                    bottom=lambda q, message, p, z1: 2 * _closed(q, p).sum(1),
                    top=lambda q2, z2: 2 * _closed(q2, _standard(q2[0])).sum(1),
                ),
            ),
        ),
        Misconception(
            "top left out",
            _with(ends=lambda log_px, bottom, top: (log_px - bottom, log_px, bottom, top)),
            "The rate of the top is missing in your bound, as in a published ladder where it is commented out. z2 has to be "
            "paid for as well.",
            variants=(
                _with(ends=lambda log_px, bottom, top: (log_px - bottom, log_px, bottom, torch.zeros_like(top))),
            ),
        ),
        Misconception(
            "bottom left out",
            _with(ends=lambda log_px, bottom, top: (log_px - top, log_px, bottom, top)),
            "The rate of the bottom is missing in your bound: subtract both.",
        ),
        Misconception(
            "rates added",
            _with(ends=lambda log_px, bottom, top: (log_px + bottom + top, log_px, bottom, top)),
            "You add a rate to the bound. Rates are what the codes cost: subtract both.",
            variants=(
                _with(ends=lambda log_px, bottom, top: (log_px - bottom + top, log_px, bottom, top)),
                _with(ends=lambda log_px, bottom, top: (log_px + bottom - top, log_px, bottom, top)),
            ),
        ),
        Misconception(
            "the loss",
            _with(ends=lambda log_px, bottom, top: (bottom + top - log_px, log_px, bottom, top)),
            "Your first result is minus the bound, what an optimiser makes small. The bound itself is asked for.",
            variants=(_with(ends=lambda log_px, bottom, top: (bottom + top - log_px, -log_px, bottom, top)),),
        ),
        Misconception(
            "another order",
            _with(ends=lambda log_px, bottom, top: (log_px, bottom, top, log_px - bottom - top)),
            "Your four results stand in another order: first the bound, then log_px_z, the rate of the bottom, that of the top.",
            variants=(
                _with(ends=lambda log_px, bottom, top: (log_px - bottom - top, log_px, top, bottom)),
                _with(ends=lambda log_px, bottom, top: (log_px, log_px - bottom - top, bottom, top)),
                _with(ends=lambda log_px, bottom, top: (log_px, top, bottom, log_px - bottom - top)),
            ),
        ),
        Misconception(
            "a sigmoid too many",
            _with(log_px=lambda logits, x: _log_px(logits.sigmoid(), x)),
            "`binary_cross_entropy_with_logits` takes a sigmoid itself, and `decode` gives logits: hand them over as they are.",
        ),
        Misconception(
            "cost of the pixels",
            _with(log_px=lambda logits, x: -_log_px(logits, x)),
            "Your log_px_z is the cross-entropy, a cost above zero. The log-probability is minus that.",
            variants=(_with(ends=lambda log_px, bottom, top: (log_px - bottom - top, -log_px, bottom, top)),),
        ),
        Misconception(
            "no merge",
            _with(merged=lambda message, p: message),
            "You draw z1 from the message of `encode` alone, as in a model whose q(z1 | x) knows no z2. In a ladder both "
            "messages are merged by their precisions first.",
        ),
        Misconception(
            "drawn from the prior",
            _with(merged=lambda message, p: p),
            "You draw z1 from p(z1 | z2) alone, so x is heard at the top only. Merge the message of `encode` with it by "
            "their precisions.",
        ),
        Misconception(
            "messages averaged",
            _with(merged=lambda message, p: ((message[0] + p[0]) / 2, _merged(message, p)[1])),
            "You average means, variances or log variances of the two messages. Precisions add up, and each mean counts by "
            "its own.",
            variants=(
                _with(merged=lambda message, p: ((message[0] + p[0]) / 2, (message[1] + p[1]) / 2)),
                _with(merged=lambda message, p: (_merged(message, p)[0], (message[1] + p[1]) / 2)),
                _with(
                    merged=lambda message, p: (
                        (message[0] + p[0]) / 2,
                        torch.logaddexp(message[1], p[1]) - torch.tensor(2.0).log(),
                    )
                ),
            ),
        ),
        Misconception(
            "messages added",
            _with(merged=lambda message, p: (message[0] + p[0], message[1] + p[1])),
            "You add means, variances or log variances of the two messages. It is the precisions that add up, and the mean "
            "is a weighted mean of theirs.",
            variants=(
                _with(merged=lambda message, p: (_merged(message, p)[0], torch.logaddexp(message[1], p[1]))),
                _with(merged=lambda message, p: ((message[0] + p[0]) / 2, torch.logaddexp(message[1], p[1]))),
                _with(merged=lambda message, p: (message[0] + p[0], torch.logaddexp(message[1], p[1]))),
            ),
        ),
        Misconception(
            "weights the wrong way round",
            _with(merged=lambda message, p: (message[0] + p[0] - _merged(message, p)[0], _merged(message, p)[1])),
            "In your merge the wider message counts more. Weight each mean by its precision, exp(-logvar).",
        ),
        Misconception(
            "sigma for sigma squared",
            _with(merged=_precise(-1)),
            "In your merge 1 / sigma stands where the precision 1 / sigma^2 = exp(-logvar) belongs.",
            variants=(
                _with(merged=lambda message, p: (_precise(-1)(message, p)[0], _merged(message, p)[1])),
                _with(merged=lambda message, p: (_precise(-1)(message, p)[0], 2 * _precise(-1)(message, p)[1])),
            ),
        ),
        Misconception(
            "not divided by the precision",
            _with(
                merged=lambda message, p: (
                    message[0] * (-message[1]).exp() + p[0] * (-p[1]).exp(),
                    _merged(message, p)[1],
                )
            ),
            "In your merge the means are multiplied by their precisions and added, but not divided by the sum of both: the "
            "weights don't add up to 1.",
        ),
        Misconception(
            "precision returned by the merge",
            _with(merged=lambda message, p: (_merged(message, p)[0], -_merged(message, p)[1])),
            "Your merge gives the log of the precision in place of logvar. The log variance is minus that.",
        ),
        Misconception(
            "exp(logvar) as standard deviation in a KL",
            _with(bottom=lambda q, message, p, z1: _closed((q[0], 2 * q[1]), (p[0], 2 * p[1])).sum(1)),
            "In a KL of yours exp(logvar) is squared, as if it were the standard deviation. It is the variance as it stands.",
            variants=(
                _with(top=lambda q2, z2: _closed((q2[0], 2 * q2[1]), _standard(z2)).sum(1)),
                _with(
                    bottom=lambda q, message, p, z1: _closed((q[0], 2 * q[1]), (p[0], 2 * p[1])).sum(1),
                    top=lambda q2, z2: _closed((q2[0], 2 * q2[1]), _standard(z2)).sum(1),
                ),
            ),
        ),
        Misconception(
            "a small number for safety",
            _with(merged=_precise(-2, 1e-7)),
            "A small number added to a variance in the merge is not small beside a narrow message, and the result depends on it. "
            "`logaddexp` needs none.",
            variants=tuple(_with(merged=_precise(-2, tiny)) for tiny in (1e-5, 1e-6, 1e-8, 1e-10)),
        ),
        Misconception(
            "variance as standard deviation",
            _with(draw=lambda mu, logvar, eps: mu + logvar.exp() * eps),
            "You multiply noise by exp(logvar), the variance. The standard deviation is exp(0.5 * logvar).",
            variants=(
                _with(draw_top=lambda mu, logvar, eps: mu + logvar.exp() * eps),
                _with(draw=lambda mu, logvar, eps: mu + logvar.exp() * eps, draw_top=_draw),
            ),
        ),
        Misconception(
            "no noise",
            _with(draw=lambda mu, logvar, eps: mu),
            "You pass a mean on in place of a draw. The bound is a mean over draws: add the standard deviation times the noise.",
            variants=(
                _with(draw_top=lambda mu, logvar, eps: mu),
                _with(draw=lambda mu, logvar, eps: mu, draw_top=_draw),
            ),
        ),
        Misconception(
            "top from the prior",
            _with(draw_top=lambda mu, logvar, eps: eps),
            "Your z2 is the noise itself, a draw from the prior. The bound needs a draw from q(z2 | x): mu plus sigma times "
            "`eps2`.",
        ),
        Misconception(
            "KL from the draw",
            _with(bottom=lambda q, message, p, z1: _sampled(z1, q, p)),
            "A rate of yours is log q - log p at the one draw. Its mean is right, but given z2 both Gaussians are known "
            "here: take the closed form.",
            variants=(
                _with(
                    bottom=lambda q, message, p, z1: _sampled(z1, q, p),
                    top=lambda q2, z2: _sampled(z2, q2, _standard(z2)),
                ),
                _with(top=lambda q2, z2: _sampled(z2, q2, _standard(z2))),
            ),
        ),
        Misconception(
            "mean over the dimensions",
            _with(
                bottom=lambda q, message, p, z1: _closed(q, p).mean(1),
                top=lambda q2, z2: _closed(q2, _standard(z2)).mean(1),
            ),
            "You average a KL over the dimensions of the code. It is a sum over them.",
            variants=(
                _with(bottom=lambda q, message, p, z1: _closed(q, p).mean(1)),
                _with(top=lambda q2, z2: _closed(q2, _standard(z2)).mean(1)),
            ),
        ),
        Misconception(
            "mean over the pixels",
            _with(log_px=lambda logits, x: _log_px(logits, x) / x[0].numel()),
            "You average over the pixels. An image's log-probability is the sum, or beside it the rates weigh far too much.",
            variants=(_with(log_px=lambda logits, x: -F.binary_cross_entropy_with_logits(logits, x)),),
        ),
        Misconception(
            "one number for the batch",
            _with(ends=lambda *terms: tuple(t.mean() for t in (terms[0] - terms[1] - terms[2], *terms))),
            "You average, or add, over the images. Return one number for each, `[B]`.",
            variants=(
                _with(ends=lambda *terms: tuple(t.sum() for t in (terms[0] - terms[1] - terms[2], *terms))),
                _with(log_px=lambda logits, x: -F.binary_cross_entropy_with_logits(logits, x, reduction="sum")),
                _with(top=lambda q2, z2: _closed(q2, _standard(z2)).sum()),
                _with(bottom=lambda q, message, p, z1: _closed(q, p).sum()),
            ),
        ),
        Misconception(
            "sigmoid, then logarithm",
            _with(
                log_px=lambda logits, x: (
                    -F.binary_cross_entropy(logits.sigmoid(), x, reduction="none").flatten(1).sum(1)
                )
            ),
            "You turn logits into probabilities first. A large logit rounds to 1, and the logarithm of the rest is lost: "
            "stay with logits.",
        ),
        Misconception(
            "cut off",
            _with(ends=lambda log_px, bottom, top: (log_px - bottom.detach() - top.detach(), log_px, bottom, top)),
            "The numbers are right, but part of the model is cut off from the bound. All networks are trained through "
            "`elbo`: leave out `.detach()`.",
            variants=(
                _with(ends=lambda log_px, bottom, top: (log_px - bottom.detach() - top, log_px, bottom, top)),
                _with(ends=lambda log_px, bottom, top: (log_px - bottom - top.detach(), log_px, bottom, top)),
                _with(bottom=lambda q, message, p, z1: _closed(q, _fixed(p)).sum(1)),
                _with(merged=lambda message, p: _merged(message, _fixed(p))),
                _with(draw_top=lambda mu, logvar, eps: _draw(mu, logvar, eps).detach()),
                lambda *inputs: tuple(part.detach() for part in ladder_terms(*inputs)),
            ),
        ),
    ),
    cases=_cases,
    probe=_probe,
    gradients=("encode", "encode_top", "decode_top", "decode"),
    tolerance=5e-5,
)

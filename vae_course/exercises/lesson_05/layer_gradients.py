"""05-layer-gradients: a build. Both estimators for the weights of an encoder, many times, by one backward pass each."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage

F = Callable[[Tensor], Tensor]
Pair = tuple[Any, Any]
HINTS = {
    2: "By path, f(z) itself is differentiated, through z = mu + sigma eps; the mean is over draws and examples.",
    3: "By score, log q(z) is differentiated at fixed z, weighted by f(z) less the mean of the other draws.",
}
SHAPES = "stage 1 of 3 is not reached: return two tensors, `by_path, by_score`, each of the shape [R, 2 D, X]"


def layer_gradients(encoder: nn.Linear, x: Tensor, f: F, noise: Tensor) -> Pair:
    """R estimates by path and R by score, [R, 2 D, X] each, of the slope of mean_b E_q[f(z)] in encoder.weight."""
    by_path, by_score = [], []
    for eps in noise:
        mu, logvar = encoder(x).chunk(2, dim=1)
        std = torch.exp(0.5 * logvar)
        z = mu + std * eps
        value = f(z)
        by_path.append(torch.autograd.grad(value.mean(), encoder.weight, retain_graph=True)[0])
        fixed = value.detach()
        baseline = (fixed.sum(dim=0) - fixed) / (len(fixed) - 1)
        log_q = torch.distributions.Normal(mu, std).log_prob(z.detach()).sum(dim=-1)
        vote = ((fixed - baseline) * log_q).mean()
        by_score.append(torch.autograd.grad(vote, encoder.weight)[0])
    return torch.stack(by_path), torch.stack(by_score)


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """Both estimates for a layer and an f of the probe's own, mu's rows apart from logvar's."""
    weight, bias, x, noise, W, target, level = case.values()
    assert (
        isinstance(weight, Tensor) and isinstance(bias, Tensor) and isinstance(noise, Tensor) and isinstance(W, Tensor)
    )
    encoder = nn.utils.skip_init(nn.Linear, *weight.T.shape, dtype=weight.dtype)
    encoder.load_state_dict({"weight": weight, "bias": bias})

    def f(z: Tensor) -> Tensor:
        mean = z @ W
        return level - 0.5 * (target - mean - torch.tanh(mean)).square().sum(-1)

    result = answer(encoder, x, f, noise)
    if not isinstance(result, tuple | list | Tensor) or len(result) != 2:
        raise AnswerError(f"{SHAPES}.")
    parts = [torch.stack(list(part)) if isinstance(part, tuple | list) else part for part in result]
    wanted = [len(noise), *weight.shape]
    if not all(isinstance(part, Tensor) and list(part.shape) == wanted for part in parts):
        found = ", ".join(str(list(part.shape)) if isinstance(part, Tensor) else type(part).__name__ for part in parts)
        raise AnswerError(f"{SHAPES}; here that is {wanted}, and yours are {found}.")
    named = zip((BuildStage(2, 3, "by path"), BuildStage(3, 3, "by score")), parts, strict=True)
    return {
        stage.result(f"the gradient in the rows that make {name}", HINTS[stage.number]): rows
        for stage, part in named
        for name, rows in zip(("mu", "logvar"), part.detach().chunk(2, dim=1), strict=True)
    }


def _cases(seed: int) -> list[Inputs]:
    """One number of each kind, sizes by chance, wide and narrow q, far means, values of f of every size, a real batch."""
    source = generator(seed)
    r, n, b = integer(source, 2, 3), integer(source, 4, 5), integer(source, 2, 3)
    tame, edge = (0.0, -0.5, 0.0), (2, 4, 3, 2, 5)
    return [
        _case(source, *shape, *levels)
        for shape, levels in (
            ((1, 2, 1, 1, 3), tame),
            ((3, 3, 2, 3, 4), tame),
            ((r, n, b, 2, 6), tame),
            ((r, n, b, 2, 6), tame),
            ((2, 2, 4, 3, 5), tame),
            (edge, (0.0, -15.0, 0.0)),
            (edge, (0.0, 15.0, 0.0)),
            (edge, (30.0, 0.0, 200.0)),
            (edge, (-30.0, 0.0, 0.0)),
            (edge, (0.0, 0.0, -12000.0)),
            ((1, 16, 64, 10, 50), tame),
        )
    ]


def _case(
    source: torch.Generator, r: int, n: int, b: int, d: int, x: int, mu: float, logvar: float, level: float
) -> Inputs:
    """R parts of noise for L draws, B examples, D dimensions and X inputs; mu, logvar and f near these levels."""
    centre = torch.cat([torch.full((d,), mu), torch.full((d,), logvar)])
    numbers: dict[str, Tensor] = {
        "weight": normal(source, 2 * d, x) / x**0.5,
        "bias": centre + 0.5 * normal(source, 2 * d),
        "x": normal(source, b, x),
        "noise": normal(source, r, n, b, d),
        "W": normal(source, d, d + 4),
        "target": normal(source, b, d + 4),
    }
    return {name: value.double() for name, value in numbers.items()} | {"level": level}


def _backward(encoder: nn.Linear, x: Tensor, f: F, noise: Tensor) -> Pair:
    """By backward() and grad, one estimate after the other."""
    estimates: list[list[Tensor]] = [[], []]
    for eps in noise:
        for i, found in enumerate(estimates):
            encoder.zero_grad()
            mu, logvar = encoder(x).chunk(2, 1)
            q = Normal(mu, logvar.exp().sqrt())
            z = q.loc + q.scale * eps
            if i:
                with torch.no_grad():
                    value = f(z)
                    # f less the mean of all is (L - 1) / L of f less the mean of the others.
                    value = (value - value.mean(0)) * len(value) / (len(value) - 1)
                (value[..., None] * q.log_prob(z.detach())).sum(-1).mean().backward()
            else:
                f(z).mean().backward()
            assert encoder.weight.grad is not None
            found.append(encoder.weight.grad.clone())
    return estimates[0], estimates[1]


def _by_hand(encoder: nn.Linear, x: Tensor, f: F, noise: Tensor) -> Pair:
    """All parts at once: slopes of f in z alone by autograd, the rest by the chain rule."""
    with torch.no_grad():
        mu, logvar = encoder(x).chunk(2, 1)
    std = (logvar / 2).exp()
    z = (mu + std * noise).requires_grad_()
    value = f(z)
    (slope,) = torch.autograd.grad(value.sum(), z)
    value = value.detach()
    over = ((value - value.mean(1, keepdim=True)) * value.shape[1] / (value.shape[1] - 1))[..., None]
    pairs = ((slope, slope * std * noise / 2), (over * noise / std, over * (noise**2 - 1) / 2))
    path, score = (torch.einsum("rlbk,bx->rkx", torch.cat(pair, -1), x) for pair in pairs)
    return path / value[0].numel(), score / value[0].numel()


def _others(value: Tensor) -> Tensor:
    return (value.sum(0) - value) / (len(value) - 1)


def _log_q(mu: Tensor, scale: Tensor, z: Tensor) -> Tensor:
    return Normal(mu, scale).log_prob(z).sum(-1)


def _mistaken(
    *,
    width: Callable[[Tensor], Tensor] = lambda logvar: torch.exp(0.5 * logvar),
    scale: Callable[[Tensor, Tensor], Tensor] = lambda std, logvar: std,
    at: Callable[[Tensor], Tensor] = torch.detach,
    weight: Callable[[Tensor], Tensor] = lambda value: value.detach() - _others(value.detach()),
    log_q: Callable[[Tensor, Tensor, Tensor], Tensor] = _log_q,
    path: Callable[[Tensor], Tensor] = torch.mean,
    score: Callable[[Tensor], Tensor] = torch.mean,
    turned: bool = False,
    piled: str = "",
) -> Answer:
    """Both estimates with one thing changed; gradients may pile up over the parts, or the path's in the score's."""

    def answer(encoder: nn.Linear, x: Tensor, f: F, noise: Tensor) -> Pair:
        by_path, by_score = [], []
        for eps in noise:
            mu, logvar = encoder(x).chunk(2, 1)
            mu, logvar = (logvar, mu) if turned else (mu, logvar)
            std = width(logvar)
            z = mu + std * eps
            value = f(z)
            vote = score(weight(value) * log_q(mu, scale(std, logvar), at(z)))
            by_path.append(torch.autograd.grad(path(value), encoder.weight, retain_graph=True)[0])
            by_score.append(torch.autograd.grad(vote, encoder.weight)[0])
        paths, scores = torch.stack(by_path), torch.stack(by_score)
        if piled == "parts":
            return paths.cumsum(0), scores.cumsum(0)
        if piled == "both":
            return (paths + scores).cumsum(0) - scores, (paths + scores).cumsum(0)
        return (paths, paths + scores) if piled == "path" else (paths, scores)

    return answer


def _turned(encoder: nn.Linear, x: Tensor, f: F, noise: Tensor) -> Pair:
    by_path, by_score = layer_gradients(encoder, x, f, noise)
    return by_score, by_path


EXERCISE = Exercise(
    id="05-layer-gradients",
    title="Build: two gradients for a layer",
    points=4,
    difficulty=5,
    minutes=25,
    task=(
        "A build, optional: `encoder` is an `nn.Linear` that makes `mu` and then `logvar`, side by side in `[B, 2 D]`, from `x` "
        "`[B, X]`; `f` turns draws `[L, B, D]` into values `[L, B]`; `noise` `[R, L, B, D]` is standard normal. For each of the "
        "R parts of the noise estimate the gradient, with respect to `encoder.weight`, of the mean over the batch of E_q[f(z)]. "
        "Return two tensors `[R, 2 D, X]`: the estimates by path, then those by score with a leave-one-out baseline. The check "
        "names the first of its three stages that you have not reached."
    ),
    hints=(
        "For the path, autograd needs a mean of values, nothing else. For the score you need a number whose gradient is the "
        "estimate: what must be differentiated in it, and what must count as a constant?",
        "The gradient of a constant times log q(z), with z held fixed, is the constant times the score. The constant is f "
        "less its baseline. log q of a code is a sum over its dimensions, and both estimates are means over draws and batch.",
        "`.chunk(2, dim=1)` parts mu and logvar. Use `.detach()` on the values of f and on the z inside of log q. "
        "`torch.autograd.grad(number, encoder.weight)` returns a tuple with one gradient; where a second one goes through the "
        "same encoding, hand `retain_graph=True` to the first.",
    ),
    explanation=(
        "Autograd differentiates whatever is not detached. By the path f(z) is differentiated through z. By the score the draws "
        "and the values are facts, and only log q knows the parameters; so the number that you differentiate is not an estimate "
        "of E_q[f], but its gradient is one of the gradient. The layer multiplies both by x, in `backward()`."
    ),
    returns="two tensors, each [R, 2 D, X]",
    reference=layer_gradients,
    alternatives=(
        Alternative("loop with backward()", _backward),
        Alternative("by hand with einsum, all parts at once", _by_hand),
        Alternative("stacked", lambda encoder, x, f, noise: torch.stack(layer_gradients(encoder, x, f, noise))),
        Alternative("one part after the other, vote first", _mistaken()),
        Alternative("float64", lambda encoder, x, f, noise: layer_gradients(encoder, x.double(), f, noise.double())),
    ),
    misconceptions=(
        Misconception(
            "draws that move inside log q",
            _mistaken(at=lambda z: z),
            "Your log q is taken at draws that still depend on mu and logvar, so what the parameters do to the density is undone "
            "by what they do to the draw. Hold the draws fixed there: `z.detach()`.",
        ),
        Misconception(
            "f differentiated in the vote",
            _mistaken(weight=lambda value: value - _others(value)),
            "In your estimate by score f is differentiated as well. There its values count as facts: detach them before they "
            "weight log q.",
            variants=(
                _mistaken(weight=lambda value: value - _others(value), at=lambda z: z),
                _mistaken(weight=lambda value: value - _others(value.detach())),
                _mistaken(weight=lambda value: value.detach() - _others(value)),
            ),
        ),
        Misconception(
            "no baseline",
            _mistaken(weight=torch.detach),
            "Your estimate by score is right on average, but it has no baseline. Subtract from each value of f the mean over "
            "the other draws of the same example.",
        ),
        Misconception(
            "mean including itself",
            _mistaken(weight=lambda value: value.detach() - value.detach().mean(0)),
            "Your baseline includes the draw itself, so the estimate by score is only (L - 1) / L of the right one. Leave the "
            "draw out of its own baseline.",
        ),
        Misconception(
            "one baseline for the batch",
            _mistaken(weight=lambda value: value.detach() - value.detach().mean()),
            "Your baseline is a mean over the batch. Each example has its own level of f: average over the other draws, axis 0.",
            variants=(
                _mistaken(weight=lambda value: value.detach() - value.detach().mean(1, keepdim=True)),
                _mistaken(weight=lambda value: (value - (value.sum() - value) / (value.numel() - 1)).detach()),
            ),
        ),
        Misconception(
            "sum of the others",
            _mistaken(weight=lambda value: (2 * value - value.sum(0)).detach()),
            "Your baseline is the sum of the other values, far from f itself. Divide it by L - 1.",
            variants=(_mistaken(weight=lambda value: (value - (value.sum(0) - value) / len(value)).detach()),),
        ),
        Misconception(
            "only the baseline",
            _mistaken(weight=lambda value: _others(value.detach())),
            "You weight log q by the baseline alone. It is subtracted from f: f - baseline.",
        ),
        Misconception(
            "log q averaged over the dimensions",
            _mistaken(log_q=lambda mu, scale, z: Normal(mu, scale).log_prob(z).mean(-1)),
            "Your estimate by score is too small by a factor of D. The dimensions of a code are independent, so log q of the "
            "code is the sum over its dimensions; take means over draws and batch only.",
        ),
        Misconception(
            "variance as sigma",
            _mistaken(width=torch.exp),
            "You take exp(logvar) for sigma, but it is the variance. sigma is `torch.exp(0.5 * logvar)`.",
            variants=(
                _mistaken(scale=lambda std, logvar: torch.exp(logvar)),
                _mistaken(width=torch.exp, scale=lambda std, logvar: torch.exp(0.5 * logvar)),
            ),
        ),
        Misconception(
            "mu and logvar exchanged",
            _mistaken(turned=True),
            "You read the layer's output in the other order: its first D columns are mu, the last D are logvar.",
        ),
        Misconception(
            "added up",
            _mistaken(path=lambda value: value.sum(), score=lambda vote: vote.sum()),
            "You add up over draws or examples, so the gradient grows with their number. Take the mean over both.",
            variants=(
                _mistaken(path=lambda value: value.mean(0).sum(), score=lambda vote: vote.mean(0).sum()),
                _mistaken(path=lambda value: value.sum(0).mean(), score=lambda vote: vote.sum(0).mean()),
                _mistaken(score=lambda vote: vote.sum()),
                _mistaken(score=lambda vote: vote.mean(0).sum()),
                _mistaken(score=lambda vote: vote.sum(0).mean()),
            ),
        ),
        Misconception(
            "gradients that pile up",
            _mistaken(piled="parts"),
            "Your gradients pile up: `backward()` adds to what is there already. Clear them before each estimate, or use "
            "`torch.autograd.grad`, which adds to nothing.",
            variants=(_mistaken(piled="path"), _mistaken(piled="both")),
        ),
        Misconception(
            "sign turned",
            _mistaken(path=lambda value: -value.mean(), score=lambda vote: -vote.mean()),
            "Your gradient points downhill, as that of a loss does. Asked for is the gradient of E_q[f(z)] itself.",
            variants=(
                _mistaken(score=lambda vote: -vote.mean()),
                _mistaken(weight=lambda value: (_others(value) - value).detach()),
            ),
        ),
        Misconception(
            "pair swapped",
            _turned,
            "Both estimates are right, but in the other order: first by path, then by score.",
        ),
    ),
    cases=_cases,
    probe=_probe,
)

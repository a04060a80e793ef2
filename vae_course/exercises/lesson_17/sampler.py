"""17-sampler: a build. From noise to points, level by level, with as much new noise as is asked for."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.lesson_17._levels import checked
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage

Network = Callable[[Tensor, Tensor], Tensor]
GUESS, PLAIN = BuildStage(1, 3, "the guess at the end"), BuildStage(2, 3, "steps without noise")
NOISY = BuildStage(3, 3, "steps with noise")


def sample(predict_eps: Network, x_T: Tensor, log_snr: Tensor, eta: float, noise: Tensor) -> Tensor:
    """Points x0_hat [B, D] from x_T [B, D]: from level T, the last of log_snr [T + 1], down to level 0, and the guess there.

    The step to level s uses the new noise noise[s] [B, D], with eta times the standard deviation of q(x_s | x_t, x_0).
    """
    alpha, sigma = torch.sigmoid(log_snr).sqrt(), torch.sigmoid(-log_snr).sqrt()
    new = eta**2 * sigma[:-1] ** 2 * (1 - torch.exp(log_snr[1:] - log_snr[:-1]))
    old = sigma[:-1] ** 2 - new
    x = x_T
    for t in range(len(log_snr) - 1, -1, -1):
        eps_hat = predict_eps(x, log_snr[t].expand(len(x)))
        x0_hat = (x - sigma[t] * eps_hat) / alpha[t]
        if t > 0:
            x = alpha[t - 1] * x0_hat + old[t - 1] ** 0.5 * eps_hat + new[t - 1] ** 0.5 * noise[t - 1]
    return x0_hat


def _network(weights: Tensor) -> Network:
    """The noise in points from N(0, 2^2), but for a bend that goes with the signal; the last two rows are for lambda."""

    def predict_eps(x_t: Tensor, log_snrs: Tensor) -> Tensor:
        at, own = checked("predict_eps", x_t, log_snrs, weights)
        alpha, sigma = at.sigmoid().sqrt(), (-at).sigmoid().sqrt()
        bend = torch.tanh(x_t @ own[:-2] + own[-2] * at / 6 + own[-1])
        return sigma * x_t / (4 * alpha**2 + sigma**2) + 0.7 * alpha * bend

    return predict_eps


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    weights, *rest = case.values()
    assert isinstance(weights, Tensor)
    result = answer(_network(weights), *rest)
    if isinstance(result, list | tuple) and len(result) == 1:
        result = result[0]
    if len(case["log_snr"]) == 1:  # type: ignore[arg-type]
        return {GUESS.result("x0_hat", "With one level there is no step: take the guessed noise off x_T."): result}
    if case["eta"] == 0:
        return {PLAIN.result("x0_hat", "Without noise a step is x_s = alpha_s x0_hat + sigma_s eps_hat."): result}
    hint = "A share v of sigma_s^2 is drawn anew, v = (eta standard deviation of q(x_s | x_t, x_0))^2; the rest is old noise."
    return {NOISY.result("x0_hat", hint): result}


def _cases(seed: int) -> list[Inputs]:
    """Noise in part, in full and none, with steps by chance; one level, one point, one dimension, a real batch; in double
    precision from end to end, either end, many steps, and steps that are tiny.
    """
    source = generator(seed)
    b, d, steps = integer(source, 5, 7), integer(source, 3, 4), integer(source, 3, 4)
    part = 0.3 + 0.5 * float(uniform(source, 1))
    rows = (
        (steps, (b, d), part, 3.0, -3.0),
        (steps, (b, d), part, 3.0, -3.0),
        (0, (b, d), 1.0, 1.0, 1.0),
        (0, (4, 1), 0.0, -2.0, -2.0),
        (1, (1, integer(source, 2, 5)), 0.0, 2.0, -1.0),
        (steps, (b, d), 0.0, 3.0, -3.0),
        (steps + 1, (4, 1), 0.0, 3.5, -2.0),
        (steps, (3, d + 1), 1.0, 3.0, -2.0),
        (2, (40, 8), 1.0, 3.0, -1.0),
        (1, (3, 2), part, 15.0, -15.0),
        (2, (4, 3), 1.0, -14.0, -18.0),
        (2, (2, 3), 1.0, 18.0, 14.0),
        (12, (2, 3), 0.2 + part, 9.0, -9.0),
        (0, (4, 3), 0.0, -30.0, -30.0),
        (1, (4, 3), part, 0.0, -30.0),
        (1, (4, 3), part, -29.0, -30.0),
        (12, (2, 3), 1.0, -4.0, -4.001),
    )
    return [_case(source, *row) for row in rows]


def _case(source: torch.Generator, steps: int, sizes: tuple[int, int], eta: float, high: float, low: float) -> Inputs:
    """Levels from high to low with uneven steps between them; beyond 4 in double precision."""
    b, d = sizes
    edges = (0.4 + uniform(source, max(steps, 1)).double()).cumsum(0)
    case: Inputs = {
        "weights": 0.5 * normal(source, d + 2, d).double(),
        "x_T": normal(source, b, d).double() + 0.2,
        "log_snr": (high + (low - high) * torch.cat([torch.zeros(1), edges / edges[-1]]))[: steps + 1],
        "eta": eta,
        "noise": normal(source, steps, b, d).double(),
    }
    if max(high, -low) > 4:
        return case
    return {name: value.float() if isinstance(value, Tensor) else value for name, value in case.items()}


def _posterior(predict_eps: Network, x_T: Tensor, log_snr: Tensor, eta: float, noise: Tensor) -> Tensor:
    """By the mean of q(x_s | x_t, x0_hat), to which the old noise that eta leaves is added; alphas and betas."""
    bars, x = log_snr.sigmoid(), x_T
    for t in reversed(range(1, len(bars))):
        eps = predict_eps(x, log_snr[t].repeat(len(x)))
        beta, left = 1 - bars[t] / bars[t - 1], 1 - bars[t - 1]
        x0 = (x - (1 - bars[t]).sqrt() * eps) / bars[t].sqrt()
        mean = bars[t - 1].sqrt() * beta / (1 - bars[t]) * x0 + (1 - beta).sqrt() * left / (1 - bars[t]) * x
        small = beta * left / (1 - bars[t])
        old = (left - eta**2 * small).sqrt() - (left - small).clamp(min=0).sqrt()
        x = mean + old * eps + eta * small.sqrt() * noise[t - 1]
    eps = predict_eps(x, log_snr[0].repeat(len(x)))
    return (x - (1 - bars[0]).sqrt() * eps) / bars[0].sqrt()


def _with_an_end(predict_eps: Network, x_T: Tensor, log_snr: Tensor, eta: float, noise: Tensor) -> Tensor:
    """A last level without noise is put in front, where alpha is 1, and a step into it is one as all others."""
    alpha = torch.cat([torch.ones_like(log_snr[:1]), log_snr.sigmoid().sqrt()])
    sigma = torch.cat([torch.zeros_like(log_snr[:1]), torch.sigmoid(-log_snr).sqrt()])
    x, fresh = x_T, torch.cat([torch.zeros_like(x_T)[None], noise])
    for t in range(len(log_snr), 0, -1):
        eps = predict_eps(x, torch.full_like(x[:, 0], 1) * log_snr[t - 1])
        kept = (alpha[t] * sigma[t - 1] / (sigma[t] * alpha[t - 1])) ** 2
        new = eta * sigma[t - 1] * (1 - kept).sqrt()
        x = (
            alpha[t - 1] * (x - sigma[t] * eps) / alpha[t]
            + (sigma[t - 1] ** 2 - new**2).sqrt() * eps
            + new * fresh[t - 1]
        )
    return x


def _loop(predict_eps: Network, x_T: Tensor, log_snr: Tensor, eta: float, noise: Tensor) -> list[Tensor]:
    """Point by point, by recursion."""

    def down(x: Tensor, t: int, i: int) -> Tensor:
        eps = predict_eps(x[None], log_snr[t][None])[0]
        x0 = x * (1 + (-log_snr[t]).exp()).sqrt() - eps * (-log_snr[t] / 2).exp()
        if t == 0:
            return x0
        left = torch.sigmoid(-log_snr[t - 1])
        new = eta * (left * -torch.expm1(log_snr[t] - log_snr[t - 1])).sqrt()
        return down((1 - left).sqrt() * x0 + (left - new**2).sqrt() * eps + new * noise[t - 1][i], t - 1, i)

    return [torch.stack([down(x, len(log_snr) - 1, i) for i, x in enumerate(x_T)])]


def _einsum(predict_eps: Network, x_T: Tensor, log_snr: Tensor, eta: float, noise: Tensor) -> Tensor:
    """Three factors for each step, worked out before and multiplied by einsum."""
    t, s = log_snr[1:], log_snr[:-1]
    small = torch.sigmoid(-s) * -torch.expm1(t - s) * eta**2
    of_x = (s.sigmoid() / t.sigmoid()).sqrt()
    of_eps = (torch.sigmoid(-s) - small).sqrt() - of_x * torch.sigmoid(-t).sqrt()
    factors, x = torch.stack([of_x, of_eps, small.sqrt()], 1), x_T
    for step in range(len(t) - 1, -1, -1):
        parts = torch.stack([x, predict_eps(x, t[step].expand(len(x))), noise[step]])
        x = torch.einsum("k,kbd->bd", factors[step], parts)
    rest = torch.sigmoid(-log_snr[0]).sqrt() * predict_eps(x, log_snr[0].expand(len(x)))
    return (x - rest) / log_snr[0].sigmoid().sqrt()


def _double(predict_eps: Network, x_T: Tensor, log_snr: Tensor, eta: float, noise: Tensor) -> Tensor:
    return sample(predict_eps, x_T.double(), log_snr.double(), eta, noise.double())


def _small(t: Tensor, s: Tensor) -> Tensor:
    return torch.sigmoid(-s) * (1 - (t - s).exp())


def _x0(x: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    return (x - sigma * eps) / alpha


Step = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def _with(
    *,
    guess: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = _x0,
    new: Callable[[Tensor, Tensor, float], Tensor] = lambda t, s, eta: eta**2 * _small(t, s),
    old: Callable[[Tensor, Tensor], Tensor] = lambda variance, drawn: (variance - drawn).sqrt(),
    step: Step = lambda x0, eps, fresh, alpha, old, new: alpha * x0 + old * eps + new.sqrt() * fresh,
    told: Callable[[Tensor, int], Tensor] = lambda log_snr, t: log_snr[t],
    below: Callable[[int], int] = lambda t: t - 1,
    noise_of: Callable[[int, int], int] = lambda t, T: t - 1,
    draw: Callable[[Tensor], Tensor] = lambda fresh: fresh,
    bar: Callable[[Tensor], Tensor] = torch.sigmoid,
    order: Callable[[Tensor], Tensor] = lambda log_snr: log_snr,
    end: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda x0_hat, x, eps: x0_hat,
) -> Answer:
    """The way down with one thing changed."""

    def answer(predict_eps: Network, x_T: Tensor, log_snr: Tensor, eta: float, noise: Tensor) -> Tensor:
        x, log_snr = x_T, order(log_snr)
        # Not 1 - alpha^2, whose rounding would make NaN of what is 0.
        rest = (lambda at: torch.sigmoid(-at)) if bar is torch.sigmoid else (lambda at: 1 - bar(at))
        for t in range(len(log_snr) - 1, -1, -1):
            eps = predict_eps(x, told(log_snr, t).expand(len(x)))
            x0 = guess(x, eps, bar(log_snr[t]).sqrt(), rest(log_snr[t]).sqrt())
            if t > 0:
                at_s = log_snr[below(t)]
                drawn = new(log_snr[t], at_s, eta)
                fresh = draw(noise[noise_of(t, len(log_snr) - 1)])
                x = step(x0, eps, fresh, bar(at_s).sqrt(), old(rest(at_s), drawn), drawn)
        return end(x0, x, eps)

    return answer


def _ancestral(variance: Callable[[Tensor, Tensor, float], Tensor]) -> Answer:
    """The mean of q(x_s | x_t, x0_hat) at every step, and noise of this variance."""

    def answer(predict_eps: Network, x_T: Tensor, log_snr: Tensor, eta: float, noise: Tensor) -> Tensor:
        x = x_T
        for t in range(len(log_snr) - 1, -1, -1):
            eps, alpha = predict_eps(x, log_snr[t].expand(len(x))), log_snr[t].sigmoid().sqrt()
            x0 = _x0(x, eps, alpha, torch.sigmoid(-log_snr[t]).sqrt())
            if t > 0:
                s = log_snr[t - 1]
                mean = s.sigmoid().sqrt() * x0 + (torch.sigmoid(-s) - _small(log_snr[t], s)).sqrt() * eps
                x = mean + variance(log_snr[t], s, eta).sqrt() * noise[t - 1]
        return x0

    return answer


def _held(most: float) -> Answer:
    return _with(guess=lambda x, eps, alpha, sigma: _x0(x, eps, alpha, sigma).clamp(-most, most))


def _without_a_level(levels: Callable[[Tensor], Tensor], first: int) -> Answer:
    """All levels but the first or the last; where there is only one, that one."""

    def answer(predict_eps: Network, x_T: Tensor, log_snr: Tensor, eta: float, noise: Tensor) -> Tensor:
        used = levels(log_snr) if len(log_snr) > 1 else log_snr
        return sample(predict_eps, x_T, used, eta, noise[first:])

    return answer


def _noise_at_the_end(amount: Callable[[Tensor, float, Tensor], Tensor]) -> Answer:
    """Noise is added to the last guess, too, where there is any."""

    def answer(predict_eps: Network, x_T: Tensor, log_snr: Tensor, eta: float, noise: Tensor) -> Tensor:
        x0_hat = sample(predict_eps, x_T, log_snr, eta, noise)
        return x0_hat + amount(torch.sigmoid(-log_snr[0]).sqrt(), eta, noise) if len(noise) else x0_hat

    return answer


EXERCISE = Exercise(
    id="17-sampler",
    title="Build: from noise to points",
    points=4,
    difficulty=4,
    minutes=15,
    task=(
        "A build, optional: return points `[B, D]`, made of `x_T` `[B, D]`. Level t has the log-SNR `log_snr[t]`, which falls "
        "from level 0 to T; alpha^2 = sigmoid(log-SNR), sigma^2 = 1 - alpha^2. `predict_eps(x_t, log_snrs)` guesses the noise "
        "in points `[B, D]` at log-SNRs `[B]`, and with it x0_hat. A step goes from level t to s = t - 1: x_s = alpha_s x0_hat "
        "+ sqrt(sigma_s^2 - v) eps_hat + sqrt(v) noise[s], where v is eta^2 times the variance of q(x_s | x_t, x_0). With `eta` "
        "1 this is the ancestral sampler, with 0 DDIM. From level 0 no step is left: return the guess x0_hat there, without "
        "noise. The check names the first of its three stages that you have not reached: the guess at the end, steps without "
        "noise, steps with noise."
    ),
    hints=(
        "Every level begins in the same way: ask for eps_hat and solve x_t = alpha_t x_0 + sigma_t eps for x_0. Then a step "
        "mixes the guess with noise again, less of it, part old, part new.",
        "x0_hat = (x_t - sigma_t eps_hat) / alpha_t, v = eta^2 sigma_s^2 (1 - SNR(t) / SNR(s)), the latter ratio being "
        "exp(log_snr[t] - log_snr[s]).",
        "Loop over t from `len(log_snr) - 1` to 0. In it ask `predict_eps` with `log_snr[t]` for each point and work out x0_hat; "
        "where t is above 0, make the next x of it. After the loop return the last x0_hat.",
    ),
    explanation=(
        "Each step is the posterior step with a guess in place of x_0, or, with eta below 1, one that leaves the same amount of "
        "noise but reuses more of the old. With eta = 0 everything is decided by x_T. Noise added after the last level would be "
        "noise in the points."
    ),
    returns="points x0_hat, [B, D]",
    reference=sample,
    alternatives=(
        Alternative("posterior mean, alphas and betas", _posterior),
        Alternative("a last level without noise", _with_an_end),
        Alternative("loop over the points, by recursion", _loop),
        Alternative("einsum of three factors", _einsum),
        Alternative("float64", _double),
    ),
    misconceptions=(
        Misconception(
            "last x returned",
            _with(end=lambda x0_hat, x, eps: x),
            "You return x at level 0, which still holds the noise of that level. Take the guessed noise off once more: x0_hat at "
            "level 0.",
            variants=(_with(end=lambda x0_hat, x, eps: eps),),
        ),
        Misconception(
            "a level left out",
            _without_a_level(lambda log_snr: log_snr[1:], 1),
            "Not every level is used once: T, T - 1, ..., 0. The guess is made at each of them, and the one at level 0 is what "
            "you return.",
            variants=(
                _without_a_level(lambda log_snr: log_snr[:-1], 0),
                _with(below=lambda t: max(t - 2, 0)),
                _with(below=lambda t: t),
                _with(below=lambda t: 0),
            ),
        ),
        Misconception(
            "the wrong way round",
            _with(order=lambda log_snr: log_snr.flip(0)),
            "You go from level 0 to T. x_T is noise, so start at the last level, where the log-SNR is lowest, and go down.",
            variants=(_with(order=lambda log_snr: -log_snr),),
        ),
        Misconception(
            "guess not freed of its factors",
            _with(guess=lambda x, eps, alpha, sigma: x - sigma * eps),
            "Your x0_hat is off. Solve x_t = alpha_t x_0 + sigma_t eps for it: (x_t - sigma_t eps_hat) / alpha_t, with the roots "
            "alpha and sigma of level t.",
            variants=(
                _with(guess=lambda x, eps, alpha, sigma: (x - eps) / alpha),
                _with(guess=lambda x, eps, alpha, sigma: alpha * x - sigma * eps),
                _with(guess=lambda x, eps, alpha, sigma: x - eps),
                _with(guess=lambda x, eps, alpha, sigma: (x - sigma**2 * eps) / alpha),
                _with(guess=lambda x, eps, alpha, sigma: (x - sigma**2 * eps) / alpha**2),
                _with(guess=lambda x, eps, alpha, sigma: (x - sigma * eps) / alpha**2),
                _with(guess=lambda x, eps, alpha, sigma: (x + sigma * eps) / alpha),
                _with(guess=lambda x, eps, alpha, sigma: (x - sigma**2 / sigma * eps) * alpha),
            ),
        ),
        Misconception(
            "network's output taken for x_0",
            _with(guess=lambda x, eps, alpha, sigma: eps),
            "You use what `predict_eps` returns as the guess of x_0. It is the guessed noise: x0_hat has to be worked "
            "out from it.",
        ),
        Misconception(
            "guess held in a range",
            _held(1),
            "You hold x0_hat between two bounds. That is a habit with images; these points are of any size.",
            variants=(_held(2), _with(guess=lambda x, eps, alpha, sigma: _x0(x, eps, alpha, sigma).tanh())),
        ),
        Misconception(
            "old noise in full",
            _with(old=lambda variance, drawn: variance.sqrt()),
            "The factor of eps_hat in your step is off, so x_s has too much or too little noise for its level. Of sigma_s^2 "
            "only sigma_s^2 - v is left for eps_hat: its root is the factor.",
            variants=(
                _with(old=lambda variance, drawn: variance.sqrt() - drawn.sqrt()),
                _with(old=lambda variance, drawn: 1 - drawn.sqrt() - (1 - variance).sqrt()),
                _with(old=lambda variance, drawn: 0 * drawn),
            ),
        ),
        Misconception(
            "old noise of the ancestral sampler",
            _ancestral(lambda t, s, eta: eta**2 * _small(t, s)),
            "Your mean is that of q(x_s | x_t, x0_hat) for every `eta`, so with less new noise x_s holds too little of it for "
            "its level. What v leaves of sigma_s^2 goes to eps_hat: sqrt(sigma_s^2 - v).",
            variants=(
                _ancestral(lambda t, s, eta: 1 - t.sigmoid() / s.sigmoid()),
                _ancestral(lambda t, s, eta: eta**2 * (1 - t.sigmoid() / s.sigmoid())),
                _ancestral(lambda t, s, eta: torch.sigmoid(-s)),
                _ancestral(lambda t, s, eta: 0 * s),
            ),
        ),
        Misconception(
            "variance for a root",
            _with(step=lambda x0, eps, fresh, alpha, old, new: alpha * x0 + old * eps + new * fresh),
            "You multiply noise or a point by a variance or by alpha^2. Factors of points are roots: alpha_s, sqrt(sigma_s^2 - "
            "v) and sqrt(v).",
            variants=(
                _with(old=lambda variance, drawn: variance - drawn),
                _with(step=lambda x0, eps, fresh, alpha, old, new: alpha**2 * x0 + old * eps + new.sqrt() * fresh),
                _with(
                    old=lambda variance, drawn: variance - drawn,
                    step=lambda x0, eps, fresh, alpha, old, new: alpha * x0 + old * eps + new * fresh,
                ),
                _with(bar=lambda log_snr: torch.sigmoid(log_snr) ** 2),
            ),
        ),
        Misconception(
            "no new noise",
            _with(new=lambda t, s, eta: 0 * s),
            "Your steps draw nothing anew, whatever `eta` is. v is eta^2 times the variance of q(x_s | x_t, x_0).",
            variants=(_with(step=lambda x0, eps, fresh, alpha, old, new: alpha * x0 + old * eps),),
        ),
        Misconception(
            "eta ignored",
            _with(new=lambda t, s, eta: _small(t, s)),
            "You draw with the full variance of q(x_s | x_t, x_0) for any `eta` above 0. It multiplies the standard deviation, "
            "so v has its square.",
            variants=(_with(new=lambda t, s, eta: _small(t, s) if eta else 0 * s),),
        ),
        Misconception(
            "another power of eta",
            _with(new=lambda t, s, eta: eta * _small(t, s)),
            "Your variance of the new noise has another power of `eta` than its square. It multiplies the standard deviation, "
            "so v is eta^2 times the variance of q(x_s | x_t, x_0).",
            variants=(
                _with(new=lambda t, s, eta: eta**0.5 * _small(t, s)),
                _with(new=lambda t, s, eta: eta**4 * _small(t, s)),
            ),
        ),
        Misconception(
            "another variance",
            _with(
                new=lambda t, s, eta: eta**2 * (1 - t.sigmoid() / s.sigmoid()),
                old=lambda variance, drawn: (variance - drawn).clamp(min=0).sqrt(),
            ),
            "Your v is not eta^2 sigma_s^2 (1 - SNR(t) / SNR(s)): it is the variance of another step or of a marginal, or its "
            "ratio has other levels or roots in it.",
            variants=(
                _with(new=lambda t, s, eta: eta**2 * torch.sigmoid(-s)),
                _with(new=lambda t, s, eta: eta**2 * _small(t, s) ** 2),
                _with(new=lambda t, s, eta: eta**2 * torch.sigmoid(-s) * (1 - t.sigmoid() / s.sigmoid())),
                _with(new=lambda t, s, eta: eta**2 * torch.sigmoid(-s) * (1 - ((t - s) / 2).exp())),
                _with(new=lambda t, s, eta: eta**2 * torch.sigmoid(-s) * (t - s).exp()),
                _with(new=lambda t, s, eta: eta**2 * (1 - t.sigmoid() / s.sigmoid())),
            ),
        ),
        Misconception(
            "another noise",
            _with(noise_of=lambda t, T: 0),
            "Your steps don't use the new noise that is given for them: the same for all, one of another level, or one for the "
            "whole batch. The step to level s takes `noise[s]`.",
            variants=(
                _with(noise_of=lambda t, T: T - t),
                _with(noise_of=lambda t, T: T - 1),
                _with(noise_of=lambda t, T: min(t, T - 1)),
                _with(draw=lambda fresh: fresh[:1]),
                _with(draw=lambda fresh: -fresh),
            ),
        ),
        Misconception(
            "network told another level",
            _with(told=lambda log_snr, t: log_snr[max(t - 1, 0)]),
            "You tell `predict_eps` something else than the log-SNR of the level that x is at: another level's, a time, a number "
            "of a step, or alpha.",
            variants=(
                _with(told=lambda log_snr, t: log_snr[-1]),
                _with(told=lambda log_snr, t: log_snr[t - 1]),
                _with(told=lambda log_snr, t: torch.full_like(log_snr[t], t / len(log_snr))),
                _with(told=lambda log_snr, t: log_snr[len(log_snr) - 1 - t]),
                _with(told=lambda log_snr, t: torch.full_like(log_snr[t], t)),
                _with(told=lambda log_snr, t: torch.full_like(log_snr[t], t / max(len(log_snr) - 1, 1))),
                _with(told=lambda log_snr, t: log_snr[t].sigmoid()),
                _with(told=lambda log_snr, t: torch.sigmoid(-log_snr[t]).sqrt()),
                _with(told=lambda log_snr, t: -log_snr[t]),
            ),
        ),
        Misconception(
            "alpha left out of a step",
            _with(step=lambda x0, eps, fresh, alpha, old, new: x0 + old * eps + new.sqrt() * fresh),
            "Your step does not multiply x0_hat by alpha_s, or multiplies it by another alpha. x_s holds the signal of its "
            "level: alpha_s x0_hat.",
            variants=(
                _with(step=lambda x0, eps, fresh, alpha, old, new: alpha * (x0 + old * eps + new.sqrt() * fresh)),
                _with(step=lambda x0, eps, fresh, alpha, old, new: alpha.sqrt() * x0 + old * eps + new.sqrt() * fresh),
            ),
        ),
        Misconception(
            "log-SNR read in another way",
            _with(bar=lambda log_snr: torch.sigmoid(2 * log_snr)),
            "You read the log-SNR otherwise than it is given. It is log(alpha^2 / sigma^2), in nats: alpha^2 is its sigmoid, "
            "without a minus, a factor or an exponential before it.",
            variants=(
                _with(bar=lambda log_snr: torch.sigmoid(log_snr / 2)),
                _with(bar=lambda log_snr: torch.sigmoid(-log_snr)),
            ),
        ),
        Misconception(
            "noise in the guess",
            _noise_at_the_end(lambda sigma, eta, noise: eta * sigma * noise[0]),
            "You add noise once more at level 0. There is no step from there: the guess x0_hat is returned as it is.",
            variants=(
                _noise_at_the_end(lambda sigma, eta, noise: sigma * noise[0]),
                _noise_at_the_end(lambda sigma, eta, noise: eta * noise[0]),
                _noise_at_the_end(lambda sigma, eta, noise: eta * sigma * noise[-1]),
                _noise_at_the_end(lambda sigma, eta, noise: sigma * noise[-1]),
                _noise_at_the_end(lambda sigma, eta, noise: eta * noise[-1]),
            ),
        ),
    ),
    cases=_cases,
    probe=_probe,
)

"""18-prior: a build. A diffusion prior on codes, as the two functions that train it and sample from it."""

# mypy: disable-error-code="no-untyped-def"
# The worked answer is shown without type hints, those of the two inner functions included.

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.lesson_17._levels import checked
from vae_course.exercises.lesson_18._levels import snr_for_alpha
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage

Network = Callable[[Tensor, Tensor], Tensor]
Both = tuple[Callable[..., Any], Callable[..., Any]]
NOISY, LOSS = BuildStage(1, 4, "noisy codes"), BuildStage(2, 4, "the loss")
GUESS, STEPS = BuildStage(3, 4, "the guess at the end"), BuildStage(4, 4, "the steps")
WHICH = "The first of the two is `loss`, the second `sample`."
RETURN = "return two functions, `loss, sample`, in this order"


def diffusion_prior(predict_v: Network, scale: float) -> Both:
    """loss(mu, logvar, eps, noise, log_snr), one number for a batch, and sample(x_T, log_snrs), codes [B, D].

    predict_v(x_t, log_snr) predicts v [B, D] of points x_t [B, D] at log-SNRs [B]; a code z is a point x_0 = scale * z.
    """

    def loss(mu, logvar, eps, noise, log_snr):
        x0 = scale * (mu + torch.exp(0.5 * logvar) * eps)
        alpha, sigma = torch.sigmoid(log_snr).sqrt()[:, None], torch.sigmoid(-log_snr).sqrt()[:, None]
        x_t, v = alpha * x0 + sigma * noise, alpha * noise - sigma * x0
        return (v - predict_v(x_t, log_snr)).square().sum(dim=1).mean()

    def sample(x_T, log_snrs):
        alpha, sigma = torch.sigmoid(log_snrs).sqrt(), torch.sigmoid(-log_snrs).sqrt()
        x = x_T
        for t in range(len(log_snrs) - 1, -1, -1):
            v = predict_v(x, log_snrs[t].expand(len(x)))
            x0_hat, eps_hat = alpha[t] * x - sigma[t] * v, sigma[t] * x + alpha[t] * v
            if t > 0:
                x = alpha[t - 1] * x0_hat + sigma[t - 1] * eps_hat
        return x0_hat / scale

    return loss, sample


def _network(weights: Tensor, given: list[Tensor]) -> Network:
    """Some v, which goes with point and level, whose last two rows are for lambda. What it is given is kept."""

    def predict_v(x_t: Tensor, log_snr: Tensor) -> Tensor:
        at, own = checked("predict_v", x_t, log_snr, weights)
        if isinstance(log_snr, Tensor) and log_snr.dim() > 1 and log_snr.shape == (*x_t.shape[:-1], 1):
            raise AnswerError(
                f"`predict_v` was given log-SNRs of shape {list(log_snr.shape)}; it takes one for each point, "
                f"{list(x_t.shape[:-1])}, without a second axis, which only alpha and sigma need."
            )
        given.append(x_t)
        return 0.3 * x_t + torch.tanh(x_t @ own[:-2] + own[-2] * at / 2 + own[-1])

    return predict_v


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The loss of a batch where the case has one, else codes from noise. Nothing but the network is trained."""
    weights, scale, *rest = case.values()
    assert isinstance(weights, Tensor)
    given: list[Tensor] = []
    both = answer(_network(weights, given), scale)
    stage = NOISY if "mu" in case else GUESS if len(rest[1]) == 1 else STEPS  # type: ignore[arg-type]
    if callable(both) and stage == NOISY:
        both = both, None
    if not isinstance(both, tuple | list) or len(both) != 2 or not callable(both[stage != NOISY]):
        raise AnswerError(f"{stage} is not reached: {RETURN}.")
    function, name = both[stage != NOISY], "loss" if stage == NOISY else "sample"
    if not _takes(function, len(rest)):
        inputs = "mu, logvar, eps, noise, log_snr" if stage == NOISY else "x_T, log_snrs"
        raise AnswerError(
            f"{stage} is not reached: what you return as `{name}` does not take the inputs {inputs}. {WHICH}"
        )
    result = _called(function, rest, stage, given)
    if isinstance(result, list | tuple) and len(result) == 1:
        result = result[0]
    if not isinstance(result, Tensor):
        found = "nothing (None)" if result is None else f"an object of type {type(result).__name__}"
        wanted = "a tensor of one number, which keeps its gradient" if stage == NOISY else "codes, a tensor [B, D]"
        stage = LOSS if given and stage == NOISY else stage
        raise AnswerError(f"{stage} is not reached: `{name}` returns {found}; let it return {wanted}.")
    if stage != NOISY:
        hint = (
            "At the last level left it is x0_hat = alpha x_t - sigma v, as a code."
            if stage == GUESS
            else "A step is x_s = alpha_s x0_hat + sigma_s eps_hat, with eps_hat = sigma_t x_t + alpha_t v."
        )
        return {stage.result("the result of `sample`", hint): result.detach()}
    if not given:
        raise AnswerError(f"{NOISY} is not reached: `predict_v` is never called in `loss`.")
    if result.numel() == 1:
        result = result.reshape(())
    return {
        NOISY.result(
            "x_t, as predict_v gets it,", "It is alpha x_0 + sigma noise, with a draw of z, and x_0 = scale * z."
        ): torch.cat([x_t.detach().reshape(-1, weights.shape[-1]) for x_t in given]),
        LOSS.result(
            "the loss", "It is the mean over the batch of |v - predict_v(x_t, log_snr)|^2, v = alpha noise - sigma x_0."
        ): result,
    }


def _called(function: Callable[..., Any], inputs: list[Any], stage: BuildStage, given: list[Tensor]) -> Any:
    """What `loss` or `sample` returns; a variable that only a step would have set is told as a missing guess."""
    try:
        return function(*inputs)
    except NameError as error:
        # Where one level is all there is, and the network was not asked.
        if stage != GUESS or given or "is not defined" in str(error):
            raise
        raise AnswerError(
            f"{stage} is not reached: `sample` has no guess to return there ({error}). With one level only there is no step: the "
            "network is asked once, and its guess of x_0, divided by c, is the code."
        ) from None


def _takes(function: Callable[..., Any], n_inputs: int) -> bool:
    """Whether a function can be called with so many inputs; one that has no signature is believed to."""
    try:
        inspect.signature(function).bind(*range(n_inputs))
    except TypeError:
        return False
    except ValueError:
        pass
    return True


def _cases(seed: int) -> list[Inputs]:
    """Losses and samples: sizes by chance, one code, one dimension, c of 1, below and above, a real batch; in double precision
    either end, narrow and wide posteriors, tiny c, many steps.
    """
    source = generator(seed)
    b, d, steps = integer(source, 5, 7), integer(source, 3, 4), integer(source, 3, 4)
    small = 0.2 + 0.3 * float(uniform(source, 1))
    losses = (
        (b, d, small, -1.0, -3.0, 3.0),
        (b, d, small, -1.0, -3.0, 3.0),
        (1, integer(source, 2, 5), 0.5, 0.0, -2.0, 2.0),
        (4, 1, 3.0, -2.0, -3.0, 3.0),
        (3, d + 1, 1.0, 1.0, -3.0, 3.0),
        (40, 8, 0.25, -3.0, -3.0, 3.0),
        (3, 2, 0.5, 0.0, 14.0, 18.0),
        (3, 2, 0.5, 0.0, -18.0, -14.0),
        (3, 2, 1e6, -30.0, -1.0, 1.0),
        (2, 3, 2e-7, 15.0, -2.0, 2.0),
    )
    samples = (
        (0, (b, d), small, 1.0, 1.0),
        (0, (4, 1), 3.0, -2.0, -2.0),
        (0, (3, 2), 2e-7, 15.0, 15.0),
        (0, (3, 2), 1.0, -15.0, -15.0),
        (1, (1, integer(source, 2, 5)), small, 2.0, -1.0),
        (steps, (b, d), small, 3.0, -3.0),
        (steps, (b, d), small, 3.0, -3.0),
        (steps + 1, (4, 1), 2.0, 3.5, -2.0),
        (steps, (3, d + 1), 0.5, 3.0, -2.0, 40.0),
        (2, (40, 8), 0.25, 3.0, -1.0),
        (1, (3, 2), 0.5, 15.0, -15.0),
        (2, (4, 3), 1.0, -14.0, -18.0),
        (2, (3, 2), 1.0, 18.0, 14.0),
        (12, (2, 3), 0.3, 9.0, -6.0),
    )
    return [*(_loss(source, *row) for row in losses), *(_sample(source, *row) for row in samples)]


def _weights(source: torch.Generator, d: int) -> Tensor:
    return 0.6 * normal(source, d + 2, d).double()


def _loss(source: torch.Generator, n: int, d: int, scale: float, logvar: float, low: float, high: float) -> Inputs:
    """A batch whose log variances lie around this level; mu is 0 where they are very low, else of the size of 1 / c."""
    logvars = logvar + 0.5 * normal(source, n, d).double()
    case: Inputs = {
        "weights": _weights(source, d),
        "c": scale,
        "mu": (0.0 if logvar < -10 else 0.8 / scale) * (0.3 + normal(source, n, d).double()),
        "logvar": logvars,
        "eps": normal(source, n, d).double(),
        "noise": normal(source, n, d).double(),
        "log_snr": low + (high - low) * uniform(source, n).double(),
    }
    return _tame(case, max(high, -low, abs(logvar)))


def _sample(
    source: torch.Generator,
    steps: int,
    sizes: tuple[int, int],
    scale: float,
    high: float,
    low: float,
    spread: float = 1.0,
) -> Inputs:
    """Levels from high to low with uneven steps between them, and noise of this spread."""
    b, d = sizes
    edges = (0.4 + uniform(source, max(steps, 1)).double()).cumsum(0)
    case: Inputs = {
        "weights": _weights(source, d),
        "c": scale,
        "x_T": spread * (normal(source, b, d).double() + 0.2),
        "log_snrs": (high + (low - high) * torch.cat([torch.zeros(1), edges / edges[-1]]))[: steps + 1],
    }
    return _tame(case, max(high, -low))


def _tame(case: Inputs, edge: float) -> Inputs:
    """In single precision, but for edges."""
    if edge > 4:
        return case
    return {name: value.float() if isinstance(value, Tensor) else value for name, value in case.items()}


def _by_distributions(predict_v: Network, scale: float) -> Both:
    """z and x_t by affine maps of their noise, bars as published code keeps them, the step as a turn by an angle."""

    def loss(mu, logvar, eps, noise, log_snr):
        z = torch.addcmul(mu, logvar.exp().sqrt(), eps)
        bar, rest = log_snr.sigmoid().unsqueeze(-1), torch.sigmoid(-log_snr).unsqueeze(-1)
        x_t = bar.sqrt() * z * scale + rest.sqrt() * noise
        v_hat = predict_v(x_t, log_snr)
        return (v_hat - (bar.sqrt() * noise - rest.sqrt() * scale * z)).pow(2).sum() / len(mu)

    def sample(x_T, log_snrs):
        angle = torch.atan(torch.exp(-log_snrs / 2))
        x = x_T
        for t in range(len(log_snrs) - 1, 0, -1):
            v = predict_v(x, torch.full((len(x),), float(log_snrs[t]), dtype=x.dtype))
            turn = angle[t] - angle[t - 1]
            x = torch.cos(turn) * x - torch.sin(turn) * v
        v = predict_v(x, log_snrs[0].repeat(len(x)))
        return (torch.cos(angle[0]) * x - torch.sin(angle[0]) * v) / scale

    return loss, sample


def _loop(predict_v: Network, scale: float) -> list[Any]:
    """Code by code, by recursion."""

    def both(at: Tensor) -> tuple[Tensor, Tensor]:
        return (1 / (1 + (-at).exp())).sqrt(), (1 / (1 + at.exp())).sqrt()

    def loss(mu, logvar, eps, noise, log_snr):
        costs = []
        for m, s, e, new, at in zip(mu, logvar, eps, noise, log_snr, strict=True):
            x0 = (m + (s / 2).exp() * e) * scale
            alpha, sigma = both(at)
            off = predict_v((alpha * x0 + sigma * new)[None], at[None])[0] - (alpha * new - sigma * x0)
            costs.append(off @ off)
        return torch.stack(costs).mean()

    def down(x: Tensor, at: list[Tensor]) -> Tensor:
        alpha, sigma = both(at[-1])
        v = predict_v(x[None], at[-1][None])[0]
        x0 = alpha * x - sigma * v
        if len(at) == 1:
            return x0 / scale
        alpha_s, sigma_s = both(at[-2])
        return down(alpha_s * x0 + sigma_s / sigma * (x - alpha * x0), at[:-1])

    return [loss, lambda x_T, log_snrs: torch.stack([down(x, list(log_snrs)) for x in x_T])]


def _einsum(predict_v: Network, scale: float) -> Both:
    """Factors for each level, multiplied by einsum."""

    def loss(mu, logvar, eps, noise, log_snr):
        factors = torch.stack([torch.sigmoid(log_snr), torch.sigmoid(-log_snr)]).sqrt()
        parts = torch.stack([scale * mu + scale * torch.exp(logvar / 2) * eps, noise])
        x_t = torch.einsum("kb,kbd->bd", factors, parts)
        v = torch.einsum("kb,kbd->bd", factors, torch.stack([parts[1], -parts[0]]))
        off = v - predict_v(x_t, log_snr)
        return torch.einsum("bd,bd->", off, off) / off.shape[0]

    def sample(x_T, log_snrs):
        x, levels = x_T, [*log_snrs.flip(0)]
        for at, after in zip(levels, [*levels[1:], None], strict=True):
            v = predict_v(x, at.expand(len(x)))
            x0 = at.sigmoid().sqrt() * x - torch.sigmoid(-at).sqrt() * v
            eps = torch.sigmoid(-at).sqrt() * x + at.sigmoid().sqrt() * v
            x = x0 if after is None else after.sigmoid().sqrt() * x0 + torch.sigmoid(-after).sqrt() * eps
        return x / scale

    return loss, sample


def _double(predict_v: Network, scale: float) -> Both:
    loss, sample = diffusion_prior(predict_v, scale)
    return (lambda *batch: loss(*(x.double() for x in batch))), lambda x_T, at: sample(x_T.double(), at.double())


Of = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def _with(
    *,
    std: Callable[[Tensor], Tensor] = lambda logvar: (logvar / 2).exp(),
    draw: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda mu, std, eps: mu + std * eps,
    scaled: Callable[[Tensor, float], Tensor] = lambda z, c: c * z,
    bar: Callable[[Tensor], Tensor] = torch.sigmoid,
    rest: Callable[[Tensor], Tensor] | None = None,
    mix: Of = lambda x0, noise, alpha, sigma: alpha * x0 + sigma * noise,
    v_of: Of = lambda x0, noise, alpha, sigma: alpha * noise - sigma * x0,
    told: Callable[[Tensor], Tensor] = lambda at: at,
    guess: Callable[[Tensor], Tensor] = lambda v: v,
    cost: Callable[[Tensor], Tensor] = lambda off: off.square().sum(1),
    end: Callable[[Tensor], Tensor] = torch.mean,
    x0_of: Of = lambda x, v, alpha, sigma: alpha * x - sigma * v,
    eps_of: Of | None = lambda x, v, alpha, sigma: sigma * x + alpha * v,
    in_step: Callable[[Tensor, float], Tensor] = lambda x0, c: x0,
    factors: Of = lambda alpha, sigma, alpha_s, sigma_s: torch.stack([alpha_s, sigma_s]),
    step: Of = lambda x0, eps, alpha, sigma: alpha * x0 + sigma * eps,
    after_step: Callable[[Tensor, float], Tensor] = lambda x, c: x,
    order: Callable[[Tensor], Tensor] = lambda log_snrs: log_snrs,
    told_in_steps: Callable[[Tensor, int], Tensor] = lambda log_snrs, t: log_snrs[t],
    below: Callable[[int], int] = lambda t: t - 1,
    way: Callable[[int], Iterable[int]] = lambda n: range(n - 1, -1, -1),
    start: Callable[[Tensor, float], Tensor] = lambda x_T, c: x_T,
    code: Callable[[Tensor, float], Tensor] = lambda x0, c: x0 / c,
    last: Callable[[Tensor, Tensor], Tensor] = lambda x0_hat, x: x0_hat,
) -> Answer:
    """Both functions with one thing changed; `bar` is alpha^2 of a log-SNR and `rest` sigma^2, without `eps_of` each step draws
    noise anew, and `factors` makes a step's two of alpha and sigma of both its levels.
    """

    def both(at: Tensor) -> tuple[Tensor, Tensor]:
        return bar(at).sqrt(), (rest(at) if rest else bar(-at)).sqrt()

    def answer(predict_v: Network, scale: float) -> Both:
        def loss(mu: Tensor, logvar: Tensor, eps: Tensor, noise: Tensor, log_snr: Tensor) -> Tensor:
            x0 = scaled(draw(mu, std(logvar), eps), scale)
            alpha, sigma = both(log_snr[:, None])
            v_hat = guess(predict_v(mix(x0, noise, alpha, sigma), told(log_snr)))
            return end(cost(v_of(x0, noise, alpha, sigma) - v_hat))

        def sample(x_T: Tensor, log_snrs: Tensor) -> Tensor:
            x, at = start(x_T, scale), order(log_snrs)
            x0 = x
            for t in way(len(at)):
                v = predict_v(x, told_in_steps(at, t).expand(len(x)))
                alpha, sigma = both(at[t])
                x0 = in_step(x0_of(x, v, alpha, sigma), scale)
                if t > 0:
                    noise = torch.randn_like(x) if eps_of is None else eps_of(x, v, alpha, sigma)
                    x = after_step(step(x0, noise, *factors(alpha, sigma, *both(at[below(t)]))), scale)
            return code(last(x0, x), scale)

        return loss, sample

    return answer


def _held(most: float) -> Answer:
    return _with(x0_of=lambda x, v, alpha, sigma: (alpha * x - sigma * v).clamp(-most, most))


def _given(inputs: Callable[..., tuple[Tensor, ...]]) -> Answer:
    """The right functions, but that `loss` gets these of its inputs."""

    def answer(predict_v: Network, scale: float) -> Both:
        loss, sample = diffusion_prior(predict_v, scale)
        return (lambda *batch: loss(*inputs(*batch))), sample

    return answer


def _mean_or_noise_scaled(inputs: Callable[..., tuple[Tensor, Tensor]]) -> Answer:
    """The right functions, but that x_0 is drawn with these mean and log variance, of mu, logvar and c."""

    def answer(predict_v: Network, scale: float) -> Both:
        loss, sample = diffusion_prior(predict_v, 1.0)[0], diffusion_prior(predict_v, scale)[1]
        return (lambda mu, logvar, *noises: loss(*inputs(mu, logvar, scale), *noises)), sample

    return answer


def _scaled_in_part(mix: Callable[..., Tensor], v_of: Callable[..., Tensor]) -> Answer:
    """x_t and v are made of z, c, the noise, alpha and sigma."""

    def answer(predict_v: Network, scale: float) -> Both:
        def loss(mu: Tensor, logvar: Tensor, eps: Tensor, noise: Tensor, log_snr: Tensor) -> Tensor:
            z = mu + (logvar / 2).exp() * eps
            factors = log_snr.sigmoid().sqrt()[:, None], torch.sigmoid(-log_snr).sqrt()[:, None]
            v = v_of(z, scale, noise, *factors)
            return (v - predict_v(mix(z, scale, noise, *factors), log_snr)).square().sum(1).mean()

        return loss, diffusion_prior(predict_v, scale)[1]

    return answer


def _weighted(weight: Callable[[Tensor], Tensor]) -> Answer:
    """The squared error of each code has a weight that goes with its log-SNR."""

    def answer(predict_v: Network, scale: float) -> Both:
        loss, sample = diffusion_prior(predict_v, scale)

        def weighted(*batch: Tensor) -> Tensor:
            rows = [loss(*(part[i : i + 1] for part in batch)) for i in range(len(batch[0]))]
            return (weight(batch[-1]) * torch.stack(rows)).mean()

        return weighted, sample

    return answer


def _no_gradient(predict_v: Network, scale: float) -> Both:
    """The whole loss without a gradient."""
    loss, sample = diffusion_prior(predict_v, scale)
    return torch.no_grad()(loss), sample


EXERCISE = Exercise(
    id="18-prior",
    title="Build: a diffusion prior on codes",
    points=4,
    difficulty=4,
    minutes=20,
    task=(
        "A build, optional: return two functions, `loss, sample`. `loss(mu, logvar, eps, noise, log_snr)` is one "
        "number for a batch of posteriors, all `[B, D]` but the log-SNRs `[B]`: draw z with `eps`, scale it, x_0 = c "
        "z with c = `scale`, make x_t = alpha x_0 + sigma noise and v = alpha noise - sigma x_0, where alpha^2 = "
        "sigmoid(log-SNR) and sigma^2 = 1 - alpha^2, and return the squared error of `predict_v(x_t, log_snr)`, "
        "summed over the dimensions, averaged over the batch. `sample(x_T, log_snrs)` makes codes z `[B, D]` of noise "
        "`x_T` `[B, D]` by DDIM, from the last of `log_snrs` `[T + 1]` down to the first. At the first level the network is "
        "asked once more, and its guess of x_0, divided by c, is the code; with one level only, that is all. `predict_v` takes "
        "points `[B, D]` and a log-SNR for each, `[B]`, and is trained through the loss. The check names the first of its four "
        "stages that you have not reached: noisy codes, the loss, the guess at the end, the steps."
    ),
    hints=(
        "The loss is lesson 07's draw of z, then lesson 17's draw of x_t, with c between them. Sampling is 17-sampler "
        "with no new noise, and c taken off at the end. Only v is new.",
        "From v both guesses follow: x0_hat = alpha x_t - sigma v and eps_hat = sigma x_t + alpha v. A step from t to "
        "s is x_s = alpha_s x0_hat + sigma_s eps_hat, and a code is x_0 / c.",
        "In `loss`, alpha and sigma are `[B]` and need `[:, None]`. In `sample`, loop over t from `len(log_snrs) - 1` "
        "to 0, ask `predict_v` with `log_snrs[t]` for each point, make both guesses, and where t is above 0 the next "
        "x. After the loop divide the last guess by c.",
    ),
    explanation=(
        "The encoder stays as it is, and each step draws z anew, so the prior learns the density of the codes that the decoder "
        "meets. From v both x_0 and the noise follow without a division by alpha or sigma, so no level needs care. Any "
        "autoencoder's codes will do; c has to be kept with the prior."
    ),
    returns="two functions: the loss of a batch, one number, and the sampler, codes [B, D]",
    reference=diffusion_prior,
    alternatives=(
        Alternative("angles", _by_distributions),
        Alternative("loop over the codes, by recursion", _loop),
        Alternative("einsum", _einsum),
        Alternative("float64", _double),
    ),
    misconceptions=(
        Misconception(
            "posterior's spread",
            _with(std=torch.exp),
            "The draw of z is off. `logvar` is the logarithm of the variance: z = mu + exp(logvar / 2) eps.",
            variants=(
                _with(std=lambda logvar: logvar),
                _with(std=lambda logvar: (-logvar / 2).exp()),
                _with(std=lambda logvar: (2 * logvar).exp()),
                _with(draw=lambda mu, std, eps: mu - std * eps),
            ),
        ),
        Misconception(
            "no draw of z",
            _with(draw=lambda mu, std, eps: mu),
            "You don't draw z from its posterior: a part of mu + std eps is missing. The decoder meets z = mu + "
            "std eps.",
            variants=(
                _with(draw=lambda mu, std, eps: mu + eps),
                _with(draw=lambda mu, std, eps: mu + std),
                _with(draw=lambda mu, std, eps: std * eps),
            ),
        ),
        Misconception(
            "one noise for both",
            _given(lambda mu, logvar, eps, noise, at: (mu, logvar, noise, noise, at)),
            "You use one noise for z and for x_t, or have the two the wrong way round. z is drawn with `eps`, x_t with `noise`.",
            variants=(
                _given(lambda mu, logvar, eps, noise, at: (mu, logvar, eps, eps, at)),
                _given(lambda mu, logvar, eps, noise, at: (mu, logvar, noise, eps, at)),
            ),
        ),
        Misconception(
            "codes not scaled",
            _with(scaled=lambda z, c: z),
            "In `loss` the codes are not multiplied by c, or not everywhere, or too late, or otherwise than by c alone. x_0 is "
            "`scale` times the whole z, and both x_t and v are made of x_0.",
            variants=(
                _with(scaled=lambda z, c: z / z.std()),
                _with(scaled=lambda z, c: (z - z.mean()) / z.std()),
                _with(scaled=lambda z, c: (z - z.mean(0)) / z.std(0)),
                _scaled_in_part(
                    lambda z, c, noise, alpha, sigma: c * (alpha * z + sigma * noise),
                    lambda z, c, noise, alpha, sigma: alpha * noise - sigma * z,
                ),
                _scaled_in_part(
                    lambda z, c, noise, alpha, sigma: c * (alpha * z + sigma * noise),
                    lambda z, c, noise, alpha, sigma: alpha * noise - sigma * c * z,
                ),
                _scaled_in_part(
                    lambda z, c, noise, alpha, sigma: alpha * c * z + sigma * noise,
                    lambda z, c, noise, alpha, sigma: alpha * noise - sigma * z,
                ),
                _scaled_in_part(
                    lambda z, c, noise, alpha, sigma: alpha * z + sigma * noise,
                    lambda z, c, noise, alpha, sigma: alpha * noise - sigma * c * z,
                ),
                _scaled_in_part(
                    lambda z, c, noise, alpha, sigma: c * (alpha * z + sigma * noise),
                    lambda z, c, noise, alpha, sigma: c * (alpha * noise - sigma * z),
                ),
                _mean_or_noise_scaled(lambda mu, logvar, c: (c * mu, logvar)),
                _mean_or_noise_scaled(lambda mu, logvar, c: (mu, logvar + 2 * math.log(c))),
                _with(scaled=lambda z, c: z / c),
                _with(scaled=lambda z, c: z, code=lambda x0, c: x0),
                _with(scaled=lambda z, c: z / c, code=lambda x0, c: c * x0),
                _with(scaled=lambda z, c: c**2 * z),
                _with(scaled=lambda z, c: c * (z - z.mean(0))),
            ),
        ),
        Misconception(
            "alpha and sigma exchanged",
            _with(bar=lambda at: torch.sigmoid(-at)),
            "You have alpha and sigma the wrong way round. A high log-SNR is a clear point: alpha^2 = "
            "sigmoid(log-SNR).",
            variants=(_with(mix=lambda x0, noise, alpha, sigma: sigma * x0 + alpha * noise),),
        ),
        Misconception(
            "variance for a root",
            _with(bar=lambda at: at.sigmoid() ** 2),
            "You take other factors than alpha and sigma. They are the roots of sigmoid(log-SNR) and of what it leaves of 1.",
            variants=(
                _with(mix=lambda x0, noise, alpha, sigma: alpha**2 * x0 + sigma**2 * noise),
                _with(mix=lambda x0, noise, alpha, sigma: alpha * x0 + sigma**2 * noise),
                _with(mix=lambda x0, noise, alpha, sigma: alpha**2 * x0 + sigma * noise),
                _with(mix=lambda x0, noise, alpha, sigma: alpha * x0 + (1 - alpha) * noise),
            ),
        ),
        snr_for_alpha(_with),
        Misconception(
            "log-SNR read in another way",
            _with(bar=lambda at: torch.sigmoid(2 * at)),
            "You read the log-SNR otherwise than it is given. It is log(alpha^2 / sigma^2): alpha^2 is its sigmoid, "
            "without a factor before it.",
            variants=(_with(bar=lambda at: torch.sigmoid(at / 2)),),
        ),
        Misconception(
            "clear codes",
            _with(mix=lambda x0, noise, alpha, sigma: x0),
            "`predict_v` gets something else than x_t = alpha x_0 + sigma noise: a part is missing, or has another factor.",
            variants=(
                _with(mix=lambda x0, noise, alpha, sigma: x0 + sigma * noise),
                _with(mix=lambda x0, noise, alpha, sigma: x0 + noise),
                _with(mix=lambda x0, noise, alpha, sigma: alpha * x0),
                _with(mix=lambda x0, noise, alpha, sigma: alpha * x0 + noise),
                _with(mix=lambda x0, noise, alpha, sigma: noise),
                _with(mix=lambda x0, noise, alpha, sigma: alpha * x0 - sigma * noise),
            ),
        ),
        Misconception(
            "another target",
            _with(v_of=lambda x0, noise, alpha, sigma: noise),
            "Your loss compares what `predict_v` says with something else than v, such as the noise or x_0. The "
            "target is v = alpha noise - sigma x_0.",
            variants=(
                _with(v_of=lambda x0, noise, alpha, sigma: x0),
                _with(v_of=lambda x0, noise, alpha, sigma: alpha * x0 - sigma * noise),
                _with(v_of=lambda x0, noise, alpha, sigma: sigma * x0 - alpha * noise),
                _with(v_of=lambda x0, noise, alpha, sigma: sigma * noise - alpha * x0),
                _with(v_of=lambda x0, noise, alpha, sigma: alpha * noise + sigma * x0),
                _with(v_of=lambda x0, noise, alpha, sigma: noise - x0),
                _with(v_of=lambda x0, noise, alpha, sigma: alpha * x0 + sigma * noise),
                _with(v_of=lambda x0, noise, alpha, sigma: alpha**2 * noise - sigma**2 * x0),
                _with(v_of=lambda x0, noise, alpha, sigma: x0 - noise),
                _with(
                    v_of=lambda x0, noise, alpha, sigma: noise,
                    x0_of=lambda x, v, alpha, sigma: (x - sigma * v) / alpha,
                    eps_of=lambda x, v, alpha, sigma: v,
                ),
                _with(
                    v_of=lambda x0, noise, alpha, sigma: x0,
                    x0_of=lambda x, v, alpha, sigma: v,
                    eps_of=lambda x, v, alpha, sigma: (x - alpha * v) / sigma,
                ),
                _with(
                    v_of=lambda x0, noise, alpha, sigma: sigma * x0 - alpha * noise,
                    x0_of=lambda x, v, alpha, sigma: alpha * x + sigma * v,
                    eps_of=lambda x, v, alpha, sigma: sigma * x - alpha * v,
                ),
            ),
        ),
        Misconception(
            "mean over the dimensions",
            _with(cost=lambda off: off.square().mean(1)),
            "You average the squared error over the dimensions too, or add it up over the batch. It is summed over D "
            "and averaged over B.",
            variants=(_with(end=torch.sum), _with(cost=lambda off: off.square().mean(1), end=torch.sum)),
        ),
        Misconception(
            "error of x_0 or of the noise",
            _weighted(lambda at: torch.sigmoid(-at)),
            "You compare guesses of x_0 or of the noise, not v: the squared error of x0_hat is sigma^2 times that of v, that of "
            "eps_hat alpha^2 times. Compare v itself, with the same weight at every level.",
            variants=(_weighted(torch.sigmoid),),
        ),
        Misconception(
            "loss weighted by level",
            _weighted(lambda at: torch.exp(at) + 1),
            "You weigh codes by their level. Here every level counts the same: the mean of |v - predict_v(x_t, log_snr)|^2.",
            variants=(
                _weighted(torch.exp),
                _weighted(lambda at: torch.sigmoid(at).mean().expand(len(at))),
            ),
        ),
        Misconception(
            "half of it",
            _with(end=lambda costs: costs.mean() / 2),
            "Your loss is half or twice the one that is asked for: the squared error of v, without a factor.",
            variants=(_with(end=lambda costs: 2 * costs.mean()),),
        ),
        Misconception(
            "not squared",
            _with(cost=lambda off: off.abs().sum(1)),
            "Your loss is no mean of sums of squares. Square the error of each dimension, add up, and leave the sign as it is.",
            variants=(
                _with(cost=lambda off: functional.smooth_l1_loss(off, torch.zeros_like(off), reduction="none").sum(1)),
                _with(cost=lambda off: functional.smooth_l1_loss(off, torch.zeros_like(off), reduction="none").mean(1)),
                _with(end=lambda costs: costs.mean().sqrt()),
                _with(cost=lambda off: off.square().sum(1).sqrt()),
                _with(cost=lambda off: off.sum(1).square()),
                _with(end=lambda costs: -costs.mean()),
            ),
        ),
        Misconception(
            "one loss for each code",
            _with(end=lambda costs: costs),
            "`loss` returns more than one number. Training needs one for the batch: the mean over its codes.",
            variants=(_with(cost=lambda off: off.square(), end=lambda costs: costs),),
        ),
        Misconception(
            "network cut off",
            _no_gradient,
            "The loss is right, but no gradient reaches the network, so it learns nothing. Leave out `.detach()` and "
            "`torch.no_grad()` in `loss`.",
            variants=(_with(guess=lambda v: v.detach()),),
        ),
        Misconception(
            "network told another level",
            _with(told=lambda at: at.sigmoid(), told_in_steps=lambda at, t: at[t].sigmoid()),
            "You tell `predict_v` something else than the log-SNR of the points that it gets: alpha, sigma, a time, a "
            "number of a step, or another level's.",
            variants=(
                _with(told_in_steps=lambda at, t: torch.full_like(at[t], t / len(at))),
                _with(told_in_steps=lambda at, t: torch.full_like(at[t], t / 1000)),
                _with(told_in_steps=lambda at, t: torch.full_like(at[t], len(at) - 1 - t)),
                _with(told=lambda at: at.sigmoid()),
                _with(told=lambda at: -at),
                _with(told=lambda at: at.exp(), told_in_steps=lambda at, t: at[t].exp()),
                _with(told_in_steps=lambda at, t: at[-1]),
                _with(told_in_steps=lambda at, t: at[max(t - 1, 0)]),
                _with(told_in_steps=lambda at, t: at[t].sigmoid()),
                _with(told_in_steps=lambda at, t: torch.full_like(at[t], t)),
                _with(told_in_steps=lambda at, t: torch.full_like(at[t], t / max(len(at) - 1, 1))),
            ),
        ),
        Misconception(
            "codes left scaled",
            _with(code=lambda x0, c: x0),
            "`sample` scales the noise, or returns points x_0, or has another power of c, or divides in its steps too. x_T is "
            "noise as it is, steps are between points, and the decoder wants codes: divide by c once, at the end.",
            variants=(
                _with(start=lambda x, c: x / c, code=lambda x0, c: c * x0),
                _with(start=lambda x, c: x / c, code=lambda x0, c: x0),
                _with(start=lambda x, c: c * x),
                _with(start=lambda x, c: x / c),
                _with(code=lambda x0, c: c * x0),
                _with(code=lambda x0, c: x0 / c**2),
                _with(in_step=lambda x0, c: x0 / c, code=lambda x0, c: x0),
                _with(in_step=lambda x0, c: x0 / c),
                _with(after_step=lambda x, c: x / c),
                _with(after_step=lambda x, c: x / c, code=lambda x0, c: x0),
            ),
        ),
        Misconception(
            "output taken for the noise",
            _with(x0_of=lambda x, v, alpha, sigma: (x - sigma * v) / alpha, eps_of=lambda x, v, alpha, sigma: v),
            "`sample` solves for x_0 as if `predict_v` gave the noise. It gives v: x0_hat = alpha x_t - sigma v and eps_hat = "
            "sigma x_t + alpha v, where nothing is divided.",
            variants=(_with(x0_of=lambda x, v, alpha, sigma: (x - sigma * v) / alpha),),
        ),
        Misconception(
            "another guess of x_0",
            _with(x0_of=lambda x, v, alpha, sigma: v),
            "Your guess of x_0 in `sample` is not that of v: it takes the output of `predict_v` for x_0, or has other factors or "
            "another sign. x0_hat = alpha x_t - sigma v.",
            variants=(
                _with(
                    x0_of=lambda x, v, alpha, sigma: sigma * x + alpha * v,
                    eps_of=lambda x, v, alpha, sigma: alpha * x - sigma * v,
                ),
                _with(x0_of=lambda x, v, alpha, sigma: v, eps_of=lambda x, v, alpha, sigma: (x - alpha * v) / sigma),
                _with(x0_of=lambda x, v, alpha, sigma: alpha * x + sigma * v),
                _with(x0_of=lambda x, v, alpha, sigma: x - sigma * v),
                _with(x0_of=lambda x, v, alpha, sigma: alpha**2 * x - sigma**2 * v),
                _with(x0_of=lambda x, v, alpha, sigma: sigma * x - alpha * v),
                _with(x0_of=lambda x, v, alpha, sigma: sigma * x + alpha * v),
            ),
        ),
        Misconception(
            "another guess of the noise",
            _with(eps_of=lambda x, v, alpha, sigma: v),
            "Your guess of the noise in a step is off. It follows from v as x0_hat does: eps_hat = sigma_t x_t + "
            "alpha_t v, with the level that x is at.",
            variants=(
                _with(eps_of=lambda x, v, alpha, sigma: sigma * x - alpha * v),
                _with(eps_of=lambda x, v, alpha, sigma: alpha * x + sigma * v),
                _with(eps_of=lambda x, v, alpha, sigma: alpha * v - sigma * x),
                _with(eps_of=lambda x, v, alpha, sigma: alpha * v),
                _with(eps_of=lambda x, v, alpha, sigma: x + v),
                _with(eps_of=lambda x, v, alpha, sigma: (x - alpha * x + sigma * v) / sigma),
                _with(eps_of=lambda x, v, alpha, sigma: x),
            ),
        ),
        Misconception(
            "new noise in a step",
            _with(eps_of=None),
            "Your steps draw noise anew, so two calls with one x_T give other codes. DDIM keeps the guessed noise: "
            "x_s = alpha_s x0_hat + sigma_s eps_hat.",
        ),
        Misconception(
            "step without its factors",
            _with(step=lambda x0, eps, alpha, sigma: x0 + sigma * eps),
            "Your step does not mix x0_hat and eps_hat as the level that it leads to has them: alpha_s x0_hat + "
            "sigma_s eps_hat, with roots.",
            variants=(
                _with(step=lambda x0, eps, alpha, sigma: (1 - sigma) * x0 + sigma * eps),
                _with(step=lambda x0, eps, alpha, sigma: x0),
                _with(step=lambda x0, eps, alpha, sigma: alpha * x0),
                _with(step=lambda x0, eps, alpha, sigma: alpha * x0 + eps),
                _with(step=lambda x0, eps, alpha, sigma: alpha**2 * x0 + sigma**2 * eps),
                _with(step=lambda x0, eps, alpha, sigma: sigma * x0 + alpha * eps),
                _with(step=lambda x0, eps, alpha, sigma: alpha * x0 - sigma * eps),
            ),
        ),
        Misconception(
            "factors of two levels",
            _with(factors=lambda alpha, sigma, alpha_s, sigma_s: torch.stack([alpha_s, sigma])),
            "One factor of your step is that of the level that it leaves. Both are those of the level that it leads to: alpha_s "
            "x0_hat + sigma_s eps_hat.",
            variants=(_with(factors=lambda alpha, sigma, alpha_s, sigma_s: torch.stack([alpha, sigma_s])),),
        ),
        Misconception(
            "first level never asked",
            _with(way=lambda n: range(n - 1, 0, -1)),
            "`sample` never asks the network at the first level, `log_snrs[0]`. The last step leads to a point there; its guess "
            "of x_0, divided by c, is the code. With one level only that is all.",
            variants=(_with(order=lambda at: at[1:] if len(at) > 1 else at),),
        ),
        Misconception(
            "a level left out",
            _with(below=lambda t: t),
            "The levels are not used once each in this order: the last of `log_snrs` first, where the points are noise, "
            "then each before it, down to the first.",
            variants=(
                _with(way=lambda n: range(n - 1, -1, -2)),
                _with(below=lambda t: 0),
                _with(below=lambda t: max(t - 2, 0)),
                _with(order=lambda at: at[:1]),
                _with(order=lambda at: at[-1:]),
                _with(order=lambda at: at[:-1] if len(at) > 1 else at),
                _with(order=lambda at: at.flip(0)),
                _with(way=range),
                _with(way=lambda n: [*range(1, n), 0]),
                _with(way=lambda n: range(1, n) or range(1)),
            ),
        ),
        Misconception(
            "last x returned",
            _with(last=lambda x0_hat, x: x),
            "You return x at the first level, which still holds the noise of that level. Return the guess of x_0 "
            "there, as a code.",
            variants=(_with(last=lambda x0_hat, x: x, code=lambda x0, c: x0),),
        ),
        Misconception(
            "guess held in a range",
            _held(1),
            "You hold x0_hat or the codes between two bounds. That is a habit with pixels; codes are of any size.",
            variants=(
                _with(last=lambda x0_hat, x: x0_hat.clamp(-1, 1)),
                *(_held(most) for most in (2, 3, 5, 10)),
            ),
        ),
        Misconception(
            "functions exchanged",
            lambda predict_v, scale: diffusion_prior(predict_v, scale)[::-1],
            "You return the two functions the other way round. The first is `loss`, the second `sample`.",
        ),
    ),
    cases=_cases,
    probe=_probe,
    gradients=("weights",),
)

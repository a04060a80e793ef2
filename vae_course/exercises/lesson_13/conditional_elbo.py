"""13-conditional-elbo: the bound on log p(x | y), with the label given to both networks."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal, small_numbers, uniform
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception

Network = Callable[[Tensor], Tensor]
CLASSES, SCALE = 10, 3


def conditional_elbo(encoder: Network, decoder: Network, x: Tensor, y: Tensor, eps: Tensor) -> Tensor:
    """The bound on log p(x | y) in nats, [B], for pixels x [B, M], digits y [B] and noise eps [B, D]."""
    label = 3 * F.one_hot(y, 10).to(x.dtype)
    mu, logvar = encoder(torch.cat([x, label], dim=1)).chunk(2, dim=1)
    z = mu + torch.exp(0.5 * logvar) * eps
    logits = decoder(torch.cat([z, label], dim=1))
    log_px_zy = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=1)
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)
    return log_px_zy - kl


def _network(weights: Tensor, name: str, content: str) -> Network:
    """An affine map whose last row is the bias; it says what it needs where a row of another length comes in."""
    needed = len(weights) - 1

    def network(h: Tensor) -> Tensor:
        if not isinstance(h, Tensor) or h.dim() == 0:
            raise AnswerError(f"`{name}` takes one tensor: {content}, and behind it the 10 numbers of the label.")
        if h.shape[-1] != needed:
            raise AnswerError(
                f"`{name}` was given rows of {h.shape[-1]} numbers; it needs {needed}: the {needed - CLASSES} of {content}, "
                "and behind them the 10 of the label."
            )
        own = weights.to(h.dtype) if h.is_floating_point() else weights
        return h.to(own.dtype) @ own[:-1] + own[-1]

    return network


def _probe(answer: Answer, case: Inputs) -> Any:
    encoder, decoder, x, y, eps = case.values()
    assert isinstance(encoder, Tensor) and isinstance(decoder, Tensor)
    return answer(_network(encoder, "encoder", "the image"), _network(decoder, "decoder", "the code"), x, y, eps)


def _cases(seed: int) -> list[Inputs]:
    """One image, one dimension, with and without the last digit, wide and narrow q, far means, large logits, a real batch."""
    source = generator(seed)
    few, m = integer(source, 3, 5), integer(source, 6, 8)
    tame = (0.0, -0.5, 0.0)
    return [
        _case(source, *sizes, *levels)
        for sizes, levels in (
            ((1, 2, 3, 0), tame),
            ((2, 3, 1, 1), tame),
            ((few, m, 2, 9), tame),
            ((few, m, 2, 6), tame),
            ((10, 6, 3, 9), tame),
            ((4, 7, 8, 7), tame),
            ((2, 4, 3, 3), (0.0, -15.0, 0.0)),
            ((4, 7, 3, 9), (0.0, 15.0, 0.0)),
            ((3, 4, 2, 5), (30.0, 0.0, 0.0)),
            ((3, 5, 2, 8), (-30.0, -8.0, 0.0)),
            ((3, 5, 2, 9), (0.0, -0.5, 200.0)),
            ((3, 5, 2, 4), (0.0, -0.5, -200.0)),
            ((60, 30, 5, 9), tame),
        )
    ]


def _case(source: torch.Generator, b: int, m: int, d: int, last: int, mu: float, logvar: float, logit: float) -> Inputs:
    """B images of M pixels, D dimensions, digits from 0 to `last`, which is one of them; biases near these levels."""
    bias = torch.cat([torch.full((d,), mu), torch.full((d,), logvar)]) + 0.5 * normal(source, 2 * d)
    level = logit + normal(source, m)
    y = torch.randint(0, last + 1, (b,), generator=source)
    y[integer(source, 0, b - 1)] = last
    return {
        "encoder": torch.cat([0.3 * normal(source, m + CLASSES, 2 * d), bias[None]]),
        "decoder": torch.cat([0.7 * normal(source, d + CLASSES, m), level[None]]),
        "x": (uniform(source, b, m) < 0.4).float(),
        "y": y,
        "eps": normal(source, b, d),
    }


def _one_hot(y: Tensor) -> Tensor:
    return F.one_hot(y, CLASSES).float()


def _label(y: Tensor) -> Tensor:
    return SCALE * _one_hot(y)


def _number(y: Tensor) -> Tensor:
    return y[:, None].float()


def _log_px(logits: Tensor, x: Tensor) -> Tensor:
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)


def _kl_terms(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


def _drawn(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    return mu + torch.exp(0.5 * logvar) * eps


def _with(
    *,
    to_encoder: Callable[[Tensor, Tensor], Tensor] = lambda x, y: torch.cat([x, _label(y)], 1),
    to_decoder: Callable[[Tensor, Tensor], Tensor] = lambda z, y: torch.cat([z, _label(y)], 1),
    draw: Callable[[Tensor, Tensor, Tensor], Tensor] = _drawn,
    heads: Callable[[Tensor], Any] = lambda out: out.chunk(2, 1),
    log_px: Callable[[Tensor, Tensor], Tensor] = _log_px,
    kl: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda mu, logvar, z: _kl_terms(mu, logvar).sum(1),
    ends: Callable[[Tensor, Tensor], Tensor] = lambda log_px, kl: log_px - kl,
) -> Answer:
    """The bound with one thing changed."""

    def answer(encoder: Network, decoder: Network, x: Tensor, y: Tensor, eps: Tensor) -> Tensor:
        mu, logvar = heads(encoder(to_encoder(x, y)))
        z = draw(mu, logvar, eps)
        return ends(log_px(decoder(to_decoder(z, y)), x), kl(mu, logvar, z))

    return answer


def _labels(label: Callable[[Tensor], Tensor]) -> Answer:
    """Both networks get this in place of the label."""
    return _to_both(lambda h, y: torch.cat([h, label(y)], 1))


def _to_both(rows: Callable[[Tensor, Tensor], Tensor]) -> Answer:
    """Both networks get these rows."""
    return _with(to_encoder=rows, to_decoder=rows)


def _safe(tiny: float, limit: bool) -> Answer:
    """log p by way of probabilities, with a small number inside each logarithm, or as a limit to them."""

    def log_px(logits: Tensor, x: Tensor) -> Tensor:
        p = logits.sigmoid()
        if limit:
            return -F.binary_cross_entropy(p.clamp(tiny, 1 - tiny), x, reduction="none").sum(1)
        return (x * (p + tiny).log() + (1 - x) * (1 - p + tiny).log()).sum(1)

    return _with(log_px=log_px)


def _held(most: float, *, draw: bool, kl: bool) -> Answer:
    """log sigma^2 between two bounds in the draw, in the KL, or in both."""
    return _with(
        draw=lambda mu, logvar, eps: _drawn(mu, logvar.clamp(-most, most) if draw else logvar, eps),
        kl=lambda mu, logvar, z: _kl_terms(mu, logvar.clamp(-most, most) if kl else logvar).sum(1),
    )


def _loop(encoder: Network, decoder: Network, x: Tensor, y: Tensor, eps: Tensor) -> Tensor:
    bounds = []
    for pixels, digit, noise in zip(x, y.tolist(), eps, strict=True):
        label = torch.zeros(CLASSES)
        label[digit] = 3.0
        out = encoder(torch.cat([pixels, label]))
        mu, logvar = out[: len(noise)], out[len(noise) :]
        logits = decoder(torch.cat([mu + (logvar / 2).exp() * noise, label]))
        log_px = (pixels * F.logsigmoid(logits) + (1 - pixels) * F.logsigmoid(-logits)).sum()
        bounds.append(log_px + 0.5 * (1 + logvar - mu.square() - logvar.exp()).sum())
    return torch.stack(bounds)


def _distributions(encoder: Network, decoder: Network, x: Tensor, y: Tensor, eps: Tensor) -> Tensor:
    label = SCALE * torch.eye(CLASSES)[y]
    mu, logvar = encoder(torch.hstack([x, label])).chunk(2, -1)
    q = Independent(Normal(mu, (logvar / 2).exp()), 1)
    p = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    z = q.base_dist.loc + q.base_dist.scale * eps
    return Independent(Bernoulli(logits=decoder(torch.hstack([z, label]))), 1).log_prob(x) - kl_divergence(q, p)


def _scattered(encoder: Network, decoder: Network, x: Tensor, y: Tensor, eps: Tensor) -> Tensor:
    label = torch.zeros(len(y), CLASSES, dtype=x.dtype).scatter_(1, y.unsqueeze(1), 3.0)
    out, d = encoder(torch.cat((x, label), -1)), eps.shape[1]
    mu, logvar = out[:, :d], out[:, d:]
    z = torch.addcmul(mu, logvar.mul(0.5).exp(), eps)
    logits = decoder(torch.cat((z, label), -1))
    # log p = x l - log(1 + e^l)
    log_px = torch.einsum("bm,bm->b", x, logits) - F.softplus(logits).sum(-1)
    return log_px - 0.5 * (torch.einsum("bd,bd->b", mu, mu) + (logvar.exp() - logvar - 1).sum(-1))


def _in_double(encoder: Network, decoder: Network, x: Tensor, y: Tensor, eps: Tensor) -> Tensor:
    return conditional_elbo(encoder, decoder, x.double(), y, eps.double())


EXERCISE = Exercise(
    id="13-conditional-elbo",
    title="The bound on log p(x | y)",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        "Return the ELBO of a conditional VAE in nats, the bound on log p(x | y), for each image, `[B]`: black-and-white "
        "pixels `x` `[B, M]`, digits `y` `[B]` from 0 to 9, and noise `eps` `[B, D]` for one draw of z. Each network takes "
        "rows: `encoder` the image, `decoder` the code, and behind it the label, 3 times its one-hot vector. The encoder "
        "returns mu and then logvar, side by side, `[B, 2 D]`; the decoder returns logits, `[B, M]`. The prior is N(0, I) "
        "for every digit, the KL in closed form. Both networks are trained through the result."
    ),
    hints=(
        "It is the ELBO of lesson 07, with y behind every bar. In q(z | x, y) and in p(x | z, y) there is one; in p(z) "
        "there is none. So where does the label go in, and where not?",
        "ELBO = log p(x | z, y) - KL( q(z | x, y) || p(z) ) with z = mu + exp(logvar / 2) eps; a sum over the pixels, and "
        "one over the dimensions.",
        "`F.one_hot(y, 10)` makes the vectors, whatever digits the batch has; `torch.cat([..., label], dim=1)` puts them "
        "behind the image and behind z; `.chunk(2, dim=1)` parts mu from logvar.",
    ),
    explanation=(
        "Everything that was true of p(x) holds for each p(x | y): y is known, so it stands behind the bar throughout. "
        "The encoder needs the label as well, since the posterior depends on it. The factor 3 only makes ten numbers heard "
        "beside 784 pixels."
    ),
    returns="one number per image, [B]",
    reference=conditional_elbo,
    alternatives=(
        Alternative("loop over the images", _loop),
        Alternative("distributions", _distributions),
        Alternative("einsum and scatter", _scattered),
        Alternative("float64", _in_double),
    ),
    misconceptions=(
        Misconception(
            "encoder without the label",
            _with(to_encoder=lambda x, y: x),
            "Your encoder gets the image alone. It stands for q(z | x, y): what a code should say of an image depends on the "
            "digit, so append the label to the image too.",
        ),
        Misconception(
            "decoder without the label",
            _with(to_decoder=lambda z, y: z),
            "You give the label to the encoder only. The decoder stands for p(x | z, y): without y it would have to read the "
            "digit from the code, and you could not choose one. Append the label to z.",
        ),
        Misconception(
            "number of the digit",
            _labels(_number),
            "You append the digit as one number, which says that 4 lies between 3 and 5. Append a one-hot vector of 10 "
            "numbers: `F.one_hot(y, 10)`.",
            variants=(
                _labels(lambda y: SCALE * _number(y)),
                _labels(lambda y: _number(y) / 9),
                _with(to_decoder=lambda z, y: torch.cat([z, _number(y)], 1)),
                _with(to_decoder=lambda z, y: torch.cat([z, SCALE * _number(y)], 1)),
            ),
        ),
        Misconception(
            "as wide as the digits of the batch",
            _labels(lambda y: SCALE * F.one_hot(y).float()),
            "The width of your one-hot vectors depends on the digits that the batch happens to hold. It must always be 10: "
            "give `F.one_hot` the number of classes.",
            variants=(
                _labels(lambda y: F.one_hot(y).float()),
                _labels(lambda y: SCALE * (y[:, None] == y.unique()).float()),
            ),
        ),
        Misconception(
            "nine classes",
            _labels(lambda y: SCALE * (y[:, None] == torch.arange(9)).float()),
            "Your label has 9 numbers. The digits from 0 to 9 are ten classes.",
            variants=(_labels(lambda y: SCALE * (y[:, None] == torch.arange(1, 10)).float()),),
        ),
        Misconception(
            "digit k at another place",
            _labels(lambda y: SCALE * _one_hot((y - 1) % CLASSES)),
            "Your label has its 3 in another column than that of the digit. Digit k belongs in column k, counted from 0.",
            variants=(
                _labels(lambda y: SCALE * _one_hot((y + 1) % CLASSES)),
                _labels(lambda y: SCALE * _one_hot(9 - y)),
            ),
        ),
        Misconception(
            "zeros for the label",
            _labels(lambda y: torch.zeros(len(y), CLASSES)),
            "At least one network gets zeros where the label belongs, whatever the digit is. Put 3 into the digit's own "
            "column of each row.",
            variants=(
                _with(to_encoder=lambda x, y: torch.cat([x, torch.zeros(len(y), CLASSES)], 1)),
                _with(to_decoder=lambda z, y: torch.cat([z, torch.zeros(len(y), CLASSES)], 1)),
            ),
        ),
        Misconception(
            "not scaled",
            _labels(_one_hot),
            "Your one-hot vectors hold a 1 for at least one network. Both were made for 3 times that, so that ten numbers "
            "are heard beside many pixels: multiply.",
            variants=(
                _with(to_encoder=lambda x, y: torch.cat([x, _one_hot(y)], 1)),
                _with(to_decoder=lambda z, y: torch.cat([z, _one_hot(y)], 1)),
            ),
        ),
        Misconception(
            "label in front",
            _to_both(lambda h, y: torch.cat([_label(y), h], 1)),
            "You put the label in front of what it is appended to. The networks expect the image, or the code, first, and "
            "the label behind it.",
            variants=(
                _with(to_encoder=lambda x, y: torch.cat([_label(y), x], 1)),
                _with(to_decoder=lambda z, y: torch.cat([_label(y), z], 1)),
            ),
        ),
        Misconception(
            "image scaled with the label",
            _with(to_encoder=lambda x, y: SCALE * torch.cat([x, _one_hot(y)], 1)),
            "You multiply image and label, or code and label, by 3 together. The factor belongs to the label alone.",
            variants=(_to_both(lambda h, y: SCALE * torch.cat([h, _one_hot(y)], 1)),),
        ),
        Misconception(
            "mean over the pixels",
            _with(log_px=lambda logits, x: _log_px(logits, x) / x.shape[1]),
            "You average over the pixels. An image's log-likelihood is the sum, and beside a mean the KL weighs as much as "
            "if beta were the number of pixels.",
            variants=(
                _with(
                    log_px=lambda logits, x: _log_px(logits, x) / x.shape[1],
                    kl=lambda mu, logvar, z: _kl_terms(mu, logvar).mean(1),
                ),
            ),
        ),
        Misconception(
            "pixels and images averaged",
            _with(log_px=lambda logits, x: -F.binary_cross_entropy_with_logits(logits, x)),
            "`binary_cross_entropy_with_logits` gives one mean over all pixels of all images, unless you say "
            '`reduction="none"`. Then add up the pixels of each image.',
        ),
        Misconception(
            "summed over all images",
            _with(log_px=lambda logits, x: -F.binary_cross_entropy_with_logits(logits, x, reduction="sum")),
            'Your reconstruction term is one number for the whole batch, and every image gets it. Use `reduction="none"` and add '
            "up the pixels of each image only.",
        ),
        Misconception(
            "KL averaged over the dimensions",
            _with(kl=lambda mu, logvar, z: _kl_terms(mu, logvar).mean(1)),
            "You average the KL over the dimensions of the code. The KL of a product of Gaussians is the sum of their KLs.",
        ),
        Misconception(
            "KL of the whole batch",
            _with(kl=lambda mu, logvar, z: _kl_terms(mu, logvar).sum(1).mean()),
            "Your KL is one number for the whole batch, and every image gets it. Add up the dimensions only: `.sum(dim=1)`.",
            variants=(
                _with(kl=lambda mu, logvar, z: _kl_terms(mu, logvar).sum()),
                _with(kl=lambda mu, logvar, z: _kl_terms(mu, logvar).mean()),
            ),
        ),
        Misconception(
            "KL added",
            _with(ends=lambda log_px, kl: log_px + kl),
            "You add the KL. It is what the code costs, so the bound has it with a minus.",
        ),
        Misconception(
            "KL left out",
            _with(ends=lambda log_px, kl: log_px),
            "This is the reconstruction term alone, which bounds nothing. Subtract the KL of q(z | x, y) to the prior.",
        ),
        Misconception(
            "the loss",
            _with(ends=lambda log_px, kl: kl - log_px),
            "This is minus the bound, what an optimiser makes small. The bound itself is asked for.",
        ),
        Misconception(
            "bound on log p(x, y)",
            _with(ends=lambda log_px, kl: log_px - kl - torch.tensor(float(CLASSES)).log()),
            "You add log p(y) = -log 10, which makes it a bound on log p(x, y). Here y is given: leave it out.",
        ),
        Misconception(
            "KL from the draw",
            _with(
                kl=lambda mu, logvar, z: (
                    Normal(mu, (logvar / 2).exp()).log_prob(z) - Normal(0.0, 1.0).log_prob(z)
                ).sum(1)
            ),
            "Your KL is log q(z) - log p(z) at the one draw. Its mean is right, but it is noisier than needed: take the "
            "closed form for two Gaussians.",
        ),
        Misconception(
            "half of the KL forgotten",
            _with(kl=lambda mu, logvar, z: 2 * _kl_terms(mu, logvar).sum(1)),
            "Your KL is twice too large. The closed form begins with one half.",
        ),
        Misconception(
            "variance as standard deviation",
            _with(draw=lambda mu, logvar, eps: mu + logvar.exp() * eps),
            "You multiply the noise by exp(logvar), the variance. The standard deviation is its square root: `exp(0.5 * "
            "logvar)`.",
        ),
        Misconception(
            "no noise",
            _with(draw=lambda mu, logvar, eps: mu),
            "Your z is the mean mu. The bound needs a draw from q: add the standard deviation times `eps`.",
        ),
        Misconception(
            "noise of the prior",
            _with(draw=lambda mu, logvar, eps: eps),
            "Your z is the noise itself, a draw from the prior. The bound needs a draw from q: mu plus the standard "
            "deviation times `eps`.",
        ),
        Misconception(
            "half before a part of the KL",
            _with(kl=lambda mu, logvar, z: (0.5 * mu**2 + logvar.exp() - 1 - logvar).sum(1)),
            "The half stands before a part of your KL only. All of it is halved: 1/2 (mu^2 + exp(logvar) - 1 - logvar).",
            variants=(
                _with(kl=lambda mu, logvar, z: (0.5 * (mu**2 + logvar.exp()) - 1 - logvar).sum(1)),
                _with(kl=lambda mu, logvar, z: (0.5 * (mu**2 + logvar.exp() - 1) - logvar).sum(1)),
                _with(kl=lambda mu, logvar, z: (0.5 * (mu**2 + logvar.exp() - logvar) - 1).sum(1)),
                _with(kl=lambda mu, logvar, z: (mu**2 + 0.5 * (logvar.exp() - 1 - logvar)).sum(1)),
            ),
        ),
        Misconception(
            "logvar held in a range",
            _held(10, draw=True, kl=True),
            "You hold `logvar` between bounds, in the draw, in the KL or in both. That is a habit against overflow; here q is as "
            "wide or narrow as the encoder says.",
            variants=tuple(
                _held(most, draw=draw, kl=kl)
                for most in (1, 2, 3, 4, 5, 6, 8, 10, 15)
                for draw, kl in ((True, True), (True, False), (False, True))
            ),
        ),
        Misconception(
            "mu and logvar exchanged",
            _with(heads=lambda out: out.chunk(2, 1)[::-1]),
            "mu and logvar have changed places. The first D numbers of a row are mu, the others logvar.",
        ),
        Misconception(
            "every second number",
            _with(heads=lambda out: (out[:, ::2], out[:, 1::2])),
            "You take every second number for mu. The first D numbers of a row are mu, the D behind them logvar.",
        ),
        Misconception(
            "sigmoid, then logarithm",
            _with(
                log_px=lambda logits, x: -F.binary_cross_entropy(logits.sigmoid(), x, reduction="none").sum(1),
            ),
            "You turn logits into probabilities first. A large logit rounds to 1, and the logarithm of the rest is lost: "
            "stay with logits, `F.binary_cross_entropy_with_logits`.",
            variants=(
                _with(
                    log_px=lambda logits, x: (x * logits.sigmoid().log() + (1 - x) * (1 - logits.sigmoid()).log()).sum(
                        1
                    )
                ),
                *(_safe(tiny, limit) for tiny in small_numbers(1e-12) for limit in (False, True)),
            ),
        ),
        Misconception(
            "logits as probabilities",
            _with(log_px=lambda logits, x: (x * logits).sum(1)),
            "You multiply pixels by logits, which only counts what is ink. A pixel without ink has a probability too: "
            "`F.binary_cross_entropy_with_logits` has both.",
        ),
        Misconception(
            "squared error",
            _with(log_px=lambda logits, x: -(x - logits.sigmoid()).square().sum(1)),
            "Your reconstruction term is a squared error. The decoder returns logits of black-and-white pixels, so "
            "log p(x | z, y) is that of Bernoulli pixels.",
            variants=(_with(log_px=lambda logits, x: -0.5 * (x - logits.sigmoid()).square().sum(1)),),
        ),
        Misconception(
            "averaged over the batch",
            _with(ends=lambda log_px, kl: (log_px - kl).mean()),
            "You average, or add, over the images. Return one bound for each, `[B]`: Bayes' rule will need it for every "
            "image.",
            variants=(_with(ends=lambda log_px, kl: (log_px - kl).sum()),),
        ),
        Misconception(
            "label turned round",
            _labels(lambda y: SCALE - _label(y)),
            "Your label is 0 at the digit and above 0 everywhere else. It is the other way round: 3 times the one-hot vector "
            "of y.",
            variants=(_labels(lambda y: (SCALE - _label(y)) / SCALE),),
        ),
    ),
    cases=_cases,
    batch="x",
    probe=_probe,
    gradients=("encoder", "decoder"),
    tolerance=5e-5,  # logits reach thousands where q is wide
)

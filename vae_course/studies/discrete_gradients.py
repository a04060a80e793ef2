"""Gradients through a choice between K codes, where the gradient is known: every estimator against enumeration.

A code is a one-hot y, and the decoder also takes what lies between: log p(x | y) has logits 2 tanh(y W), a curved function, so
that a relaxed code is decoded into something else than the mean over the codes it mixes. The gradient is that of
E_q[ log p(x | y) ] with respect to the logits theta of q; the KL to the uniform prior has a formula and needs no draws.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Independent
from torch.nn import functional as F

from vae_course.exact import DiscreteWorld
from vae_course.support.numbers import whole_number
from vae_course.support.threads import one_thread

Estimator = Literal["straight-through", "Gumbel-softmax", "score function", "leave-one-out"]


@dataclass(frozen=True)
class ChoiceWorld:
    """K codes, uniform a priori, an observation x of a few bits, and a decoder for codes and for what lies between.

    p(x | y) = prod_i Bernoulli(x_i; sigmoid(2 tanh(y W)_i)), with y one-hot for a code.

    Args:
        W: one row for each code, `[K, X]`.
        x: the bits that are seen, `[X]`.

    Raises:
        ValueError: the shapes do not fit, or x does not consist of bits.
    """

    W: Tensor
    x: Tensor

    def __post_init__(self) -> None:
        if self.W.dim() != 2 or self.x.shape != self.W.shape[1:]:
            raise ValueError(
                f"W has shape {list(self.W.shape)} and x has {list(self.x.shape)}: they must be [K, X], [X]."
            )
        if not ((self.x == 0) | (self.x == 1)).all():
            raise ValueError("x holds something else than bits: give zeros and ones.")

    @property
    def n_codes(self) -> int:
        """K."""
        return len(self.W)

    def log_px_y(self, y: Tensor) -> Tensor:
        """log p(x | y) of codes, or of what lies between, `[..., K]` to `[...]`."""
        logits = 2 * torch.tanh(y @ self.W)
        return Independent(Bernoulli(logits=logits), 1).log_prob(self.x)

    def f(self) -> Tensor:
        """log p(x | k) of all codes, `[K]`."""
        return self.log_px_y(torch.eye(self.n_codes, dtype=self.W.dtype))

    def table(self) -> DiscreteWorld:
        """The same world as two tables of probabilities, one column for each of the 2^X observations."""
        bits = len(self.x)
        xs = (torch.arange(2**bits).unsqueeze(1) >> torch.arange(bits) & 1).to(self.W)
        p = Independent(Bernoulli(logits=2 * torch.tanh(self.W)), 1).log_prob(xs.unsqueeze(1)).exp().T
        return DiscreteWorld(torch.full((self.n_codes,), 1 / self.n_codes, dtype=self.W.dtype), p)

    def elbo(self, theta: Tensor) -> Tensor:
        """E_q[f] - KL(q || uniform) for q = softmax(theta), by enumeration: `[..., K]` to `[...]` in nats."""
        log_q = torch.log_softmax(theta, -1)
        return (log_q.exp() * (self.f() - log_q)).sum(-1) - math.log(self.n_codes)

    def log_marginal(self) -> Tensor:
        """log p(x), in nats."""
        return torch.logsumexp(self.f(), 0) - math.log(self.n_codes)

    def gradient(self, theta: Tensor) -> Tensor:
        """d E_q[f] / d theta = q (f - E_q[f]), by enumeration: `[..., K]`."""
        q = torch.softmax(theta, -1)
        return q * (self.f() - (q * self.f()).sum(-1, keepdim=True))


def worlds(n: int, *, bits: int = 6, seed: int = 0) -> list[ChoiceWorld]:
    """n worlds of 8 codes with normal W of standard deviation 1.5, each with an observation that one of its codes has drawn."""
    source = torch.Generator().manual_seed(whole_number(seed, "seed"))
    found = []
    for _ in range(whole_number(n, "n", least=1)):
        W = 1.5 * torch.randn(8, bits, generator=source, dtype=torch.float64)
        code = int(torch.randint(8, (), generator=source))
        luck = torch.rand(bits, generator=source, dtype=torch.float64)
        found.append(ChoiceWorld(W, (luck < torch.sigmoid(2 * torch.tanh(W[code]))).double()))
    return found


def estimates(
    world: ChoiceWorld,
    theta: Tensor,
    estimator: Estimator,
    *,
    n_draws: int = 1,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One estimate of d E_q[f] / d theta for each row of theta, from `n_draws` codes each: `[R, K]` to `[R, K]`.

    With g Gumbel noise and s = softmax((theta + g) / temperature):
    straight-through decodes the one-hot of a draw and lets the gradient see q in its place; Gumbel-softmax decodes s; the
    score function is f (one-hot - q); leave-one-out subtracts from f the mean of the other draws.

    Raises:
        ValueError: the estimator is unknown, the temperature is not above zero, or there are too few draws.

    Source: Jang, Gu and Poole, Categorical Reparameterization with Gumbel-Softmax (2017); Maddison, Mnih and Teh, The Concrete
    Distribution (2017); Kool, van Hoof and Welling, Buy 4 REINFORCE Samples, Get a Baseline for Free! (2019).
    """
    if estimator not in get_args(Estimator):
        raise ValueError(f"There is no estimator {estimator!r}: choose one of {', '.join(get_args(Estimator))}.")
    whole_number(n_draws, "n_draws", least=2 if estimator == "leave-one-out" else 1)
    if not (math.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature is {temperature}: give a finite number above zero.")
    theta = theta.detach().requires_grad_()
    q = torch.softmax(theta, -1)
    luck = torch.rand(n_draws, *theta.shape, generator=generator, dtype=theta.dtype).clamp_min(1e-300)
    # The largest of theta plus Gumbel noise is a draw from q, whatever becomes of it afterwards.
    noisy = theta - (-luck.log()).log()
    one_hot = F.one_hot(noisy.argmax(-1), world.n_codes).to(theta)
    if estimator in ("score function", "leave-one-out"):
        f = world.log_px_y(one_hot)
        if estimator == "leave-one-out":
            f = f - (f.sum(0) - f) / (n_draws - 1)
        return (f.unsqueeze(-1) * (one_hot - q)).mean(0).detach()
    y = torch.softmax(noisy / temperature, -1) if estimator == "Gumbel-softmax" else one_hot + q - q.detach()
    return torch.autograd.grad(world.log_px_y(y).mean(0).sum(), theta)[0]


class Quality(NamedTuple):
    """Bias and spread of one estimate, both relative to the length of the gradient, and what the draws leave open.

    bias is |mean - g| / |g|, spread the root of the summed variances / |g|, and error the standard error of the mean,
    spread / sqrt(number of estimates): a bias of this size is none that was measured.
    """

    bias: float
    spread: float
    error: float


@one_thread()
def quality(
    world: ChoiceWorld,
    theta: Tensor,
    estimator: Estimator,
    *,
    n: int = 20_000,
    n_draws: int = 1,
    temperature: float = 1.0,
    seed: int = 0,
) -> Quality:
    """Bias and spread of an estimator at theta `[K]`, from n estimates."""
    source = torch.Generator().manual_seed(whole_number(seed, "seed"))
    g = world.gradient(theta)
    rows = theta.expand(whole_number(n, "n", least=2), -1)
    found = estimates(world, rows, estimator, n_draws=n_draws, temperature=temperature, generator=source)
    length, spread = g.norm(), found.var(0).sum().sqrt()
    return Quality(float((found.mean(0) - g).norm() / length), float(spread / length), float(spread / length / n**0.5))


@one_thread()
def ascent(
    world: ChoiceWorld,
    estimator: Estimator,
    *,
    steps: int = 400,
    lr: float = 0.5,
    n_draws: int = 2,
    temperature: float = 1.0,
    runs: int = 20,
    seed: int = 0,
) -> Tensor:
    """The gap log p(x) - ELBO = KL(q || posterior) of each run after gradient ascent from theta = 0: `[runs]` in nats.

    The KL's gradient is exact, the other part's estimated. Learning rates fall in a straight line to zero.
    """
    source = torch.Generator().manual_seed(whole_number(seed, "seed"))
    theta = torch.zeros(runs, world.n_codes, dtype=world.W.dtype)
    for step in range(steps):
        g = estimates(world, theta, estimator, n_draws=n_draws, temperature=temperature, generator=source)
        leaf = theta.detach().requires_grad_()
        log_q = torch.log_softmax(leaf, -1)
        (of_kl,) = torch.autograd.grad((log_q.exp() * log_q).sum(), leaf)
        theta = theta + lr * (1 - step / steps) * (g - of_kl)
    return world.log_marginal() - world.elbo(theta)

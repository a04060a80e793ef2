"""A flow as the q of one observation: fitted to two hills on the line, or to a banana in the plane, by quadrature.

Nothing is drawn at random but the start: the bound is a sum over a grid of z_0, so a fit is the same at every run, and its gap
is exact but for the error of the sum.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, MixtureSameFamily, Normal

from vae_course.flows import Coupling, Flow, FlowStep, Planar, Spline, Triangular
from vae_course.studies.two_hills import bimodal_world
from vae_course.support.numbers import whole_number
from vae_course.support.threads import one_thread

BEND, NOISE, SEEN = 0.6, 0.3, -1.0  # of the banana
START = 0.5  # of the Gaussian's mean in each dimension, from where it climbs the higher hill
UPDATES = 100
MOST_STEPS = 8
REACH = 6.0  # standard deviations of z_0 that the sum reaches to either side
FITTED_ON = {1: 201, 2: 31}  # places of z_0 on each axis while a flow is fitted
SCORED_ON = {1: 4001, 2: 401}  # ... and when it is scored
ROOT = 60  # halvings that undo a planar step


@dataclass(frozen=True)
class Target:
    """The posterior of one observation, known up to p(x), and p(x) by quadrature.

    Args:
        name: what it is called.
        dim: numbers D of a code, 1 or 2.
        log_joint: log p(x, z) in nats, from z `[..., D]` to `[...]`.
        log_px: log p(x) in nats.
        window: the part to be drawn: left and right, and in the plane bottom and top.
    """

    name: str
    dim: int
    log_joint: Callable[[Tensor], Tensor]
    log_px: float
    window: tuple[float, ...]

    def grid(self, n: int) -> Tensor:
        """Places z in the window: `[n, 1]` on the line; `[n, n, 2]` in the plane, a row for each z_2, from below."""
        axes = [torch.linspace(a, b, n, dtype=torch.float64) for a, b in zip(*_pairs(self.window), strict=True)]
        return torch.stack(torch.meshgrid(*axes, indexing="xy"), -1) if self.dim == 2 else axes[0].unsqueeze(-1)

    def density(self, z: Tensor) -> Tensor:
        """p(z | x) for z `[..., D]`: `[...]`."""
        return (self.log_joint(z) - self.log_px).exp()


@functools.cache
def hills_target() -> Target:
    """The two hills of lesson 04: z ~ N(0, 1), x = z^2 + z / 2 + 0.7 noise, seen at x = 2."""
    world, x = bimodal_world()

    def log_joint(z: Tensor) -> Tensor:
        z = z.squeeze(-1)
        return _log_normal(z) + _log_normal(x[0, 0] - world.f(z).squeeze(-1), world.sigma)

    return Target("two hills", 1, log_joint, world.log_marginal(x).item(), (-3.0, 3.0))


@functools.cache
def banana_target() -> Target:
    """A banana: z ~ N(0, I) in the plane, x = z_2 - 0.6 z_1^2 + 0.3 noise, seen at x = -1.

    p(x) = integral of N(z_1; 0, 1) N(x; -0.6 z_1^2, 1 + 0.3^2) dz_1, by quadrature.
    """

    def log_joint(z: Tensor) -> Tensor:
        curve = z[..., 1] - BEND * z[..., 0].square()
        return _log_normal(z).sum(-1) + _log_normal(SEEN - curve, NOISE)

    z_1 = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    seen = Normal(-BEND * z_1.square(), math.sqrt(1 + NOISE**2)).log_prob(torch.tensor(SEEN))
    log_px = torch.logsumexp(Normal(0.0, 1.0).log_prob(z_1) + seen, 0) + math.log(24 / 4000)
    return Target("banana", 2, log_joint, log_px.item(), (-2.6, 2.6, -2.4, 2.4))


TARGETS: dict[str, Callable[[], Target]] = {"two hills": hills_target, "banana": banana_target}
STEPS: dict[str, Callable[[int, int], FlowStep]] = {
    "affine": lambda dim, k: Triangular(dim),
    "planar": lambda dim, k: Planar(dim),
    "spline": lambda dim, k: Spline(dim),
    "coupling": lambda dim, k: Coupling(dim, hidden=16, flip=k % 2 == 1),
}
KINDS: dict[int, tuple[str, ...]] = {1: ("affine", "planar", "spline"), 2: ("affine", "planar", "coupling")}


@dataclass(frozen=True)
class Fit:
    """A flow and how close it came, in nats: elbo + gap = log p(x), and gap = KL(q || p(z | x)).

    Args:
        target: what it was fitted to.
        name: the kind and number of its steps.
        flow: from z_0 ~ N(0, I) to z; its first step makes the Gaussian, the others bend it.
        elbo: the bound, on a finer grid than it was fitted on.
        curve: the lowest gap so far at each look at it, `[T]`, on the grid that it was fitted on.
    """

    target: Target
    name: str
    flow: Flow
    elbo: float
    curve: Tensor

    @property
    def gap(self) -> float:
        """log p(x) - elbo."""
        return self.target.log_px - self.elbo

    @one_thread()
    @torch.no_grad()
    def density(self, z: Tensor) -> Tensor:
        """q(z) for z `[..., D]`: `[...]`; planar steps are undone by bisection."""
        place, log_q = z, z.new_zeros(z.shape[:-1])
        for step in reversed(self.flow.steps):
            place, log_det = _undone(cast(FlowStep, step), place)
            log_q = log_q + log_det
        return (log_q + Normal(0.0, 1.0).log_prob(place).sum(-1)).exp()

    @torch.no_grad()
    def path(self, n: int) -> Tensor:
        """Where n evenly likely z_0 on the line, or an n by n grid of them, are after each step, `[K + 2, ..., D]`."""
        shares = (torch.arange(n, dtype=torch.float64) + 0.5) / n
        axes = [Normal(0.0, 1.0).icdf(shares)] * self.target.dim
        z_0 = torch.stack(torch.meshgrid(*axes, indexing="xy"), -1)
        return self.flow.path(z_0).z


@dataclass(frozen=True)
class MixtureFit:
    """A mixture of Gaussians in place of a flow, on the line."""

    target: Target
    mixture: MixtureSameFamily
    elbo: float

    @property
    def gap(self) -> float:
        """log p(x) - elbo, in nats."""
        return self.target.log_px - self.elbo

    def density(self, z: Tensor) -> Tensor:
        """q(z) for z `[..., 1]`: `[...]`."""
        return self.mixture.log_prob(z.squeeze(-1)).exp()


@one_thread()
def bound(target: Target, flow: FlowStep, n: int) -> Tensor:
    """The bound in nats, E[log p(x, z_K) - log q_0(z_0) + log_det] over z_0 ~ N(0, I), on n places of each axis.

    The sum over an even grid is divided by the sum of its weights, which is 1 up to rounding.
    """
    z_0, log_q0, weight = _base(target.dim, n)
    z, log_det = flow(z_0)
    return weight @ (target.log_joint(z) - log_q0 + log_det)


@functools.cache
def _base(dim: int, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """The places z_0 `[n^D, D]`, log q_0(z_0) and the weights of the sum."""
    axis = torch.linspace(-REACH, REACH, n, dtype=torch.float64)
    z_0 = torch.stack(torch.meshgrid(*[axis] * dim, indexing="xy"), -1).reshape(-1, dim)
    log_q0 = _log_normal(z_0).sum(-1)
    return z_0, log_q0, torch.softmax(log_q0, 0)


@one_thread()
def fit(target: Target, kind: str, n_steps: int, *, seed: int = 0, updates: int = UPDATES) -> Fit:
    """The Gaussian q with a number of steps behind it, fitted together by L-BFGS on the bound.

    Args:
        target: the posterior, from `TARGETS`.
        kind: "affine", "planar", and on the line "spline", in the plane "coupling".
        n_steps: steps behind the Gaussian, 0 to 8; with 0 it is the best Gaussian, in the plane with its correlation.
        seed: of the start; the directions of planar steps, the weights of networks.
        updates: at most; it ends earlier where the gap no longer falls.

    Raises:
        ValueError: the target has no such kind of steps, or n_steps is not from 0 to 8.
    """
    if kind not in KINDS[target.dim]:
        raise ValueError(f"kind is {kind!r}: {target.name} takes {', '.join(KINDS[target.dim])}.")
    if whole_number(n_steps, "n_steps", least=0) > MOST_STEPS:
        raise ValueError(f"n_steps is {n_steps}: give a whole number from 0 to {MOST_STEPS}.")
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        flow = Flow(Triangular(target.dim), *(STEPS[kind](target.dim, k) for k in range(n_steps))).double()
        _shift_start(flow)
        curve = _descend(flow, lambda: target.log_px - bound(target, flow, FITTED_ON[target.dim]), updates)
    with torch.no_grad():
        elbo = bound(target, flow.requires_grad_(False), SCORED_ON[target.dim]).item()
    name = f"{kind}, {n_steps} step{'s' if n_steps > 1 else ''}" if n_steps else "Gaussian"
    return Fit(target, name, flow, elbo, curve)


@one_thread()
def fit_mixture(target: Target, n_components: int, *, seed: int = 0) -> MixtureFit:
    """The mixture of K Gaussians q on the line, fitted by L-BFGS on its bound by quadrature over places that stay.

    Raises:
        ValueError: the target is not on the line, or n_components is not a whole number from 1.
    """
    if target.dim != 1:
        raise ValueError(f"{target.name} lies in the plane: give a target on the line, such as hills_target().")
    k = whole_number(n_components, "n_components", least=1)
    generator = torch.Generator().manual_seed(seed)
    means = torch.randn(k, generator=generator, dtype=torch.float64)
    raw = nn.Parameter(torch.stack([torch.zeros(k).double(), means, torch.full((k,), -1.0).double()]))
    z = torch.linspace(-8, 8, 2001, dtype=torch.float64)
    log_joint = target.log_joint(z.unsqueeze(-1))

    def gap() -> Tensor:
        log_q = _mixture(raw).log_prob(z)
        return target.log_px - (log_q.exp() * (log_joint - log_q)).sum() * (z[1] - z[0])

    with torch.enable_grad():
        _descend([raw], gap, UPDATES)
    mixture = _mixture(raw.detach())
    return MixtureFit(target, mixture, target.log_px - gap().item())


def _log_normal(x: Tensor, std: float = 1.0) -> Tensor:
    """log N(x; 0, std^2): the same as of torch.distributions, with less to check at each of many thousand calls."""
    return -0.5 * (x / std).square() - math.log(std * math.sqrt(2 * math.pi))


def _mixture(raw: Tensor) -> MixtureSameFamily:
    logits, mean, log_std = raw
    return MixtureSameFamily(Categorical(logits=logits), Normal(mean, log_std.exp()))


def _descend(parameters: nn.Module | list[nn.Parameter], gap: Callable[[], Tensor], updates: int) -> Tensor:
    """Descend on the gap, and return the lowest so far at each look at it, `[T]`."""
    moving = list(parameters.parameters()) if isinstance(parameters, nn.Module) else parameters
    optimiser = torch.optim.LBFGS(
        moving, max_iter=updates, max_eval=2 * updates, history_size=20, tolerance_change=1e-7,
        line_search_fn="strong_wolfe",
    )  # fmt: skip
    curve: list[Tensor] = []

    def look() -> Tensor:
        optimiser.zero_grad()
        value = gap()
        value.backward()
        curve.append(value.detach())
        return value

    optimiser.step(look)
    return torch.stack(curve).cummin(0).values


def _shift_start(flow: Flow) -> None:
    """Put the Gaussian's mean where it starts, and let each planar step bend somewhere else; it is still the identity."""
    cast(Triangular, flow.steps[0]).m.data += START
    for step in flow.steps:
        if isinstance(step, Planar):
            step.b.data = torch.randn((), dtype=torch.float64)


def _undone(step: FlowStep, y: Tensor) -> tuple[Tensor, Tensor]:
    """z and log |det dz/dy|, for a planar step too.

    With a = w.z + b its equation says w.y + b = a + (w.u) tanh(a), whose right side rises in a; halve the interval
    that holds a.
    """
    if not isinstance(step, Planar):
        return step.inverse(y)
    u, at = step.u_hat(), y @ step.w + step.b
    w_u = step.w @ u
    low, high = at - w_u.abs(), at + w_u.abs()
    for _ in range(ROOT):
        middle = (low + high) / 2
        above = middle + w_u * torch.tanh(middle) > at
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    z = y - u * torch.tanh(low).unsqueeze(-1)
    return z, -step(z)[1]


def _pairs(window: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The lower and the upper ends of the axes."""
    return window[::2], window[1::2]

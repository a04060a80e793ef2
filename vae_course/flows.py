"""Densities that move: steps from z to y that know their log-determinant, and the distribution of what they make of noise.

A step is a module. `step(z)` takes z `[..., D]` and returns y `[..., D]` and log_det `[...]`, where

log_det = log |det dy/dz|,    so that    log q(y) = log q(z) - log_det.

`step.inverse(y)` returns z and log |det dz/dy|, where there is a closed form for it. A `Flow` is a chain of steps, and a step
itself. Each step starts as the identity.
"""

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.nn import functional as F

from vae_course.support.numbers import whole_number

MOST_LOG_SCALE = 3.0  # |s| of a coupling or autoregressive step stays below it
LEAST = 1e-3  # the least slope of a spline, and the least width and height of a bin as a share of all


class FlowStep(nn.Module):
    """What every step has: the number of dimensions D, and a sentence for what can't be undone or has another shape.

    Raises:
        ValueError: dim is not a whole number from 1, or from `least`.
    """

    def __init__(self, dim: int, *, least: int = 1) -> None:
        super().__init__()
        self.dim = whole_number(dim, "dim", least=least)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """z `[..., D]` and log |det dz/dy| `[...]` of y `[..., D]`.

        Raises:
            NotImplementedError: this step has no inverse in closed form.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no inverse in closed form: draw with sample_with_log_prob, which needs none."
        )

    def _checked(self, z: Tensor) -> Tensor:
        if not z.is_floating_point():
            raise TypeError(f"The codes hold {z.dtype}: give floating-point numbers, for example z.float().")
        if z.dim() == 0 or z.shape[-1] != self.dim:
            raise ValueError(f"The codes have shape {list(z.shape)} but this step takes [..., {self.dim}].")
        return z


class Planar(FlowStep):
    """A step along one direction, as far as the place along another tells: y = z + u tanh(w.z + b).

    log_det = log(1 + u.psi),    psi = (1 - tanh(w.z + b)^2) w.

    It can be undone if w.u > -1, so the free parameter `u` becomes

    u_hat = u + (softplus(w.u) - 1 - w.u) w / |w|^2,    where    w.u_hat = softplus(w.u) - 1 > -1.

    There is no closed form for its inverse.

    Raises:
        ValueError: dim is not a whole number from 1.

    Source: Rezende and Mohamed, Variational Inference with Normalizing Flows (2015), equations 10 to 12 and appendix A.1.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        w = torch.randn(self.dim)
        self.w, self.b = nn.Parameter(w), nn.Parameter(torch.zeros(()))
        # softplus(w.u) = 1, so u_hat = 0: the identity.
        self.u = nn.Parameter(math.log(math.e - 1) * w / w.square().sum())

    def u_hat(self) -> Tensor:
        """The direction of the step, `[D]`."""
        w_u = self.w @ self.u
        return self.u + (F.softplus(w_u) - 1 - w_u) * self.w / self.w.square().sum()

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """y `[..., D]` and log |det dy/dz| `[...]` of z `[..., D]`."""
        bend = torch.tanh(self._checked(z) @ self.w + self.b)
        # 1 + u.psi, without a difference of nearly equal numbers where w.u_hat is close to -1.
        det = bend.square() + F.softplus(self.w @ self.u) * (1 - bend.square())
        return z + self.u_hat() * bend.unsqueeze(-1), det.log()


class Triangular(FlowStep):
    """A linear step, y = L z + m, with a lower triangular L whose diagonal is exp(log_diag): log_det = sum_d log L_dd.

    After z ~ N(0, I) it gives every Gaussian that there is, N(m, L L^T).

    Raises:
        ValueError: dim is not a whole number from 1.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.below = nn.Parameter(torch.zeros(self.dim, self.dim))
        self.log_diag, self.m = nn.Parameter(torch.zeros(self.dim)), nn.Parameter(torch.zeros(self.dim))

    def matrix(self) -> Tensor:
        """L, `[D, D]`."""
        return self.below.tril(-1) + torch.diag(self.log_diag.exp())

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """y `[..., D]` and log |det dy/dz| `[...]` of z `[..., D]`."""
        return self._checked(z) @ self.matrix().T + self.m, self.log_diag.sum().expand(z.shape[:-1])

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """z `[..., D]` and log |det dz/dy| `[...]` of y `[..., D]`."""
        moved = (self._checked(y) - self.m).reshape(-1, self.dim)
        z = torch.linalg.solve_triangular(self.matrix().T, moved, upper=True, left=False).reshape(y.shape)
        return z, -self.log_diag.sum().expand(y.shape[:-1])


class Coupling(FlowStep):
    """One half of z passes, and a network of it scales and shifts the other: y_a = z_a,  y_b = z_b exp(s(z_a)) + t(z_a).

    log_det = sum s(z_a). The first D // 2 numbers pass; with `flip` they are moved, and the others pass. s = S tanh(r / S) of
    the network's output r, with S = 3: near 0 it is r, and no scale leaves exp(-3) to exp(3).

    Args:
        dim: numbers D of a code, 2 or more.
        hidden: width of the network's two hidden layers.
        flip: exchange the halves.

    Raises:
        ValueError: dim is not a whole number from 2, or hidden from 1.

    Source: Dinh, Sohl-Dickstein and Bengio, Density Estimation Using Real NVP (2017), equations 7 and 8.
    """

    def __init__(self, dim: int, *, hidden: int = 32, flip: bool = False) -> None:
        super().__init__(dim, least=2)
        self.flip = flip
        width, split = whole_number(hidden, "hidden", least=1), self.dim // 2
        given, moved = (self.dim - split, split) if flip else (split, self.dim - split)
        layers = nn.Linear(given, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2 * moved)
        self.network = nn.Sequential(*layers)
        _start_at_zero(layers[-1])

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """y `[..., D]` and log |det dy/dz| `[...]` of z `[..., D]`."""
        z_a, z_b = self._halves(z)
        s, t = _scale_and_shift(self.network(z_a))
        return self._joined(z_a, z_b * s.exp() + t), s.sum(-1)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """z `[..., D]` and log |det dz/dy| `[...]` of y `[..., D]`."""
        y_a, y_b = self._halves(y)
        s, t = _scale_and_shift(self.network(y_a))
        return self._joined(y_a, (y_b - t) * (-s).exp()), -s.sum(-1)

    def _halves(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """What passes, and what is moved."""
        first, second = self._checked(z).tensor_split([self.dim // 2], -1)
        return (second, first) if self.flip else (first, second)

    def _joined(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat((b, a) if self.flip else (a, b), -1)


class Autoregressive(FlowStep):
    """Each number is scaled and shifted by what stands before it: y_d = z_d exp(s_d(z_<d)) + t_d(z_<d).

    log_det = sum_d s_d. One network gives all s and t at once, because masks leave it no way from z_d to s_1, ..., s_d. So a
    step takes one pass of the network, and its inverse D, one for each number. s is bounded as in `Coupling`.

    Args:
        dim: numbers D of a code.
        hidden: width of the network's two hidden layers.

    Raises:
        ValueError: dim or hidden is not a whole number from 1.

    Sources: Kingma and others, Improved Variational Inference with Inverse Autoregressive Flow (2016), section 3;
    Germain and others, MADE: Masked Autoencoder for Distribution Estimation (2015), equations 8 and 9, for the masks.
    """

    def __init__(self, dim: int, *, hidden: int = 32) -> None:
        super().__init__(dim)
        width, places = whole_number(hidden, "hidden", least=1), torch.arange(self.dim)
        seen = torch.arange(width) % max(self.dim - 1, 1)  # the last number of z that a hidden unit may see
        inner = seen[:, None] >= seen
        last = _Masked((places[:, None] > seen).repeat(2, 1))
        self.network = nn.Sequential(_Masked(seen[:, None] >= places), nn.SiLU(), _Masked(inner), nn.SiLU(), last)
        _start_at_zero(last)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """y `[..., D]` and log |det dy/dz| `[...]` of z `[..., D]`, in one pass."""
        s, t = _scale_and_shift(self.network(self._checked(z)))
        return z * s.exp() + t, s.sum(-1)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """z `[..., D]` and log |det dz/dy| `[...]` of y `[..., D]`, in D passes: each makes one more number right."""
        z = torch.zeros_like(self._checked(y))
        for _ in range(self.dim):
            s, t = _scale_and_shift(self.network(z))
            z = (y - t) * (-s).exp()
        return z, -s.sum(-1)


class Spline(FlowStep):
    """Each number by a rising curve of its own: `bins` pieces of a rational quadratic between -bound and bound.

    Outside it is the identity, so a slope of 1 meets it at both ends. log_det is the sum of the logs of the slopes.

    Args:
        dim: numbers D of a code.
        bins: pieces of the curve, K.
        bound: where the curve ends, above 0.

    Raises:
        ValueError: dim or bins is not a whole number from 1, there are more bins than their least width lets in, or bound is
            not a finite number above zero.

    Source: Durkan, Bekasov, Murray and Papamakarios, Neural Spline Flows (2019), equations 4 to 8.
    """

    def __init__(self, dim: int, *, bins: int = 8, bound: float = 4.0) -> None:
        super().__init__(dim)
        self.bins, self.bound = whole_number(bins, "bins", least=1), float(bound)
        if self.bins * LEAST >= 1:
            raise ValueError(
                f"bins is {bins}: give fewer than {round(1 / LEAST)}, the least width of one leaves room for."
            )
        if not (math.isfinite(self.bound) and self.bound > 0):
            raise ValueError(f"bound is {bound}: give a finite number above zero.")
        self.widths, self.heights = (nn.Parameter(torch.zeros(self.dim, self.bins)) for _ in range(2))
        # softplus of it is 1, less the least slope: the identity.
        self.slopes = nn.Parameter(torch.full((self.dim, self.bins - 1), math.log(math.expm1(1 - LEAST))))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """y `[..., D]` and log |det dy/dz| `[...]` of z `[..., D]`."""
        inside = self._checked(z).clamp(-self.bound, self.bound)
        bin_ = self._bin(inside, self._knots(self.widths))
        y, log_slope = _rational(bin_, (inside - bin_.x) / bin_.width)
        within = z.abs() < self.bound
        return torch.where(within, y, z), torch.where(within, log_slope, 0.0).sum(-1)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """z `[..., D]` and log |det dz/dy| `[...]` of y `[..., D]`: the root of a quadratic in each bin."""
        inside = self._checked(y).clamp(-self.bound, self.bound)
        bin_ = self._bin(inside, self._knots(self.heights))
        share = (inside - bin_.y) / bin_.height
        curved = share * (bin_.right + bin_.left - 2 * bin_.slope)
        a, b, c = bin_.slope - bin_.left + curved, bin_.left - curved, -bin_.slope * share
        xi = -2 * c / (b + (b.square() - 4 * a * c).clamp_min(0).sqrt())
        _, log_slope = _rational(bin_, xi)
        within = y.abs() < self.bound
        return torch.where(within, bin_.x + xi * bin_.width, y), -torch.where(within, log_slope, 0.0).sum(-1)

    def _knots(self, raw: Tensor) -> Tensor:
        """The ends of the bins from -bound to bound, `[D, K + 1]`."""
        shares = LEAST + (1 - LEAST * self.bins) * torch.softmax(raw, -1)
        ends = self.bound * (2 * shares.cumsum(-1)[:, :-1] - 1)
        edge = ends.new_full((self.dim, 1), self.bound)
        return torch.cat([-edge, ends, edge], -1)

    def _bin(self, place: Tensor, knots: Tensor) -> "_Bin":
        """The bin of each place `[..., D]` among these knots, and what is known of it."""
        one = knots.new_ones(self.dim, 1)
        slopes = torch.cat([one, LEAST + F.softplus(self.slopes), one], -1)
        which = (place.unsqueeze(-1) >= knots[:, 1:-1]).sum(-1, keepdim=True)

        def at(table: Tensor, shift: int) -> Tensor:
            return table.expand(*place.shape, -1).gather(-1, which + shift).squeeze(-1)

        xs, ys = self._knots(self.widths), self._knots(self.heights)
        width, height = (at(ends, 1) - at(ends, 0) for ends in (xs, ys))
        return _Bin(at(xs, 0), width, at(ys, 0), height, at(slopes, 0), at(slopes, 1))


class Path(NamedTuple):
    """A code on its way: z `[K + 1, ..., D]` before the first step and after each, and the log_dets `[K, ...]`."""

    z: Tensor
    log_dets: Tensor


class Flow(FlowStep):
    """A chain of steps, one after another: their log-determinants add up.

    Raises:
        ValueError: there is no step, or the steps have different numbers of dimensions.
        TypeError: one of them is no step.
    """

    def __init__(self, *steps: FlowStep) -> None:
        for step in steps:
            if not isinstance(step, FlowStep):
                raise TypeError(
                    f"{type(step).__name__} is no step of vae_course.flows: give steps such as Planar(2), separated by commas."
                )
        dims = sorted({step.dim for step in steps})
        if len(dims) != 1:
            raise ValueError(f"The steps have {dims or 'no'} dimensions: give one or more steps of the same dim.")
        super().__init__(dims[0])
        self.steps = nn.ModuleList(steps)

    def path(self, z: Tensor) -> Path:
        """Where z `[..., D]` is after each step, and the log-determinant of each."""
        places, log_dets = [self._checked(z)], []
        for step in self.steps:
            y, log_det = step(places[-1])
            places.append(y)
            log_dets.append(log_det)
        return Path(torch.stack(places), torch.stack(log_dets))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """y `[..., D]` and log |det dy/dz| `[...]` of z `[..., D]`."""
        return _chained(self._checked(z), list(self.steps))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """z `[..., D]` and log |det dz/dy| `[...]` of y `[..., D]`: the steps undone, the last one first."""
        return _chained(self._checked(y), [cast(FlowStep, step).inverse for step in reversed(self.steps)])


class FlowDistribution(Distribution):
    """The distribution of y = flow(z), where z is drawn from `base`: log q(y) = log q(z) - log |det dy/dz|.

    Args:
        base: a distribution over codes, event `[D]`, such as N(0, I).
        flow: one step or a chain of them, of D dimensions.

    Raises:
        ValueError: a draw from base is no code of D numbers.
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, base: Distribution, flow: FlowStep) -> None:
        if tuple(base.event_shape) != (flow.dim,):
            raise ValueError(
                f"A draw from base has shape {list(base.event_shape)} but the flow takes [{flow.dim}]: "
                "give one event, such as Independent(Normal(mean, std), 1)."
            )
        super().__init__(base.batch_shape, base.event_shape, validate_args=False)
        self.base, self.flow = base, flow

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draws y, `[*sample_shape, *batch, D]`, through which gradients pass."""
        return self.flow(self.base.rsample(torch.Size(sample_shape)))[0]

    def sample_with_log_prob(self, sample_shape: Sequence[int] = ()) -> tuple[Tensor, Tensor]:
        """Draws y `[*sample_shape, *batch, D]` and their log q(y); no step is undone, and gradients pass through both."""
        z = self.base.rsample(torch.Size(sample_shape))
        y, log_det = self.flow(z)
        return y, self.base.log_prob(z) - log_det

    def log_prob(self, y: Tensor) -> Tensor:
        """log q(y) in nats for y `[..., D]`, by undoing the flow.

        Raises:
            NotImplementedError: one of the steps has no inverse in closed form.
        """
        z, log_det = self.flow.inverse(y)
        return self.base.log_prob(z) + log_det


class _Masked(nn.Linear):
    """A linear layer without the connections where the mask `[outputs, inputs]` is False."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.mask, self.bias)


class _Bin(NamedTuple):
    """The bin of a spline in which a number lies: its corner, its size, and the slopes at its ends."""

    x: Tensor
    width: Tensor
    y: Tensor
    height: Tensor
    left: Tensor
    right: Tensor

    @property
    def slope(self) -> Tensor:
        """From corner to corner."""
        return self.height / self.width


def _rational(bin_: _Bin, xi: Tensor) -> tuple[Tensor, Tensor]:
    """The curve and the log of its slope at the share xi of the bin's width, from 0 to 1."""
    mean, both = bin_.slope, xi * (1 - xi)
    below = mean + (bin_.right + bin_.left - 2 * mean) * both
    y = bin_.y + bin_.height * (mean * xi.square() + bin_.left * both) / below
    above = bin_.right * xi.square() + 2 * mean * both + bin_.left * (1 - xi).square()
    return y, 2 * mean.log() + above.log() - 2 * below.log()


def _scale_and_shift(output: Tensor) -> tuple[Tensor, Tensor]:
    """s, softly bounded, and t from a network's output, which holds them side by side."""
    raw, t = output.chunk(2, -1)
    return MOST_LOG_SCALE * torch.tanh(raw / MOST_LOG_SCALE), t


def _start_at_zero(layer: nn.Linear) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


def _chained(z: Tensor, steps: Sequence[Callable[[Tensor], tuple[Tensor, Tensor]]]) -> tuple[Tensor, Tensor]:
    """What comes out of the steps, one after another, and the sum of their log-determinants."""
    total = z.new_zeros(z.shape[:-1])
    for step in steps:
        z, log_det = step(z)
        total = total + log_det
    return z, total

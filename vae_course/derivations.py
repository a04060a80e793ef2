"""Derivations whose every line is tested: both sides are computed, shown side by side, and compared.

A lesson opens a `Derivation` and adds a line for each step. A line shows its formula, the two values, the tolerance and
the verdict; a line that does not hold raises. `summary()` lists them all for the box at the lesson's end.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sympy
import torch
from torch import Tensor

from vae_course.evaluation import standard_error

__all__ = ["Derivation", "Step", "StepError", "Summary", "standard_error"]

# What a step may differ by, by how its two sides were computed.
TOLERANCES = {"closed form": 1e-6, "quadrature": 1e-4}
STANDARD_ERRORS = 4.0


class StepError(AssertionError):
    """The two sides of a step are not equal."""


@dataclass(frozen=True)
class Step:
    """One line of a derivation: the largest difference between its sides, and what was allowed."""

    formula: str
    left: str
    right: str
    difference: float
    tolerance: float
    how: str

    @property
    def holds(self) -> bool:
        """Whether the difference is within the tolerance; never where a side is infinite or not a number."""
        return math.isfinite(self.difference) and self.difference <= self.tolerance

    def __str__(self) -> str:
        if self.how == "algebra":
            return f"{self.formula}:  the difference simplifies to {self.right}  ->  {self._verdict()}"
        allowed = (
            f"|difference| {self.difference:.1e} <= {self.tolerance:.1e}"
            if self.holds
            else (f"|difference| {self.difference:.1e} > {self.tolerance:.1e}")
        )
        return f"{self.formula}:  {self.left} = {self.right}  ({self.how}, {allowed})  ->  {self._verdict()}"

    def _verdict(self) -> str:
        return "holds" if self.holds else "FAILS"


@dataclass
class Derivation:
    """A chain of tested equalities.

    Example:
        >>> kl = Derivation("KL of two Gaussians")
        >>> kl.step("log 1 = 0", torch.tensor(1.0).log(), 0.0)
        1. log 1 = 0:  0.000000 = 0.000000  (closed form, |difference| 0.0e+00 <= 1.0e-06)  ->  holds
    """

    title: str
    steps: list[Step] = field(default_factory=list)

    def step(
        self,
        formula: str,
        left: Tensor | float,
        right: Tensor | float,
        *,
        how: str = "closed form",
        standard_error: Tensor | float | None = None,
    ) -> None:
        """Compare two numbers, or two tensors entry by entry, and print the line.

        The tolerance is 1e-6 for a closed form and 1e-4 for quadrature, each relative to the larger side where that
        exceeds one; with `standard_error` it is four standard errors, the comparison is Monte Carlo, and each side may
        be the one with the noise.

        Args:
            formula: the equality in plain text.
            left, right: its two sides, numbers or tensors that broadcast.
            how: "closed form" or "quadrature".
            standard_error: of the difference, for Monte Carlo; a number or a tensor like the sides.

        Raises:
            StepError: the sides differ by more than the tolerance, or are not finite.
            ValueError: `how` is unknown, or a standard error is negative or not finite.
        """
        a, b = (torch.as_tensor(side).detach().to(torch.float64) for side in (left, right))
        difference = (a - b).abs()
        if standard_error is not None:
            error = torch.as_tensor(standard_error).detach().to(torch.float64)
            if not (torch.isfinite(error).all() and (error >= 0).all()):
                raise ValueError(f"{formula}: a standard error must be a finite number, zero or more.")
            how, allowed = "Monte Carlo", STANDARD_ERRORS * error
        elif how in TOLERANCES:
            allowed = TOLERANCES[how] * torch.maximum(a.abs(), b.abs()).clamp_min(1.0)
        else:
            raise ValueError(f"how is {how!r}: choose one of {', '.join(TOLERANCES)}, or give a standard error.")
        difference, allowed = torch.broadcast_tensors(difference, allowed)
        worst = _worst(difference, allowed)
        left_shown, right_shown = (_shown(side, difference.shape, worst) for side in (a, b))
        gap, limit = float(difference.flatten()[worst]), float(allowed.flatten()[worst])
        self._add(Step(formula, left_shown, right_shown, gap, limit, how))

    def algebra(self, formula: str, left: Any, right: Any) -> None:
        """Check by sympy that two expressions are the same, and print the line.

        Raises:
            StepError: their difference does not simplify to zero.
        """
        rest = sympy.simplify(sympy.expand(sympy.expand_log(sympy.sympify(left) - sympy.sympify(right))))
        self._add(Step(formula, str(left), str(rest), float(rest != 0), 0.0, "algebra"))

    def summary(self) -> "Summary":
        """All lines so far, for the box at the end of a lesson."""
        return Summary(self.title, tuple(self.steps))

    def _add(self, step: Step) -> None:
        if not step.holds:
            raise StepError(f"{self.title}, step {len(self.steps) + 1}: {step}")
        self.steps.append(step)
        print(f"{len(self.steps)}. {step}")


@dataclass(frozen=True)
class Summary:
    """The lines of a derivation as a box: a table in a notebook, a list in plain text."""

    title: str
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return "\n".join([self.title, *(f"  {i}. {s.formula}  [{s.how}]" for i, s in enumerate(self.steps, 1))])

    def _repr_markdown_(self) -> str:
        rows = (f"| {i} | {_escaped(s.formula)} | {s.how} |" for i, s in enumerate(self.steps, 1))
        return "\n".join(
            [f"**{self.title}**, every line tested", "", "| step | equality | by |", "|---|---|---|", *rows]
        )


def _worst(difference: Tensor, allowed: Tensor) -> int:
    """The flat index of the entry that is furthest out of bounds; a difference that is not a number counts as that."""
    excess = torch.nan_to_num(difference - allowed, nan=torch.inf, posinf=torch.inf)
    return int(excess.flatten().argmax())


def _shown(side: Tensor, shape: Iterable[int], index: int) -> str:
    return f"{float(side.expand(tuple(shape)).flatten()[index]):.6f}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")

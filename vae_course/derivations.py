"""Derivations whose every line is tested: both sides are computed, shown side by side, and compared.

A lesson opens a `Derivation` and adds a line for each step. A line shows its formula, the two values, the tolerance and
the verdict; a line that does not hold raises. In a notebook the lines of a cell are one table, with the tolerance behind
the tick. `summary()` lists them all for the box at the lesson's end.
"""

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
import torch
from torch import Tensor

from vae_course.evaluation import standard_error
from vae_course.support.outputs import Lines, digits, row, table, tick

__all__ = ["Derivation", "Step", "StepError", "Summary", "standard_error"]

# What a step may differ by, by how its two sides were computed.
TOLERANCES = {"closed form": 1e-6, "quadrature": 1e-4}
STANDARD_ERRORS = 4.0


class StepError(AssertionError):
    """The two sides of a step are not equal."""


@dataclass(frozen=True)
class Step:
    """One line of a derivation: its sides, numbers or expressions, their largest difference, and what was allowed."""

    number: int
    formula: str
    left: float | str
    right: float | str
    difference: float
    tolerance: float
    how: str

    @property
    def holds(self) -> bool:
        """Whether the difference is within the tolerance; never where a side is infinite or not a number."""
        return math.isfinite(self.difference) and self.difference <= self.tolerance

    def __str__(self) -> str:
        return f"{self.number}. {self.sentence()}"

    def sentence(self) -> str:
        """The formula, its two sides, the tolerance and the verdict in plain text."""
        verdict = "holds" if self.holds else "FAILS"
        if isinstance(self.left, str) or isinstance(self.right, str):
            return f"{self.formula}:  the difference simplifies to {self.right}  ->  {verdict}"
        sides = f"{self.left:.6f} = {self.right:.6f}"
        allowed = f"|difference| {self.difference:.1e} {'<=' if self.holds else '>'} {self.tolerance:.1e}"
        return f"{self.formula}:  {sides}  ({self.how}, {allowed})  ->  {verdict}"

    def row(self) -> str:
        """A line that holds as a row of HTML; the difference and the rule are behind its tick."""
        head = f"{self.number}. {typeset(self.formula)}"
        if isinstance(self.left, str) or isinstance(self.right, str):
            return row(head, "equal by algebra", tick("The difference simplifies to 0."))
        equal = "≈" if self.how == "Monte Carlo" else "="
        sides = f"{digits(self.left)} {equal} {digits(self.right)}"
        rule = f"{self.how[0].upper()}{self.how[1:]}: differs by {digits(self.difference)},"
        return row(head, sides, tick(rule, f"at most {self.tolerance:.1g} allowed."))


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
    _shown: Lines[Step] = field(default_factory=lambda: Lines(_table), init=False, repr=False, compare=False)

    def step(
        self,
        formula: str,
        left: Tensor | float,
        right: Tensor | float,
        *,
        how: str = "closed form",
        standard_error: Tensor | float | None = None,
    ) -> None:
        """Compare two numbers, or two tensors entry by entry, and show the line.

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
        left_there, right_there = (float(side.expand(difference.shape).flatten()[worst]) for side in (a, b))
        gap, limit = float(difference.flatten()[worst]), float(allowed.flatten()[worst])
        self._add(Step(len(self.steps) + 1, formula, left_there, right_there, gap, limit, how))

    def algebra(self, formula: str, left: Any, right: Any) -> None:
        """Check by sympy that two expressions are the same, and show the line.

        Raises:
            StepError: their difference does not simplify to zero.
        """
        rest = sympy.simplify(sympy.expand(sympy.expand_log(sympy.sympify(left) - sympy.sympify(right))))
        self._add(Step(len(self.steps) + 1, formula, str(left), str(rest), float(rest != 0), 0.0, "algebra"))

    def summary(self) -> "Summary":
        """All lines so far, for the box at the end of a lesson."""
        return Summary(self.title, tuple(self.steps))

    def _add(self, step: Step) -> None:
        if not step.holds:
            raise StepError(f"{self.title}, step {step.number}: {step.sentence()}")
        self.steps.append(step)
        self._shown.add(step)


@dataclass(frozen=True)
class Summary:
    """The lines of a derivation as a table in a notebook, and a list in plain text."""

    title: str
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return "\n".join([self.title, *(f"  {i}. {s.formula}  [{s.how}]" for i, s in enumerate(self.steps, 1))])

    def _repr_html_(self) -> str:
        rows = (row(f"{i}. {typeset(s.formula)}", s.how) for i, s in enumerate(self.steps, 1))
        return f"<p><b>{html.escape(self.title)}</b>, every line tested</p>{table(list(rows), 'vae-summary')}"


def typeset(formula: str) -> str:
    """A formula in plain text as HTML: variables in italics, Greek letters, indices, exponents, primes and minus signs."""
    text = html.escape(formula, quote=False)
    for pattern, shown in _RULES:
        text = pattern.sub(shown, text)
    return _LETTERS.sub(lambda m: f"{m['d'] or ''}<i>{m['letters']}</i>" if m["letters"] else m[0], text)


_GREEK = {
    "Lambda": "Λ",
    "Phi": "Φ",
    "alpha": "α",
    "beta": "β",
    "delta": "δ",
    "eps": "ε",
    "eta": "η",
    "lam": "λ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "phi": "φ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "theta": "θ",
}
_ONE = "(?<![A-Za-z])[A-Za-z]"  # a letter that begins no word and ends none that is longer
# From plain text to HTML, one rule after another.
_RULES = [
    (re.compile(pattern), shown)
    for pattern, shown in (
        (r"\|\|", "‖"),
        (r"\.\.\.", "…"),
        (rf"(?<![A-Za-z])(d?)({'|'.join(_GREEK)})(?![A-Za-z])", lambda m: m[1] + _GREEK[m[2]]),
        (r"\bsqrt\b", "√"),
        (r"\bgrad\b", "∇"),
        (r"\bdlog(?=[a-z]\b)", "d log "),
        (r"\bsum_", "∑_"),
        (r"\b1/2(?![\w/])", "½"),
        # A minus sign, not the hyphen of a word.
        (rf"({_ONE})-(?=[A-Z\d]|[a-z]\b)", r"\1 − "),
        (r"(?<![A-Za-z])-(?=[^\s-])|(?<=\s)-(?=\s)", "−"),
        # A prime, not the apostrophe of a word; what is given; an expectation and a normal density.
        (rf"({_ONE}(?:_\w+)?|\))'(?!s\b)", r"\1′"),
        (r"(\(\w[^()|]*)\|(\w[^()|]*\))", "\\1\u2009|\u2009\\2"),
        (r"(?<![A-Za-z])E(?=[\[_])", "𝔼"),
        (r"(?<![A-Za-z])N(?=\()", "𝒩"),
        # Indices and exponents.
        (r"\blog2\b", "log<sub>2</sub>"),
        (rf"({_ONE}|[α-ω])(\d*)_hat(?![A-Za-z])", lambda m: f"{m[1]}\u0302" + (f"<sub>{m[2]}</sub>" if m[2] else "")),
        (r"(?<![A-Za-z]{2})([^\W\d_]|∑)_(\w+)", r"\1<sub>\2</sub>"),
        (r"(?<=[a-z]{2})_([a-z])(?!\w)", r"<sub>\1</sub>"),
        (rf"({_ONE})(\d+)(?!\w)", r"\1<sub>\2</sub>"),
        (r"\^(?:\(([^()]*)\)|(−?(?:\|\w+\||\w+|\*)))", lambda m: f"<sup>{m[1] or m[2]}</sup>"),
    )
]
# A single letter is a variable, and so are the letters of a product without spaces; the d of a derivative stays upright.
# Tags, entities and an article are passed over.
_LETTERS = re.compile(
    r"<[^>]*>|&\w+;|(?<![A-Za-z])(?:a(?= [a-z]{2})|d(?= log|[α-ω]))"
    r"|(?<![A-Za-z'])(?P<d>d(?=[A-Za-np-z](?![A-Za-z])))?(?P<letters>DEc?|ESD|SQ|vz|[A-Za-z]\u0302?)(?![A-Za-z])"
)


def _table(steps: Sequence[Step]) -> str:
    return table([step.row() for step in steps], "vae-steps")


def _worst(difference: Tensor, allowed: Tensor) -> int:
    """The flat index of the entry that is furthest out of bounds; a difference that is not a number counts as that."""
    excess = torch.nan_to_num(difference - allowed, nan=torch.inf, posinf=torch.inf)
    return int(excess.flatten().argmax())

"""Comparison of two outcomes, value by value."""

import numpy as np

from vae_course.exercises.outcomes import Array, Outcome, Value

FLOATS = ("float32", "float64")


def agree(outcome: Outcome, target: Outcome, tolerance: float) -> bool:
    """Whether two outcomes are the same: values, a second call's values, gradients, inputs afterwards.

    Of what the target leaves changed, an outcome may leave less.
    """
    return (
        _same_failures(outcome, target)
        and same_values(outcome.values, target.values, tolerance)
        and same_values(outcome.again, target.again, tolerance)
        and same_gradients(outcome, target, tolerance)
        and not changed_inputs(outcome, target)
        and set(outcome.changes) <= set(target.changes)
    )


def same_values(values: dict[str, Value], target: dict[str, Value], tolerance: float) -> bool:
    """Whether all results have the same names, kinds, shapes and, within the tolerance, numbers."""
    return values.keys() == target.keys() and all(_same(v, target[k], tolerance) for k, v in values.items())


def same_numbers(values: dict[str, Value], target: dict[str, Value], tolerance: float) -> bool:
    """Whether all results have the same names, shapes and numbers, of whatever kind and dtype they are."""
    return values.keys() == target.keys() and all(
        not np.iscomplexobj(v.array) and close(v.array, target[k].array, tolerance) for k, v in values.items()
    )


def same_gradients(outcome: Outcome, target: Outcome, tolerance: float) -> bool:
    """Whether all gradients are the same, or absent in both."""
    return outcome.gradients.keys() == target.gradients.keys() and all(
        g is t if g is None or t is None else close(g, t, tolerance)
        for g, t in ((g, target.gradients[name]) for name, g in outcome.gradients.items())
    )


def changed_inputs(outcome: Outcome, target: Outcome) -> list[str]:
    """The inputs that an answer left in another state than the target did."""
    return [name for name, a in outcome.after.items() if not np.array_equal(a, target.after[name], equal_nan=True)]


def close(a: Array, b: Array, tolerance: float) -> bool:
    """Equality within the tolerance, relative to each number and to the largest; NaN equals NaN, inf equals inf."""
    if a.shape != b.shape:
        return False
    floor = 1e-10 if a.dtype == b.dtype == np.float64 else 1e-6
    a, b = a.astype(np.float64), b.astype(np.float64)
    size, finite = np.abs(b), np.isfinite(b)
    scale = float(size.max(initial=0.0, where=finite))
    with np.errstate(invalid="ignore", over="ignore"):
        # np.allclose says the same, and takes twice as long on inputs as small as these.
        near = (np.abs(a - b) <= tolerance * scale + floor + tolerance * size) & finite
    return bool((near | (a == b) | (np.isnan(a) & np.isnan(b))).all())


def _same(value: Value, target: Value, tolerance: float) -> bool:
    same_dtype = value.dtype == target.dtype or (value.dtype in FLOATS and target.dtype in FLOATS)
    return value.kind == target.kind and same_dtype and close(value.array, target.array, tolerance)


def _same_failures(outcome: Outcome, target: Outcome) -> bool:
    pairs = ((outcome.failure, target.failure), (outcome.second_failure, target.second_failure))
    return all((a and (a.type, a.message)) == (b and (b.type, b.message)) for a, b in pairs)

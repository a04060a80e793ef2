"""The learning rate and the weights that change during a training."""

import math

import pytest

from vae_course.training import linear_warmup, one_cycle


def test_one_cycle_rises_to_one_and_falls_to_almost_nothing():
    values = [one_cycle(i / 1000) for i in range(1001)]
    assert values[0] == pytest.approx(1 / 25)
    assert max(values) == pytest.approx(1.0, abs=1e-4)
    assert values[-1] == pytest.approx(1e-4)
    peak = values.index(max(values))
    assert values[: peak + 1] == sorted(values[: peak + 1])
    assert values[peak:] == sorted(values[peak:], reverse=True)


def test_linear_warmup():
    anneal = linear_warmup(0.25)
    assert [anneal(p) for p in (0.0, 0.125, 0.25, 0.6, 1.0)] == [0.0, 0.5, 1.0, 1.0, 1.0]
    for fraction in (0, -1, 1.5, math.nan):
        with pytest.raises(ValueError, match="above 0 and up to 1"):
            linear_warmup(fraction)

"""A line of a derivation holds, or its cell fails."""

import pytest
import sympy
import torch

from vae_course.derivations import Derivation, StepError, standard_error


@pytest.fixture
def chain():
    return Derivation("A chain")


def test_a_line_shows_formula_values_tolerance_and_verdict(chain, capsys):
    chain.step("2 + 2 = 4", 2.0 + 2.0, 4.0)
    assert capsys.readouterr().out == (
        "1. 2 + 2 = 4:  4.000000 = 4.000000  (closed form, |difference| 0.0e+00 <= 4.0e-06)  ->  holds\n"
    )


@pytest.mark.parametrize(
    "tamper",
    [lambda v: -v, lambda v: 1.001 * v, lambda v: v + 0.01, lambda v: v * float("nan"), lambda v: v * float("inf")],
)
@pytest.mark.parametrize("how", ["closed form", "quadrature"])
def test_a_tampered_side_fails_and_is_not_kept(chain, tamper, how):
    value = torch.tensor([0.7, 2.5], dtype=torch.float64)
    with pytest.raises(StepError, match="A chain, step 1: .*FAILS"):
        chain.step("left = right", value, tamper(value), how=how)
    assert chain.steps == []


@pytest.mark.parametrize("how", ["closed form", "quadrature"])
def test_two_infinite_sides_are_no_equality(chain, how):
    with pytest.raises(StepError):
        chain.step("inf = inf", float("inf"), float("inf"), how=how)


def test_one_wrong_entry_among_many_is_the_one_shown(chain):
    left = torch.ones(100)
    right = left.clone()
    right[42] = 1.5
    with pytest.raises(StepError, match=r"1\.000000 = 1\.500000"):
        chain.step("a = b", left, right)


def test_tolerances_differ_by_how_the_sides_were_computed(chain):
    chain.step("a = b", 1.0, 1.00005, how="quadrature")
    with pytest.raises(StepError):
        chain.step("a = b", 1.0, 1.00005)


def test_monte_carlo_is_allowed_four_standard_errors(chain):
    chain.step("a = b", 1.0, 1.39, standard_error=0.1)
    with pytest.raises(StepError):
        chain.step("a = b", 1.0, 1.41, standard_error=0.1)


@pytest.mark.parametrize("error", [-1.0, float("nan"), float("inf")])
def test_an_impossible_standard_error_is_refused(chain, error):
    with pytest.raises(ValueError, match="finite number"):
        chain.step("a = b", 1.0, 1.0, standard_error=error)


def test_an_unknown_way_of_computing_is_refused(chain):
    with pytest.raises(ValueError, match="closed form, quadrature"):
        chain.step("a = b", 1.0, 1.0, how="guess")


def test_algebra_is_checked_by_sympy(chain):
    s, m = sympy.symbols("sigma mu", positive=True)
    chain.algebra("log sigma^2 = 2 log sigma", sympy.log(s**2), 2 * sympy.log(s))
    with pytest.raises(StepError):
        chain.algebra("(s + m)^2 = s^2 + m^2", (s + m) ** 2, s**2 + m**2)
    assert len(chain.steps) == 1


def test_the_summary_lists_every_line_in_text_and_as_a_table(chain):
    chain.step("1 = 1", 1.0, 1.0)
    chain.step("p(z | x) = p(z | x)", 0.5, 0.5, how="quadrature")
    assert repr(chain.summary()) == "A chain\n  1. 1 = 1  [closed form]\n  2. p(z | x) = p(z | x)  [quadrature]"
    assert "| 2 | p(z \\| x) = p(z \\| x) | quadrature |" in chain.summary()._repr_markdown_()


def test_the_standard_error_is_that_of_a_mean():
    torch.manual_seed(0)
    draws = torch.randn(400, 300, dtype=torch.float64) * 3
    torch.testing.assert_close(standard_error(draws).mean(), draws.mean(0).std(), rtol=0.15, atol=0)
    with pytest.raises(ValueError, match="two or more"):
        standard_error(draws[:1])

"""A line of a derivation holds, or its cell fails."""

import re
import types

import pytest
import sympy
import torch

from vae_course.derivations import Derivation, StepError, standard_error, typeset
from vae_course.support.outputs import digits


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
    rows = re.sub("</?i>", "", chain.summary()._repr_html_()).split("<tr>")[1:]
    assert [re.sub("<[^>]*>", " ", each).split() for each in rows] == [
        ["1.", "1", "=", "1", "closed", "form"],
        ["2.", "p(z", "|", "x)", "=", "p(z", "|", "x)", "quadrature"],
    ]


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("log p(x) = log E_q[w(z)]", "log *p*(*x*) = log 𝔼_(*q*)[*w*(*z*)]"),
        ("KL(q || p) = -E_q[log t]", "KL(*q* ‖ *p*) = −𝔼_(*q*)[log *t*]"),
        ("sum_z p(x, z) = sum of all lambda_j", "∑_(*z*) *p*(*x*, *z*) = sum of all λ_(*j*)"),
        ("p(x|z) / N(z; 0, 1), |c - a|^2", "*p*(*x*\u2009|\u2009*z*) / 𝒩(*z*; 0, 1), |*c* − *a*|^(2)"),
        ("-1/2 log sigma_p^2, 1/24", "−½ log σ_(*p*)^(2), 1/24"),
        ("E_eps[f(mu + std eps)]", "𝔼_(ε)[*f*(μ + std ε)]"),
        ("dlogq(z)/dtheta_j, dL/dtau^2, dz", "d log *q*(*z*)/dθ_(*j*), d*L*/dτ^(2), d*z*"),
        ("lam^x (1 - lam)^(1 - x)", "λ^(*x*) (1 − λ)^(1 − *x*)"),
        ("log(1 + e^-|l|), A^-1, error(D, E*)", "log(1 + *e*^(−|*l*|)), *A*^(−1), error(*D*, *E**)"),
        ("cross-entropy - entropy", "cross-entropy − entropy"),
        ("(x-b) 6(D-1), a leave-one-out", "(*x* − *b*) 6(*D* − 1), a leave-one-out"),
        ("E[iwae_bound, k = 1], exp(logvar), mu", "𝔼[iwae_bound, *k* = 1], exp(logvar), μ"),
        ("1.5 < x & -log2 p, sqrt(pi)", "1.5 &lt; *x* &amp; −log_(2) *p*, √(π)"),
        ("w1 + m3, E_q1[p1], noise_j, p_hat", "*w*_(1) + *m*_(3), 𝔼_(*q*_(1))[*p*_(1)], noise_(*j*), *p\u0302*"),
        ("D'D = f'(z) v_j', torch's, x's", "*D*′*D* = *f*′(*z*) *v*_(*j*)′, torch's, *x*'s"),
        ("a plane, log a", "a plane, log *a*"),
        ("DEc + vz is not KL or do", "*DEc* + *vz* is not KL or do"),
        ("grad log w, Lambda_jj", "∇ log *w*, Λ_(jj)"),
        ("|eps - eps_hat|^2, x0_hat, alpha_t/alpha_s", "|ε − ε\u0302|^(2), *x\u0302*_(0), α_(*t*)/α_(*s*)"),
    ],
)
def test_a_formula_is_typeset_without_a_script_and_names_of_code_stay(formula, shown):
    assert _plain(typeset(formula)) == shown


def _plain(rich):
    """`typeset`'s HTML with *italics*, _(indices) and ^(exponents)."""
    pairs = {"<i>": "*", "</i>": "*", "<sub>": "_(", "<sup>": "^(", "</sub>": ")", "</sup>": ")"}
    return re.sub("<[^>]*>", lambda tag: pairs[tag[0]], rich)


def test_a_formula_is_typeset_in_tags_that_every_page_knows():
    assert typeset("sigma_p^2 < q") == "σ<sub><i>p</i></sub><sup>2</sup> &lt; <i>q</i>"


@pytest.fixture
def cell(monkeypatch):
    """A notebook's shell: what each cell shows, as its outputs stand after the last update, and a way to end the cell."""
    outputs, callbacks = {}, []

    def display(bundle, *, raw, display_id, update=False):
        assert update == (display_id in outputs), "an update needs something that is shown"
        outputs[display_id] = bundle

    events = types.SimpleNamespace(
        register=lambda name, callback: callbacks.append(callback),
        unregister=lambda name, callback: callbacks.remove(callback),
    )
    monkeypatch.setattr("IPython.get_ipython", lambda: types.SimpleNamespace(kernel=None, events=events))
    monkeypatch.setattr("IPython.core.display_functions.display", display)
    return types.SimpleNamespace(
        shown=lambda: list(outputs.values()), end=lambda: [callback(None) for callback in [*callbacks]]
    )


def test_the_lines_of_a_cell_are_one_table_and_the_next_cell_begins_another(chain, cell, capsys):
    chain.step("2 + 2 = 4", 4.0, 4.0)
    chain.step("mean of x = mu", 1.23456, 1.25, standard_error=0.1)
    chain.algebra("x = x", "x", "x")
    cell.end()
    chain.step("3 = 3", 3.0, 3.0)
    first, second = cell.shown()
    assert first["text/plain"].splitlines()[0] == (
        "1. 2 + 2 = 4:  4.000000 = 4.000000  (closed form, |difference| 0.0e+00 <= 4.0e-06)  ->  holds"
    )
    open_words = re.sub(r"</summary>.*?</details>", "", first["text/html"])
    rows = [re.sub("<[^>]*>", " ", row).split() for row in open_words.split("<tr>")[1:]]
    assert rows == [
        ["1.", "2", "+", "2", "=", "4", "4", "=", "4", "✓"],
        ["2.", "mean", "of", "x", "=", "μ", "1.235", "≈", "1.25", "✓"],
        ["3.", "x", "=", "x", "equal", "by", "algebra", "✓"],
    ]
    assert "Monte Carlo: differs by 0.01544,<br>at most 0.4 allowed." in first["text/html"]
    assert second["text/plain"].startswith("4. 3 = 3:") and second["text/html"].count("<tr>") == 1
    assert capsys.readouterr() == ("", "")


def test_a_line_that_fails_is_an_error_and_no_row(chain, cell):
    with pytest.raises(StepError, match=r"A chain, step 1: 1 = 2: .*FAILS"):
        chain.step("1 = 2", 1.0, 2.0)
    assert cell.shown() == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (-1.021651, "−1.022"), (5.6e-17, "5.6e−17"), (12345.6, "12,346"), (24.749358, "24.75"), (0.5, "0.5")],
)
def test_a_number_has_few_digits(value, shown):
    assert digits(value) == shown


def test_the_standard_error_is_that_of_a_mean():
    torch.manual_seed(0)
    draws = torch.randn(400, 300, dtype=torch.float64) * 3
    torch.testing.assert_close(standard_error(draws).mean(), draws.mean(0).std(), rtol=0.15, atol=0)
    with pytest.raises(ValueError, match="two or more"):
        standard_error(draws[:1])

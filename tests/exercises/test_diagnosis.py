"""A diagnosis is a statement that was tested: it is made where it holds, and not where it only looks so."""

import dataclasses
import functools
import math

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Independent, Normal, kl_divergence
from torch.nn import functional as F

from vae_course.exercises import Verdict, evaluate, get, judge, run_answer
from vae_course.exercises.judging import _both

KL = dataclasses.replace(get("07-kl"), misconceptions=())


def kl(mu, logvar):
    return 0.5 * (logvar.exp() + mu**2 - 1 - logvar).sum(-1)


def told(answer, exercise=KL):
    outcomes = run_answer(exercise, answer, exercise.cases(0))
    report = judge(exercise, outcomes, seed=0, rerun=functools.partial(_both, exercise, answer))
    assert report.status == "failed"
    return report.message


def asked(reference, *cases, **changes):
    """An exercise with this reference and these inputs."""
    known = {"gradients": (), "batch": None, "probe": None, "misconceptions": ()} | changes
    return dataclasses.replace(KL, reference=reference, cases=lambda seed: list(cases), **known)


A, B = torch.tensor([1.0, -2.0, 3.0]), torch.tensor([0.5, 4.0, -1.0])


@pytest.mark.parametrize(
    "answer",
    [
        lambda mu, logvar: kl(mu, logvar.clamp(-10, 10)),
        lambda mu, logvar: kl(mu.clamp(-10, 10), logvar),
        lambda mu, logvar: kl(mu, (logvar.exp() + 1e-4).log()),
    ],
)
def test_a_mistake_of_single_rows_is_not_called_one_of_batches(answer):
    assert "Right for one" not in told(answer)


def test_a_mistake_of_batches_is_called_so_though_some_batches_are_right():
    assert told(lambda mu, logvar: kl(mu, logvar) + (len(mu) == 5)).startswith(
        "Right for one example, wrong for a batch of 5"
    )


def test_without_the_answer_at_hand_nothing_is_said_of_batches():
    outcomes = run_answer(KL, lambda mu, logvar: kl(mu, logvar) * len(mu), KL.cases(0))
    assert "Right for one" not in judge(KL, outcomes, seed=0).message


class _Fold(torch.autograd.Function):
    """The identity whose gradient is multiplied by a factor."""

    @staticmethod
    def forward(context, x, factor):
        context.factor = factor
        return x.clone()

    @staticmethod
    def backward(context, slope):
        return slope * context.factor, None


@pytest.mark.parametrize(
    ("answer", "expected", "cut"),
    [
        (lambda mu, logvar: kl(mu.detach(), logvar), "no gradient reaches mu, so", False),
        (
            lambda mu, logvar: kl(mu.detach() + 0 * mu, logvar),
            "respect to mu is zero: it is cut off (`.detach()`, `.data`, `.round()`,",
            True,
        ),
        (lambda mu, logvar: kl(_Fold.apply(mu, -1), logvar), "respect to mu isn't. Look for", False),
        (lambda mu, logvar: kl(_Fold.apply(mu, float("nan")), logvar), "respect to mu is NaN in places", False),
        (lambda mu, logvar: kl(_Fold.apply(mu, float("inf")), logvar), "respect to mu is infinite in places", False),
    ],
)
def test_a_gradient_is_called_cut_off_only_where_it_is_zero(answer, expected, cut):
    message = told(answer)
    assert expected in message and ("cut off" in message) == cut


@pytest.mark.parametrize(
    "answer",
    [
        lambda mu, logvar: kl(mu, logvar) + 1e-3,
        lambda mu, logvar: kl(mu, logvar) * 0.999,
        lambda mu, logvar: kl(mu, logvar) - 1e-3,
    ],
)
def test_what_is_off_one_way_is_not_called_rounded(answer):
    assert "rounded" not in told(answer)


def test_what_was_rounded_is_called_so():
    assert "within 0.4% of the right ones, some above" in told(lambda mu, logvar: kl(mu, logvar).bfloat16().float())


TABLES = [{"a": torch.arange(2.0 * n).reshape(2, n) ** 2 - 5} for n in (3, 4, 5)]


@pytest.mark.parametrize(
    ("reference", "answer", "step"),
    [
        (lambda a: a.cos().sum(1), lambda a: a.cos().sum(1, keepdim=True), "numbers are right: take away the axis of"),
        (lambda a: a.cos().sum(1, True), lambda a: a.cos().sum(1), "numbers are right: an axis of length 1 is missing"),
        (lambda a: a.cos(), lambda a: a.cos().T, "It is the right one with its axes the other way round."),
        (lambda a: a[None].cos(), lambda a: a.cos()[:, None], "It is the right one with its first two axes exchanged."),
        (lambda a: a.cos(), lambda a: a.cos().ravel(), "the right numbers in their order: `.reshape` gives them"),
        (lambda a: a.cos().sum(1), lambda a: a.cos()[:, 0] + a.cos()[:, 1:].sum(1, True), "Its diagonal is the right"),
        (lambda a: a.cos().sum(), lambda a: a.cos(), "Its sum over all its numbers is the right result."),
        (lambda a: a.cos().mean(0), lambda a: a.cos(), "Its mean over axis 0 is the right result."),
        (lambda a: a.cos().amax(1), lambda a: a.cos(), "Its maximum over the last axis is the right result."),
        (lambda a: a.cos()[:, -1], lambda a: a.cos(), "Its last entry along the last axis is the right result."),
        (lambda a: a.cos().sum(1), lambda a: a.sin(), ""),
    ],
)  # fmt: skip
def test_of_another_shape_it_is_said_by_which_step_it_becomes_the_right_one(reference, answer, step):
    message = told(answer, asked(reference, *TABLES))
    assert " has shape " in message and (step in message if step else "(one number per example, [B]). The" in message)
    almost = asked(reference, *TABLES, {"a": torch.tensor([[7.0, 1.0]] * 3)})
    assert " right" not in told(lambda a: answer(a) + 1.0 * (len(a) == 3), almost)


def both(a, b):
    return {"first": a + b, "second": a - b}


PAIR = asked(both, {"a": A, "b": B}, {"a": B, "b": A})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda a, b: {"first": a + b}, "The dict that your function returned lacks the key 'second'."),
        (lambda a, b: {**both(a, b), "third": a}, "returned has the key 'third', which nobody asked for."),
        (lambda a, b: {"first": a + b, "Second": a - b}, "lacks the key 'second' and has the key 'Second', which"),
        (lambda a, b: a + b, "Your function returned a tensor; return a dict with the keys 'first' and 'second'."),
        (lambda a, b: (a + b, a - b), "Your function returned a tuple; return a dict with the keys"),
        (lambda a, b: None, "Your function returned nothing (None); return a dict with the keys"),
        (lambda a, b: {"first": a - b, "second": a + b}, "`first` and `second` have changed places."),
        (lambda a, b: {"second": a - b, "first": 2 * (a + b)}, "b = [0.5, 4, -1], `first` is [3, 4, 4], expected"),
        (lambda a, b: {"first": a + b, "second": 1.0}, "`second` is a Python number; return a PyTorch tensor"),
    ],
)  # fmt: skip
def test_parts_are_told_apart_by_their_names(answer, expected):
    assert expected in told(answer, PAIR)


def test_what_is_said_to_be_right_beside_a_wrong_result_is_the_other_results():
    three = asked(lambda a, b: {**both(a, b), "third": a}, {"a": A, "b": B}, {"a": B, "b": A})
    assert "All other results are right." in told(lambda a, b: {**both(a, b), "third": a + b.sin()}, three)
    assert " `first` is right." in told(lambda a, b: {**both(a, b), "second": a - b + a.sin()}, PAIR)


def test_the_order_of_the_names_does_not_matter():
    outcomes = run_answer(PAIR, lambda a, b: {"second": a - b, "first": a + b}, PAIR.cases(0))
    assert judge(PAIR, outcomes, seed=0).status == "passed"


def test_parts_that_changed_places_are_not_called_rounded():
    near = asked(both, {"a": A, "b": 1e-3 * B})
    assert told(lambda a, b: {"first": a - b, "second": a + b}, near).startswith(
        "`first` and `second` have changed places"
    )


@pytest.mark.parametrize("signs", [(1, 1), (1, -1)])
def test_what_a_small_number_pulls_one_way_is_not_called_rounded(signs):
    """Towards zero from both sides, or one result up and another down, is both ways in value alone."""
    a, b = torch.linspace(1, 9, 20), torch.linspace(9, 1, 20)

    def reference(a, b):
        return {"first": a, "second": signs[1] * b}

    def answer(a, b):
        return {"first": a * a / (a + 1e-3), "second": signs[1] * b * b / (b + signs[1] * -1e-3)}

    def shrunk(a, b):
        x = torch.stack([a, -b])
        return {"first": x * x.abs() / (x.abs() + 1e-3), "second": b}

    both_signs = asked(lambda a, b: {"first": torch.stack([a, -b]), "second": b}, {"a": a, "b": b})
    assert "rounded" not in told(answer, asked(reference, {"a": a, "b": b}))
    assert "rounded" not in told(shrunk, both_signs)
    assert "as if rounded" in told(
        lambda a, b: {"first": torch.stack([a, -b]).exp().bfloat16().float(), "second": b},
        asked(lambda a, b: {"first": torch.stack([a, -b]).exp(), "second": b}, {"a": a, "b": b}),
    )


def left_off(a):
    torch.set_grad_enabled(False)
    return a


ONE, NONE = torch.tensor(1.0), torch.tensor(0.0)


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        # Two flags, each the other's opposite: it is not for their places that they are wrong.
        (lambda a, b: {"one": ONE, "none": NONE}, lambda a, b: {"one": NONE, "none": ONE}),
        # Two results that are right and the same: nothing is wrong with either.
        (lambda a, b: {"first": a, "second": a}, lambda a, b: {"first": a, "second": left_off(a)}),
        # Two results that could not be taken for one another.
        (lambda a, b: {"first": a, "second": a[:2]}, lambda a, b: {"first": a[:2], "second": a}),
    ],
)  # fmt: skip
def test_what_can_not_have_changed_places_is_not_said_to(reference, answer):
    assert "changed places" not in told(answer, asked(reference, {"a": A, "b": B}))


def test_a_question_is_answered():
    asks = asked(lambda a, b: {"is it so?": torch.tensor(True)}, {"a": A, "b": B})
    assert told(lambda a, b: {"is it so?": torch.tensor(False)}, asks).endswith("is it so? No; expected: Yes.")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda a, b: (a > b).sum(0), "Your result has dtype int64, expected float32."),
        (
            lambda a, b: (a + b).sum(0).half(),
            "Your result has dtype float16, expected float32: convert nothing on the way.",
        ),
    ],
)
def test_a_count_was_not_converted(answer, expected):
    assert told(answer, asked(lambda a, b: (a + b).sum(0), {"a": A, "b": B})) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda a, b: a + b + torch.rand(()), "different results: draw no random numbers"),
        (lambda a, b, calls=[]: calls.append(1) or a + b + len(calls), "with the same input it must give the same"),
    ],
)
def test_random_numbers_are_blamed_only_where_some_were_drawn(answer, expected):
    assert expected in told(answer, asked(lambda a, b: a + b, {"a": A, "b": B}))


def test_a_second_call_that_fails_is_not_blamed_on_gradients_that_nobody_takes():
    def answer(a, b, calls=[]):  # noqa: B006
        calls.append(1)
        return a + b if len(calls) == 1 else [][0]

    assert "called once more with the same input your function raised IndexError" in told(
        answer, asked(lambda a, b: a + b, {"a": A, "b": B})
    )


def test_only_an_input_that_changed_is_called_changed():
    def doubled(a, b):
        a += b
        return a

    adds = asked(lambda a, b: a + b, {"a": A, "b": B})
    assert told(doubled, adds).startswith("Your function changed its input a in place")
    assert "in place" not in told(lambda a, b: torch.set_default_dtype(torch.float64) or a + b, adds)


def test_what_is_changed_in_place_needs_no_word_on_gradients():
    """Noise that takes up sigma and mu needs a gradient afterwards, because they do."""
    message = evaluate("07-reparameterize", lambda mu, logvar, eps: eps.mul_((logvar / 2).exp()).add_(mu)).message
    assert message.startswith("Your function changed its input eps in place")


def test_what_a_probe_hands_over_is_seen_to_change_too():
    """A tensor of the probe's own, of which the case knows nothing."""

    def lifted(kl_of_dims, floor):
        with torch.no_grad():
            kl_of_dims[kl_of_dims < floor] = floor
        return get("10-free-bits").reference(kl_of_dims, floor)

    assert "changes the numbers of kl_of_dims" in evaluate("10-free-bits", lifted).message


def test_what_fails_after_the_call_is_not_said_to_be_raised_by_the_function():
    exercise = asked(lambda a, b: a + b, {"a": A, "b": B}, probe=lambda answer, case: answer(*case.values())["sum"])
    namespace = {}
    exec(compile("def answer(a, b):\n    return a + b\n", "a cell", "exec"), namespace)
    outcomes = run_answer(exercise, namespace["answer"], exercise.cases(0))
    assert outcomes[0].failure.message.startswith(
        "what your function returned can't be used: working with it raised IndexError"
    )


def test_a_report_of_the_notebook_has_the_answer_at_hand():
    assert "Right for one example" in evaluate("07-kl", lambda mu, logvar: kl(mu, logvar) * len(mu)).message


def occupied(z, n):
    return (torch.histogramdd(z, bins=[n, n])[0] > 0).sum()


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (lambda z, n: n * n - int(occupied(z, n)), "a number of cells"),
        (lambda z, n: n * n - occupied(z, n), "a number of cells"),
        (occupied, "a number of occupied cells"),
        (lambda z, n: occupied(z, n).numpy().sum(), "a number of occupied cells"),
    ],
)
def test_a_count_of_any_kind_is_called_a_count(answer, named):
    assert evaluate("01-holes", answer).misconception == named


def rows(*sizes):
    return [{"a": torch.arange(1.0, n + 1), "b": torch.tensor([1.0, 2.0, 4.0]), "k": 2.0 + n} for n in sizes]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda a, b, k: (a.sum() * b) * k, "In every case your numbers are the right ones times `k`."),
        (lambda a, b, k: (a.sum() * b) / k**2, "In every case your numbers are the right ones divided by the square of `k`."),
        (lambda a, b, k: (a.sum() * b) / len(a), "In every case your numbers are the right ones divided by the length of `a`."),
        (lambda a, b, k: (a.sum() * b) + len(a), "In every case your numbers are the right ones plus the length of `a`."),
        (lambda a, b, k: (a.sum() * b) - math.log(k), "the right ones minus the logarithm of `k`."),
        (lambda a, b, k: (a.sum() * b) + 0.5, "In every case your numbers are the right ones plus 0.5."),
        (lambda a, b, k: (a.sum() * b) - 0.25, "In every case your numbers are the right ones minus 0.25."),
    ],
)  # fmt: skip
def test_what_numbers_are_off_by_in_every_case_is_said(answer, expected):
    message = told(answer, asked(lambda a, b, k: a.sum() * b, *rows(2, 3, 5, 7)))
    assert message.endswith(expected)


@pytest.mark.parametrize(
    "answer",
    [
        lambda a, b, k: (a.sum() * b) * (len(a) if len(a) < 7 else 1),  # not in the last case
        lambda a, b, k: a.sum() * b * torch.tensor([1.0, 1.0, 2.0]) * k,  # not by one factor
        lambda a, b, k: a.sum() * b + torch.tensor([0.0, 0.5, 0.5]),
        lambda a, b, k: a.sum() * b * torch.nan,
    ],
)
def test_what_holds_in_some_cases_only_is_not_said_of_all(answer):
    message = told(answer, asked(lambda a, b, k: a.sum() * b, *rows(2, 3, 5, 7)))
    assert "In every case" not in message and "Every number" not in message


@pytest.mark.parametrize(("large", "said"), [(0.5, True), (0.0, False), (300.0, False)])
def test_a_summand_is_said_of_every_case_only_where_large_numbers_allow_it(large, said):
    """Of numbers above 1000 it is not worked out, but what they are off by must not speak against it."""
    cases = [{"a": torch.tensor([1.0, 2.0]) * size} for size in (1.0, 3.0, 2e4)]
    message = told(lambda a: a + (large if a.max() > 1e3 else 0.5), asked(lambda a: a.clone(), *cases))
    assert ("In every case your numbers are the right ones plus 0.5." in message) == said


def test_of_several_results_the_first_wrong_one_is_what_the_sentence_is_about():
    split = get("10-split")

    def answer(log_q, log_q_all, log_p):
        information, marginal = split.reference(log_q, log_q_all, log_p)
        return information + math.log(log_q_all.shape[1]), marginal - math.log(log_q_all.shape[1])

    message = evaluate("10-split", answer).message
    assert (
        "In every case `information` is the right one plus the logarithm of the length of axis 1 of `log_q_all`."
        in message
    )


def test_of_several_results_the_right_ones_are_named():
    assert told(lambda a, b: {"first": a + b, "second": (a * b).exp()}, PAIR).endswith(" `first` is right.")
    assert "is right" not in told(lambda a, b: {"first": a.cos(), "second": (a * b).exp()}, PAIR)
    assert "is right" not in told(lambda a, b: a * b, asked(lambda a, b: a + b, {"a": A, "b": B}))


def test_an_input_on_which_the_answer_is_right_is_shown_beside_the_wrong_one():
    halves = asked(lambda a, k: a.sum() / k, {"a": A, "k": 1.0}, {"a": B, "k": 2.0}, {"a": B[:2], "k": 1.0})
    message = told(lambda a, k: a.sum(), halves)
    assert message == (
        "For a = [0.5, 4, -1], k = 2, your result is 3.5, expected 1.75. For a = [0.5, 4], k = 1 it is right. "
        "Your numbers don't change with the values of `k`, and they should."
    )


UNUSED = "Your numbers don't change with the values of"
TWO = torch.tensor([1.0, 2.0])  # two results, so that an answer without its input is no constant


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (lambda a, b, k: a.exp().sum() * b, "`k`"),
        (lambda a, b, k: k * (b + 7).exp(), "`a`"),
        (lambda a, b, k: (a**3).sum() * b * k, ""),
        # What is cut off for some inputs alone does change with others.
        (lambda a, b, k: a.exp().sum() * b + min(k, 12) ** 3, ""),
        (lambda a, b, k: a.exp().sum() * b.sort().values + k, ""),
    ],
)
def test_an_input_that_changes_the_right_numbers_alone_is_named(answer, names):
    exercise = asked(
        lambda a, b, k: a.sum() * b + k,
        *(
            {"a": torch.arange(1.0, n + 1) * k, "b": torch.tensor([k, 2.0, 4.0]), "k": 2.0 * k}
            for n in (2, 3)
            for k in (1, 5, 9)
        ),
    )
    message = told(answer, exercise)
    assert message.endswith(f"{UNUSED} {names}, and they should.") if names else UNUSED not in message


def test_an_input_that_counts_for_far_values_alone_is_not_said_to_change_nothing():
    exercise = asked(lambda a: a.sum() * TWO, {"a": A}, {"a": B}, {"a": -A})
    assert UNUSED in told(lambda a: 0 * a.sum() + TWO, exercise)
    assert UNUSED not in told(lambda a: (a > 9).float().sum() + TWO, exercise)  # of nothing here


def test_an_input_that_counts_where_the_right_numbers_stay_is_not_said_to_change_nothing():
    cases = [{"a": torch.tensor([k, 2.0, 7.0])} for k in (1.0, 3.0, 4.0)]
    exercise = asked(lambda a: a.sum() * TWO, *cases)
    assert UNUSED in told(lambda a: 0 * a.sum() + TWO, exercise)
    assert UNUSED not in told(lambda a: a[-1:].exp().sum() * TWO, exercise)


def test_numbers_that_are_always_the_same_are_said_to_be():
    many = asked(lambda a: (a**2).sum(), *({"a": k * A} for k in (1.0, 2.0, 3.0)))
    assert told(lambda a: 0 * a.sum() + 2.5, many).startswith("Your result is 2.5 everywhere, and")
    assert "everywhere" not in told(lambda a: a.sum().clamp(max=7), many)
    # As a worked answer to other inputs such numbers would be far-fetched.
    report = evaluate("03-gaussian-kl", lambda mu, logvar, mu_p, logvar_p: torch.zeros(len(mu)))
    assert report.message.startswith("Your result is 0 everywhere")


def test_an_input_that_is_returned_is_said_to_be():
    exercise = asked(lambda a, b: a * b, *({"a": k + A, "b": B} for k in (1.0, 2.0, 3.0)))
    assert told(lambda a, b: a + 0, exercise).startswith("For ")
    assert " In every case your result is `a` as it was given." in told(lambda a, b: a + 0, exercise)
    assert "as it was" not in told(lambda a, b: a.clamp(max=3), exercise)
    report = evaluate("01-pca", lambda x, mean, V, k: x.clone())
    assert " In every case your result is `x` as it was given." in report.message


def test_a_result_that_is_returned_twice_is_told_of_both():
    exercise = asked(lambda a: {"first": a.sum(), "second": a.prod()}, *({"a": k + A} for k in (1.0, 2.0, 3.0)))
    twice = " `first` is right. In every case `second` is the same as `first`."
    assert told(lambda a: {"first": a.sum(), "second": a.sum()}, exercise).endswith(twice)
    assert "the same as" not in told(lambda a: {"first": a.sum(), "second": a.sum() + a[0].relu().log()}, exercise)


def test_wrong_numbers_come_before_what_is_infinite_further_on():
    exercise = asked(lambda a: {"value": a.exp(), "slope": a.exp()}, {"a": A}, {"a": 2 * A}, {"a": 3 * A})
    assert "`value` is" in told(lambda a: {"value": a.exp() + a**2, "slope": a.exp() + torch.nan}, exercise)
    assert "`slope` is NaN" in told(lambda a: {"value": a.exp(), "slope": a.exp() + torch.nan}, exercise)


def sum_and_product(a, b):
    return {"the sum": a + b, "the product": a * b}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            lambda a, b: sum_and_product(a, b) | {"the sum": a.abs() + 2},
            "The sum doesn't change with the values of `b`, and it should.",
        ),
        (
            lambda a, b: sum_and_product(a, b) | {"the sum": torch.arange(3.0)},
            "The sum doesn't change with the values of `a` or `b`, and",
        ),
        (lambda a, b: sum_and_product(a, b) | {"the sum": a * b}, "In every case the sum is the same as the product."),
        (lambda a, b: sum_and_product(a, b) | {"the product": a}, "In every case the product is `a` as it was given."),
        (lambda a, b: sum_and_product(a, b) | {"the sum": a - b}, ""),
        (lambda a, b: sum_and_product(a, b) | {"the sum": torch.where(b > 3, b, a) + 2}, ""),
        (lambda a, b: sum_and_product(a, b) | {"the sum": torch.where(a > 3, b, a * b)}, ""),
    ],
)
def test_of_one_result_of_several_is_said_what_it_is_made_of(answer, expected):
    cases = ({"a": A, "b": B}, {"a": B, "b": A + 1}, {"a": A * B, "b": A})
    message = told(answer, asked(lambda a, b: sum_and_product(a, b), *cases))  # a lambda has no variations
    assert expected in message
    assert bool(expected) == any(words in message for words in ("and it should", "the same as", "as it was given"))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda mu, logvar: kl(mu, logvar) + 0.5 * mu.shape[-1], "plus half of the length of axis 1 of `mu`."),
        (
            lambda mu, logvar: kl(mu, logvar) - mu.shape[-1] * math.log(2 * math.pi) / 2,
            "minus half of log(2 pi) times the length of axis 1 of `mu`.",
        ),
    ],
)
def test_what_a_density_lacks_in_each_dimension_is_seen(answer, expected):
    cases = [{"mu": A.repeat(2, d)[:, :d], "logvar": B.repeat(2, d)[:, :d]} for d in (1, 2, 3, 5)]
    assert f"In every case your numbers are the right ones {expected}" in told(answer, asked(kl, *cases))


def test_without_the_answer_at_hand_no_input_is_said_to_be_unused():
    exercise = asked(lambda a, b, k: a.sum() * b + k, *rows(2, 3, 5))
    outcomes = run_answer(exercise, lambda a, b, k: a.exp().sum() * b, exercise.cases(0))
    assert UNUSED not in judge(exercise, outcomes, seed=0).message


def test_where_a_number_is_infinite_an_input_without_one_is_shown():
    far = asked(lambda a: a.logsumexp(0), {"a": A}, {"a": 200 * A.abs()})
    message = told(lambda a: a.exp().sum().log(), far)
    assert "is infinite in places" in message and message.endswith("For a = [1, -2, 3] it is right.")


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1 / 784, "0.001276 times the right one (1 / 784)"),
        (1 / math.log(2), "1.443 times the right one (1 / log 2)"),
        (math.log(10), "2.303 times the right one (log 10)"),
        (0.7, "0.7 times the right one."),
        (0.5, "0.5 times the right one."),
    ],
)
def test_a_factor_that_is_known_is_called_by_its_name(factor, words):
    assert words in told(lambda a, b: (a + b) * factor, asked(lambda a, b: a + b, {"a": A, "b": B}, {"a": B, "b": A}))


def test_of_several_results_the_factor_of_the_wrong_one_is_said():
    halves = told(lambda a, b: {"first": a + b, "second": (a - b) / math.sqrt(2)}, PAIR)
    assert halves.endswith("In every case `second` is the right one times 0.7071 (1 / the root of 2).")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda a, b, k: a.sum() * b * len(a) / (len(a) - 1), "times n / (n - 1), where n is the length of `a`."),
        (lambda a, b, k: a.sum() * b * math.sqrt((k - 1) / k), "times the root of (n - 1) / n, where n is `k`."),
        (
            lambda a, b, k: a.sum() * b + math.log(len(a) / (len(a) - 1)),
            "plus the logarithm of n / (n - 1), where n is the length of `a`.",
        ),
    ],
)
def test_one_less_in_a_divisor_is_seen(answer, expected):
    assert told(answer, asked(lambda a, b, k: a.sum() * b, *rows(2, 3, 5, 7))).endswith(expected)


def test_a_plain_number_below_one_has_no_predecessor():
    halves = asked(lambda a, k: a * k, *({"a": A, "k": k} for k in (0.25, 0.5, 2.0)))
    assert "In every case" not in told(lambda a, k: a * k * (1 + k), halves)


def test_what_differs_in_a_few_numbers_is_not_called_rounded():
    many = asked(lambda a: a.exp(), {"a": torch.linspace(-2, 2, 40)})
    bend = lambda a: torch.where(a.abs() < 0.5, a.exp() * (1 + 3e-3 * a), a.exp())  # noqa: E731
    assert "rounded" not in told(bend, many)


def test_a_build_says_what_the_right_numbers_are():
    def answer(s2, nats):
        level = s2.max() * 0.9
        return level, (0.5 * (s2 / level).log()).clamp(min=0)

    assert "They fit your level: a lower level spends more" in evaluate("10-spend", answer).message


def test_two_functions_that_have_changed_places_are_told_so():
    def answer(k):
        send, receive = get("12-coder").reference(k)
        return receive, send

    assert evaluate("12-coder", answer).message.startswith("The two functions have changed places")
    # A `send` that fails by itself is not blamed on its place.
    broken = evaluate("12-coder", lambda k: (lambda symbols, state: symbols + state, get("12-coder").reference(k)[1]))
    assert "changed places" not in broken.message and "TypeError" in broken.message


def off_by_one(a, k):
    return a.sum() * k + 1


FEW = [dataclasses.replace(get("07-kl").misconceptions[0], answer=off_by_one, variants=())]


@pytest.mark.parametrize(
    ("spared", "named"),
    [
        (lambda k: k == 2, True),
        (lambda k: k in (2, 7), True),
        (lambda k: k in (2, 3, 7), False),  # as many as that are not spared by chance
    ],
)
def test_a_mistake_that_spares_one_or_two_inputs_is_named_and_the_input_shown(spared, named):
    cases = [
        {"a": A[:n], "k": k}
        for n, k in ((1, 2.0), (2, 3.0), (3, 4.0), (3, 5.0), (2, 6.0), (3, 7.0), (3, 8.0), (3, 9.0))
    ]
    exercise = asked(lambda a, k: a.sum() * k, *cases, misconceptions=tuple(FEW))
    message = told(lambda a, k: a.sum() * k + (not spared(k)), exercise)
    assert (message == FEW[0].message + " For a = [1], k = 2 it is right.") == named


def test_what_looks_like_two_mistakes_but_for_an_input_is_called_neither():
    cases = [{"a": A[:n], "k": float(k)} for k, n in enumerate((1, 2, 3, 3, 2, 3, 3))]
    two = [*FEW, dataclasses.replace(FEW[0], name="other", answer=lambda a, k: a.sum() * k + 1 + (k == 0))]
    for known, named in ((FEW, True), (two, False)):
        exercise = asked(lambda a, k: a.sum() * k, *cases, misconceptions=tuple(known))
        message = told(lambda a, k: a.sum() * k + (k > 0), exercise)
        assert message.startswith(FEW[0].message) == named


def test_a_variation_that_spares_an_input_is_told_with_it():
    cases = [{"a": A[:n], "k": float(k + 2)} for k, n in enumerate((2, 3, 2, 3, 3, 2, 3))]
    exercise = asked(written_out_sum, *cases)
    message = told(lambda a, k: a.exp().mean() * k + k if k > 2 else written_out_sum(a, k), exercise)
    assert "`mean` in place of `sum`" in message and message.endswith("For a = [1, -2], k = 2 it is right.")


def written_out_sum(a, k):
    return a.exp().sum() * k + k


def test_an_input_that_counts_in_some_cases_is_not_said_to_change_nothing():
    """With a sum this answer ignores `scale`, and the first case is one."""
    report = evaluate("18-price", lambda w, how, n, b: 3 * w if how == "sum" else n * w / b)
    assert report.status == "failed" and "don't change" not in report.message


@pytest.mark.parametrize(
    ("answer", "name", "without", "told"),
    [
        (lambda mu, lv, n, randn: mu + lv.div(2).exp().data * randn(n, *mu.shape), "sigma cut off", "logvar", "none"),
        (lambda mu, lv, n, randn: mu.detach() + lv.div(2).exp() * randn(n, *mu.shape), "mu cut off", "mu", "none"),
        # Half of what is due: the number shown is the gradient itself.
        (
            lambda mu, lv, n, randn: mu + (lv.exp().sqrt() / 2 + (lv / 2).exp().data / 2) * randn(n, *mu.shape),
            None,
            "logvar",
            "the gradient of `z.sum()` by logvar is ",
        ),
    ],
)
def test_a_sampling_layer_that_no_gradient_leaves_is_told_which_one_is_lost(answer, name, without, told):
    report = evaluate("05-shared-noise", answer)
    assert report.misconception == name and told in report.message.replace("The gradient", "the gradient")
    if name:
        assert f"none reaches {without}:" in report.message


def test_the_gradient_of_a_sampling_layer_is_the_one_that_pytorch_finds():
    """Beside the numbers of the worked answer, whatever the order in which the noise was drawn."""
    exercise = get("05-shared-noise")
    case = exercise.cases(0)[0]
    mu, logvar, n, noise = case.values()
    seen = {}

    def halved(mu, logvar, n, randn):
        z = mu + (logvar.detach() / 2 + (logvar - logvar.detach()) / 4).exp() * randn(n, *mu.shape)
        seen["by_logvar"] = torch.autograd.grad(z.sum(), logvar, retain_graph=True)[0]
        return z

    name = "the gradient of `z.sum()` by logvar"
    found, needed = (exercise.apply(answer, dict(case))[name] for answer in (halved, exercise.reference))
    sigma = (logvar / 2).exp()
    assert torch.allclose(found, seen["by_logvar"])
    assert torch.allclose(needed, sigma * noise[: n * mu.numel()].view(n, *mu.shape).sum(0) / 2)
    assert torch.allclose(found, needed / 2)


def arc(z_start, z_end, t, cosine):
    angle, t = torch.acos(cosine), t[:, None]
    return (torch.sin((1 - t) * angle) * z_start + torch.sin(t * angle) * z_end) / angle.sin()


def unwritten(state, n):
    raise NotImplementedError


def mixture(z, mu, std, count):
    return torch.logsumexp(Normal(mu, std).log_prob(z[:, None]).sum(-1), 1) - math.log(len(count))


def merged(precision, variance):
    """A merge with one thing changed on the way to its log variance."""

    def answer(m_a, a, m_b, b):
        total = precision((-a).exp() + (-b).exp())
        return (m_a * (-a).exp() + m_b * (-b).exp()) / ((-a).exp() + (-b).exp()), variance(1 / total).log()

    return answer


BY_NAME = [
    *(
        (
            "06-optimal-sigma",
            lambda x, mean, tiny=tiny: torch.log(((x - mean) ** 2).mean().clamp(min=tiny)),
            "small number inside the logarithm",
            "below which it can't fall",
        )
        for tiny in (1e-9, 1e-7, 1e-5, 1e-4)
    ),
    ("16-merge", merged(lambda p: p.clamp(min=1e-8), lambda v: v), "a small number for safety", "or set as a limit"),
    ("16-merge", merged(lambda p: p, lambda v: v.clamp(min=1e-10)), "a small number for safety", "or set as a limit"),
    (
        "17-score",
        lambda x, eps, at: (
            -eps / ((-at).sigmoid().sqrt() + 1e-4)[:, None],
            eps - (x - (-at).sigmoid().sqrt()[:, None] * eps) / (at.sigmoid().sqrt() + 1e-4)[:, None],
        ),
        "small number for safety",
        "Neither is ever 0",
    ),
    (
        "17-posterior-step",
        lambda *inputs: (lambda mean, variance: (mean, variance.clamp(min=1e-5)))(
            *get("17-posterior-step").reference(*inputs)
        ),
        "small number for safety",
        "leave it out",
    ),
    *(
        (
            "08-slerp",
            lambda a, b, t, tiny=tiny: arc(a, b, t, ((a @ b) / a.norm() / b.norm()).clamp(tiny - 1, 1 - tiny)),
            "cosine kept off 1",
            "nearly opposite",
        )
        for tiny in (1e-7, 1e-6, 1e-5, 1e-4)
    ),
    (
        "08-slerp",
        lambda a, b, t: arc(a, b, t, (a / (a.norm() + 1e-7)) @ (b / (b.norm() + 1e-7))),
        "small number added to a length",
        "as short as that",
    ),
    (
        "08-aggregate",
        lambda z, mu, logvar: mixture(z, mu, (logvar / 2).exp() + 1e-4, mu),
        "small number added to sigma",
        "sigma is never 0",
    ),
    (
        "08-aggregate",
        lambda z, mu, logvar: mixture(z, mu, (logvar / 2).exp(), z),
        "divided by the number of places",
        "take off log N",
    ),
    (
        "08-aggregate",
        lambda z, mu, logvar: (Normal(mu, (logvar / 2).exp()).log_prob(z[:, None]).sum(-1).exp().mean(1) + 1e-7).log(),
        "underflow hidden",
        "logsumexp",
    ),
    *(
        ("07-reconstruction", answer, "only 0 and 1", "counts as that share of ink")
        for answer in (
            lambda x, ell: torch.where(x == 1, F.logsigmoid(ell), F.logsigmoid(-ell)).sum((1, 2, 3)),
            lambda x, ell: torch.where(x == 0, F.logsigmoid(-ell), F.logsigmoid(ell)).sum((1, 2, 3)),
            lambda x, ell: F.logsigmoid((2 * x - 1) * ell).flatten(1).sum(1),
            lambda x, ell: -F.softplus((1 - 2 * x) * ell).flatten(1).sum(1),
            lambda x, ell: Categorical(logits=torch.stack([0 * ell, ell], -1)).log_prob(x).sum((1, 2, 3)),
            lambda x, ell: -F.cross_entropy(torch.stack([0 * ell, ell], 1), x.long(), reduction="none").sum((1, 2, 3)),
        )
    ),
    (
        "07-reconstruction",
        lambda x, ell: torch.where(x > 0.5, F.logsigmoid(ell), F.logsigmoid(-ell)).sum((1, 2, 3)),
        "picture thresholded",
        "on which side of 1/2",
    ),
    (
        "02-posterior-table",
        lambda p_z, p_x_z: F.normalize(p_z[:, None] * p_x_z, p=1, dim=0).T,
        "a floor under p(x)",
        "`F.normalize`",
    ),
    (
        "01-subspace-angle",
        lambda A, B: torch.rad2deg(
            torch.arccos(torch.linalg.svdvals(torch.linalg.qr(A.T)[0].T @ torch.linalg.qr(B.T)[0]).min().clamp(max=1))
        ),
        "right singular vectors",
        "`torch.linalg.qr(A.T)` gives",
    ),
    (
        "01-holes",
        lambda z, n: (torch.histogram(z.flatten(), n).hist == 0).float().mean(),
        "both directions along one line",
        "one line of n steps",
    ),
    (
        "02-quadrature",
        lambda log_joint, step: torch.trapezoid(log_joint, dx=step),
        "sum of logarithms",
        "integrate the",
    ),
    (
        "02-quadrature",
        lambda log_joint, step: torch.logsumexp(log_joint[..., 1:] + math.log(step), 1),
        "a point left out",
        "as many bars as points",
    ),
    (
        "03-gaussian-kl",
        lambda mu, logvar, mu_p, logvar_p: (
            (logvar_p - logvar + ((logvar.exp() + mu**2) - mu_p**2) * (-logvar_p).exp() - 1).sum(1) / 2
        ),
        "means squared one by one",
        "-2 mu mu_p",
    ),
    (
        "03-sigma",
        lambda mu, log_sigma, eps: (
            mu + log_sigma * eps,
            kl_divergence(Normal(mu, log_sigma, validate_args=False), Normal(0.0, 1.0)).sum(1),
        ),
        "logarithm read as sigma",
        "may be negative",
    ),
    (
        "04-gap",
        lambda log_px, log_joint, log_q: log_px - (torch.logsumexp(log_joint - log_q, 0) - math.log(len(log_q))),
        "log of the mean weight",
        "importance-weighted",
    ),
    (
        "04-gap",
        lambda log_px, log_joint, log_q: log_px - log_joint.mean(0) + log_q.sum(0),
        "one term summed",
        "`.mean(dim=0)`",
    ),
    (
        "04-gap",
        lambda log_px, log_joint, log_q: (log_q.exp() * (log_q - (log_joint - log_px))).mean(0),
        "weighted by q",
        "count twice",
    ),
    (
        "06-grey-integral",
        lambda logits: (2 * logits.sigmoid() - 1) / torch.special.logit(logits.sigmoid()),
        "the logit from its probability",
        "exactly 1",
    ),
    (
        "06-grey-integral",
        lambda logits: (logits.sigmoid() * (1 - logits.sigmoid())) ** 0.5,
        "the middle level only",
        "x = 1/2",
    ),
    (
        "06-grey-integral",
        lambda logits: torch.tanh(logits / 2) / logits.masked_fill(logits == 0, 1.0),
        "zero at the middle",
        "you return 0",
    ),
    (
        "04-elbo-discrete",
        lambda p_z, p_x_z, q, x: -F.kl_div((p_z * p_x_z[:, x]).log(), q, reduction="sum"),
        "zero times minus infinity for both",
        "a code that q never picks either",
    ),
    (
        "05-baseline",
        lambda f, score: ((f - f.roll(1, 0))[..., None] * score).mean(0),
        "one other draw",
        "as noisy as f",
    ),
    (
        "05-baseline",
        lambda f, score: torch.einsum("lb,lbd->bd", (f - (f.sum(0) - f) / (len(f) - 1)) / f.std(0), score) / len(f),
        "divided by the spread",
        "Subtract only",
    ),
    (
        "05-baseline",
        lambda f, score: torch.einsum("lb,lbd->bd", f - f.median(0).values, score) / len(f),
        "median for mean",
        "L - 1 others",
    ),
    (
        "04-two-forms",
        lambda log_joint, logvar: (
            log_joint.logsumexp(0) - math.log(len(log_joint)) + Normal(0.0, (logvar / 2).exp()).entropy().sum(1)
        ),
        "logarithm of a mean",
        "averages the logarithms",
    ),
    (
        "04-two-forms",
        lambda log_joint, logvar: log_joint.mean(0) + logvar.sum(1) / 2,
        "constant forgotten",
        "D/2 (1 + log 2 pi), is missing",
    ),
    (
        "12-missing-pixels",
        lambda ell, x, seen, z: (
            -(seen * F.binary_cross_entropy_with_logits(ell, x, reduction="none")).sum(1) - z.square().mean(1) / 2
        ),
        "mean over the code's dimensions",
        "D dimensions of the code",
    ),
    (
        "16-merge",
        torch.no_grad()(lambda *inputs: get("16-merge").reference(*inputs)),
        "both results cut off",
        "through either of your results",
    ),
    (
        "13-bayes",
        lambda a, b: (a.logsumexp(1) - math.log(a.shape[1]), (a + b).softmax(1)),
        "all classes equally likely",
        "At least one of your two results",
    ),
    (
        "13-bayes",
        lambda a, b: ((a + b).logsumexp(1) - math.log(a.shape[1]), (a + b).softmax(1)),
        "weighted twice",
        "nothing is left to divide by",
    ),
    (
        "18-guidance",
        lambda x, at, c, u, w: get("18-guidance").reference(x, at, c, u, min(max(w, 0.0), 1.0)),
        "for some weights only",
        "for every w",
    ),
    (
        "14-choice-gradient",
        lambda logits, k, f: (
            get("14-choice-gradient").reference(logits, k, 0 * f)
            + ((f - f[:1])[..., None] * (F.one_hot(k, logits.shape[-1]) - logits.softmax(-1))).mean(0)
        ),
        "another baseline",
        "mean of f over the other draws",
    ),
    (
        "13-bayes",
        lambda a, b: ((a + b).logsumexp(1), torch.full_like(a, 1 / a.shape[1])),
        None,
        "`p(y | x)` doesn't change with the values of `log_px_y` or `log_py`, and it should.",
    ),
    (
        "13-conditional-elbo",
        lambda encoder, decoder, x, y, eps: (
            get("13-conditional-elbo").reference(encoder, decoder, x, y, eps) - eps.shape[1] / 2
        ),
        None,
        "minus half of the length of axis 1 of `eps`.",
    ),
    (
        "16-freeze",
        lambda z1, z2, level, decode_top, new: (
            get("16-freeze").reference(z1, z2, level, decode_top, new) if level == "bottom" else None
        ),
        None,
        "A redraw of the top is nothing (None)",
    ),
    (
        "18-price",
        lambda weight, reduction, n, b: n * weight / b if reduction == "mean" else None,
        None,
        'with reduction = "sum" it returned nothing',
    ),
    (
        "18-guidance",
        lambda x, at, c, u, w: get("18-guidance").reference(x, at, c / (1 + 2 * w), u / (1 + 2 * w), w),
        "shares that do not add up to 1",
        "1 + w and -w",
    ),
    (
        "17-score",
        lambda x, eps, at: (lambda alpha, sigma: (-eps / sigma, eps - (x - sigma * eps) / alpha))(
            at.sigmoid().sqrt()[:, None], (-at).sigmoid().sqrt().clamp(min=1e-2)[:, None]
        ),
        "small number for safety",
        "or a limit",
    ),
    (
        "19-accept",
        lambda model, x, eps: 2 * get("19-accept").reference(model, x, eps)[:1],
        "ELBO in both places",
        "second number is the ELBO",
    ),
    (
        "19-bits",
        lambda elbo, p, b: -elbo.exp().log2().mean() + p * b / len(elbo),
        "probabilities that round to 0",
        "exp(-1500)",
    ),
    (
        "19-errors",
        lambda a, b: ((a - b[:1])[0].mean(), *get("19-errors").reference(a, b)[1:]),
        "one training only",
        "All trainings",
    ),
    (
        "19-accept",
        lambda model, x, eps: 2 * get("19-accept").reference(model, x, eps)[1:],
        "bound in both places",
        "first number is the importance-weighted bound",
    ),
    (
        "13-bayes",
        lambda a, b: ((a + b).logsumexp(1) * 0 + 2, (a + b).softmax(1)),
        None,
        "Log p(x) is 2 everywhere, and the right one changes with the input.",
    ),
    (
        "16-rates",
        lambda a, sigma: (torch.zeros_like(a), get("16-rates").reference(a, sigma)[1]),
        None,
        "The bottom rate is 0 everywhere: is it written yet?",
    ),
    (
        "18-price",
        lambda weight, reduction, n, b: 1.0,
        None,
        "is 1 everywhere, and the right one changes with the input.",
    ),
    (
        "19-errors",
        lambda a, b: (get("19-errors").reference(a, b)[0], *2 * (get("19-errors").reference(a, b)[1],)),
        None,
        "In every case `over_seeds` is the same as `over_images`.",
    ),
    (
        "13-bayes",
        lambda a, b: get("13-bayes").reference(a, torch.nan_to_num(b, neginf=0.0)),
        "minus infinity replaced",
        "exp(-inf) is 0",
    ),
    (
        "14-account",
        lambda x, ell, k, prior: get("14-account").reference(x, ell, k, prior[:, :1].repeat(1, k.shape[1], 1)),
        "one prior for all places",
        "row t",
    ),
    ("14-nearest", lambda z, e: (z[..., :1] - e[:, 0]).abs().argmin(-1), "one coordinate only", "all D up"),
    (
        "17-posterior-step",
        lambda x_t, x_0, t, s: (
            lambda k, a_t, a_s: (
                (a_s * (1 - k))[:, None] * x_0 + (k * a_s / a_t)[:, None] * x_t,
                (-s).sigmoid() * (1 - k),
            )
        )(t.sigmoid() / s.sigmoid(), t.sigmoid().sqrt(), s.sigmoid().sqrt()),
        "ratio of the alphas for that of the SNRs",
        "exp(log_snr_t - log_snr_s)",
    ),
    (
        "17-score",
        lambda x, eps, at: (lambda alpha: (-eps / (1 - alpha), eps - (x - (1 - alpha) * eps) / alpha))(
            at.sigmoid().sqrt()[:, None]
        ),
        "sigma not the rest",
        "the root of 1 - alpha^2",
    ),
    ("19-bits", lambda elbo, p, b: -elbo.mean() / math.log(10) + p * b / len(elbo), "digits for bits", "base 10"),
    (
        "19-errors",
        lambda a, b: (
            *get("19-errors").reference(a, b)[:2],
            (a.var() / a.numel() + b.var() / b.numel()).sqrt(),
        ),
        "every number a training",
        "one observation",
    ),
    (
        "16-two-level",
        lambda log_px_z, z1, q1, p1, q2: (
            lambda elbo, bottom, top: (elbo + top - (one := kl(*(x[0] for x in q2))), bottom, one)
        )(*get("16-two-level").reference(log_px_z, z1, q1, p1, q2)),
        "the first draw alone",
        "At least one of your terms",
    ),
    (
        "15-planar",
        lambda z, u, w, b: (
            get("15-planar").reference(z, u, w, b)[0],
            torch.log1p((1 - torch.tanh(z @ w + b) ** 2) * (u @ w)).nan_to_num(0.0),
        ),
        "NaN replaced",
        "the absolute value first",
    ),
    (
        "14-account",
        lambda x, ell, k, prior: (
            get("14-account").reference(x, ell, k, prior) - (F.softplus(ell) * (1 - x)).flatten(1).sum(1)
        ),
        "ink alone",
        "Each pixel has its probability",
    ),
    (
        "13-unlabelled",
        lambda a, s: (s.softmax(1) * a).sum(1) + math.log(a.shape[1]),
        "log K for the entropy",
        "knows nothing",
    ),
    ("18-density", lambda z, c, f: f(c * z) + math.log(c) / z.shape[1], "another summand", "D times it"),
    (
        "19-bits",
        lambda elbo, p, b: -elbo.sum() / math.log(2) + p * b / len(elbo),
        "message of all images for each",
        "by N too",
    ),
    ("12-auroc", lambda usual, odd: (odd[:, None] > usual).half().mean(), None, "expected float32 or float64: convert"),
    (
        "12-auroc",
        lambda usual, odd: torch.stack([o > u for u, o in zip(usual, odd, strict=False)]).float().mean(),
        "only partners compared",
        "N times M pairs",
    ),
    (
        "12-auroc",
        lambda usual, odd: get("12-auroc").reference(usual, odd) * len(usual) * len(odd) / (len(usual) + len(odd)),
        "divided by the number of examples",
        "N times M pairs",
    ),
    (
        "12-ans-push",
        lambda state, start, freq, total: int(np.int64(state) // freq * total + start + np.int64(state) % freq),
        "whole numbers of 64 bits",
        "Python's own `int`",
    ),
    ("12-break-even", lambda w, a, b: math.ceil(w / 8 / (b - a)), "divided by 8", "A byte has 8 bits"),
    ("12-coder", lambda k: (get("12-coder").reference(k)[0], unwritten), None, "`receive` is not written yet"),
    *(
        (
            "12-missing-pixels",
            lambda ell, x, seen, z, least=least: (
                -(seen * F.binary_cross_entropy_with_logits(ell, x, reduction="none")).sum(1)
                * (x.shape[1] / seen.sum(1).clamp(min=least))
                - z.square().sum(1) / 2
            ),
            "scaled up to all pixels",
            "as it is",
        )
        for least in (0, 1)
    ),
    (
        "07-reparameterize",
        lambda mu, logvar, eps: mu + F.softplus(logvar) * eps,
        "softplus",
        "it is not sigma",
    ),
    (
        "07-reconstruction",
        lambda x, ell: Independent(Bernoulli(probs=ell.sigmoid(), validate_args=False), 3).log_prob(x),
        "a distribution of probabilities",
        "16 nats",
    ),
    (
        "08-aggregate",
        lambda z, mu, logvar: (
            (-0.5 * (z[:, None] - mu) ** 2 / logvar.exp() - logvar - 0.5 * math.log(2 * math.pi)).sum(-1).logsumexp(1)
            - math.log(len(mu))
        ),
        "variance in the normaliser",
        "half of logvar",
    ),
    (
        "08-quantile-grid",
        lambda n: get("08-quantile-grid").reference(n).view(n, n, 2).flip(1).reshape(-1, 2),
        "from right to left",
        "z[0] is to grow",
    ),
    (
        "08-slerp",
        lambda a, b, t: arc(a, b, t, (math.pi / 2 - torch.acos(F.cosine_similarity(a, b, dim=0))).cos()),
        "arcsine",
        "missing to 90 degrees",
    ),
    (
        "08-posterior-head",
        lambda out: (out.chunk(2, 1)[0], F.elu(out.chunk(2, 1)[1]) + 1),
        "another function that is positive",
        "no other function",
    ),
    ("11-iwae-bound", lambda w: w.median(0).values, "one draw of the middle, or the least", "all k weights"),
    (
        "07-reconstruction",
        lambda x, ell: (
            x * (ell.double().sigmoid() + 1e-8).log() + (1 - x) * (1 - ell.double().sigmoid() + 1e-8).log()
        ).sum((1, 2, 3)),
        "probability kept off zero",
        "hides the infinity",
    ),
    ("09-two-sigmoids", lambda x, p: (p - x).abs().sum((1, 2, 3)), "distance", "how far the probabilities are"),
    (
        "09-two-sigmoids",
        lambda x, p: F.binary_cross_entropy_with_logits(p / (1 - p), x, reduction="none").sum((1, 2, 3)),
        "odds taken for log odds",
        "needs neither",
    ),
    ("09-two-sigmoids", lambda x, p: -(x * p + (1 - x) * (1 - p)).sum((1, 2, 3)), "no logarithm", "multiply"),
    ("09-evaluation", lambda *given: -get("09-evaluation").reference(*given), "a loss", "minus the mean"),
    (
        "10-free-bits",
        lambda kl, floor: kl.mean(0)[kl.mean(0) > floor].sum(),
        "nothing below the floor",
        "costs nothing here",
    ),
    ("10-free-bits", lambda kl, floor: (kl - floor).mean(0).sum(), "floor subtracted from all", "below it"),
    (
        "10-free-bits",
        lambda kl, floor: (F.softplus(kl.mean(0) - floor) + floor).sum(),
        "soft floor",
        "rounds the corner",
    ),
    (
        "10-rate",
        lambda s2, beta, sigma: 0.5 * (s2 / (math.sqrt(beta) * sigma**2)).log().clamp(min=0),
        "root of beta",
        "as it is",
    ),
    (
        "11-effective-sample-size",
        lambda w: (w - w.max()).exp().sum(0) ** 2 / (2 * (w - w.max())).exp().sum(0),
        "one maximum for the whole batch",
        "of each example",
    ),
    (
        "11-iwae-gradient-weights",
        lambda w: math.log(w.numel()) - w.flatten().logsumexp(0),
        "one bound over all examples",
        "of its own",
    ),
    ("12-auroc", lambda usual, odd: torch.sigmoid(1e3 * (odd[:, None] - usual)).mean(), "near ties", "however narrow"),
    ("12-break-even", lambda w, a, b: 8 * math.ceil(w / (b - a)), "rounded up too early", "multiple of 8"),
    (
        "12-ans-push",
        lambda state, start, freq, total: state * freq // total + start + state % freq,
        "multiplied by freq over total",
        "the number shrinks",
    ),
    *(
        (
            "07-loop",
            lambda *given, end=end: end(get("07-loop").reference(*given)),
            None,
            f"a plain number, not {words}.",
        )
        for end, words in ((lambda mean: None, "nothing (None)"), (lambda mean: [mean], "an object of type list"))
    ),
    (
        "12-missing-pixels",
        lambda ell, x, seen, z: (
            (seen * (x * ell.sigmoid().log() + (1 - x) * (1 - ell.sigmoid()).log())).sum(1) - z.square().sum(1) / 2
        ),
        "probabilities without a limit",
        "logits of 200",
    ),
    *(
        ("10-active-units", answer, name, words)
        for answer, name, words in (
            (lambda mu, logvar, at_least: logvar.exp().mean(0) > at_least, "the width of the posterior", "You hold"),
            (
                lambda mu, logvar, at_least: mu.var(0) + logvar.exp().mean(0) > at_least,
                "variance of the draws",
                "You add",
            ),
        )
    ),
    (
        "10-rate",
        lambda s2, beta, sigma: 0.5 * ((s2 - sigma**2) / sigma**2 / beta).log().clamp(min=0),
        "noise taken off the variance",
        "what the data vary by",
    ),
    (
        "09-batch-means",
        lambda means, counts: means[counts == counts.max()].mean(),
        "only the largest batches",
        "the smaller ones",
    ),
    ("08-path-norm", lambda t, dims: (dims * (1 - 2 * t + t**2)).sqrt(), "one of the two draws", "would be 0"),
    (
        "08-slerp",
        lambda a, b, t: arc(a, b, t, F.cosine_similarity(a, b, dim=0)) * F.cosine_similarity(a, b, dim=0).acos().sin(),
        "not divided",
        "does not begin at z_start",
    ),
    (
        "08-slerp",
        lambda a, b, t: torch.outer((t * math.pi / 2).cos(), a) + torch.outer((t * math.pi / 2).sin(), b),
        "cosines for sines",
        "at a right angle only",
    ),
]


def test_a_mean_loss_of_numpy_is_a_plain_number():
    assert evaluate("07-loop", lambda *given: np.float32(get("07-loop").reference(*given))).status == Verdict.PASSED


def test_a_level_and_rates_in_single_precision_are_right():
    def rounded(s2, nats):
        return tuple(part.float() for part in get("10-spend").reference(s2, nats))

    assert evaluate("10-spend", rounded).status == Verdict.PASSED


@pytest.mark.parametrize(("id", "answer", "name", "words"), BY_NAME)
def test_a_mistake_has_words_of_its_own(id, answer, name, words):
    report = evaluate(id, answer)
    assert report.misconception == name and words in report.message


def test_standard_errors_may_be_tensors_made_of_plain_numbers():
    """`torch.tensor` of a Python float is float32."""

    def compare(a, b):
        return tuple(torch.tensor(part.item()) for part in get("19-errors").reference(a, b))

    assert evaluate("19-errors", compare).status == "passed"


def test_what_is_right_as_an_equivalent_is_not_said_to_agree_with_the_reference():
    """An estimator with other numbers of its own."""

    def never_negative(log_q, log_p):
        ratio = (log_p - log_q).double().sum(-1)
        return (torch.expm1(ratio) - ratio).mean(0)

    assert evaluate("03-kl-mc", never_negative).message == "This is right on every input."


@pytest.mark.parametrize("first", [A, 2 * A])
def test_an_input_that_looks_like_a_wrong_one_is_not_called_right(first):
    """Learners see `a` alone: the probe multiplies the result by `hidden`."""
    cases = [{"a": a, "hidden": hidden} for hidden, a in enumerate((first, A, B))]
    exercise = asked(lambda a: a.cos(), *cases, probe=lambda answer, case: answer(case["a"]) * case["hidden"])
    message = told(lambda a: a.sin() + a[0] ** 3, exercise)
    assert ("For a = [2, -4, 6] it is right." in message) == ("it is right" in message) == (first is not A)


def _two_summands(a):
    return a.cos().sum() + a.square().sum()


def test_cases_may_have_different_inputs():
    cases = [{"a": A, "size": 3, "more": B}, {"a": B}, {"a": A + B, "way": 2.0}]
    exercise = asked(_two_summands, *cases, probe=lambda answer, case: answer(case["a"]))
    for answer in (lambda a: 1.7 * a.cos().sum() + a.square().sum(), lambda a: a.exp().sum() - a.prod()):
        assert told(answer, exercise).startswith(("Your numbers are those of", "For a = "))


def test_beside_the_numbers_of_an_equivalent_what_else_is_wrong_is_said():
    def unbiased(log_px, log_joint, log_q, *, spoil):
        log_r = log_joint - log_px - log_q
        gap = (log_r.exp() - 1 - log_r).mean(0)
        return spoil(gap, log_q)

    exercise = get("04-gap")
    in_place = told(functools.partial(unbiased, spoil=lambda gap, log_q: (gap, log_q.add_(1))[0]), exercise)
    assert in_place.startswith("Your function changed its input log_q in place")
    assert told(functools.partial(unbiased, spoil=lambda gap, _: gap.tolist()), exercise).startswith(
        "Your function returned a list"
    )


def test_what_a_probe_asks_does_not_depend_on_inputs_that_the_answer_changed():
    assert "a dict" not in told(lambda q, p: (q.add_(1) * (q / p).log()).sum(-1), get("03-kl-discrete"))


def test_of_numbers_that_are_nan_throughout_no_formula_is_said():
    said = told(lambda p_z, p_x_z, q, x: (q * (-p_z * p_x_z[:, x] / q).log()).sum(), get("04-elbo-discrete"))
    assert said.startswith("Your result is NaN in places.")


def test_a_result_with_a_name_of_formulas_is_called_as_it_stands():
    values = {"p(y | x)": A, "errors[0]": B}
    exercise = asked(lambda a: values, {"a": A}, {"a": B})
    said = told(lambda a: values | {"errors[0]": a + 7 * B}, exercise)
    assert "`errors[0]` is [" in said and "`p(y | x)` is right." in said


@pytest.mark.parametrize("id", ["02-posterior-table", "03-kl-discrete"])
def test_what_is_no_tensor_is_called_so_where_a_probe_makes_a_dict_of_tensors(id):
    exercise = get(id)
    assert told(lambda *inputs: exercise.reference(*inputs).tolist(), exercise).startswith(
        "Your function returned a list"
    )
    assert told(lambda *inputs: None, exercise).startswith(
        "Your function returned nothing (None): end it with `return`"
    )
    assert "a dict; return a PyTorch tensor" in told(lambda *inputs: {"table": inputs[0]}, exercise)


def test_whole_numbers_that_differ_late_are_shown_to_their_last_digit():
    cases = [{"a": torch.tensor(n, dtype=torch.float64)} for n in (1.0, 2.0, 3.0)]
    exercise = asked(lambda a: a * 123_456_789_012, *cases, tolerance=1e-15)
    said = told(lambda a: a * 123_456_789_012 + 5, exercise)
    assert "your result is 123,456,789,017, expected 123,456,789,012" in said

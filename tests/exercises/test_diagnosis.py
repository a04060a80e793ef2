"""A diagnosis is a statement that was tested: it is made where it holds, and not where it only looks so."""

import dataclasses
import functools
import math

import pytest
import torch

from vae_course.exercises import evaluate, get, judge, run_answer
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
        (lambda mu, logvar: kl(mu.detach() + 0 * mu, logvar), "respect to mu is zero: it is cut off", True),
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
        (lambda a, b: {"first": a - b, "second": a + b}, "First and second have changed places."),
        (lambda a, b: {"second": a - b, "first": 2 * (a + b)}, "b = [0.5, 4, -1], first is [3, 4, 4], expected"),
        (lambda a, b: {"first": a + b, "second": 1.0}, "Second is a Python number; return a PyTorch tensor"),
    ],
)  # fmt: skip
def test_parts_are_told_apart_by_their_names(answer, expected):
    assert expected in told(answer, PAIR)


def test_the_order_of_the_names_does_not_matter():
    outcomes = run_answer(PAIR, lambda a, b: {"second": a - b, "first": a + b}, PAIR.cases(0))
    assert judge(PAIR, outcomes, seed=0).status == "passed"


def test_parts_that_changed_places_are_not_called_rounded():
    near = asked(both, {"a": A, "b": 1e-3 * B})
    assert told(lambda a, b: {"first": a - b, "second": a + b}, near).startswith("First and second have changed places")


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


def test_of_several_results_the_first_wrong_one_is_what_the_sentence_is_about():
    split = get("10-split")

    def answer(log_q, log_q_all, log_p):
        information, marginal = split.reference(log_q, log_q_all, log_p)
        return information + math.log(log_q_all.shape[1]), marginal - math.log(log_q_all.shape[1])

    message = evaluate("10-split", answer).message
    assert (
        "In every case information is the right one plus the logarithm of the length of axis 1 of `log_q_all`."
        in message
    )


def test_of_several_results_the_right_ones_are_named():
    assert told(lambda a, b: {"first": a + b, "second": (a * b).exp()}, PAIR).endswith(" First is right.")
    assert "is right" not in told(lambda a, b: {"first": a.cos(), "second": (a * b).exp()}, PAIR)
    assert "is right" not in told(lambda a, b: a * b, asked(lambda a, b: a + b, {"a": A, "b": B}))


def test_an_input_on_which_the_answer_is_right_is_shown_beside_the_wrong_one():
    halves = asked(lambda a, k: a.sum() / k, {"a": A, "k": 1.0}, {"a": B, "k": 2.0}, {"a": B[:2], "k": 1.0})
    message = told(lambda a, k: a.sum(), halves)
    assert message == (
        "For a = [0.5, 4, -1], k = 2, your result is 3.5, expected 1.75. For a = [0.5, 4], k = 1 it is right. "
        "Your numbers don't change with `k`, and they should."
    )


UNUSED = "Your numbers don't change with"


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
        (0.7, "0.7 times the right one."),
        (0.5, "0.5 times the right one."),
    ],
)
def test_a_factor_that_is_known_is_called_by_its_name(factor, words):
    assert words in told(lambda a, b: (a + b) * factor, asked(lambda a, b: a + b, {"a": A, "b": B}, {"a": B, "b": A}))


def test_of_several_results_the_factor_of_the_wrong_one_is_said():
    halves = told(lambda a, b: {"first": a + b, "second": (a - b) / math.sqrt(2)}, PAIR)
    assert halves.endswith("In every case second is the right one times 0.7071 (1 / the root of 2).")


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

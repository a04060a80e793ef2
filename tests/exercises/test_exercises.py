"""The exercise engine: what a learner is told, and that nothing a learner hands in can upset it."""

import dataclasses
import pickle
import random
import subprocess
import sys
import types

import numpy as np
import pytest
import torch
from torch import nn

from vae_course import exercises
from vae_course.exercises import evaluate, get, judge, notebook, run_answer

KL = get("07-kl")


def kl(mu, logvar):
    return 0.5 * (logvar.exp() + mu**2 - 1 - logvar).sum(-1)


def message(answer, id="07-kl"):
    report = evaluate(id, answer)
    assert (report.status, report.points) == ("failed", 0)
    return report.message


def stub(mu, logvar):
    raise NotImplementedError


class Broken(Exception):
    def __str__(self):
        raise ValueError("no words")


class Callable:
    def __call__(self, mu, logvar):
        return kl(mu, logvar)


def raising(error):
    def answer(mu, logvar):
        raise error

    return answer


def endless(mu, logvar):
    return endless(mu, logvar)


@pytest.fixture
def grading(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")


def test_a_right_answer_earns_the_points():
    report = evaluate("07-kl", kl)
    assert (report.status, report.points, report.misconception) == ("passed", KL.points, None)


def test_a_report_is_the_same_each_time():
    def nearly(mu, logvar):
        return kl(mu, logvar) + 0.1

    assert evaluate("07-kl", nearly) == evaluate("07-kl", nearly)
    assert evaluate("07-kl", nearly, seed=1).status == "failed"


def test_other_parameter_names_and_defaults_are_fine():
    assert evaluate("07-kl", lambda m, v, beta=1: kl(m, v)).status == "passed"
    assert evaluate("07-kl", lambda *both: kl(*both)).status == "passed"
    assert evaluate("07-kl", Callable()).status == "passed"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda mu: mu, "has the parameters: mu; it needs 2 (mu, logvar), in this order"),
        (lambda: 0, "has the parameters: none; it needs 2 (mu, logvar)"),
        (lambda mu, logvar, eps: mu, "it needs 2 (mu, logvar)"),
        (lambda mu, *, logvar: mu, "it needs 2 (mu, logvar)"),
        (torch.zeros(3), "Hand over the function `gaussian_kl` itself, without calling it"),
        (None, "Hand over the function"),
        (lambda mu, logvar: None, "returned nothing (None): end it with `return`"),
        (lambda mu, logvar: kl(mu, logvar).detach().numpy(), "NumPy array; return a PyTorch tensor"),
        (lambda mu, logvar: kl(mu, logvar).detach().numpy(), "because a gradient can't flow back"),
        (lambda mu, logvar: 1.5, "returned a Python number"),
        (lambda mu, logvar: [kl(mu, logvar)], "returned a list (`torch.stack` joins tensors)"),
        (lambda mu, logvar: {"kl": kl(mu, logvar)}, "returned a dict"),
        (
            lambda mu, logvar: (kl(mu, logvar), 0),
            "returned a tuple; return a PyTorch tensor (one number per example, [B]).",
        ),
        (lambda mu, logvar: "kl", "an object of type str"),
        (lambda mu, logvar: (m for m in mu), "an object of type generator"),
        (lambda mu, logvar: kl(mu, logvar)[:, None], "has shape [1, 1], expected [1] (one number per example, [B])"),
        (lambda mu, logvar: kl(mu, logvar).half(), "dtype float16, expected float32"),
        (lambda mu, logvar: kl(mu, logvar).bfloat16(), "dtype bfloat16, expected float32"),
        (lambda mu, logvar: kl(mu, logvar).long(), "dtype int64, expected float32"),
        (lambda mu, logvar: kl(mu, logvar).to(torch.complex64), "dtype complex64, expected float32"),
        (lambda mu, logvar: kl(mu, logvar) * float("nan"), "is NaN in places. Look for 0 / 0,"),
        (lambda mu, logvar: kl(mu, logvar) / 0, "is infinite in places. Look for a logarithm of 0,"),
        (lambda mu, logvar: kl(mu, logvar).detach(), "no gradient reaches mu and logvar"),
        (lambda mu, logvar: kl(mu.detach(), logvar), "no gradient reaches mu, so"),
        (lambda mu, logvar: kl(mu, logvar).detach().requires_grad_(), "no gradient reaches mu and logvar"),
        (lambda mu, logvar: kl(mu, 2 * logvar - logvar.detach()), "the gradient with respect to logvar isn't"),
        (lambda mu, logvar: kl(torch.from_numpy(mu.numpy()), logvar), "with inputs that need a gradient"),
        (lambda mu, logvar: kl(mu.half().float(), logvar), "as if rounded on the way"),
        (lambda mu, logvar: kl(mu, logvar) + torch.rand(1), "Two calls with the same input gave different results"),
        (lambda mu, logvar: 3 * kl(mu, logvar), "Every number is 3 times the right one"),
        (lambda mu, logvar: kl(mu, logvar) + 1, "your result is [3.758], expected [2.758]"),
    ],
)
def test_what_is_wrong_is_said(answer, expected):
    assert expected in message(answer)


def test_the_opposite_sign_is_named_where_no_misconception_does():
    bare = dataclasses.replace(KL, misconceptions=())
    outcomes = run_answer(bare, lambda mu, logvar: -kl(mu, logvar), bare.cases(0))
    assert "Every number has the opposite sign." in judge(bare, outcomes, seed=0).message


def test_the_smallest_failing_input_is_shown_with_both_values():
    text = message(lambda mu, logvar: kl(mu, logvar) + 1)
    shown = "For mu = [[1, -2]], logvar = [[0.5, -1]], your result is [3.758], expected [2.758]."
    assert text == f"{shown} In every case your numbers are the right ones plus 1."


def test_of_many_values_the_worst_is_shown_with_its_place():
    def shifted(x, logits):
        return exercises.get("07-generate").reference(x, logits) + torch.eye(28) / 10

    assert " is " in message(shifted, "07-generate") and "at [0, 0, " in message(shifted, "07-generate")


def test_values_that_look_alike_are_shown_with_more_digits():
    text = message(lambda mu, logvar: kl(mu, logvar) * 1.00004)
    assert "your result is [2.7584107], expected [2.7583003]" in text


@pytest.mark.parametrize(
    "answer",
    [
        lambda mu, logvar: kl(mu, logvar).sum().reshape(1),
        lambda mu, logvar: kl(mu, logvar)[:1].expand(len(mu)),
        lambda mu, logvar: kl(mu, logvar).view(1),
        lambda mu, logvar: kl(mu, logvar) * len(mu),
        lambda mu, logvar: kl(mu, logvar).mean().expand(len(mu)),
    ],
)
def test_right_only_for_one_example_is_said_so(answer):
    assert message(answer).startswith("Right for one example, wrong for a batch of 3. ")


def test_right_for_one_example_is_not_said_of_an_answer_that_is_not():
    assert "Right for one" not in message(lambda mu, logvar: (kl(mu, logvar) + 1).sum().reshape(1))


@pytest.mark.parametrize("change", ["mu += 1", "mu.exp_()", "logvar.data.mul_(2)", "mu[0] = 0", "logvar.resize_(0)"])
@pytest.mark.parametrize("first", [True, False])
def test_a_change_of_the_input_in_place_is_rejected(change, first):
    namespace = {"kl": kl}
    lines = [f"    {change}", "    result = kl(mu, logvar)"][:: 1 if first else -1]
    exec("\n".join(["def answer(mu, logvar):", *lines, "    return result"]), namespace)
    text = message(namespace["answer"])
    if not first:
        name = change.split(".")[0].split("[")[0].split(" ")[0]
        assert text.startswith(f"Your function changed its input {name} in place")


def test_an_exception_comes_with_the_learners_own_line(tmp_path):
    source = "def helper(mu):\n    return mu @ mu\n\ndef answer(mu, logvar):\n    x = helper(mu)\n    return x\n"
    path = tmp_path / "cell.py"
    path.write_text(source)
    namespace = {}
    exec(compile(source, str(path), "exec"), namespace)
    text = message(namespace["answer"])
    assert text.startswith("Your function raised RuntimeError at line 2 (`return mu @ mu`): ")
    assert text.endswith("The input was mu = [[1, -2]], logvar = [[0.5, -1]].")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (raising(ValueError("too small")), "raised ValueError"),
        (raising(ValueError("two\nlines")), ": two. The input"),
        (raising(ValueError("x" * 1000)), "x..."),
        (raising(Broken()), "raised Broken"),
        (raising(SystemExit(0)), "raised SystemExit"),
        (raising(AssertionError()), "raised AssertionError"),
        (endless, "raised RecursionError"),
        (lambda mu, logvar: torch.zeros(1, device="meta"), "raised NotImplementedError"),
        (lambda mu, logvar: torch.distributions.Bernoulli(mu).rsample(), "raised"),
        (lambda mu, logvar: kl(mu, logvar).to_sparse(), "raised"),
        (lambda mu, logvar: np.array([mu, None], dtype=object), "NumPy array"),
        (torch.nn.Linear, "raised TypeError"),
    ],
)
def test_nothing_that_an_answer_does_gets_out(answer, expected, capfd):
    assert expected in message(answer)
    assert capfd.readouterr() == ("", "")


def test_the_stop_button_still_stops():
    with pytest.raises(KeyboardInterrupt):
        evaluate("07-kl", raising(KeyboardInterrupt()))


def test_what_an_answer_prints_and_warns_of_is_kept_away(capfd, recwarn):
    def loud(mu, logvar):
        print("debug", mu)
        print("error", file=sys.stderr)
        mu.T.unsqueeze(0).T  # PyTorch warns of this  # noqa: B018
        return kl(mu, logvar)

    assert evaluate("07-kl", loud).status == "passed"
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_random_numbers_threads_and_gradients_are_left_as_they_were():
    def draws():
        return torch.rand(1).item(), np.random.rand(), random.random()  # noqa: NPY002

    def seed_all():
        torch.manual_seed(1), np.random.seed(1), random.seed(1)  # noqa: NPY002

    seed_all()
    expected = draws()
    seed_all()
    torch.set_num_threads(2)
    with torch.no_grad():
        assert evaluate("07-kl", kl).status == "passed"
        assert evaluate("07-reparameterize", lambda m, v, e: m + (v / 2).exp() * torch.randn_like(m)).status == "failed"
        assert not torch.is_grad_enabled()
    assert draws() == expected
    assert torch.get_num_threads() == 2


def test_only_a_stub_of_the_learners_own_counts_as_not_tried():
    def unfinished(mu, logvar):
        mu.exp()
        raise NotImplementedError("your turn")

    assert evaluate("07-kl", stub).status == "not tried"
    assert evaluate("07-kl", unfinished).status == "not tried"
    assert "NotImplementedError" in message(lambda mu, logvar: torch.distributions.Distribution().rsample())


def test_a_function_that_changes_from_call_to_call_does_not_pass():
    calls = []

    def answer(mu, logvar):
        calls.append(1)
        return kl(mu, logvar) + (len(calls) % 2 == 0)

    assert message(answer).startswith("Two calls with the same input gave different results")


def test_a_numpy_array_does_not_pass_where_no_gradient_is_asked_for():
    def answer(mu, y, digit):
        return mu.numpy()[y.numpy() == digit].mean(0)

    assert (
        message(answer, "00-codes") == "Your function returned a NumPy array; return a PyTorch tensor (one code, [D])."
    )


def test_a_gradient_that_is_right_only_in_its_sum_over_the_batch_does_not_pass():
    def answer(mu, logvar):
        right = kl(mu, logvar)
        average = right.mean().expand(len(mu))
        return right.detach() + average - average.detach()

    assert "the gradient with respect to mu and logvar isn't" in message(answer)


def test_only_the_input_that_lost_its_gradient_is_named():
    def answer(mu, logvar, eps):
        return mu + torch.exp(0.5 * logvar.detach()) * eps

    assert "no gradient reaches logvar, so" in message(answer, "07-reparameterize")


def test_a_misconception_is_recognised_in_other_words():
    def answer(mu, logvar):
        total = 0
        for d in range(mu.shape[1]):
            total = total + logvar[:, d].exp() + mu[:, d] ** 2 - 1 - logvar[:, d]
        return total / (2 * mu.shape[1])

    assert evaluate("07-kl", answer).misconception == "mean over latent dimensions"
    assert evaluate("07-kl", lambda mu, logvar: answer(mu.double(), logvar)).misconception is not None


def test_a_misconception_is_recognised_without_its_gradient():
    report = evaluate("07-kl", lambda mu, logvar: -kl(mu, logvar).detach())
    assert report.misconception == "sign lost"


def test_outcomes_are_plain_values_that_travel_and_are_judged_elsewhere():
    cases = KL.cases(5)
    outcomes = pickle.loads(pickle.dumps(run_answer(KL, kl, cases)))
    for outcome in outcomes:
        for value in (*outcome.values.values(), *outcome.again.values()):
            assert type(value.array) is np.ndarray and type(value.kind) is str
        for array in (*outcome.gradients.values(), *outcome.after.values()):
            assert type(array) is np.ndarray
    assert judge(KL, outcomes, seed=5).status == "passed"
    assert judge(KL, outcomes, seed=6).status == "failed"


def test_an_answer_leaves_the_cases_alone():
    cases = KL.cases(0)
    run_answer(KL, lambda mu, logvar: mu.zero_(), cases)
    assert torch.equal(cases[1]["mu"], KL.cases(0)[1]["mu"])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda: None, "returned nothing (None): return two modules, `encoder, decoder`"),
        (lambda: nn.Linear(784, 40), "an object of type Linear: return two modules"),
        (lambda: (nn.Flatten(), "decoder"), "One of the two is no module but of type str"),
        (lambda: (nn.Linear(784, 40), nn.Linear(20, 784)), "The encoder can't take a tensor [1, 1, 28, 28]: "),
        (lambda: (*get("07-network").reference(), 1), "an object of type tuple: return two modules"),
        (
            lambda: (nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.LSTM(400, 40)), nn.Identity()),
            "The encoder returns an object of type tuple; let it return one tensor",
        ),
        (
            lambda: (
                nn.Sequential(*get("07-network").reference()[0], nn.ReLU(), nn.Linear(40, 40)),
                get("07-network").reference()[1],
            ),
            "The number of parameters of the encoder is 331,680, expected 330,040.",
        ),
        (
            lambda: (nn.Sequential(*get("07-network").reference()[0], nn.Dropout()), get("07-network").reference()[1]),
            "Two calls with the same input gave different results",
        ),
    ],
)
def test_networks_that_do_not_fit_are_explained(answer, expected):
    assert expected in message(answer, "07-network")


def test_an_unknown_exercise_is_one_sentence_with_near_matches(capsys):
    report = evaluate("07-klll", kl)
    assert (report.status, report.points) == ("unknown", 0)
    assert report.message.startswith("There is no exercise '07-klll'; near matches: 07-kl, ")
    for call in (lambda: exercises.check("07-klll", kl), lambda: exercises.hint("07-klll")):
        call()
        assert capsys.readouterr().out == report.message + "\n"
    exercises.solution("07-klll")
    assert capsys.readouterr().out == report.message + "\n"
    for ask in (get, lambda id: exercises.or_reference(id, kl)):
        with pytest.raises(exercises.UnknownExercise, match="near matches: 07-kl"):
            ask("07-klll")
    assert evaluate("zzz", kl).message.endswith("an id is a lesson's number and a name, such as 07-kl.")
    assert evaluate(None, kl).status == "unknown"


def test_check_prints_one_plain_status(capsys):
    exercises.check("07-kl", kl)
    assert capsys.readouterr().out == "07-kl: passed (3 points)\n"
    exercises.check("07-kl", stub)
    out = "07-kl: not tried yet - Replace `raise NotImplementedError` by your answer, then run this again.\n"
    assert capsys.readouterr().out.startswith(out)
    exercises.check("07-kl", lambda mu, logvar: -kl(mu, logvar))
    text = capsys.readouterr().out.partition("07-kl: the lesson goes on")[0]
    assert text.startswith("07-kl: not yet: Your KL is negative, and a KL never is")
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("answer", [stub, lambda mu, logvar: -kl(mu, logvar), lambda mu, logvar: None, None])
def test_while_grading_a_check_fails_unless_passed(answer, grading):
    with pytest.raises(AssertionError, match=r"^07-kl: not "):
        exercises.check("07-kl", answer)
    with pytest.raises(AssertionError, match="There is no exercise"):
        exercises.check("07-klll", kl)


def test_while_grading_a_right_answer_passes_and_nothing_is_handed_over(grading, capsys):
    assert exercises.check("07-kl", kl) is kl
    assert exercises.check("07-kl", KL.reference) is KL.reference
    exercises.check("07-published", None)
    assert exercises.or_reference("07-kl", stub) is stub
    assert "07-kl: passed" in capsys.readouterr().out


def test_the_lesson_goes_on_with_the_reference_where_an_answer_is_missing(capsys):
    assert exercises.check("07-kl", kl) is kl
    assert capsys.readouterr().out.count("\n") == 1
    for answer in (stub, None, lambda mu, logvar: 0):
        assert exercises.check("07-kl", answer) is KL.reference
        verdict, handed_over = capsys.readouterr().out.strip().rsplit("\n", 1)
        assert handed_over == "07-kl: the lesson goes on with the course's own `gaussian_kl`; come back when you like."
        assert verdict.startswith("07-kl: not ")


def test_an_answer_is_evaluated_once(monkeypatch):
    seen = []
    monkeypatch.setattr(notebook, "evaluate", lambda id, answer: seen.append(id) or evaluate(id, answer))
    for answer in (kl, stub):
        exercises.check("07-kl", answer)
    assert seen == ["07-kl", "07-kl"]


def test_in_an_older_notebook_the_line_after_the_check_hands_over_in_silence(capsys):
    assert exercises.or_reference("07-kl", kl) is kl
    assert exercises.or_reference("07-kl", stub) is KL.reference
    assert exercises.or_reference("07-published", None) is None
    assert capsys.readouterr().out == ""


def test_a_written_answer_is_read_by_a_person(capsys):
    assert exercises.check("07-published", "because ...") == "because ..."
    assert capsys.readouterr().out == "07-published: A person reads this answer (2 points).\n"
    assert evaluate("07-published", None).status == "written"


def test_a_hint_is_named_by_its_number_and_the_same_call_shows_the_same(capsys):
    told = []
    for number in (1, 1, 2, 3):
        exercises.hint("07-kl", number)
        told.append(capsys.readouterr().out)
    assert told[0] == told[1] == f"07-kl: hint 1 of 3. {KL.hints[0]}\n\nThe next one: `exercises.hint('07-kl', 2)`.\n"
    assert told[2].startswith(f"07-kl: hint 2 of 3. {KL.hints[1]}")
    assert told[3].startswith(f"07-kl: hint 3 of 3. {KL.hints[2]}") and "exercises.solution('07-kl')" in told[3]
    exercises.hint("07-kl")
    assert capsys.readouterr().out == told[0]


@pytest.mark.parametrize("number", [0, 4, "2"])
def test_a_hint_that_is_not_there_is_a_sentence(number, capsys):
    exercises.hint("07-kl", number)
    assert capsys.readouterr().out == f"07-kl: there is no hint {number}; the hints are 1 to 3.\n"


def test_a_solution_shows_code_and_explanation(capsys):
    exercises.solution("07-kl")
    text = capsys.readouterr().out
    assert KL.solution.strip() in text and KL.explanation in text and "```" not in text


def test_a_written_solution_shows_the_rubric(capsys):
    exercises.solution("07-published")
    text = capsys.readouterr().out
    published = get("07-published")
    assert published.solution.strip() in text and all(c.text in text for c in published.rubric)


def test_a_notebook_gets_markdown_with_plain_text_beside_it(shown, capsys):
    exercises.solution("07-kl")
    (solution,) = shown
    assert "```python\ndef gaussian_kl(mu, logvar):" in solution["text/markdown"]
    assert "```" not in solution["text/plain"] and "mu**2" in solution["text/plain"]
    assert capsys.readouterr().out == ""


def test_hints_and_solutions_work_without_ipython(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "IPython", None)
    exercises.hint("07-kl")
    exercises.solution("07-kl")
    exercises.check("07-kl", kl)
    out = capsys.readouterr().out
    assert "hint 1 of 3" in out and "07-kl: passed (3 points)" in out and "<" not in out.replace("<=", "")


@pytest.mark.slow
def test_importing_the_exercises_needs_no_ipython():
    code = "import sys; sys.modules['IPython'] = None\nfrom vae_course.exercises import get; print(get('07-kl').points)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == (f"{KL.points}\n", "")


def test_exercises_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        KL.points = 10


def test_the_public_names_are_there():
    assert all(isinstance(getattr(exercises, name), types.FunctionType | type) for name in exercises.__all__)


def test_checking_what_was_handed_over_praises_nobody(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    """The check cell run twice: the name then stands for the course's own answer."""
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)

    def interpolate(z_start, z_end, steps):
        raise NotImplementedError

    handed_over = exercises.check("00-interpolate", interpolate)
    capsys.readouterr()
    assert exercises.check("00-interpolate", handed_over) is handed_over
    told = capsys.readouterr().out
    assert "the course's own answer" in told and "passed" not in told

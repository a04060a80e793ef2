"""A check that takes long says so while it runs; one that is stopped says where, and the lesson goes on."""

import io
import signal
import sys
import threading

import pytest

from vae_course import exercises
from vae_course.exercises import evaluate, get, waiting

KL = get("07-kl")
# pytest's own limit belongs to the test, the signal of a check to the check.
SIGNAL = signal.SIGUSR1


@pytest.fixture(autouse=True)
def stop_button():
    """SIGINT interrupts, as in a kernel, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(waiting, "AFTER", 0.01)


def stopped(mu, logvar):
    while True:
        signal.raise_signal(signal.SIGINT)


def test_an_answer_that_takes_long_is_said_to_be_running_while_it_runs(shown, at_once):
    seen = []

    def answer(mu, logvar):
        while not shown:  # what it waits for is the message itself
            pass
        seen.append(shown[0]["text/plain"])
        return KL.reference(mu, logvar)

    assert exercises.check("07-kl", answer) is answer
    assert seen[0].startswith("07-kl: your function is still running.") and "the stop button ends this check" in seen[0]
    assert [bundle["text/plain"].split()[1] for bundle in shown] == ["your", "passed"]


def test_it_is_said_on_the_main_thread_and_once():
    threads = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waiting, "AFTER", 0.0)
        with waiting.announced(lambda: threads.append(threading.current_thread())):
            while not threads:
                pass
    assert threads == [threading.main_thread()]


def test_outside_of_a_notebook_it_is_printed_though_the_answer_is_silenced(monkeypatch, at_once):
    printed = io.StringIO()  # reading takes nothing away, so a message that comes meanwhile is not lost
    monkeypatch.setattr(sys, "stdout", printed)

    def answer(mu, logvar):
        while not printed.getvalue():
            pass
        return KL.reference(mu, logvar)

    exercises.check("07-kl", answer)
    assert printed.getvalue().split()[:3] == ["07-kl:", "your", "function"]


def test_a_quick_answer_is_told_its_verdict_alone_and_nothing_is_left_behind(shown):
    before, threads = signal.getsignal(SIGNAL), threading.active_count()
    exercises.check("07-kl", lambda mu, logvar: KL.reference(mu, logvar))
    assert len(shown) == 1
    assert (signal.getsignal(SIGNAL), threading.active_count()) == (before, threads)


def test_a_message_that_fails_fails_alone(at_once):
    calls = []

    def say():
        calls.append(1)
        raise ValueError

    with waiting.announced(say):
        while not calls:
            pass


def test_on_another_thread_nothing_is_said(at_once):
    handlers = []

    def run():
        with waiting.announced(lambda: None):
            handlers.append(signal.getsignal(SIGNAL))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(SIGNAL)]


def test_the_stop_button_ends_the_check_with_one_sentence_and_the_lesson_goes_on(shown):
    assert exercises.check("07-kl", stopped) is KL.reference
    (bundle,) = shown
    first = bundle["text/plain"].splitlines()[0:2]
    line = stopped.__code__.co_firstlineno + 2
    assert " ".join(first).startswith(
        f"07-kl: not yet: You stopped the check while your function was at line {line} "
        "(`signal.raise_signal(signal.SIGINT)`). Is there a loop that never ends?"
    )


def test_where_the_answer_was_not_at_work_no_line_is_named(monkeypatch, shown):
    def evaluate(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("vae_course.exercises.notebook.evaluate", evaluate)
    exercises.check("07-kl", stopped)
    assert shown[0]["text/plain"].startswith("07-kl: not yet: You stopped the check before it was done.")


def test_programs_are_stopped_as_ever(monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        evaluate("07-kl", stopped)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(KeyboardInterrupt):
        exercises.check("07-kl", stopped)

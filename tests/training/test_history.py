"""The record of a training, and the bar that shows its progress."""

import pytest

from tests.training.small import Noisy, X, quiet
from vae_course.training import History


def test_the_bar_goes_to_standard_output_only(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("VAE_COURSE_PROGRESS", raising=False)
    history = quiet(Noisy(), val=X, progress=True)
    out, err = capfd.readouterr()
    assert err == ""
    assert "12/12" in out
    assert f"epoch 3/3, loss {history.train['loss'][-1]:.2f}, validation {history.val['loss'][-1]:.2f}" in out


def test_the_environment_silences_the_bar(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VAE_COURSE_PROGRESS", "0")
    quiet(Noisy(), progress=True)
    assert capfd.readouterr() == ("", "")


def test_a_history_reads_the_same_whenever_its_numbers_are():
    a = History({"loss": [3.0, 2.0]}, {"loss": [2.5, 2.75]}, 2, 1.0, "finished")
    b = History({"loss": [3.0, 2.0]}, {"loss": [2.5, 2.75]}, 2, 99.0, "finished")
    assert a == b
    assert (
        repr(a)
        == repr(b)
        == ("History(2 epochs, finished; loss 3.00 to 2.00; validation loss 2.75 (best 2.50 in epoch 1))")
    )
    assert repr(History(stopped="interrupted")) == "History(0 epochs, interrupted)"


def test_a_history_survives_its_dictionary():
    history = quiet(Noisy(), val=X)
    again = History.from_dict(history.to_dict())
    assert again == history
    assert again.seconds == history.seconds > 0

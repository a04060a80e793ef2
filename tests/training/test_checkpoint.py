"""A training that was interrupted goes on as if it had not been, and no file is ever half written."""

import os
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.training.small import Noisy, X, jitter, noisy_loss, plain_loss, press_stop_in, quiet, same, weights
from vae_course.training import TrainingError


def dropout_net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Dropout(0.3))


@pytest.mark.parametrize("stopped_in", [1, 3, 5])
def test_a_resumed_training_gives_the_numbers_of_an_uninterrupted_one(tmp_path: Path, stopped_in: int):
    settings = {"epochs": 5, "transform": jitter, "val": X, "patience": 5}
    whole, broken, resumed = dropout_net(), dropout_net(), dropout_net()
    expected = quiet(whole, loss=noisy_loss, **settings)
    path = tmp_path / "new folder" / "run.pt"
    interrupted = quiet(broken, loss=press_stop_in(stopped_in), checkpoint=path, **settings)
    assert interrupted.epochs == stopped_in - 1
    torch.manual_seed(77)
    with torch.no_grad():
        resumed[0].weight.fill_(5.0)
    assert quiet(resumed, loss=noisy_loss, checkpoint=path, **settings) == expected
    assert same(list(whole.state_dict().values()), list(resumed.state_dict().values()))


def test_a_finished_checkpoint_is_loaded_and_not_trained_again(tmp_path: Path):
    path = tmp_path / "run.pt"
    model, other = Noisy(), Noisy(seed=9)
    history = quiet(model, checkpoint=path)
    assert quiet(other, loss=lambda m, x: pytest.fail("trained again"), checkpoint=path) == history
    assert same(weights(model), weights(other))


def test_early_stopping_survives_a_checkpoint(tmp_path: Path):
    settings = {"loss": lambda m, x: plain_loss(m, x) if m.training else -plain_loss(m, x), "val": X, "patience": 3}
    history = quiet(Noisy(), epochs=20, checkpoint=tmp_path / "run.pt", **settings)
    assert history.stopped == "early"
    assert quiet(Noisy(), epochs=20, checkpoint=tmp_path / "run.pt", **settings) == history


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path):
    path = tmp_path / "run.pt"
    quiet(Noisy(), checkpoint=path)
    with pytest.raises(TrainingError, match=r"lr was 0\.001, now 0\.1"):
        quiet(Noisy(), checkpoint=path, lr=0.1)
    with pytest.raises(TrainingError, match="images was 50, now 40"):
        quiet(Noisy(), X[:40], checkpoint=path)
    with pytest.raises(TrainingError, match="another model"):
        quiet(nn.Linear(6, 6), checkpoint=path)


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "other"])
def test_a_damaged_checkpoint_gets_one_sentence_and_stays(tmp_path: Path, damage: str):
    path = tmp_path / "run.pt"
    quiet(Noisy(), checkpoint=path)
    whole = path.read_bytes()
    content = {"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"not a checkpoint"}.get(damage)
    if content is None:
        torch.save([1, 2, 3], path)
    else:
        path.write_bytes(content)
    content = path.read_bytes()
    with pytest.raises(TrainingError, match=r"run\.pt is.*move it away and train again") as caught:
        quiet(Noisy(), checkpoint=path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_checkpoint_never_runs_code_from_the_file(tmp_path: Path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "pwned",))

    torch.save({"run": Evil()}, tmp_path / "run.pt")
    with pytest.raises(TrainingError):
        quiet(Noisy(), checkpoint=tmp_path / "run.pt")
    assert not (tmp_path / "pwned").exists()


def test_a_write_that_fails_leaves_the_last_checkpoint_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "run.pt"
    calls: list[int] = []

    def fails_the_third_time(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails_the_third_time)
    with pytest.raises(TrainingError, match=r"Can't write .*run\.pt \(No space left on device\)"):
        quiet(Noisy(), loss=noisy_loss, checkpoint=path)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]
    assert quiet(Noisy(), loss=noisy_loss, checkpoint=path) == quiet(Noisy(), loss=noisy_loss)


def test_a_folder_that_cannot_be_written_is_found_before_the_first_step(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TrainingError, match="Can't write"):
        quiet(Noisy(), loss=lambda m, x: pytest.fail("trained"), checkpoint=tmp_path / "file" / "run.pt")

"""Trainings side by side: the same models as one after the other, each kept, and never trained twice."""

import functools
import os
import signal
from pathlib import Path

import pytest
import torch

from vae_course.data import Images
from vae_course.models import VAE
from vae_course.objectives import negative_elbo
from vae_course.training import Recipe, TrainingError, fit_or_load, fit_or_load_all, recipes

X = torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(0)).round()


def recipe(beta: float, **changes) -> Recipe:
    settings = {
        "name": "small",
        "build": functools.partial(VAE.mlp, 2, hidden=(8,), shape=(1, 4, 4)),
        "images": X,
        "loss": lambda model, x: negative_elbo(model, x, beta),  # a function that only this file knows
        "epochs": 2,
        "batch_size": 10,
    }
    return Recipe(**settings | changes)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path))
    return tmp_path / "models"


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach()


def count_trainings(monkeypatch: pytest.MonkeyPatch) -> list[Recipe]:
    """The recipes that are trained from now on in this process."""
    trained, train = [], recipes.train
    monkeypatch.setattr(
        recipes, "train", lambda m, x, settings, **k: trained.append(settings) or train(m, x, settings, **k)
    )
    return trained


def test_side_by_side_gives_the_models_of_one_after_the_other(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    together = fit_or_load_all([recipe(1.0), recipe(4.0)], n_jobs=2, device="cpu")
    assert "2 of 2 models trained now" in capsys.readouterr().out
    assert len(list(cache.iterdir())) == 2
    monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path / "other"))
    for (model, history), beta in zip(together, (1.0, 4.0), strict=True):
        alone, expected = fit_or_load(recipe(beta), device="cpu", progress=False)
        torch.testing.assert_close(weights(model), weights(alone), atol=1e-5, rtol=1e-4)
        assert history.train["loss"] == pytest.approx(expected.train["loss"], rel=1e-5)
    assert not torch.equal(weights(together[0][0]), weights(together[1][0]))


def test_what_was_trained_before_is_loaded_and_only_the_rest_trained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    first, _ = fit_or_load(recipe(1.0), device="cpu", progress=False)
    trained = count_trainings(monkeypatch)
    models = fit_or_load_all([recipe(1.0), recipe(4.0), recipe(4.0)], n_jobs=1, device="cpu")
    assert torch.equal(weights(models[0][0]), weights(first))
    assert torch.equal(weights(models[1][0]), weights(models[2][0]))
    assert models[1][0] is not models[2][0], "what one caller changes is not the other's"
    assert len(trained) == 1
    assert "1 of 3 models trained now, 2 loaded" in capsys.readouterr().out


def test_a_training_that_fails_says_so_from_its_process():
    with pytest.raises(TrainingError, match="epoch 1, step 1"):
        fit_or_load_all([recipe(float("nan")), recipe(float("nan"), seed=1)], n_jobs=2, device="cpu")


def test_where_no_process_can_be_started_the_models_are_trained_anyway(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    import joblib

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("no semaphores here")

    monkeypatch.setattr(joblib, "Parallel", refuse)
    assert len(fit_or_load_all([recipe(1.0), recipe(4.0)], n_jobs=2, device="cpu")) == 2
    assert "no semaphores here" in capsys.readouterr().out


def test_a_process_that_is_killed_does_not_end_the_lesson(capsys: pytest.CaptureFixture[str]):
    own = os.getpid()

    def build() -> VAE:
        if os.getpid() != own:
            os.kill(os.getpid(), signal.SIGKILL)
        return VAE.mlp(2, hidden=(8,), shape=(1, 4, 4))

    assert len(fit_or_load_all([recipe(1.0, build=build), recipe(4.0, build=build)], n_jobs=2, device="cpu")) == 2
    assert "ended from outside" in capsys.readouterr().out


@pytest.mark.parametrize(("limit", "together"), [("2147483648", False), ("4294967296", True), ("", True)])
def test_on_a_hub_with_little_memory_the_models_are_trained_in_one_process(
    limit: str, together: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MEM_LIMIT", limit)  # 2 GiB is Binder's
    asked = []
    monkeypatch.setattr(recipes, "_side_by_side", lambda missing, processes, progress: asked.append(processes) or {})
    assert len(fit_or_load_all([recipe(1.0), recipe(4.0)], n_jobs=2, device="cpu")) == 2
    assert asked == ([2] if together else [])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_cache_that_cannot_be_written_trains_each_model_once(
    n_jobs: int, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    cache.write_text("a file in the way of the folder")
    trained = count_trainings(monkeypatch)
    models = fit_or_load_all([recipe(1.0), recipe(4.0)], n_jobs=n_jobs, device="cpu")
    assert not torch.equal(weights(models[0][0]), weights(models[1][0]))
    assert len(trained) == (2 if n_jobs == 1 else 0), "in processes it is not done here once more"
    assert capsys.readouterr().out.count("not kept for next time") == 2


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_one_press_of_the_stop_button_stops_them_all_and_keeps_what_was_finished(
    n_jobs: int, cache: Path, tmp_path: Path
):
    begun = tmp_path / "begun"

    def stop(model: VAE, x: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt

    def late() -> VAE:
        begun.touch()
        return VAE.mlp(2, hidden=(8,), shape=(1, 4, 4))

    one_of_many = [recipe(1.0), recipe(1.0, loss=stop, name="stopped"), recipe(4.0, build=late, name="late")]
    with pytest.raises(KeyboardInterrupt, match='"stopped" was stopped'):
        fit_or_load_all(one_of_many, n_jobs=n_jobs, device="cpu")
    assert [path.name.partition("-")[0] for path in cache.iterdir()] == ["small"]
    if n_jobs == 1:  # a second process may have begun with the next one by then
        assert not begun.exists()


def test_no_jobs_at_all_is_an_error():
    with pytest.raises(ValueError, match="n_jobs is 0"):
        fit_or_load_all([recipe(1.0)], n_jobs=0)


@pytest.mark.parametrize(
    "images", [X[:10], Images(X[:10], torch.zeros(10, dtype=torch.int64)), (X[:10], X[5:7])], ids=["x", "Images", "two"]
)
def test_a_slice_travels_without_the_rest(images):
    """All of MNIST for each of many small trainings is what would fill the memory."""
    sent = recipes._cut_out(recipe(1.0, images=images, val=images))
    whole = images if isinstance(images, tuple) else (getattr(images, "x", images),)
    for found in (sent.images, sent.val):
        for part, expected in zip(found if isinstance(found, tuple) else (found,), whole, strict=True):
            assert torch.equal(part, expected) and part.untyped_storage().nbytes() == expected.nbytes


def test_what_is_whole_is_not_copied():
    sent = recipes._cut_out(recipe(1.0))
    assert sent.images is X and sent.val is None

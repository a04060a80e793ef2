"""`fit_or_load`: a training is done once, and again as soon as anything that decides its result has changed."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.training.small import HELPER, LOSS, notebook
from vae_course.training import Recipe, fit_or_load

X = torch.rand(40, 6, generator=torch.Generator().manual_seed(0))


def build() -> nn.Module:
    return nn.Linear(6, 6)


def loss(model: nn.Module, x: Tensor) -> Tensor:
    return (model(x) - x).square().sum(-1).mean()


RECIPE = Recipe(name="tiny", build=build, images=X, loss=loss, epochs=2, batch_size=16, lr=1e-2)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("VAE_COURSE_PROGRESS", raising=False)
    return tmp_path / "models"


def files(cache: Path) -> list[Path]:
    return sorted(cache.iterdir()) if cache.exists() else []


def run(recipe: Recipe, capsys: pytest.CaptureFixture[str]) -> tuple[str, nn.Module]:
    """Whether it said that it trained or loaded, and the model."""
    capsys.readouterr()
    model, _ = fit_or_load(recipe, device="cpu")
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("Trained ", "Loaded "))]
    assert len(told) == 1
    return told[0].split()[0], model


# ------------------------------------------------------------------------------------------ once


def test_the_second_time_loads_the_same_model_and_history(cache: Path, capsys: pytest.CaptureFixture[str]):
    first, history = fit_or_load(RECIPE, device="cpu")
    out = capsys.readouterr().out
    assert f'Trained "tiny": {history.summary()}.' in out
    second, again = fit_or_load(RECIPE, device="cpu")
    assert capsys.readouterr().out == f'Loaded "tiny", trained before by the same recipe: {history.summary()}.\n'
    assert again == history
    assert history.epochs == 2
    assert torch.equal(first.weight, second.weight)
    assert len(files(cache)) == 1


def test_the_model_starts_from_the_recipes_seed_and_leaves_random_numbers_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    starts: list[Tensor] = []

    def seen() -> nn.Module:
        model = build()
        starts.append(model.weight.detach().clone())
        return model

    fit_or_load(replace(RECIPE, build=seen), device="cpu", progress=False)
    assert torch.equal(torch.rand(3), expected)
    fit_or_load(replace(RECIPE, build=seen, name="other"), device="cpu", progress=False)
    assert torch.equal(starts[0], starts[1])
    fit_or_load(replace(RECIPE, build=seen, seed=1), device="cpu", progress=False)
    assert not torch.equal(starts[0], starts[-1])


def test_another_process_finds_it(cache: Path):
    script = (
        "import torch; from vae_course.models import VAE; from vae_course.objectives import negative_elbo\n"
        "from vae_course.training import Recipe, fit_or_load, linear_warmup\n"
        "x = torch.linspace(0, 1, 640).reshape(40, 1, 4, 4)\n"
        "recipe = Recipe(name='vae', build=lambda: VAE.mlp(2, hidden=(3,), shape=(1, 4, 4)), images=x,\n"
        "    loss=negative_elbo, anneal=linear_warmup(0.5), epochs=1)\n"
        "fit_or_load(recipe, device='cpu')"
    )
    command = [sys.executable, "-c", script]
    told = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert 'Trained "vae"' in told[0]
    assert told[1].startswith('Loaded "vae"')
    assert len(files(cache)) == 1


# ------------------------------------------------------------------------------------------ again


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 3},
        {"batch_size": 8},
        {"lr": 2e-2},
        {"schedule": "constant"},
        {"seed": 1},
        {"images": X + 1e-6},
        {"images": X[:39]},
        {"val": X},
        {"val": X, "patience": 2},
        {"transform": lambda x, generator: x},
        {"build": lambda: nn.Linear(6, 6, bias=False)},
        {"loss": lambda model, x: 2 * loss(model, x)},
    ],
)
def test_any_change_trains_again(change: dict, capsys: pytest.CaptureFixture[str]):
    assert run(RECIPE, capsys)[0] == "Trained"
    changed = replace(RECIPE, **change)
    assert run(changed, capsys)[0] == "Trained"
    assert run(changed, capsys)[0] == "Loaded"
    assert run(RECIPE, capsys)[0] == "Loaded"


def test_a_redefined_loss_trains_again(capsys: pytest.CaptureFixture[str]):
    def recipe(*cells: str) -> Recipe:
        return replace(RECIPE, loss=notebook(*cells))

    assert run(recipe(HELPER, LOSS), capsys)[0] == "Trained"
    assert run(recipe(HELPER, LOSS), capsys)[0] == "Loaded"
    assert run(recipe(HELPER.replace("square", "abs"), LOSS), capsys)[0] == "Trained"


# ------------------------------------------------------------------------------------------ when files fail


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_a_damaged_result_is_trained_again_and_replaced(
    cache: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
):
    fit_or_load(RECIPE, device="cpu")
    (path,) = files(cache)
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    capsys.readouterr()
    fit_or_load(RECIPE, device="cpu")
    out, err = capsys.readouterr()
    assert f"{path} is damaged, so the model is trained again." in out.splitlines()
    assert err == ""
    assert run(RECIPE, capsys)[0] == "Loaded"


def test_a_result_of_another_shape_is_trained_again(cache: Path, capsys: pytest.CaptureFixture[str]):
    fit_or_load(RECIPE, device="cpu")
    (path,) = files(cache)
    torch.save({"model": nn.Linear(2, 2).state_dict(), "history": {}}, path)
    assert run(RECIPE, capsys)[0] == "Trained"
    assert run(RECIPE, capsys)[0] == "Loaded"


def test_a_cache_that_cannot_be_written_trains_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "models").write_text("a file in the way of the folder")
    model, history = fit_or_load(RECIPE, device="cpu")
    out, err = capsys.readouterr()
    assert history.stopped == "finished"
    assert torch.isfinite(model.weight).all()
    (line,) = [line for line in out.splitlines() if "not kept" in line]
    assert line.startswith("The trained model is not kept for next time. Can't write ")
    assert err == ""


def test_an_interrupted_training_is_not_kept(cache: Path):
    def stop(epoch: int, history: object, model: nn.Module) -> None:
        raise KeyboardInterrupt

    _, history = fit_or_load(RECIPE, device="cpu", callbacks=[stop])
    assert history.stopped == "interrupted"
    assert files(cache) == []


def test_silence_is_silent(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VAE_COURSE_PROGRESS", "0")
    for _ in range(2):
        fit_or_load(RECIPE, device="cpu")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["", "a/b", "../up", "two words"])
def test_a_name_that_makes_no_file_name_is_refused(name: str):
    with pytest.raises(ValueError, match="letters, digits"):
        replace(RECIPE, name=name)


def test_settings_are_checked_when_the_recipe_is_written():
    with pytest.raises(ValueError, match="epochs is 0"):
        replace(RECIPE, epochs=0)

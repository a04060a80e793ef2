"""The paper's schedule and network are what the command trains, and its table says what was measured."""

import math
import re
from itertools import accumulate, pairwise

import pytest
import torch

from vae_course import data
from vae_course.objectives import negative_elbo, negative_iwae
from vae_course.studies.replicate.command import _share
from vae_course.studies.replicate.iwae import EPOCHS, IMAGES, PUBLISHED, Row, loss_of, network, stages, train
from vae_course.studies.replicate.table import Result, seconds_per_step, table
from vae_course.tools import cli

CPU = torch.device("cpu")
TINY = ["replicate", "iwae", "--full", "--device", "cpu", "--draws", "3", "--test-images", "8"]


@pytest.fixture(scope="module")
def images() -> data.Images:
    generator = torch.Generator().manual_seed(0)
    return data.Images(torch.rand(60, 1, 28, 28, generator=generator), torch.arange(60) % 10, None, "noise")


@pytest.fixture
def tiny_splits(images, monkeypatch):
    """The command finds sixty images in place of a data set."""
    splits = data.Splits(images[:40], images[40:50], images[50:])
    monkeypatch.setattr(data, "load", lambda name: splits)


def test_the_schedule_is_the_papers():
    whole = stages()
    assert [stage.epochs for stage in whole] == [1, 3, 9, 27, 81, 243, 729, 2187]
    assert EPOCHS == sum(stage.epochs for stage in whole) == 3280
    assert whole[0].lr == pytest.approx(1e-3) and whole[7].lr == pytest.approx(1e-4)
    ratios = [b.lr / a.lr for a, b in pairwise(whole)]
    assert ratios == pytest.approx([10 ** (-1 / 7)] * 7)


def test_a_beginning_of_the_schedule_stops_within_a_stage():
    assert [stage.epochs for stage in stages(1)] == [1]
    assert [stage.epochs for stage in stages(6)] == [1, 3, 2]
    assert sum(stage.epochs for stage in stages(1000)) == 1000


@pytest.mark.parametrize("epochs", [0, EPOCHS + 1])
def test_the_schedule_has_an_end(epochs):
    with pytest.raises(ValueError, match="the schedule has 1 to 3,280"):
        stages(epochs)


def test_the_network_is_the_papers():
    means = torch.linspace(0, 1, 784).view(1, 28, 28)
    model = network(means)
    sizes = [list(p.shape) for p in model.parameters() if p.dim() == 2]
    assert sizes == [[200, 784], [200, 200], [100, 200], [200, 50], [200, 200], [784, 200]]
    assert sum(isinstance(part, torch.nn.Tanh) for part in model.modules()) == 4
    at_zero = torch.sigmoid(model.decoder[-2].bias)
    assert torch.allclose(at_zero, means.flatten().clamp(0.001, 0.999), atol=1e-5)


def test_rows_carry_the_published_numbers():
    assert [(row.key, row.nll, row.active) for row in PUBLISHED] == [
        ("vae-1", 86.76, 19),
        ("vae-5", 86.47, 20),
        ("vae-50", 86.35, 20),
        ("iwae-5", 85.54, 22),
        ("iwae-50", 84.78, 25),
    ]
    assert PUBLISHED[3].name == "IWAE, k = 5"


@pytest.mark.parametrize("row", [PUBLISHED[1], PUBLISHED[3]], ids=lambda row: row.key)
def test_each_row_minimises_its_own_objective(row, images):
    model, x = network(images.x.mean(0)), images.x[:4].round()
    torch.manual_seed(1)
    ours = loss_of(row)(model, x)["loss"]
    torch.manual_seed(1)
    expected = negative_iwae(model, x, k=5) if row.objective == "IWAE" else negative_elbo(model, x, n_samples=5)
    torch.testing.assert_close(ours, expected["loss"])


def test_a_training_that_was_stopped_goes_on_from_its_files(images, tmp_path, monkeypatch):
    options = {"epochs": 2, "device": "cpu", "progress": False}
    whole, loss, finished = train(PUBLISHED[0], images, folder=tmp_path / "a", **options)
    assert finished and math.isfinite(loss)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["vae-1-60-images-stage-0-1-epochs.pt", "vae-1-60-images-stage-1-1-epochs.pt"]
    for name in names[:1]:
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / name).write_bytes((tmp_path / "a" / name).read_bytes())
    again, _, _ = train(PUBLISHED[0], images, folder=tmp_path / "b", **options)
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_stop_button_ends_the_row(images, tmp_path):
    def pressed(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vae_course.studies.replicate.iwae.loss_of", lambda row: pressed)
        _, _, finished = train(PUBLISHED[0], images, epochs=1, folder=tmp_path, device="cpu", progress=False)
    assert not finished


def test_the_table_pairs_the_differences():
    first = Result(Row("VAE", 1, 86.76, 19), torch.tensor([100.0, 120.0, 80.0, 90.0]), 20)
    second = Result(Row("IWAE", 5, 85.54, 22), torch.tensor([98.0, 119.0, 77.0, 88.0]), 23)
    lines = table([first, second]).splitlines()
    assert len(lines) == 3
    assert "97.50 ± 8.54" in lines[1] and "86.76" in lines[1] and lines[1].rstrip().endswith("19")
    assert "95.50" in lines[2] and "85.54" in lines[2] and lines[2].endswith("-2.00 ± 0.41")
    assert lines[1].split("±")[0].index("97.50") == lines[2].split("±")[0].index("95.50")


def test_a_step_takes_the_middle_of_the_times_after_the_warm_ones(images, monkeypatch):
    steps = [100.0] * 3 + [1.0] * 4 + [2.0] * 4 + [50.0] * 4
    ticks = accumulate([0.0, *steps])
    monkeypatch.setattr("vae_course.studies.replicate.table._now", lambda device: next(ticks))
    assert seconds_per_step(PUBLISHED[0], images, CPU) == 2.0


def test_the_share_of_the_papers_training_is_counted(images):
    assert _share(images, 1).endswith(f"{60 / (EPOCHS * IMAGES):.2g} of the paper's training")


def test_without_full_nothing_is_trained(capsys, tmp_path, tiny_splits):
    arguments = ["replicate", "iwae", "--device", "cpu", "--only", "iwae-5", "--folder", str(tmp_path)]
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert "IWAE, k = 5" in said and "in all" in said and "say --full" in said and "on cpu" in said
    assert list(tmp_path.iterdir()) == []


def test_the_first_steps_give_the_table_and_can_be_repeated(capsys, tmp_path, tiny_splits):
    arguments = [*TINY, "--steps", "2", "--only", "vae-1", "iwae-5", "--folder", str(tmp_path)]
    assert cli.main(arguments) == 0
    first = capsys.readouterr().out
    assert "2 steps of 20 images" in first and "1 of 3,280 epochs, 40 of 60,000 images" in first
    assert "8 test images with 3 draws" in first and "85.54" in first
    assert len(list((tmp_path / "noise" / "cpu").iterdir())) == 2
    assert cli.main(arguments) == 0
    assert first.split("1 of 3,280")[1] == capsys.readouterr().out.split("1 of 3,280")[1]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--steps", "0"], "--steps is 0"),
        (["--steps", "100000"], "beyond it give --epochs"),
        (["--epochs", "4000"], "epochs is 4000"),
    ],
)
def test_bad_input_is_one_sentence(extra, said, capsys, tmp_path, tiny_splits):
    assert cli.main([*TINY, "--folder", str(tmp_path), *extra]) == 1
    assert re.fullmatch(f"vae-course: .*{said}.*\n", capsys.readouterr().err)

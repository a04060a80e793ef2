"""Other luck for a lesson: which seeds change, which stay, and what becomes of its claims."""

import json
import types

import pytest
import torch
from nbformat import v4

from vae_course import claims, spreads
from vae_course.tools.authoring import luck, settings, spread
from vae_course.tools.authoring import plan as plans
from vae_course.training.fit import TrainingSettings

from ..support.fixtures import toy

LESSON = """# %% [markdown]
# # 00 Toy

# %%
import torch

from vae_course.claims import claim

torch.manual_seed(0)
claim("00-luck", torch.randint(10**6, ()), world="pen", tolerance=0, unit="")
assert torch.initial_seed() == 0

# %%
claim("00-same", 5, world="any", tolerance=0, unit="")
"""


def test_starts_and_noise_get_other_seeds_and_data_keep_theirs(tmp_path):
    cells = [
        "_, gains = torch.manual_seed(4), {}",
        "start = torch.randn(3, generator=torch.Generator().manual_seed(seed))",
        "_, x = linear.sample(64, generator=torch.Generator().manual_seed(4))",
        "test = data.binarize(splits.test, seed=2)",
    ]
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("manual_seed(1)"), *map(v4.new_code_cell, cells)])
    first, prose, *code = luck.with_luck(notebook, 3, tmp_path / "claims").cells
    assert "luck.change(3, " in first.source and prose.source == "manual_seed(1)"
    assert [cell.source for cell in code] == [
        "_, gains = torch.manual_seed(3000 + 4), {}",
        "start = torch.randn(3, generator=torch.Generator().manual_seed(3000 + seed))",
        *cells[2:],
    ]
    assert notebook.cells[1].source == cells[0]


def test_a_training_gets_another_seed_once_and_a_claim_goes_to_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(TrainingSettings, "__post_init__", TrainingSettings.__post_init__)
    monkeypatch.setattr(claims, "claim", claims.claim)
    luck.change(2, tmp_path / "claims")
    once = TrainingSettings(loss=print, seed=7)
    assert once.seed == 2007 and types.SimpleNamespace(**once.numbers).seed == 2007
    assert TrainingSettings(loss=print, seed=once.seed).seed == 2007
    with pytest.raises(ValueError, match="seed"):
        TrainingSettings(loss=print, seed=0.5)
    claims.claim("07-loss", torch.tensor(3.14159), world="pen", tolerance=0.1, digits=2, quiet=True)
    assert json.loads((tmp_path / "claims").read_text()) == ["07-loss", "pen", 3.142]


@pytest.mark.slow
def test_a_lesson_goes_on_after_an_assert_and_its_claims_are_kept(tmp_path, monkeypatch):
    toy.checkout(tmp_path, name="00_toy", lesson=LESSON)
    monkeypatch.setattr(spreads, "PATH", tmp_path / "spreads.json")
    monkeypatch.setenv("VAE_COURSE_RECORD_CLAIMS", "1")
    course = settings.read(tmp_path)
    plan = plans.prepare(course.solutions / "00_toy.py", course)
    failed = spread.measure_all(plan, "pen", 3)
    assert [line.partition(" raised ")[2] for line in failed] == ["AssertionError: "] * 2
    assert failed[0].startswith("seed 1: solutions/00_toy.py:")
    kept = spreads.read()
    assert kept["runs"]["00"]["pen"] == {"seeds": 3, "torch": torch.__version__}
    assert kept["values"]["00-same"] == {"any": [5.0, 5.0]}
    draws = [int(torch.randint(10**6, (), generator=torch.Generator().manual_seed(seed))) for seed in (1000, 2000)]
    assert kept["values"]["00-luck"] == {"pen": draws}

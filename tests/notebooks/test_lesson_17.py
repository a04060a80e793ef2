"""Lesson 17: what its text says of means that it leaves undecided."""

from pathlib import Path

import pytest

from vae_course import claims

LESSON = Path(__file__).parents[2] / "solutions" / "17_diffusion.py"
SAID = "With this sampler the means favour L_simple's looks, with DDIM (next section) those of the bound's weights"


@pytest.mark.parametrize("n_steps", [10, 50])
def test_each_weighting_looks_better_with_one_of_the_samplers(n_steps: int) -> None:
    assert SAID in " ".join(line.removeprefix("# ") for line in LESSON.read_text(encoding="utf-8").splitlines())
    astray = {
        (sampler, loss): claims.lookup(f"17-astray-{sampler}-{loss}-{n_steps}", "any")["value"]
        for sampler in ("ancestral", "DDIM")
        for loss in ("bound", "simple")
    }
    assert astray["ancestral", "simple"] < astray["ancestral", "bound"]
    assert astray["DDIM", "bound"] < astray["DDIM", "simple"]

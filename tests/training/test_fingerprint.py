"""A fingerprint changes with whatever decides how a training ends, and with nothing else."""

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor, nn

from tests.training.small import HELPER, LOSS, notebook, plain_loss
from vae_course.models import VAE
from vae_course.objectives import negative_elbo
from vae_course.support import sources
from vae_course.training import fingerprint as prints
from vae_course.training import linear_warmup
from vae_course.training.fingerprint import fingerprint

MODEL = """
class Net(nn.Module):
    width = 6
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, self.width)
    def forward(self, x):
        return self.linear(x)
def f():
    return Net()
"""


def test_two_anneals_differ_by_what_they_close_over():
    assert fingerprint(linear_warmup(0.5)) == fingerprint(linear_warmup(0.5))
    assert fingerprint(linear_warmup(0.5)) != fingerprint(linear_warmup(0.25))


def test_a_change_of_the_courses_own_code_trains_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    copy, before = tmp_path / "vae_course", prints.core_fingerprint()
    shutil.copytree(sources.PACKAGE, copy)
    monkeypatch.setattr(prints, "source_digest", functools.partial(sources.source_digest, package=copy))
    assert prints.core_fingerprint() == before
    paths = sources.source_files(*prints.CORE, package=copy)
    assert {p.name for p in paths} >= {
        "distributions.py",
        "networks.py",
        "models.py",
        "objectives.py",
        "fit.py",
        "state.py",
    }
    for path in paths:
        path.write_text(path.read_text() + "\n")
        assert prints.core_fingerprint() != before, path
        before = prints.core_fingerprint()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((HELPER, LOSS), (HELPER.replace("square", "abs"), LOSS)),
        ((HELPER, LOSS), (HELPER, LOSS.replace(".mean()", ".sum()"))),
        ((HELPER, LOSS), (HELPER.replace("-1", "0"), LOSS)),
        ((HELPER, "SCALE = 1.0", LOSS + " * SCALE"), (HELPER, "SCALE = 2.0", LOSS + " * SCALE")),
        ((HELPER, LOSS + " + (lambda: helper(x))().mean()"), (HELPER, LOSS + " - (lambda: helper(x))().mean()")),
        ((MODEL,), (MODEL.replace("return self.linear(x)", "return -self.linear(x)"),)),
        ((MODEL,), (MODEL.replace("width = 6", "width = 7"),)),
        ((MODEL,), (MODEL.replace("nn.Linear(6, self.width)", "nn.Linear(6, self.width, bias=False)"),)),
        (("def f(x, weight=1.0):\n    return x * weight",), ("def f(x, weight=2.0):\n    return x * weight",)),
        (("w = torch.ones(3)\ndef f(x):\n    return x * w",), ("w = torch.zeros(3)\ndef f(x):\n    return x * w",)),
        (("def f(x):\n    return torch.exp(x)",), ("def f(x):\n    return torch.log(x)",)),
    ],
)
def test_redefining_what_a_function_uses_changes_its_fingerprint(before: tuple[str, ...], after: tuple[str, ...]):
    assert fingerprint(notebook(*before)) == fingerprint(notebook(*before))
    assert fingerprint(notebook(*before)) != fingerprint(notebook(*after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((HELPER, LOSS), ("# a comment\n\n" + HELPER, LOSS.replace("\n", "  # says why\n"))),
        ((HELPER, LOSS), (HELPER, "unrelated = 1", LOSS)),
        ((HELPER, LOSS), (LOSS, HELPER)),
    ],
)
def test_comments_lines_and_order_change_nothing(before: tuple[str, ...], after: tuple[str, ...]):
    assert fingerprint(notebook(*before)) == fingerprint(notebook(*after))


class Scaled:
    def __init__(self, by: float) -> None:
        self.by = by

    def __call__(self, model: nn.Module, x: Tensor) -> Tensor:
        return self.by * plain_loss(model, x)


@pytest.mark.parametrize(
    "make",
    [
        lambda by: Scaled(by),
        lambda by: Scaled(by).__call__,
        lambda by: functools.partial(Scaled.__call__, Scaled(1.0), by),
        lambda by: nn.Linear(1, 1).requires_grad_(False).apply(lambda m: m.weight.fill_(by) and m.bias.fill_(by)),
    ],
)
def test_callable_objects_count_by_their_state(make: Callable[[float], object]):
    assert fingerprint(make(1.0)) == fingerprint(make(1.0))
    assert fingerprint(make(1.0)) != fingerprint(make(2.0))


def recurse(n: int) -> int:
    return n and recurse(n - 1)


def test_things_that_hold_themselves_have_a_fingerprint():
    loop: list = []
    loop.append(loop)
    assert len(fingerprint(recurse, loop, VAE, negative_elbo)) == 64


def test_a_name_that_does_not_exist_yet_is_no_problem():
    assert len(fingerprint(notebook("def f(x):\n    return not_defined(x)"))) == 64

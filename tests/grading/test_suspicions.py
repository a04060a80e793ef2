"""What an answer may not reach for without a person's look, and what every honest answer may use."""

import pytest

from vae_course import exercises
from vae_course.exercises import Exercise
from vae_course.tools.grading.mark import suspicions
from vae_course.tools.grading.read.statements import statements_of

CODE = [e for e in exercises.all_exercises() if isinstance(e, Exercise)]


def reached(source: str, imports: str = "import torch\nimport numpy as np") -> str:
    """What an answer reaches for, in words; its imports are as the lesson gives them."""
    statements = statements_of(f"{imports}\n{source}", cell="cell 1")
    assert statements is not None
    return ", ".join(suspicions.reaches_for(statements))


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ('return torch.builtins.open("x").read()', "`builtins`"),
        ('torch.builtins.exec("x")', "`exec`"),
        ("return torch.os.environ", "`os`"),
        ('return torch.sys.modules["x"]', "`sys`"),
        ('return torch.importlib.import_module("x")', "`importlib`"),
        ("t = torch\n    return t.os", "`os`"),
        ("return torch.nn.functional.warnings.sys", "`sys`"),
        ("import random\n    return random._os", "`_os`"),
        ('return torch.serialization._open_file("x", "r")', "`_open_file`"),
        ("from torch import os as o\n    return o", "`torch.os`"),
        ("from torch import builtins\n    return builtins", "`torch.builtins`"),
        ('return getattr(torch, "os")', "`os`"),
        ('g = getattr\n    return g(torch, "o" + "s")', "`getattr` under another name"),
        ('from operator import attrgetter\n    return attrgetter("os")(torch)', "`operator.attrgetter`"),
        ("match torch:\n        case object(builtins=b):\n            return b", "`builtins`"),
        ('from io import open as read\n    return read("x")', "`io.open`"),
        ('import io\n    return io.FileIO("x")', "`io`"),
        ('s = torch.serialization\n    return s.io.FileIO("x")', "`io`"),
        ("t = torch\n    t.exp = None", "a change of `t.exp`"),
        ('return np.DataSource().open("x")', "`DataSource`"),
        ('return np.lib.format.open_memmap("x")', "`open_memmap`"),
        ('return np.load("x", allow_pickle=True)', "`load`"),
        ('torch.save(kl, "x")', "`save`"),
        ('kl.numpy().dump("x")', "`dump`"),
    ],
)
def test_modules_are_found_inside_of_modules(body: str, word: str):
    assert word in reached(f"def elbo(log_px_z, kl):\n    {body}")


def test_a_star_may_bring_modules_along():
    assert "`importlib`" in reached("def f(x):\n    return importlib.reload(x)", "from torch.nn.functional import *")
    assert reached("def f(code):\n    return code.mean() + time", "import time\nfrom torch import *") == "`time`"
    assert reached("def f(x):\n    return x * time", "import torch") == ""


@pytest.mark.parametrize(
    "source",
    [
        "def elbo(input, kl):\n    return input.mean(0) - kl",
        "def f(logvar):\n    vars = torch.exp(logvar)\n    return vars.sum()",
        "def f(x):\n    open = compile = x\n    return [open + compile + input for input in x]",
        "def f(x):\n    def inner():\n        return vars\n    vars = x\n    return inner()",
        "f = lambda input: input * 2",
        "class Net(torch.nn.Module):\n    def forward(self, input):\n        self.code = input\n        return self.eval().code",
        "def f(x):\n    return torch.compile(torch.signal.windows.hann)(x) if torch.types else torch.trace(x)",
        "import re\nfrom scipy import signal\ndef f(x):\n    return re.compile(x), signal.windows, getattr(x, 'shape')",
        "F = torch.nn.functional\npi = np.pi\ndef f(model, x):\n    model.pi = F.relu(x) * pi\n    model.load_state_dict(x)",
        "import torch.nn.functional as F\ndef f(model, x):\n    model.eval()\n    return F.softplus(model.site + x.frame)",
    ],
)
def test_own_names_and_honest_attributes_are_no_finding(source: str):
    assert reached(source) == ""


@pytest.mark.parametrize(
    "source",
    [
        "def f(x, open=open):\n    return open(x)",
        "def f(x):\n    open = 3\n    return (lambda: [eval, open])",
        "def f(x):\n    class A:\n        if x:\n            open = 3\n        it = open\n    return A.it",
        "def f(x):\n    global open\n    return open(x)",
        "def f(vars):\n    return vars\n\n\nit = vars(torch)",
        "it = (lambda: open('x'))()\nopen = 3",
    ],
)
def test_a_name_that_may_still_be_the_built_in_one_is_found(source: str):
    statements = statements_of(source, cell="cell 1")
    assert any("`" in words for words in suspicions.reaches_for(statements or []))


def test_where_scopes_can_not_be_told_every_name_counts(monkeypatch: pytest.MonkeyPatch):
    """A piece may be nested too deeply for us and not for the sandbox."""

    def too_deep(*_: str) -> None:
        raise RecursionError

    source = "def f(open):\n    return open"
    assert reached(source) == ""
    monkeypatch.setattr(suspicions.symtable, "symtable", too_deep)
    assert reached(source) == "`open`"


@pytest.mark.parametrize("exercise", CODE, ids=lambda e: e.id)
def test_no_right_answer_of_the_course_is_held(exercise: Exercise):
    assert reached(exercise.solution, "import math\nimport torch\nfrom torch import nn") == ""

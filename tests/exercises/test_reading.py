"""An answer that Python can't read: a real kernel goes on to its check, which says what is wrong; other cells stop it."""

import os

import pytest
from jupyter_client.manager import start_new_kernel

from vae_course import exercises
from vae_course.exercises import reading, record

FIRST = "from vae_course import exercises"
RIGHT = "def interpolate(z_start, z_end, steps):\n    return exercises.get('00-interpolate').reference(z_start, z_end, steps)"
OPEN = "def interpolate(z_start, z_end, steps):\n    return (z_start"
CHECK = "interpolate = exercises.check('00-interpolate', interpolate)"
LAST = "print('the end')"


class Ran:
    """How each of some cells ended and what it showed, where all are asked for at once, as by a menu's "Run all"."""

    def __init__(self, client, cells):
        ids = [client.execute(cell) for cell in cells]
        replies = {}
        while len(replies) < len(ids):
            reply = client.get_shell_msg(timeout=60)
            if reply["parent_header"]["msg_id"] in ids:  # not the answer to what opening a kernel asks
                replies[reply["parent_header"]["msg_id"]] = reply["content"]
        self.ended = [replies[id]["status"] for id in ids]
        self.raised = [replies[id].get("ename") for id in ids]
        said = {id: [] for id in ids}
        while True:
            message = client.get_iopub_msg(timeout=60)
            kind, content, parent = message["msg_type"], message["content"], message["parent_header"].get("msg_id")
            if kind == "status" and content["execution_state"] == "idle" and parent == ids[-1]:
                break
            if parent in said:
                said[parent].append((kind, content))
        self.shown = [said[id] for id in ids]

    def text(self, cell, name):
        """What a cell wrote to one stream."""
        return "".join(c["text"] for kind, c in self.shown[cell] if kind == "stream" and c["name"] == name)

    def panel(self, cell):
        """The two forms of the one thing that a cell displayed."""
        (bundle,) = [c["data"] for kind, c in self.shown[cell] if kind == "display_data"]
        return bundle["text/plain"], bundle["text/html"]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """A learner's kernel: neither a test's nor a grader's."""
    hidden = ("PYTEST_VERSION", "NBGRADER_EXECUTION", "VAE_COURSE_STRICT")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    manager, client = start_new_kernel(
        startup_timeout=120, env=environment | {"VAE_COURSE_STATE": str(tmp_path_factory.mktemp("state"))}
    )
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_the_run_goes_on_and_cell_and_check_say_where_the_answer_cannot_be_read(kernel):
    ran = Ran(kernel, [FIRST, RIGHT, CHECK, OPEN, CHECK, LAST])
    assert ran.ended == ["ok"] * 6 and ran.text(5, "stdout") == "the end\n"
    assert "passed" in ran.panel(2)[0], "the function was there before"
    trace = ran.text(3, "stderr")
    assert "line 2" in trace and "    return (z_start\n           ^\n" in trace and "'(' was never closed" in trace
    plain, rich = ran.panel(4)
    assert plain.startswith(
        "00-interpolate: not yet: Python can't read line 2 of the cell with your answer: '(' was never"
    )
    assert "return (z_start\n       ^" in plain and "the lesson goes on with the course's own" in plain
    assert "✗</span> Not yet</b>" in rich and "Hint 1 of 3" in rich
    assert "<code>return (z_start\n       ^</code>" in rich and rich.index("<pre") < rich.index("Hint 1 of 3")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("def interpolate(z_start, z_end, steps)\n    return z_start", "expected ':'"),
        ("def interpolate(z_start, z_end, steps):\n    t = 1\n  return t", "unindent does not match"),
        ("def interpolate(z_start, z_end, steps):\nreturn z_start", "expected an indented block"),
        ("def interpolate(z_start, z_end, steps):\n    t = 1\nreturn t", "'return' outside function"),
        ("import torch\nx = (\n\ndef interpolate(z_start, z_end, steps):\n    return 1", "was never closed"),
        ("de interpolate(z_start, z_end, steps):\n    return 1", "invalid syntax"),
    ],
)
def test_whatever_the_mistake_and_repaired_the_answer_is_judged_anew(kernel, cell, words):
    ran = Ran(kernel, [FIRST, cell, CHECK, RIGHT, CHECK])
    assert ran.ended == ["ok"] * 5
    assert words in ran.text(1, "stderr") and words in " ".join(ran.panel(2)[0].split())
    assert "passed" in ran.panel(4)[0]


def test_a_call_of_it_raises_the_syntax_error(kernel):
    assert Ran(kernel, [FIRST, OPEN, "interpolate(1, 2, 3)"]).raised[2] == "SyntaxError"


@pytest.mark.parametrize(
    "cell",
    ["x = (1", "def my_own(z):\n    return (z", "walk = interpolate(1, 2", "if 1:\nx = 2", "if 1:\n    x = 2\n  y = 1"],
)
def test_any_other_cell_that_cannot_be_read_ends_the_run_as_always(kernel, cell):
    ran = Ran(kernel, [FIRST, cell])
    assert ran.ended == ["ok", "error"], "an error is what a kernel and a page stop at"
    assert ran.raised[1] in ("SyntaxError", "IndentationError")
    assert [kind for kind, _ in ran.shown[1] if kind in ("error", "stream", "display_data")] == ["error"]


def test_magics_and_awaiting_are_no_mistakes(kernel):
    ran = Ran(kernel, [FIRST, "%precision 3\nimport asyncio\nawait asyncio.sleep(0)\n" + RIGHT, CHECK])
    assert ran.ended == ["ok"] * 3 and "passed" in ran.panel(2)[0]


@pytest.mark.parametrize("name", ["NBGRADER_EXECUTION", "VAE_COURSE_STRICT", "PYTEST_VERSION"])
def test_a_grader_a_build_and_a_test_see_each_cell_as_it_is(monkeypatch, name):
    lines = OPEN.splitlines(keepends=True)
    monkeypatch.setattr(record, "keeps", lambda: True)
    assert reading._readable(lines) != lines
    monkeypatch.undo()
    monkeypatch.setenv(name, "1")
    assert reading._readable(lines) == lines


def test_in_a_grade_an_unread_answer_earns_nothing():
    answer = reading.Unread(reading._error(OPEN))
    report = exercises.evaluate("00-interpolate", answer)
    assert (report.status, report.points) == (exercises.Verdict.FAILED, 0)
    assert exercises.or_reference("00-interpolate", answer) is exercises.get("00-interpolate").reference

"""What student code can see and do: nothing of the course, of others, of the network; and no more than its limits."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vae_course import exercises
from vae_course.exercises import Exercise
from vae_course.exercises.outcomes import Failure, Outcome, Value
from vae_course.tools.grading import GradingError, sandbox
from vae_course.tools.grading.read.statements import Program, statements_of
from vae_course.tools.grading.sandbox import Sandbox, Sandboxes, bubblewrap, course_copy, limits, messages
from vae_course.tools.grading.sandbox.bubblewrap import SandboxMissing
from vae_course.tools.grading.sandbox.limits import Limits, StopKind, Stopped

LIMITS = Limits(seconds=20, memory_mb=300, processes=16, disk_mb=8)
CODE = [e for e in exercises.all_exercises() if isinstance(e, Exercise)]
BOUND = exercises.get("04-elbo")
REPOSITORY = Path(__file__).resolve().parents[2]


def told(worker: Sandbox, body: str) -> object:
    """What Python code finds out in the sandbox: it comes out as the message of an exception."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    source = f"import json, os, sys\ndef elbo(a, b):\n{lines}    raise ValueError(json.dumps(found))\n"
    request = {"exercise": BOUND.id, "program": [["cell 1", 0, source]], "name": "elbo"}
    reply = worker.ask(request | {"cases": [messages.pack_case(BOUND.cases(0)[0])]})
    return json.loads(json.loads(reply)["outcomes"][0]["failure"]["message"])


@pytest.fixture(scope="module")
def worker(need):
    need("bwrap")
    with Sandbox([BOUND], LIMITS) as started:
        yield started


def test_there_is_nothing_of_the_course_and_of_others(worker, tmp_path: Path):
    """Neither the checkout, nor an installed copy, nor folders beside it, nor anybody's home."""
    (tmp_path / "submission.ipynb").write_text("{}")
    hidden = [REPOSITORY / "solutions", REPOSITORY / "vae_course", REPOSITORY / "tests", tmp_path, Path(__file__)]
    hidden += [Path.home() / name for name in (".cache", ".bashrc", ".ssh")]
    body = f"found = [p for p in {[str(p) for p in hidden]} if os.path.exists(p)]"
    assert told(worker, body) == []
    # A checkout under /tmp or /home has its Python there, and nothing else.
    lead = {Path(sys.prefix).parts[2]} if Path(sys.prefix).parts[1] in ("tmp", "home") else set()
    assert set(told(worker, "found = os.listdir('/home') + os.listdir('/tmp')")) == {"student"} | lead
    assert told(worker, "found = [p for p in sys.path if os.path.exists(p + '/vae_course/distributions.py')]") == []


def test_no_reference_is_anywhere_in_there(worker):
    """Beside the worker's own libraries there may be another environment with a whole copy of the course."""
    body = """
found = []
for here, folders, files in os.walk('/'):
    folders[:] = [f for f in folders if here != '/' or f not in ('proc', 'dev', 'course')]
    found += [here + '/' + name for name in folders + files if name in ('lesson_04', '04_the_elbo.py')]
found = found[:1]
"""
    assert told(worker, body) == []


def test_where_the_environment_is_the_project_folder_the_project_is_not_visible(
    need, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`python -m venv .` makes bin, lib and a link lib64 beside the checkout, the submissions and their results."""
    packages = "lib/python3.11/site-packages"
    secret = ["vae_course/bound.py", "tests/bound.py", "submissions/bob/04.ipynb", f"{packages}/vae_course/bound.py"]
    secret += [
        "colab/lib/python3.13/site-packages/vae_course/bound.py",
        "lib/python3.9/site-packages/~ae_course/bound.py",
    ]
    for name in (*secret, "bin/tool", "pyvenv.cfg", f"{packages}/library/file.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("here")
    (tmp_path / "lib64").symlink_to("lib")
    monkeypatch.setattr(bubblewrap.sys, "prefix", str(tmp_path))
    files = inside(need("bwrap"), f"find -L {tmp_path} -type f").splitlines()
    shown = ["bin/tool", "pyvenv.cfg", *(f"{lib}{packages[3:]}/library/file.py" for lib in ("lib", "lib64"))]
    assert sorted(files) == sorted(str(tmp_path / name) for name in shown)


def test_a_checkout_between_the_libraries_is_hidden_but_not_its_python(
    need, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root = tmp_path / "lib/course"
    for name in (
        "solutions/04.py",
        "vae_course/bound.py",
        ".venv/bin/tool",
        ".venv/lib/x-packages/vae_course/bound.py",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("here")
    (root / "pyproject.toml").write_text('[tool.vae-course]\nrepository = "https://github.com/a/b"\n')
    monkeypatch.chdir(root)
    monkeypatch.setattr(bubblewrap, "_SYSTEM", (*bubblewrap._SYSTEM, str(tmp_path / "lib")))
    monkeypatch.setattr(bubblewrap.sys, "prefix", str(root / ".venv"))
    script = f"find {tmp_path} -type f; touch {root}/more {root}/.venv/lib/x-packages/vae_course/more"
    assert inside(need("bwrap"), script).split() == [str(root / ".venv/bin/tool")]


def inside(bwrap: str, script: str) -> str:
    """What a shell in the sandbox prints."""
    words = [*bubblewrap.command(bwrap, REPOSITORY / "docs", LIMITS), "sh", "-c", script]
    return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout


def test_what_others_keep_under_usr_is_not_visible(need):
    """Docker images hold a checkout in /usr/src, nbgrader its exchange in /usr/local/share."""
    listed = inside(need("bwrap"), "ls /usr /usr/local").split()
    assert {"bin", "lib"} <= set(listed) and not {"src", "share", "games"} & set(listed)


def test_a_python_under_tmp_can_be_read_there_and_nothing_else(need, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    library, other = tmp_path / "library", tmp_path / "other"
    for folder in (library, other):
        folder.mkdir()
        (folder / "file").write_text("here")
    visible = bubblewrap._visible()
    monkeypatch.setattr(bubblewrap, "_visible", lambda: [*visible, str(library)])
    script = f"cat {library}/file; ls {tmp_path}; cd /tmp; touch {library}/more mine && echo both; ls mine"
    inside = [*bubblewrap.command(need("bwrap"), tmp_path / "other", LIMITS), "sh", "-c", script]
    done = subprocess.run(inside, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["herelibrary", "mine"], done.stderr
    assert "Read-only file system" in done.stderr


def test_there_is_no_network_no_other_process_and_no_right(worker):
    assert told(worker, "import socket\nfound = [name for _, name in socket.if_nameindex()]") == ["lo"]
    reach = "import socket\nfound = socket.socket().connect_ex(('1.1.1.1', 53))"
    assert told(worker, reach) != 0
    assert len(told(worker, "found = [p for p in os.listdir('/proc') if p.isdigit()]")) <= 4
    assert told(worker, "found = os.getuid()") != 0
    caps = "found = [l.split()[1] for l in open('/proc/self/status') if l.startswith(('CapEff', 'CapPrm'))]"
    assert set(told(worker, caps)) == {"0" * 16}


def test_the_environment_is_ours_and_the_system_read_only(worker, monkeypatch: pytest.MonkeyPatch):
    names = told(worker, "found = sorted(os.environ)")
    assert set(names) - {"PWD", "LC_CTYPE"} == bubblewrap.environment().keys()
    write = "found = []\nfor p in ('/x', '/usr/x', '/course/x', '/etc/x', '/dev/x', sys.prefix + '/x'):"
    write += "\n    try:\n        open(p, 'w')\n        found.append(p)\n    except OSError:\n        pass"
    assert told(worker, write) == []


def test_no_process_in_there_holds_the_environment_of_whoever_grades(need, monkeypatch: pytest.MonkeyPatch):
    """bubblewrap's own process lives on in the sandbox, where a plain user's submission may read what it was started with."""
    need("bwrap")
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    with Sandbox([BOUND], LIMITS) as worker:
        worker.ask({"exercise": BOUND.id, "program": [["cell 1", 0, BOUND.solution]], "name": "elbo", "cases": []})
        started = [Path(f"/proc/{pid}/environ").read_bytes() for pid in _processes_of(worker)]
    assert started and not [text for text in started if b"s3cret" in text]


@pytest.mark.skipif(not bubblewrap.system_calls(), reason="there is no filter of system calls for this kind of machine")
def test_memory_that_no_limit_counts_and_new_namespaces_are_refused(worker):
    calls = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nfound = []\n"
    calls += "for f, a in (('memfd_create', (b'x', 0)), ('shmget', (0, 4096, 0o1600)), ('unshare', (0x10000000,))):"
    calls += "\n    found.append([getattr(libc, f)(*a), ctypes.get_errno()])"
    assert told(worker, calls) == [[-1, 1]] * 3


def test_the_filter_refuses_another_architecture_and_knows_when_it_does_not_know():
    assert bubblewrap.system_calls("x86_64") != bubblewrap.system_calls("aarch64")
    assert len(bubblewrap.system_calls("x86_64")) % 8 == 0
    assert bubblewrap.system_calls("riscv64") == b""


def test_a_run_that_only_waits_ends_in_time_and_says_so(need):
    need("bwrap")
    source = "def elbo(a, b):\n    import time\n    time.sleep(10**6)\n"
    with Sandbox([BOUND], Limits(seconds=1)) as worker:
        with pytest.raises(Stopped, match="did not end within 1 seconds") as stopped:
            worker.ask(request_of(source))
        assert stopped.value.stop.starved


def request_of(source: str) -> dict[str, object]:
    """A request that applies an answer to one case."""
    cases = [messages.pack_case(BOUND.cases(0)[0])]
    return {"exercise": BOUND.id, "program": [["cell 1", 0, source]], "name": "elbo", "cases": cases}


def test_what_an_answer_prints_is_thrown_away(worker):
    prints = "import os\ndef elbo(a, b):\n"
    prints += "    for _ in range(9): print('\\ud800' + 'x' * 10_000_000), os.write(1, b'x' * 1_000_000)\n"
    reply = json.loads(worker.ask(request_of(prints + "    return a.mean(0) - b\n")))
    assert reply["outcomes"][0]["failure"] is None
    assert not worker._meter.said


def test_a_result_that_is_too_large_ends_at_once_and_says_so(worker, monkeypatch: pytest.MonkeyPatch):
    """The limit on time is so long that waiting for it would end this test."""
    monkeypatch.setattr(worker, "_limits", Limits(seconds=10_000))
    large = "import torch\ndef elbo(a, b):\n    return {str(i): torch.ones(900_000) for i in range(9)}\n"
    with pytest.raises(Stopped, match="gave back more than 24 MB") as stopped:
        worker.ask(request_of(large))
    assert stopped.value.stop.kind is StopKind.RESULT
    assert "outcomes" in worker.ask(request_of(BOUND.solution))


@pytest.mark.parametrize("filled", ["bytearray(1 << 40)", "np.empty(1 << 40)", "torch.empty(1 << 40)"])
def test_whoever_runs_out_of_memory_says_so_in_another_way_and_it_is_the_same(worker, filled: str):
    body = f"import numpy as np, torch\ndef elbo(a, b):\n    {filled}\n"
    assert json.loads(worker.ask(request_of(body))) == {"memory": True}


def test_many_empty_files_are_noticed(need):
    need("bwrap")
    files = "def elbo(a, b):\n    for i in range({}): open(f'/dev/shm/{{i}}', 'w').close()\n    return a.mean(0) - b\n"
    with Sandbox([BOUND], LIMITS) as worker:
        assert "outcomes" in worker.ask(request_of(files.format(9_000)))
        assert "outcomes" in worker.ask(request_of(files.format(9_000)))  # each answer finds its folders empty
        with pytest.raises(Stopped, match="made more than 10000 files") as stopped:
            worker.ask(request_of(files.format(180_000)))
        assert stopped.value.stop.kind is StopKind.DISK


def test_more_processes_than_an_answer_may_start_are_noticed(need):
    need("bwrap")
    forks = "import os, time\ndef elbo(a, b):\n    for _ in range(40): os.fork() or time.sleep(99)\n"
    with Sandbox([BOUND], LIMITS) as worker, pytest.raises(Stopped, match="started more than 16 processes") as stopped:
        worker.ask(request_of(forks))
    assert stopped.value.stop.kind is StopKind.PROCESSES


def test_torch_compile_hands_back_what_it_is_given(worker):
    source = "import torch\n@torch.compile\n@torch.compile(fullgraph=True)\ndef elbo(a, b):\n    return a.mean(0) - b\n"
    reply = json.loads(worker.ask(request_of(source + "torch.nn.Linear(2, 2).compile()\n")))
    assert reply["outcomes"][0]["failure"] is None


def test_a_long_cell_is_sent_without_the_lines_above_each_statement(worker):
    """Lines are still numbered from the top of the cell."""
    reply = worker.ask(request_of("def elbo(a, b):\n    raise ValueError(1)\n") | {"program": [
        ["cell 1", 7, "x = 1"], ["cell 1", 1_000_000, "def elbo(a, b):\n    raise ValueError(1)\n"],
    ]})  # fmt: skip
    assert json.loads(reply)["outcomes"][0]["failure"]["line"] == "line 1000002 (`raise ValueError(1)`)"


def test_a_request_grows_with_the_code_and_not_with_its_square(monkeypatch: pytest.MonkeyPatch):
    statements = statements_of("\n".join(f"x{i} = {i}" for i in range(5_000)), cell="cell 1")
    sent: list[dict[str, object]] = []
    monkeypatch.setattr(Sandbox, "ask", lambda self, request: sent.append(request) or '{"memory": true}')
    attempt = SimpleNamespace(program=Program(tuple(statements)), name="elbo")
    Sandbox([BOUND], LIMITS).run(BOUND, attempt, 0)  # type: ignore[arg-type]
    assert len(json.dumps(sent[0]["program"])) < 200_000


@pytest.mark.skipif(os.geteuid() != 0, reason="a plain user's sandboxes are told apart by their namespaces")
def test_every_sandbox_counts_its_processes_by_itself(worker):
    """The kernel counts those of one user together, so another sandbox needs another user."""
    with Sandbox([BOUND], LIMITS) as other:
        users = {told(one, "found = os.getuid()") for one in (worker, other)}
        groups = {told(one, "found = os.getgid()") for one in (worker, other)}
    assert len(users) == len(groups) == 2


def test_users_differ_where_few_exist_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bubblewrap.os, "geteuid", lambda: 0)
    for few, range_of_them in ((False, range(1_900_000_000, 1 << 31)), (True, range(64_000, 65_500))):
        monkeypatch.setattr(bubblewrap, "_maps", lambda first, many, few=few: first + many < 65_536 or not few)
        users = {bubblewrap.user() for _ in range(1_000)}
        assert len(users) == 1_000 and all(user in range_of_them for user in users)
    monkeypatch.setattr(bubblewrap.os, "geteuid", lambda: 1000)
    assert not bubblewrap.has_users()


@pytest.fixture
def few_processes(need, monkeypatch: pytest.MonkeyPatch):
    """A worker that may start only so many processes."""
    need("bwrap")
    plain = Sandbox._python

    def limited(most: int) -> Sandbox:
        def words(self: Sandbox, *more: object) -> list[str]:
            *before, settings = plain(self, *more)
            settings = json.loads(settings)
            settings["limits"]["nproc"] = most
            return [*before, json.dumps(settings)]

        monkeypatch.setattr(Sandbox, "_python", words)
        return Sandbox([BOUND], LIMITS)

    return limited


def test_where_no_process_can_be_started_it_is_no_answers_fault(few_processes):
    with (
        few_processes(1) as worker,
        pytest.raises(GradingError, match=r"No process could be started \(.*fewer --jobs\.$"),
    ):
        worker.ask(request_of(BOUND.solution))


def test_processes_that_an_answer_leaves_behind_do_not_end_the_next_one(few_processes):
    leave = """
import os, time
def elbo(a, b):
    while os.fork():
        time.sleep(0.2)
        return b
    os.setsid()
    while True:
        try:
            os.fork()
        except OSError:
            pass
"""
    with few_processes(8) as worker:
        for _ in range(3):
            worker.ask(request_of(leave))
            assert "outcomes" in worker.ask(request_of(BOUND.solution))


@pytest.mark.parametrize(
    "way", ["os.kill(os.getpid(), 9)", "os.kill(os.getppid(), 9)"], ids=["the run ends", "the worker ends"]
)
def test_only_a_machine_without_memory_excuses_a_process_that_was_killed(
    worker, way: str, monkeypatch: pytest.MonkeyPatch
):
    """To the worker, the kernel's way to get memory back and a process that ends itself look alike."""
    killed = request_of(f"import os\ndef elbo(a, b):\n    {way}\n    os.read(0, 1)\n    return b")
    monkeypatch.setattr(limits, "memory_kills", lambda: 7)
    with pytest.raises(Stopped, match="ended its process"):
        worker.ask(killed)
    count = iter((7, 8, 8))
    monkeypatch.setattr(limits, "memory_kills", lambda: next(count))
    with pytest.raises(GradingError, match=r"ran out of memory .* fewer --jobs\.$"):
        worker.ask(killed)
    monkeypatch.undo()
    assert "outcomes" in worker.ask(request_of(BOUND.solution))


def test_the_kernel_counts_what_it_ends_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "_PROC", tmp_path)
    assert limits.memory_kills() == 0
    (tmp_path / "vmstat").write_text("pgfault 12\noom_kill 3\nzone 1\n")
    assert limits.memory_kills() == 3
    (tmp_path / "vmstat").write_text("pgfault 12\n")
    assert limits.memory_kills() == 0


def test_nothing_that_an_answer_leaves_running_reaches_the_next_one(need):
    """Not even a process that hides from its group."""
    need("bwrap")
    source = "import os\nif os.fork() == 0:\n    os.setsid()\n    while True: pass\ndef elbo(a, b):\n    return a.mean(0) - b\n"
    with Sandbox([BOUND], LIMITS) as worker:
        worker.ask(request_of(BOUND.solution))
        before = _processes_of(worker)
        assert "outcomes" in worker.ask(request_of(source))
        assert _processes_of(worker) == before
    while any(Path(f"/proc/{pid}").exists() for pid in before):
        time.sleep(0.05)  # the sandbox's own processes end with it


LEFT = """
import torch
torch.left = 1
if os.fork() == 0:
    os.setsid()
    import time
    time.sleep(99)
def may(do, *given):
    try:
        do(*given)
    except OSError:
        return False
    return True
pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]
first = int(open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1])
found = [first in pids, may(os.kill, first, 0), may(open, f'/proc/{first}/mem', 'r+b'), may(open, f'/proc/{first}/fd/0')]
"""
SEEN = """
import torch
own = [1, os.getpid(), os.getppid()]
others = [int(name) for name in os.listdir('/proc') if name.isdigit() and int(name) not in own]
found = [hasattr(torch, 'left'), len(others), os.path.exists(os.environ['TMPDIR'] + '/left'), os.getuid()]
"""


def test_the_next_submission_in_a_sandbox_finds_nothing_of_the_one_before(need):
    need("bwrap")
    first, second = [], []
    with Sandboxes() as sandboxes:
        for told_by, body in ((first, LEFT), (second, SEEN), (second, SEEN)):
            with sandboxes.sandbox([BOUND], LIMITS) as box:
                told_by += [told(box, body), box._process]
    if not bubblewrap.has_users():  # then each has a sandbox of its own
        assert len({id(process) for process in (first[1], second[1], second[3])}) == 3
        return
    assert first[0] == [True, False, False, False], "the first process could be reached"
    assert first[1] is second[1] is second[3], "the sandbox was not handed on"
    assert second[0][:3] == second[2][:3] == [False, 1, False]
    assert second[0][3] != second[2][3], "two submissions had the same user"


@pytest.mark.parametrize("harm", ["os.kill(os.getppid(), 9)", "open(os.environ['TMPDIR'] + '/left', 'w').close()"])
def test_a_sandbox_that_came_to_harm_is_not_handed_on(need, harm: str):
    need("bwrap")
    with Sandboxes() as sandboxes:
        with sandboxes.sandbox([BOUND], LIMITS) as box, contextlib.suppress(Stopped):
            told(box, f"{harm}\nfound = 1")
        with sandboxes.sandbox([BOUND], LIMITS) as other:
            assert other is not box and told(other, SEEN)[:3] == [False, int(bubblewrap.has_users()), False]


def test_another_lesson_and_another_thread_get_sandboxes_of_their_own(need):
    need("bwrap")
    boxes = []

    def take(exercise: Exercise) -> None:
        with sandboxes.sandbox([exercise], LIMITS) as box:
            box.run(exercise, SimpleNamespace(program=Program(()), name="elbo"), 0)  # type: ignore[arg-type]
            boxes.append(box)

    with Sandboxes() as sandboxes:
        take(BOUND)
        thread = threading.Thread(target=take, args=(BOUND,))
        thread.start()
        thread.join()
        take(exercises.get("07-kl"))
    assert len(set(map(id, boxes))) == 3


def test_without_a_sandbox_too_what_an_answer_leaves_running_ends():
    """The process that is left over only waits, and holds the writing end of a pipe: its end is the pipe's."""
    read, write = os.pipe()
    pipe = f"/proc/{os.getpid()}/fd"
    source = f"""
import os, time
if os.fork() == 0:
    os.write(os.open("{pipe}/{write}", os.O_WRONLY), b"x")
    time.sleep(10**6)
with open("{pipe}/{read}", "rb", buffering=0) as file:
    file.read(1)
"""
    with Sandbox([BOUND], LIMITS, boxed=False) as worker:
        assert "outcomes" in worker.ask(request_of(source + "def elbo(a, b):\n    return a.mean(0) - b\n"))
        os.close(write)
        assert os.read(read, 1) == b""
        os.close(read)


def _processes_of(worker: Sandbox) -> list[int]:
    assert worker._process is not None
    return limits.descendants(worker._process.pid)


def test_without_bubblewrap_grading_refuses_in_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bubblewrap, "which", lambda name: None)
    bubblewrap.find.cache_clear()
    with pytest.raises(SandboxMissing, match=r"bubblewrap is not here: install bubblewrap 0\.8 or newer .*\.$"):
        bubblewrap.find()
    monkeypatch.setattr(bubblewrap, "which", lambda name: "/bin/false")
    with pytest.raises(SandboxMissing, match=r"can't make one here \(exit 1\)"):
        bubblewrap.find()
    bubblewrap.find.cache_clear()


def test_without_a_sandbox_the_limits_on_time_and_memory_still_hold(monkeypatch: pytest.MonkeyPatch):
    """What must end by itself has all the time that it needs, however busy the machine is."""
    with Sandbox([BOUND], Limits(seconds=10_000, memory_mb=200), boxed=False) as worker:
        assert "outcomes" in worker.ask(request_of(BOUND.solution))
        assert "memory" in worker.ask(request_of("def elbo(a, b):\n    return bytearray(1 << 30)"))
        monkeypatch.setattr(worker, "_limits", Limits(seconds=1))
        with pytest.raises(Stopped):
            worker.ask(request_of("def elbo(a, b):\n    while True: pass"))
        with pytest.raises(Stopped):  # no processor time is used, so only the clock can end it
            worker.ask(request_of("import time\ndef elbo(a, b):\n    time.sleep(10**6)"))


def test_folders_of_killed_runs_are_removed_and_those_of_living_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sandbox.tempfile, "tempdir", str(tmp_path))
    killed, other = tmp_path / f"{sandbox._PREFIX}killed", tmp_path / "other"
    for folder in (killed, other):
        (folder / "course").mkdir(parents=True)
    living, lock = sandbox._locked_folder()
    sandbox._remove_leftovers.cache_clear()
    sandbox._remove_leftovers()
    assert set(tmp_path.iterdir()) == {Path(living.name), other}
    os.close(lock)
    living.cleanup()


# ------------------------------------------------------------------------------------------- the stripped copy


@pytest.mark.parametrize("exercise", CODE, ids=lambda e: e.id)
def test_the_stripped_copy_holds_no_solution(exercise: Exercise):
    files = course_copy.files([exercise])
    code = "\n".join(files.values())
    assert exercise.hints[0] not in code and exercise.explanation not in code
    assert all(m.message not in code for m in exercise.misconceptions)
    probe = files.get("probe_0.py", "")
    assert f"def {exercise.function}(" not in probe and "Misconception" not in probe and "EXERCISE" not in probe
    assert "_cases" not in probe and "_loop" not in probe
    last = exercise.solution.strip().splitlines()[-1].strip()
    assert last not in code or last in ("return encoder, decoder", "return mean", "return z, x")


def test_the_stripped_copy_is_a_package_without_the_course(tmp_path: Path):
    course_copy.write(tmp_path, CODE)
    modules = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py"))
    inside = [name for name in modules if name.startswith("vae_course/")]
    assert inside == [
        "vae_course/__init__.py",
        "vae_course/exercises/__init__.py",
        "vae_course/exercises/inputs.py",
        "vae_course/exercises/model.py",
        "vae_course/exercises/outcomes.py",
        "vae_course/exercises/probes.py",
        "vae_course/exercises/surroundings.py",
        "vae_course/tools/grading/sandbox/__init__.py",
        "vae_course/tools/grading/sandbox/messages.py",
    ]


def test_every_probe_finds_in_the_copy_what_it_needs(tmp_path: Path):
    course_copy.write(tmp_path, CODE)
    probes = sorted(path.stem for path in tmp_path.glob("probe_*.py"))
    assert len(probes) == sum(exercise.probe is not None for exercise in CODE)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {', '.join(probes)}; print('all')"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "all\n", done.stderr


def test_installed_copies_of_the_course_are_covered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "vae_course").mkdir()
    monkeypatch.setattr(bubblewrap, "libraries", lambda: (str(tmp_path),))
    words = bubblewrap.command("bwrap", tmp_path, LIMITS)
    place = words.index(str(tmp_path / "vae_course"))
    assert words[place - 1] == "--tmpfs" and words.index(str(tmp_path)) < place


# ------------------------------------------------------------------------------------------- what comes back


def outcome() -> Outcome:
    values = {"": Value("tensor", "float32", np.array([1.5, np.nan], np.float32))}
    return Outcome(values, values, {"x": None, "y": np.ones((2, 1))}, {"x": np.array(3), "y": np.ones((2, 1))})


def packed() -> list[object]:
    return json.loads(json.dumps([messages.pack_outcome(outcome())]))


def unpacked(rows: object) -> list[Outcome]:
    return messages.outcomes_of(rows, gradients=("x", "y"), cases=[{"x": 3, "y": 1}])


def test_outcomes_come_back_as_they_went():
    (back,) = unpacked(packed())
    assert back.values[""].kind == "tensor" and back.gradients["x"] is None
    assert np.array_equal(back.values[""].array, outcome().values[""].array, equal_nan=True)
    assert back.after["x"].shape == () and back.after["x"] == 3
    failed = Outcome(failure=Failure("exception", "line\n\x1b[31m", "E", "l"))
    assert unpacked([messages.pack_outcome(failed)])[0].failure == Failure("exception", "line  [31m", "E", "l")


def change(path: tuple[object, ...], value: object) -> object:
    """The rows with one part replaced."""
    rows = packed()
    spot = rows
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = value
    return rows


ARRAY = (0, "values", "", "array")


@pytest.mark.parametrize(
    "rows",
    [
        [], None, {}, [1], packed() * 2, [{**packed()[0], "more": 1}],
        change((0, "values"), []), change((0, "values", ""), 3), change((0, "gradients"), {"x": None}),
        change((0, "after"), {"x": packed()[0]["after"]["x"]}), change((0, "failure"), {"kind": "passed"}),
        change((0, "failure"), {"kind": "stub", "message": "", "type": "", "line": ""}),
        change((*ARRAY, "dtype"), "object"), change((*ARRAY, "dtype"), ["float32"]), change((*ARRAY, "dtype"), "float64"),
        change((*ARRAY, "shape"), [3]), change((*ARRAY, "shape"), [-2]), change((*ARRAY, "shape"), [True, 2]),
        change((*ARRAY, "shape"), [10**6, 10**6]), change((*ARRAY, "shape"), [1] * 40), change((*ARRAY, "data"), "%%%"),
        change((*ARRAY, "data"), 7), change((0, "values", "", "kind"), None),
        change((0, "values", "", "dtype"), "bfloat99"), change((0, "after", "x"), None),
    ],
)  # fmt: skip
def test_anything_else_is_refused(rows):
    with pytest.raises(messages.Malformed):
        unpacked(rows)


def test_objects_and_giants_are_sent_as_empty_arrays():
    assert messages.unpack(messages.pack(np.array([object()]))).size == 0
    assert messages.unpack(messages.pack(np.zeros(messages.NUMBERS + 1, bool))).size == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="is a plain user already, whom every other test is for")
def test_a_plain_user_gets_the_same_sandbox_by_other_means(need):
    """As root there is no user namespace; a plain user needs one. An outer box lets nobody reach this Python.

    Limits are kept there too: those on files from outside, of whom a plain user may see less.
    """
    code = """
import os
from tests.support.fixtures.classroom import BOUND, ELBO, FORMS, GAP, SIGN, answer, filled, solution, to_bytes
from vae_course.tools.grading import Submission
from vae_course.tools.grading.mark import grade_submission
many = answer(GAP, "from tempfile import gettempdir as at\\nfor i in range(180_000): open(f'{at()}/{i}', 'w').close()")
large = answer(FORMS, "for i in range(99): open(f'/dev/shm/{i}', 'wb').write(bytes(1_000_000))")
forks = answer(SIGN, "import os, time\\nfor _ in range(40): os.fork() or time.sleep(99)")
book = filled(ELBO, {GAP: many, FORMS: large, SIGN: forks, BOUND: solution(BOUND)})
graded = grade_submission(Submission("a", ELBO, "a", to_bytes(book)))
print(os.getuid(), *[f"{mark.exercise}: {mark.points}, {mark.message}" for mark in graded.marks], sep="\\n")
"""
    reach: list[str] = []
    for path in dict.fromkeys((sys.base_prefix, str(REPOSITORY))):
        if Path(path).is_relative_to("/root"):
            above = [str(p) for p in reversed(Path(path).parents) if p.is_relative_to("/root") and str(p) != "/root"]
            reach += [word for p in above for word in ("--perms", "0755", "--dir", p)]
            reach += ["--ro-bind", path, path]
    box = [need("bwrap"), "--dev-bind", "/", "/", *(["--perms", "0755", "--tmpfs", "/root", *reach] if reach else [])]
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    env = os.environ | {"HOME": "/tmp", "TMPDIR": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*box, "--", *user, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env=env,
    )
    said = done.stdout.splitlines()
    for line in (
        "65534",
        "04-elbo: 2, This is right",
        "04-gap: 0, Your answer made more than 10000 files",
        "04-sign: 0, Your answer started more than 32 processes",
    ):
        assert any(row.startswith(line) for row in said), done.stdout + done.stderr
    assert any(row.startswith("04-two-forms: 0") and "No space left on device" in row for row in said)


def test_a_look_that_began_in_one_run_stops_no_other(monkeypatch: pytest.MonkeyPatch):
    """Else the right answer after one that filled the memory could be stopped for it."""
    looks, looked_on = [], threading.Event()

    def memory_mb(_: list[int], *, exactly: bool = False) -> float:
        looks.append(exactly)
        if exactly:
            meter.begin_run()  # while it still looks
            return 10**6
        if len(looks) > 2:
            looked_on.set()
            return 0
        return 10**6

    with subprocess.Popen(["sleep", "600"], stdout=subprocess.PIPE) as process:
        meter = limits.Meter(process, Limits())
        monkeypatch.setattr(limits, "_memory_mb", memory_mb)
        threading.Thread(target=meter._count_use, daemon=True).start()
        assert looked_on.wait(60)
        meter.stop()
        process.kill()
    assert looks[:2] == [False, True] and meter.broken is None

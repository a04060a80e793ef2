"""`vae-course doctor`: what it says of a machine, with one thing at a time taken away."""

import http.server
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path

import pytest
import torch

from vae_course.tools import doctor
from vae_course.tools.doctor import Finding

WORST = [Finding(f"thing {i}", "missing", "x" * 300, "do " + "y" * 300) for i in range(len(doctor.diagnose()))]


def finding(name: str) -> Finding:
    return next(found for found in doctor.diagnose() if found.name == name)


def tool(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_everything_the_lessons_need_is_found_here() -> None:
    findings = doctor.diagnose()
    assert doctor.complete(findings), doctor.report(findings)
    assert finding("PyTorch").found == torch.__version__


@pytest.mark.parametrize("findings", [doctor.diagnose(), WORST], ids=["here", "everything missing"])
def test_the_report_fits_one_screen(findings: list[Finding]) -> None:
    lines = doctor.report(findings).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_the_report_names_the_status_in_words_and_the_fix_only_where_one_is_needed() -> None:
    report = doctor.report(
        [
            Finding("here", "ok", "1.0", "fix a"),
            Finding("gone", "missing", "not installed", "fix b"),
            Finding("extra", "optional", "not found", "fix c"),
        ]
    )
    first, *lines, last = report.splitlines()
    assert first.startswith("The VAE course on this machine")
    assert [line.split() for line in lines] == [
        ["ok", "here", "1.0"],
        ["missing", "gone", "not", "installed"],
        ["to", "do:", "fix", "b"],
        ["optional", "extra", "not", "found"],
        ["to", "do:", "fix", "c"],
    ]
    assert last == "Not ready yet: gone."


def test_something_optional_does_not_make_the_course_incomplete() -> None:
    findings = [Finding("extra", "optional", "not found", "fix")]
    assert doctor.complete(findings)
    assert doctor.report(findings).endswith("\nReady.")


def test_a_long_path_loses_its_middle_and_the_home_folder_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/some/home")
    line = doctor.report([Finding("cache", "ok", "/some/home/" + "a/" * 50 + "end")]).splitlines()[1]
    assert "~/a/a" in line
    assert "..." in line
    assert line.endswith("a/end")


BLOCKED = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from vae_course.tools import cli
sys.exit(cli.main(["doctor"]))
"""


@pytest.mark.parametrize(
    ("absent", "name"),
    [({"torch", "torchvision"}, "PyTorch"), ({"torchvision"}, "torchvision"), ({"jupyter_core"}, "JupyterLab")],
)
def test_it_runs_without_what_it_reports_as_missing(absent: set[str], name: str) -> None:
    code = BLOCKED.format(absent=absent)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 1
    assert f"missing   {name:<12} not installed" in done.stdout


def test_a_torchvision_built_for_another_pytorch_is_found_by_running_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nms(*_: object) -> None:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr("torchvision.ops.nms", nms)
    found = finding("torchvision")
    assert found.status == "missing"
    assert "does not match PyTorch" in found.found
    assert found.fix == "pip install --upgrade torch torchvision"


@pytest.mark.parametrize(("version", "status"), [("7.6.5", "missing"), ("7.7.1", "ok"), ("8.1.9", "ok")])
def test_ipywidgets_that_is_too_old_is_missing(monkeypatch: pytest.MonkeyPatch, version: str, status: str) -> None:
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: version if name == "ipywidgets" else real(name))
    assert finding("ipywidgets").status == status


def test_a_jupyterlab_without_the_widget_extension_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [str(tmp_path)])
    found = finding("JupyterLab")
    assert found.status == "missing"
    assert found.fix == "pip install jupyterlab_widgets"


def test_mnist_is_looked_for_where_the_data_setting_points(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VAE_COURSE_DATA", str(tmp_path))
    assert finding("data").status == "optional"
    assert "VAE_COURSE_DATA" in finding("data").fix
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").touch()
    assert finding("data") == Finding("data", "ok", f"MNIST in {raw}")


@pytest.mark.parametrize(("code", "answers"), [(200, True), (403, True), (None, False)])
def test_where_mnist_is_missing_the_network_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int | None, answers: bool
) -> None:
    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code or 0)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Server) as server:
        if code is None:
            server.server_close()
        else:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr("vae_course.data.mnist.MIRRORS", [f"http://127.0.0.1:{server.server_port}/"])
        monkeypatch.delenv("VAE_COURSE_DATA", raising=False)
        monkeypatch.delenv("VAE_COURSE_OFFLINE", raising=False)
        monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path))
        found = finding("data")
        assert found.status == "optional"
        assert ("no network" in found.found) is not answers
        monkeypatch.setenv("VAE_COURSE_OFFLINE", "1")
        assert "no network" in finding("data").found
        if code is not None:
            server.shutdown()


def test_a_cache_that_cannot_be_written_is_missing_and_nothing_is_created(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path / "file" / "cache"))
    found = finding("cache")
    assert found.status == "missing"
    assert "VAE_COURSE_CACHE" in found.fix
    monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path / "new"))
    assert finding("cache").status == "ok"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("cuda", "mps", "words"), [(True, False, "CUDA, some GPU"), (False, True, "MPS (Apple)"), (False, False, "CPU, ")]
)
def test_the_device_that_pytorch_can_use_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cuda: bool, mps: bool, words: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "some GPU")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert finding("device").status == "ok"
    assert finding("device").found.startswith(words)


def test_a_gpu_that_pytorch_cannot_use_is_mentioned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    tool(tmp_path, "nvidia-smi", "exit 0")
    found = finding("device")
    assert found.status == "optional"
    assert "PyTorch cannot use the NVIDIA GPU here" in found.found

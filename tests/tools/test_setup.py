"""The set-up: what is installed, from where, and that nothing of one machine is left in the files."""

import ast
import http.server
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support import colab

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
GPU = re.compile(r"nvidia-|cuda-|triton$")
OLD_PYTHON_ONLY = {
    "importlib-metadata",
    "lazy-importer",
    "overrides",
    "zipp",
}  # asked for on Python 3.11, and not on newer ones

# What Colab's own stack held in August 2026, on Python 3.13; installing the course must replace none of it.
COLAB = colab.versions()


def constraints() -> dict[str, Version]:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name: Version(version) for name, version in pins}


def requirements() -> list[Requirement]:
    extras = PROJECT["project"]["optional-dependencies"].values()
    return [Requirement(text) for text in [*PROJECT["project"]["dependencies"], *(t for e in extras for t in e)]]


def installed_closure() -> dict[str, Version]:
    """Everything that the project's requirements bring along in this environment, GPU libraries left out."""
    found: dict[str, Version] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = requirements()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        asked = (name, frozenset(requirement.extras))
        if asked in seen or GPU.match(name):
            continue
        seen.add(asked)
        distribution = metadata.distribution(requirement.name)
        found[name] = Version(Version(distribution.version).public)
        for line in distribution.requires or []:
            further = Requirement(line)
            if further.marker is None or any(further.marker.evaluate({"extra": e}) for e in ("", *requirement.extras)):
                waiting.append(further)
    return found


def tracked() -> list[Path]:
    """Every file that belongs to the repository, new ones included."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0:
        return [REPOSITORY / name for name in listing.stdout.split("\0") if name and (REPOSITORY / name).is_file()]
    parts = [(path, path.relative_to(REPOSITORY).parts) for path in REPOSITORY.rglob("*") if path.is_file()]
    made = re.compile(r"__pycache__|build|dist|.*\.egg-info|\.\w+_cache|\.venv|\.git|\.hypothesis|\.ipynb.*")
    return [path for path, names in parts if not any(made.fullmatch(name) for name in names[:-1])]


def test_constraints_are_exact_sorted_and_within_the_declared_ranges() -> None:
    pins = constraints()
    assert list(pins) == sorted(pins)
    assert [str(r) for r in requirements() if not r.specifier.contains(pins[canonicalize_name(r.name)])] == []


def test_constraints_name_no_build_for_one_kind_of_machine() -> None:
    assert [name for name, version in constraints().items() if GPU.match(name) or version.local] == []


def test_the_constraints_are_what_these_tests_run_with() -> None:
    installed, pins = installed_closure(), constraints()
    different = {name: str(v) for name, v in installed.items() if pins.get(name) != v}
    assert different == {}, "run these tests by `make test`, or bring constraints.txt up to date"
    assert set(pins) - set(installed) <= OLD_PYTHON_ONLY, "pinned, but nothing asks for it"


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0"])
def test_every_pinned_package_runs_on_every_python_that_the_course_promises(python: str) -> None:
    needs = {name: metadata.metadata(name).get("Requires-Python") or "" for name in installed_closure()}
    assert {name: need for name, need in needs.items() if not SpecifierSet(need).contains(python)} == {}


def test_the_course_installs_into_colab_without_replacing_anything() -> None:
    core = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    lab = [Requirement(text) for text in PROJECT["project"]["optional-dependencies"]["lab"]]
    ranges = {r.name: r.specifier for r in [*core, *lab]}
    assert {"torch", "torchvision", "numpy", "matplotlib", "ipywidgets", "ipython"} <= COLAB.keys() & ranges.keys()
    assert [name for name in COLAB.keys() & ranges.keys() if not ranges[name].contains(COLAB[name])] == []
    assert [str(r) for r in core if any(s.operator in ("==", "===", "~=") for s in r.specifier)] == []


@pytest.mark.parametrize("path", sorted((REPOSITORY / "vae_course").rglob("*.py")), ids=lambda path: path.stem)
def test_what_the_package_imports_is_declared(path: Path) -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    declared = [*PROJECT["project"]["dependencies"]]
    place = path.relative_to(REPOSITORY / "vae_course")
    if place.parts[0] == "tools" and place.name not in ("cli.py", "doctor.py"):
        declared += [*extras["lab"], *extras["author"], *extras["cluster"]]
    allowed = {Requirement(text).name for text in declared}
    called = {"PIL": "pillow", "IPython": "ipython"}
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    imported = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"vae_course"}
    assert {called.get(name, name) for name in imported} <= allowed


def test_an_installed_package_holds_every_file() -> None:
    package = REPOSITORY / "vae_course"
    patterns = ["**/*.py", *PROJECT["tool"]["setuptools"]["package-data"]["vae_course"]]
    shipped = {path for pattern in patterns for path in package.glob(pattern)}
    ours = [path for path in tracked() if path.is_relative_to(package)]
    assert [str(path.relative_to(package)) for path in ours if path not in shipped] == []


def test_the_public_address_is_named_once() -> None:
    address = PROJECT["tool"]["vae-course"]["repository"]
    by_hand = {".py", ".toml", ".yml", ".yaml", ".txt", ""}
    stamped = {"notebooks", "solutions"}
    sources = [p for p in tracked() if p.suffix in by_hand and p.relative_to(REPOSITORY).parts[0] not in stamped]
    named = [p.name for p in sources if address in p.read_text(encoding="utf-8", errors="ignore")]
    assert named == ["pyproject.toml"]


def test_no_file_names_one_machine_or_a_package_registry() -> None:
    folder = re.compile(r"(?<![\w.~/:-])/(?:root|work|home/\w+|Users/\w+|tmp)/")
    hosts = [
        ".".join(parts)
        for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("deb", "debian", "org"))
    ]
    found = []
    for path in tracked():
        text = path.read_text(encoding="utf-8", errors="ignore")
        found += [(path.name, match.group()) for match in folder.finditer(text) if path != Path(__file__)]
        found += [(path.name, host) for host in hosts if host in text]
    assert found == []


def make(*arguments: str, cwd: Path = REPOSITORY, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    return subprocess.run(
        ["make", *arguments], cwd=cwd, env=clean | environment, capture_output=True, text=True, check=False
    )


def test_make_alone_lists_the_commands() -> None:
    listed = make().stdout
    for target in ("lab", "test", "lint", "typecheck", "build", "book", "pretrained", "benchmarks", "clean"):
        assert re.search(rf"make {target} +\w", listed), target


class Index(http.server.BaseHTTPRequestHandler):
    """A package index that answers."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/cpu"
        server.shutdown()


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose Python makes an environment that only writes down what pip would be asked to install."""
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, folder)
    real = shlex.quote(sys.executable)
    noting = f"""case "$*" in
      *"import pip"*) exit 0;;
      *importlib.metadata*) exit 1;;
      -c*) exec {real} "$@";;
      *) echo "$*" >> log;;
    esac"""
    environment = script(folder / "noting", noting)
    script(
        tmp_path / "bin" / "python-new",
        f"""case "$*" in
          *-m*venv*) mkdir -p .venv/bin && cp {shlex.quote(str(environment))} .venv/bin/python;;
          *) exec {real} "$@";;
        esac""",
    )
    return folder


def set_up(checkout: Path, target: str, index: str) -> tuple[str, list[str]]:
    """What make said, and what it had pip install."""
    (checkout / "log").unlink(missing_ok=True)
    python = f"PYTHON={checkout.parent}/bin/python-new"
    path = f"{checkout.parent}/bin:{os.environ['PATH']}"
    done = make(target, python, f"TORCH_CPU_INDEX={index}", cwd=checkout, PATH=path)
    assert done.returncode == 0, done.stderr
    log = checkout / "log"
    return done.stdout, log.read_text().splitlines() if log.exists() else []


on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has two builds of PyTorch")


@on_linux
def test_without_a_gpu_pytorch_comes_from_its_cpu_index(checkout: Path, index: str) -> None:
    said, asked = set_up(checkout, "setup-lab", index)
    assert f"no NVIDIA GPU here, so the build without GPU libraries (about 200 MB) from {index}" in said
    assert f"--index-url {index} --constraint constraints.txt torch torchvision" in asked[0]
    assert asked[1].endswith("--constraint constraints.txt --editable .[lab]")


@on_linux
def test_an_unreachable_cpu_index_falls_back_at_once(checkout: Path) -> None:
    said, asked = set_up(checkout, "setup-lab", "http://127.0.0.1:9")
    assert "can't be reached, so the default package index is used" in said
    assert asked[0].endswith("install --constraint constraints.txt torch torchvision")
    assert "--index-url" not in " ".join(asked)


@on_linux
def test_with_an_nvidia_gpu_pytorch_comes_from_the_default_index(checkout: Path, index: str) -> None:
    script(checkout.parent / "bin" / "nvidia-smi", "echo 'GPU 0'")
    said, asked = set_up(checkout, "setup-lab", index)
    assert "the build for the NVIDIA GPU found here" in said
    assert "--index-url" not in " ".join(asked)


def test_a_second_make_installs_nothing_until_a_requirement_changes(checkout: Path) -> None:
    first = set_up(checkout, "setup-test", "http://127.0.0.1:9")[1]
    assert first[-1].endswith("--editable .[lab,author,test,book,cluster]")
    assert set_up(checkout, "setup-test", "http://127.0.0.1:9")[1] == []
    later = (checkout / "pyproject.toml").stat().st_mtime + 1000
    os.utime(checkout / "constraints.txt", (later, later))
    assert set_up(checkout, "setup-test", "http://127.0.0.1:9")[1] == first


def test_a_moved_folder_is_set_up_again(checkout: Path) -> None:
    set_up(checkout, "setup-lab", "http://127.0.0.1:9")
    moved = checkout.rename(checkout.with_name("moved"))
    assert set_up(moved, "setup-lab", "http://127.0.0.1:9")[0].count("Installing the course") == 1


OLD = """case "$1" in
  --version) echo "Python 3.9.18";;
  -c) exec {real} -c 'import sys; sys.version_info = (3, 9, 18); exec(sys.argv[1])' "$2";;
esac"""


def test_an_old_python_is_refused_in_one_sentence(checkout: Path) -> None:
    old = script(checkout.parent / "bin" / "python-old", OLD.format(real=shlex.quote(sys.executable)))
    done = make("lab", f"PYTHON={old}", cwd=checkout)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer, and this is not one: Python 3.9.18." in done.stderr.splitlines()[0]


def test_a_python_without_venv_is_refused_with_the_package_to_install(checkout: Path) -> None:
    bare = script(checkout.parent / "bin" / "python-bare", 'case "$2" in *ensurepip*) exit 1;; esac')
    done = make("lab", f"PYTHON={bare}", cwd=checkout)
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr.splitlines()[0]


@pytest.mark.parametrize("command", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)], ids=" ".join)
def test_style_format_and_types_are_in_order(command: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

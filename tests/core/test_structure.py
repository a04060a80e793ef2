"""The package's shape: imports go one way, importing is light and silent, everything public is explained."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import vae_course

PACKAGE = Path(__file__).resolve().parents[2] / "vae_course"

# A module imports only what stands left of it: first the data, last the commands.
ORDER = (
    "support distributions exact networks flows models colour priors diffusion latent_diffusion discrete hierarchies objectives "
    "conditional data training evaluation derivations claims spreads notation studies plotting widgets exercises quizzes "
    "pretrained tools"
).split()

# Slow to import, and needed only once something is drawn, clicked or downloaded.
HEAVY = ("torchvision", "matplotlib", "ipywidgets", "IPython", "jupytext", "nbformat", "scipy", "sklearn")
LIGHT = (
    "data distributions exact networks flows models colour priors diffusion latent_diffusion discrete hierarchies objectives "
    "conditional training evaluation exercises pretrained"
).split()

MODULES = sorted(PACKAGE.rglob("*.py"))


def unit(path: Path) -> str:
    """The module or sub-package of vae_course that a file belongs to; "" for the package itself."""
    first = path.relative_to(PACKAGE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imported_units(path: Path) -> set[str]:
    """The modules and sub-packages of vae_course that a file imports, wherever in the file it does."""
    here = ["vae_course", *path.relative_to(PACKAGE).with_suffix("").parts]
    package = here[:-1]
    found: list[list[str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = [*base, *(node.module.split(".") if node.module else [])]
            found += [[*stem, alias.name] for alias in node.names]
    own = [name for name in found if name[0] == "vae_course" and len(name) > 1]
    return {name[1] for name in own if exists(name[1])} - {unit(path)}


def exists(name: str) -> bool:
    return (PACKAGE / f"{name}.py").exists() or (PACKAGE / name).is_dir()


def output_of(code: str) -> str:
    """What a fresh Python prints while it runs `code`, both streams together."""
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_what_stands_left_of_it(path: Path) -> None:
    if unit(path) == "":
        allowed: set[str] = set()
    else:
        assert unit(path) in ORDER, f"give {unit(path)} its place in ORDER"
        allowed = set(ORDER[: ORDER.index(unit(path))])
    assert imported_units(path) <= allowed


def test_each_class_has_a_name_of_its_own() -> None:
    # The copy of the course that goes into the sandbox has two stand-ins for what it can't import.
    stand_ins = {("AnswerError", "course_copy.py"), ("Exercise", "course_copy.py")}
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and (node.name, path.name) not in stand_ins:
                homes.setdefault(node.name, []).append(path.relative_to(PACKAGE).as_posix())
    assert not {name: places for name, places in homes.items() if len(places) > 1}


def test_the_reader_of_imports_sees_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "vae_course"
    (package / "widgets").mkdir(parents=True)
    for name in ("models", "data", "plotting", "tools"):
        (package / f"{name}.py").touch()
    shell = package / "widgets" / "shell.py"
    shell.write_text(
        "import vae_course.models\nfrom vae_course import data\nfrom ..plotting import curves\n"
        "def f():\n    from .. import tools\n    from . import other\n    from vae_course.data.pen import draw\n"
    )
    monkeypatch.setattr("tests.core.test_structure.PACKAGE", package)
    assert imported_units(shell) == {"models", "data", "plotting", "tools"}


@pytest.mark.slow
def test_importing_the_package_and_its_core_is_light() -> None:
    code = f"""if True:
        import importlib, sys
        for module in ["vae_course", *("vae_course." + name for name in {LIGHT})]:
            importlib.import_module(module)
            heavy = sorted(set({HEAVY}) & set(sys.modules))
            if heavy:
                sys.exit(f"{{module}} imports {{heavy}}")
    """
    output_of(code)


@pytest.mark.slow
def test_importing_every_module_is_silent() -> None:
    names = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path.stem != "__main__"
    ]
    assert output_of(f"import importlib\nfor name in {names!r}: importlib.import_module(name)") == ""


@pytest.mark.parametrize("name", sorted(vae_course._MOVED))
def test_a_notebook_that_a_learner_has_already_finds_a_module_by_its_old_name(name: str) -> None:
    assert getattr(vae_course, name) is importlib.import_module(f"vae_course.{vae_course._MOVED[name]}")


def test_a_name_that_never_was_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        vae_course.nothing  # noqa: B018


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    silent = [node.name for node in public(tree) if isinstance(node, kinds) and not ast.get_docstring(node)]
    assert ast.get_docstring(tree), "the module has no docstring"
    assert not silent


def public(tree: ast.Module) -> list[ast.stmt]:
    """Public functions and classes at the top of a module, and the public methods of those classes."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not is_protocol(node)]
    nodes = [*tree.body, *(child for c in classes if not c.name.startswith("_") for child in c.body)]
    return [node for node in nodes if not getattr(node, "name", "_").startswith("_")]


def is_protocol(node: ast.ClassDef) -> bool:
    """Whether a class only lists what others must have, which its own docstring explains."""
    return any(ast.unparse(base).endswith("Protocol") for base in node.bases)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_function_can_be_read_in_one_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert [f.name for f in functions if lines_of_code(f) > 45] == []


def lines_of_code(function: ast.FunctionDef) -> int:
    """How many lines a function has after its docstring."""
    explained = ast.get_docstring(function) is not None
    body = function.body[1:] if explained else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0

"""The notation ledger: each code name exists, has the stated shape, and is introduced before it is used."""

import ast
import inspect
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
import torch

from vae_course import data, distributions, evaluation, exact, models, notation, objectives
from vae_course.notation import SYMBOLS, Symbol

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "solutions").glob("[0-9][0-9]_*.py"))
NAMED = [symbol for symbol in SYMBOLS if symbol.code]
SIZES = {"B": 3, "D": 2, "X": 5, "L": 4}


@pytest.fixture(scope="module")
def values() -> dict[str, object]:
    """What the examples of the ledger need, with sizes that differ from each other."""
    torch.manual_seed(0)
    batch, dim, numbers = SIZES["B"], SIZES["D"], SIZES["X"]
    model = models.VAE.mlp(dim)
    images = data.Images(torch.rand(batch, 1, 28, 28), torch.arange(batch), None, "test")
    mu, logvar = model.encode(images.x)
    return {
        "images": images,
        "model": model,
        "x": images.x,
        "world": exact.LinearGaussian(torch.randn(numbers, dim), torch.randn(numbers), 0.5),
        "points": torch.randn(batch, numbers),
        "mu": mu,
        "logvar": logvar,
        "z": distributions.reparameterize(mu, logvar),
        "L": SIZES["L"],
        "torch": torch,
        "objectives": objectives,
        "gaussian_kl": distributions.gaussian_kl,
    }


def shape_of(value: object) -> str:
    if isinstance(value, torch.distributions.Distribution):
        return f"batch {list(value.batch_shape)}, event {list(value.event_shape)}"
    return str(list(torch.as_tensor(value).shape))


def with_sizes(shape: str) -> str:
    return re.sub(r"\b[A-Z]\b", lambda letter: str(SIZES[letter.group()]), shape)


def names_in_the_package() -> set[str]:
    """Every parameter, field and method of the public functions and classes that hold the formulas."""
    names: set[str] = set()
    for module in (data.images, distributions, exact, models, objectives, evaluation):
        for _, thing in inspect.getmembers(module):
            if getattr(thing, "__module__", "") != module.__name__:
                continue
            names |= set(getattr(thing, "_fields", ())) | set(getattr(thing, "__dataclass_fields__", ()))
            functions = inspect.getmembers(thing, inspect.isfunction) if inspect.isclass(thing) else [("", thing)]
            for name, function in functions:
                names |= {name, *inspect.signature(function).parameters}
    return names


def names_in_code(path: Path) -> set[str]:
    """Variables and arguments; not attributes, such as the standard deviation that every tensor has.

    Of the built notebook, because a lesson's source only names its exercises.
    """
    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and not cell.id.endswith("_install")]
    tree = ast.parse("\n".join(cell.source for cell in code))
    variables = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return variables | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def rows_of_table(path: Path) -> list[str]:
    """The rows of a lesson's own table of symbols."""
    cells = jupytext.read(path).cells
    table = next(cell.source for cell in cells if "**Symbols of this lesson**" in cell.source)
    return [row for row in table.splitlines() if row.startswith("| $")]


def names_in_table(path: Path) -> set[str]:
    """The code names in a lesson's own table of symbols."""
    return {name for row in rows_of_table(path) for name in re.findall(r"`(\w+)`", row.split("|")[3])}


@pytest.mark.parametrize("symbol", NAMED, ids=lambda s: f"{s.code}-{s.lesson}")
class TestEachSymbol:
    def test_has_the_stated_shape(self, symbol: Symbol, values: dict[str, object]) -> None:
        value = eval(symbol.example, dict(values))
        assert shape_of(value) == with_sizes(symbol.shape)

    def test_is_a_name_of_the_package_or_of_its_first_lesson(self, symbol: Symbol) -> None:
        first = next(path for path in SOURCES if path.name.startswith(symbol.lesson))
        assert symbol.code in names_in_the_package() | names_in_code(first)

    def test_is_in_the_table_of_its_first_lesson(self, symbol: Symbol) -> None:
        first = next(path for path in SOURCES if path.name.startswith(symbol.lesson))
        assert symbol.code in names_in_table(first)

    def test_its_letters_are_explained(self, symbol: Symbol) -> None:
        assert set(re.findall(r"\b[A-Z]\b", symbol.shape)) <= set(notation.LETTERS)


@pytest.mark.parametrize("symbol", [s for s in SYMBOLS if not s.code], ids=lambda s: f"{s.formula}-{s.lesson}")
def test_a_symbol_of_formulas_only_is_in_the_table_of_its_first_lesson(symbol: Symbol) -> None:
    first = next(path for path in SOURCES if path.name.startswith(symbol.lesson))
    assert any(symbol.formula in row.split("|")[1] for row in rows_of_table(first))
    assert symbol.shape == symbol.example == ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_lesson_uses_only_names_that_it_or_an_earlier_one_introduces(path: Path) -> None:
    introduced = {name for earlier in SOURCES if earlier <= path for name in names_in_table(earlier)}
    ledger = {symbol.code for symbol in NAMED}
    assert not (names_in_code(path) & ledger) - introduced


def test_one_code_name_means_one_thing() -> None:
    codes = [symbol.code for symbol in NAMED]
    assert len(codes) == len(set(codes))


def test_the_table_has_a_row_for_each_symbol_and_no_stray_bar() -> None:
    rows = [row for row in notation.markdown().splitlines() if row.startswith("| $")]
    assert len(rows) == len(SYMBOLS)
    assert {row.count("|") for row in rows} == {6}


def test_lesson_00_shows_the_ledger() -> None:
    full = (ROOT / "solutions/00_start_here.ipynb").read_text(encoding="utf-8")
    assert "notation.show()" in full and "first in lesson" in full

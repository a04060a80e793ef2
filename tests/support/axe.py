"""The accessibility audit axe-core, which the package axe-playwright-python carries, over a part of a page."""

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Frame, Page

GRAVE = ("serious", "critical")
RUN = """async ([include, exclude]) => {
    const { violations } = await axe.run({ include: include.map((s) => [s]), exclude: exclude.map((s) => [s]) });
    return violations;
}"""


@cache
def _script() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def grave(page: Page | Frame, *, include: tuple[str, ...] = ("html",), exclude: tuple[str, ...] = ()) -> list[str]:
    """The serious and critical findings on the page, one line for each element; selectors that match nothing are left out."""
    present = [[s for s in selectors if page.locator(s).count()] for selectors in (include, exclude)]
    assert present[0], f"nothing on the page matches {include}"
    page.evaluate(_script())
    found: list[dict[str, Any]] = page.evaluate(RUN, present)
    return [
        f"{rule['id']}: {_short(node['html'])} ({_short(node['failureSummary'])})"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


def _short(text: str) -> str:
    return " ".join(text.split())[:200]

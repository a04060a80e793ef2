"""Lesson 10's beta slider and dashboard in JupyterLab in a real browser, and the curves of a training."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator

from tests.support.browser import Visit, an_arrow_key_changes, dragging_changes, opened, pixels, until_changed

CELLS = [
    "import torch\nfrom vae_course.models import VAE\nfrom vae_course.widgets.beta_playground import BetaPlayground\n"
    "from vae_course.widgets.dimension_dashboard import DimensionDashboard\n_ = torch.manual_seed(0)\n"
    "models, images = {beta: VAE.mlp(3) for beta in (0.5, 1.0, 2.0, 4.0)}, torch.rand(20, 1, 28, 28).round()",
    "BetaPlayground(models, images)",
    "DimensionDashboard({f'beta {beta:g}': model for beta, model in models.items()}, images)",
    "from vae_course.data import Images\nfrom vae_course.objectives import elbo\nfrom vae_course.training import fit\n"
    "from vae_course.widgets import LiveCurves\n"
    "few = Images(images, torch.zeros(20).long())\n"
    "_ = fit(models[1.0], few, loss=lambda model, x: -elbo(model, x).elbo.mean(), epochs=3, progress=False,\n"
    "        callbacks=[LiveCurves(title='Live')])",
]


@pytest.fixture(scope="module")
def visit(need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """A notebook with both widgets over small untrained models, opened and run."""
    with opened(need("chromium"), tmp_path_factory.mktemp("rates"), CELLS) as visit:
        yield visit


def place(visit: Visit, name: str, picture: int) -> tuple[Locator, Locator]:
    widget = visit.page.locator(f".{name}")
    widget.scroll_into_view_if_needed()
    return widget, widget.locator("img").nth(picture)


@pytest.mark.parametrize(("name", "picture"), [("vae-beta", 0), ("vae-beta", 2), ("vae-dashboard", 2)])
def test_dragging_the_slider_changes_the_picture(visit: Visit, name: str, picture: int) -> None:
    dragging_changes(visit.page, *place(visit, name, picture), by=90)


@pytest.mark.parametrize(("name", "picture"), [("vae-beta", 0), ("vae-dashboard", 2)])
def test_an_arrow_key_on_the_focused_slider_changes_the_picture(visit: Visit, name: str, picture: int) -> None:
    an_arrow_key_changes(visit.page, *place(visit, name, picture))


def test_another_dimension_is_chosen_by_keyboard(visit: Visit) -> None:
    widget, bars = place(visit, "vae-dashboard", 0)
    before = pixels(bars)
    menu = widget.get_by_role("combobox").nth(1)
    menu.focus()
    visit.page.keyboard.type(menu.locator("option").nth(2).inner_text())
    until_changed(visit.page, bars, before)


def test_the_curves_of_a_training_are_one_picture_with_its_words(visit: Visit) -> None:
    curves = visit.page.locator(".jp-Cell").nth(3).locator(".jp-OutputArea-output img")
    assert curves.count() == 1, "each epoch left a picture of its own"
    assert curves.evaluate("e => e.naturalWidth") > 300
    assert "Live" in (curves.get_attribute("alt") or "")


def test_nothing_goes_wrong_and_nothing_is_fetched_from_outside(visit: Visit) -> None:
    assert visit.page.locator("[role=alert]").count() == 0
    visit.check()

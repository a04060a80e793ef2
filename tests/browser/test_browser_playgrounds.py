"""The lessons' playgrounds in JupyterLab in a real browser: each moved by mouse and by keyboard."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator

from tests.support.browser import Visit, an_arrow_key_changes, dragging_changes, opened, pixels, until_changed

# The class on the page, and the module and class in the package.
PLAYGROUNDS = {
    "vae-world": ("world_playground", "WorldPlayground"),
    "vae-kl-playground": ("kl_playground", "KLPlayground"),
    "vae-elbo": ("elbo_playground", "ELBOPlayground"),
    "vae-gradient": ("gradient_playground", "GradientPlayground"),
    "vae-bound": ("bound_playground", "BoundPlayground"),
    "vae-rotation": ("rotation_playground", "RotationPlayground"),
    "vae-flow": ("flow_playground", "FlowPlayground"),
    "vae-diffusion": ("diffusion_playground", "DiffusionPlayground"),
    "vae-likelihood": ("likelihood_playground", "LikelihoodPlayground"),
    "vae-codebook": ("codebook_playground", "CodebookPlayground"),
}
# These are given models, here untrained ones, so their cells are longer.
LEVELS = """import torch
from vae_course.hierarchies import TwoLevelVAE
from vae_course.studies.levels import reader
from vae_course.widgets.levels_playground import LevelsPlayground
torch.manual_seed(0)
LevelsPlayground(TwoLevelVAE.mlp((20, 10)), torch.rand(5, 1, 28, 28), reader())"""
GENERATOR = """import torch
from vae_course.latent_diffusion import CodeDenoiser, DiffusionPrior
from vae_course.models import VAE
from vae_course.widgets.latent_generator_playground import LatentGeneratorPlayground
torch.manual_seed(0)
denoiser = CodeDenoiser(20, hidden=16, n_classes=10)
torch.nn.init.normal_(denoiser.last.weight)
LatentGeneratorPlayground(VAE.mlp(20, hidden=(8,)), DiffusionPrior(denoiser))"""
# One that is given what a project has found.
CARD = """from vae_course.studies.capstone.acceptance import Acceptance, AcceptanceFinding, Relation, Test
from vae_course.studies.capstone.card import Headline
from vae_course.widgets.report_card import ReportCard
found = Acceptance((AcceptanceFinding(Test.TOTAL, 1.0, Relation.EQUAL, 1.0, 0.01),), 7.0, 5.3, 0.1)
ReportCard("compress", Headline("lead", 0.2, 0.02, 0.1), found)"""
NAMES = (*PLAYGROUNDS, "vae-levels", "vae-generator", "vae-report-card")
# Each button that does something to the first picture, from where one key press has left the playground.
BUTTONS = [
    ("vae-world", "Reset"),
    ("vae-kl-playground", "Descend"),
    ("vae-elbo", "Go to the optimum"),
    ("vae-gradient", "New draw"),
    ("vae-bound", "Reset"),
    ("vae-codebook", "Step"),
    ("vae-codebook", "Revive"),
    ("vae-codebook", "Reset"),
    ("vae-rotation", "Reset"),
    ("vae-generator", "Other noise"),
    ("vae-generator", "Reset"),
]


@pytest.fixture(scope="module")
def visit(need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """A notebook with one cell for each playground, opened and run."""
    cells = [f"from vae_course.widgets.{module} import {name}\n{name}()" for module, name in PLAYGROUNDS.values()]
    cells += [LEVELS, GENERATOR, CARD]
    with opened(need("chromium"), tmp_path_factory.mktemp("playgrounds"), cells) as visit:
        yield visit


def place(visit: Visit, name: str) -> tuple[Locator, Locator]:
    """A playground on the page, scrolled into view, and its first picture."""
    playground = visit.page.locator(f".{name}")
    playground.scroll_into_view_if_needed()
    return playground, playground.locator("img").first


@pytest.mark.parametrize("name", NAMES)
def test_dragging_the_first_slider_changes_the_picture(visit: Visit, name: str) -> None:
    dragging_changes(visit.page, *place(visit, name), by=40)


@pytest.mark.parametrize("name", NAMES)
def test_an_arrow_key_on_the_focused_slider_changes_the_picture(visit: Visit, name: str) -> None:
    an_arrow_key_changes(visit.page, *place(visit, name))


@pytest.mark.parametrize(("name", "label"), BUTTONS)
def test_a_button_is_pressed_by_keyboard(visit: Visit, name: str, label: str) -> None:
    playground, picture = place(visit, name)
    before = pixels(picture)
    playground.get_by_role("button", name=label, exact=True).focus()
    visit.page.keyboard.press("Space")
    until_changed(visit.page, picture, before)


def test_a_card_goes_back_to_no_points(visit: Visit) -> None:
    playground, picture = place(visit, "vae-report-card")
    reset = playground.get_by_role("button", name="Reset", exact=True)
    for key, pressed in (("ArrowRight", playground.locator(".noUi-handle").last), ("Space", reset)):
        before = pixels(picture)
        pressed.focus()
        visit.page.keyboard.press(key)
        until_changed(visit.page, picture, before)
    assert "Own points: 0 of 20" in playground.get_by_role("status").inner_text()


def test_a_flow_gets_a_step_another_start_and_none_again(visit: Visit) -> None:
    playground, picture = place(visit, "vae-flow")
    before = pixels(picture)
    playground.locator(".noUi-handle").first.focus()
    visit.page.keyboard.press("ArrowRight")
    for label in ("Another start", "Reset"):
        before = until_changed(visit.page, picture, before)
        playground.get_by_role("button", name=label, exact=True).focus()
        visit.page.keyboard.press("Space")
    until_changed(visit.page, picture, before)
    assert "Gaussian: ELBO" in playground.get_by_role("status").inner_text()


def test_a_published_loss_moves_the_effective_beta(visit: Visit) -> None:
    playground, _ = place(visit, "vae-likelihood")
    axis = playground.locator("img").last
    before = pixels(axis)
    playground.get_by_role("combobox").first.focus()
    visit.page.keyboard.type("second")
    until_changed(visit.page, axis, before)


def test_a_value_that_makes_no_sense_gets_a_sentence_in_place(visit: Visit) -> None:
    playground, _ = place(visit, "vae-likelihood")
    weight = playground.get_by_role("spinbutton").last
    kept = weight.input_value()
    weight.fill("0")
    weight.press("Tab")
    alert = playground.locator("[role=alert]")
    alert.wait_for()
    assert "batch" in alert.inner_text()
    weight.fill(kept)
    weight.press("Tab")
    alert.wait_for(state="detached")


def test_two_levels_go_to_another_image_and_back(visit: Visit) -> None:
    playground, picture = place(visit, "vae-levels")
    before = pixels(picture)
    playground.locator(".noUi-handle").first.focus()
    visit.page.keyboard.press("ArrowRight")
    before = until_changed(visit.page, picture, before)
    playground.get_by_role("button", name="Reset", exact=True).focus()
    visit.page.keyboard.press("Space")
    until_changed(visit.page, picture, before)


def test_nothing_goes_wrong_and_nothing_is_fetched_from_outside(visit: Visit) -> None:
    assert visit.page.locator("[role=alert]").count() == 0
    visit.check()

"""The latent pad in a real browser: in JupyterLab, with a kernel and without, and as a page that is opened from disk."""

import base64
import itertools
import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import nbclient
import nbformat
import numpy as np
import pytest
import torch
from nbformat.sign import NotebookNotary
from playwright.sync_api import Locator, Page
from torch import nn

from tests.support.browser import IDLE, Lab, Visit, clean_page, jupyterlab, open_notebook, run_all, write_notebook
from tests.support.browser_pad import drag_pad, frames, plane, watch_pad
from vae_course.data import Images, pen
from vae_course.models import VAE
from vae_course.pretrained import load_pretrained
from vae_course.widgets import LatentPad
from vae_course.widgets.pad.layers import Precision, describe, rounded, run, to_bytes

PAD_JS = Path(__file__).resolve().parents[2] / "vae_course" / "widgets" / "pad" / "pad.js"
SETUP = """
import ipywidgets, torch
from vae_course.data import Images, pen
from vae_course.pretrained import load_pretrained
from vae_course.widgets import LatentPad

x, y, _ = pen.draw(300, seed=0)
digits = Images(x, y)
model = load_pretrained("pen-2d")
"""
PAD = """
pad, line = LatentPad(model, digits), ipywidgets.Label()
def tell(_):
    line.value = f"kernel: z {pad.z[0]:.2f} {pad.z[1]:.2f}, path {pad.path.shape}, {pad.path.tolist()[-1:]}"
pad.observe(tell, ["z", "path"])
display(pad, line)
"""
SLOW = """
def decode(z):
    if z[0, 0] > 3:
        raise RuntimeError("no ink left")
    return model.decode_mean(z)
slow = LatentPad(decode, digits, codes=model.encode(digits.x)[0])
slow
"""


ACTIVE = "e => e.closest('.jp-Cell').classList.contains('jp-mod-active')"


@pytest.fixture(scope="module")
def first(need: Callable[[str], str]) -> Iterator[Visit]:
    """The first page of the browser that all tests here share."""
    with clean_page(need("chromium"), height=1000) as visit:
        yield visit


@pytest.fixture(scope="module")
def model() -> VAE:
    return load_pretrained("pen-2d")


@pytest.fixture(scope="module")
def lab_visit(first: Visit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Visit]]:
    """A notebook with a pad that decodes in the page and one whose pictures come from the kernel."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = write_notebook(folder / "notebooks" / "pad.ipynb", [SETUP, PAD, SLOW])
    notebook.cells.pop()
    nbclient.NotebookClient(notebook, timeout=120, store_widget_state=True).execute()
    nbformat.write(notebook, folder / "notebooks" / "saved.ipynb")
    # JupyterLab shows the widgets of notebooks that it trusts: those run by the same user.
    (folder / "data").mkdir()
    NotebookNotary(data_dir=str(folder / "data")).sign(notebook)
    with jupyterlab(folder / "notebooks", folder) as lab:
        open_notebook(first.page, lab, "pad.ipynb")
        run_all(first.page)
        yield lab, first


@pytest.fixture
def visit(lab_visit: tuple[Lab, Visit]) -> Visit:
    return lab_visit[1]


@pytest.fixture
def pad(visit: Visit) -> Locator:
    return ready(visit.page.locator(".vae-pad").first)


@pytest.fixture
def slow(visit: Visit) -> Locator:
    return ready(visit.page.locator(".vae-pad").last)


def ready(pad: Locator) -> Locator:
    """A pad at the centre without a path, which notes what it shows from now on."""
    pad.scroll_into_view_if_needed()
    pad.get_by_role("button", name="Clear the path", exact=True).click()
    pad.get_by_role("button", name="To the centre", exact=True).click()
    pad.get_by_text("z = (0.00, 0.00)", exact=True).first.wait_for()
    watch_pad(pad)
    return pad


def another_page(first: Visit, *, offline: bool) -> Page:
    return first.another_page(offline=offline, viewport={"width": 1000, "height": 900})


def pictures(pad: Locator) -> tuple[torch.Tensor, np.ndarray]:
    """The codes `[N, 2]` that were shown since the test began, and the pictures `[N, 784]`."""
    noted = torch.tensor(pad.evaluate("root => root.pictures"), dtype=torch.float64)
    assert len(noted), "nothing was drawn"
    return noted[:, :2].float(), noted[:, 2:].numpy()


def greatest_error(pad: Locator, model: VAE) -> float:
    """The largest difference of a pixel between what the page has shown and what torch gives."""
    z, shown = pictures(pad)
    return float(np.abs(shown - model.decode_mean(z).reshape(len(z), -1).numpy()).max())


def on_screen(canvas: Locator) -> np.ndarray:
    """The ink of a canvas `[H, W]`."""
    levels = canvas.evaluate("c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]")
    width, height = canvas.evaluate("c => [c.width, c.height]")
    return 1 - np.array(levels).reshape(height, width, 4)[..., 0] / 255


def shown_z(pad: Locator) -> tuple[float, float]:
    found = re.search(r"\((-?\d+\.\d\d), (-?\d+\.\d\d)\)", pad.locator(".pad-status").inner_text())
    assert found
    return float(found[1]), float(found[2])


# ------------------------------------------------------------------------------------------------ in JupyterLab


def test_the_plane_has_a_role_a_name_and_a_focus_that_can_be_seen(visit: Visit, pad: Locator) -> None:
    canvas = plane(pad)
    assert "Arrow keys move z" in (canvas.get_attribute("aria-label") or "")
    assert canvas.get_attribute("data-lm-suppress-shortcuts") == "true", "Notebook 7 would take the arrow keys"
    pad.get_by_role("button", name="Record a path", exact=True).focus()
    visit.page.keyboard.press("Shift+Tab")
    assert canvas.evaluate("e => e === document.activeElement"), "the keyboard doesn't get there"
    assert canvas.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    assert pad.get_by_role("img", name="The decoded picture", exact=True).is_visible()


def test_dragging_with_the_mouse_decodes_in_the_page_as_torch_does(visit: Visit, pad: Locator, model: VAE) -> None:
    before = on_screen(pad.get_by_role("img", name="The decoded picture", exact=True))
    drag_pad(visit.page, pad, (0.5, 0.5), (0.75, 0.3), (0.2, 0.4), (0.5, 0.85))
    z, _ = pictures(pad)
    assert len(z) >= 20
    assert float((z.max(0).values - z.min(0).values).min()) > 2, "the drag went nowhere"
    assert greatest_error(pad, model) < 1e-3
    after = on_screen(pad.get_by_role("img", name="The decoded picture", exact=True))
    assert np.abs(after - before).max() > 0.3, "the picture stayed the same"
    with torch.no_grad():
        expected = model.decode_mean(z[-1:])[0, 0].numpy()
    assert np.abs(after - expected).max() < 0.5 / 255 + 1e-3


def test_the_code_follows_the_pointer(visit: Visit, pad: Locator) -> None:
    """The edges of the plane are at its reach; beyond them nothing goes."""
    drag_pad(visit.page, pad, (0.5, 0.5), (1.5, 0.5))
    right, _ = shown_z(pad)
    drag_pad(visit.page, pad, (0.5, 0.5), (0.5, -0.5))
    _, top = shown_z(pad)
    assert right == top >= 3.5
    box = plane(pad).bounding_box()
    assert box is not None
    middle = ((34 + (box["width"] - 42) / 2) / box["width"], (24 + (box["width"] - 42) / 2) / box["height"])
    drag_pad(visit.page, pad, (0.2, 0.2), middle)
    assert np.abs(shown_z(pad)).max() <= 0.05


def test_arrow_keys_move_z_by_steps_and_stay_in_the_widget(visit: Visit, pad: Locator, model: VAE) -> None:
    plane(pad).focus()
    for key, expected in (
        ("ArrowRight", (0.05, 0.0)),
        ("ArrowUp", (0.05, 0.05)),
        ("Shift+ArrowUp", (0.05, 0.55)),
        ("Shift+ArrowLeft", (-0.45, 0.55)),
        ("ArrowDown", (-0.45, 0.5)),
        ("Home", (0.0, 0.0)),
    ):
        visit.page.keyboard.press(key)
        pad.get_by_text(f"z = ({expected[0]:.2f}, {expected[1]:.2f})", exact=True).first.wait_for()
        assert plane(pad).evaluate("e => e === document.activeElement"), f"{key} took the focus away"
        assert plane(pad).evaluate(ACTIVE), f"{key} went to the notebook, which chose another cell"
    assert len(pictures(pad)[0]) == 6
    assert greatest_error(pad, model) < 1e-3


def test_the_nearest_real_digit_stands_beside(visit: Visit, pad: Locator, model: VAE) -> None:
    x, y, _ = pen.draw(300, seed=0)
    codes, _ = model.encode(x)
    drag_pad(visit.page, pad, (0.5, 0.5), (0.62, 0.7))
    z, _ = pictures(pad)
    index = int(torch.cdist(z[-1:], codes).argmin())
    assert pad.locator(".pad-name", has_text=re.compile(f"^Nearest real image: {int(y[index])}$")).is_visible()
    shown = on_screen(pad.get_by_role("img", name="The nearest real image", exact=True))
    assert np.abs(shown - x[index, 0].numpy()).max() <= 0.5 / 15 + 1 / 255


def test_the_kernel_hears_of_z_and_of_a_recorded_path(visit: Visit, pad: Locator) -> None:
    pad.get_by_role("button", name="Record a path", exact=True).click()
    drag_pad(visit.page, pad, (0.5, 0.5), (0.7, 0.6), (0.6, 0.3))
    pad.get_by_role("button", name="Stop recording", exact=True).click()
    count = int(pad.locator(".pad-recorded").inner_text().split()[0])
    assert count >= 20
    drag_pad(visit.page, pad, (0.6, 0.3), (0.5, 0.4))  # no part of the path any more
    x, y = shown_z(pad)
    said = visit.page.locator(".widget-label", has_text=f"kernel: z {x:.2f} {y:.2f}, path ({count}, 2)")
    said.wait_for()
    last = eval(said.inner_text().partition("2), ")[2])[0]
    z, _ = pictures(pad)
    assert np.abs(z.numpy() - last).sum(1).min() < 1e-5, "the path ends where z never was"
    pad.get_by_role("button", name="Clear the path", exact=True).click()
    visit.page.locator(".widget-label", has_text="path (0, 2)").wait_for()


def test_every_frame_of_a_moving_code_has_its_picture(visit: Visit, pad: Locator) -> None:
    """How soon it is there is for `python -m benchmarks.pad` to say."""
    assert len(frames(pad, moves=100)) >= 97, "some frames had no picture: z moves on and the pad falls behind"


def test_another_decoder_draws_through_the_kernel(visit: Visit, slow: Locator, model: VAE) -> None:
    assert slow.get_by_text("Each picture comes from the kernel: the model, a function, has no `decoder`").is_visible()
    drag_pad(visit.page, slow, (0.5, 0.5), (0.35, 0.3))
    x, y = shown_z(slow)
    last = "([root, x, y]) => { const last = root.pictures.at(-1); return last && Math.hypot(last[0] - x, last[1] - y) < 0.01; }"
    visit.page.wait_for_function(last, arg=[slow.element_handle(), x, y])  # the last code has its picture
    assert len(pictures(slow)[0]) > 1
    assert greatest_error(slow, model) < 1e-3


def test_a_decoder_that_fails_says_so_in_the_widget_and_goes_on(visit: Visit, slow: Locator) -> None:
    drag_pad(visit.page, slow, (0.5, 0.5), (0.97, 0.5))
    alert = visit.page.get_by_role("alert").filter(has_text="no ink left")
    alert.wait_for()
    slow.get_by_role("button", name="To the centre", exact=True).click()
    alert.wait_for(state="detached")


def test_nothing_goes_wrong_and_nothing_is_fetched_from_outside(visit: Visit, pad: Locator) -> None:
    visit.check()


def test_a_saved_notebook_decodes_before_any_cell_has_run(
    first: Visit, lab_visit: tuple[Lab, Visit], model: VAE
) -> None:
    """Its widget was saved with it, as JupyterLab does with "Save Widget State Automatically"; the kernel knows nothing of it."""
    lab, _ = lab_visit
    page = another_page(first, offline=False)
    open_notebook(page, lab, "saved.ipynb")
    pad = ready(page.locator(".vae-pad"))
    drag_pad(page, pad, (0.5, 0.5), (0.75, 0.3))
    assert len(pictures(pad)[0]) >= 10
    assert greatest_error(pad, model) < 1e-3
    page.close()


def test_without_a_kernel_the_page_still_decodes(lab_visit: tuple[Lab, Visit], pad: Locator, model: VAE) -> None:
    """The last test here, because it takes the kernel away."""
    lab, visit = lab_visit
    for kernel in visit.page.request.get(f"{lab.url}/api/kernels?token={lab.token}").json():
        address = f"{lab.url}/api/kernels/{kernel['id']}?token={lab.token}"
        urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=60).close()
    visit.page.wait_for_selector(IDLE, state="detached")
    drag_pad(visit.page, pad, (0.5, 0.5), (0.75, 0.3))
    assert len(pictures(pad)[0]) >= 10
    assert greatest_error(pad, model) < 1e-3
    slow = visit.page.locator(".vae-pad").last
    slow.scroll_into_view_if_needed()
    plane(slow).focus()
    visit.page.keyboard.press("ArrowRight")
    slow.get_by_role("alert").filter(has_text="No picture from the kernel").wait_for()
    # ipywidgets notes in the console whatever it can't send to the kernel that is gone.
    visit.errors[:] = [error for error in visit.errors if not error.startswith("Could not send widget sync message")]


# ------------------------------------------------------------------------------------------------ as a page of its own


@pytest.fixture(scope="module")
def exported(first: Visit, model: VAE, tmp_path_factory: pytest.TempPathFactory) -> tuple[Visit, Path]:
    """The exported page, opened from disk in a fresh profile that is offline."""
    x, y, _ = pen.draw(300, seed=0)
    digits = Images(x, y)
    file = LatentPad(model, digits).to_html(tmp_path_factory.mktemp("page") / "my_vae.html")
    visit = Visit(another_page(first, offline=True))
    visit.page.on("request", lambda request: visit.outside.append(request.url))
    visit.page.goto(file.as_uri())
    return visit, file


def test_the_exported_page_is_dragged_offline_and_keeps_its_promise(exported: tuple[Visit, Path], model: VAE) -> None:
    visit, file = exported
    pad = ready(visit.page.locator(".vae-pad"))
    drag_pad(visit.page, pad, (0.5, 0.5), (0.75, 0.3), (0.2, 0.4), (0.5, 0.85))
    assert len(pictures(pad)[0]) >= 20
    promise = re.search(r"moves no pixel by more than (0\.\d+) ", visit.page.locator(".fine-print").inner_text())
    assert promise
    assert greatest_error(pad, model) <= float(promise[1]) <= 0.001
    assert len(frames(pad, moves=60)) >= 57
    assert visit.outside == [file.as_uri()]
    assert visit.errors == []


def test_the_exported_page_works_from_the_keyboard_alone(exported: tuple[Visit, Path], model: VAE) -> None:
    visit, _ = exported
    visit.page.reload()
    pad = visit.page.locator(".vae-pad")
    watch_pad(pad)
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Shift+ArrowRight")
    pad.get_by_text("z = (0.50, 0.00)", exact=True).first.wait_for()
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Space")
    assert pad.get_by_role("button", name="Stop recording", exact=True).get_attribute("aria-pressed") == "true"
    visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("ArrowUp")
    pad.get_by_text("2 codes in the path", exact=True).wait_for()
    assert greatest_error(pad, model) <= 0.001


def test_a_narrow_screen_shows_the_whole_pad(exported: tuple[Visit, Path]) -> None:
    visit, _ = exported
    visit.page.set_viewport_size({"width": 360, "height": 800})
    visit.page.wait_for_function("() => innerWidth === 360 && document.documentElement.scrollWidth <= 360")
    visit.page.set_viewport_size({"width": 1000, "height": 900})


def boxes(page: Page, width: int) -> np.ndarray:
    """The room of each text in the plane `[N, 4]` at this width of the page: ten classes and three shares of the prior."""
    before = page.locator(".pad-plane").get_attribute("data-boxes")
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_function("old => document.querySelector('.pad-plane').dataset.boxes !== old", arg=before)
    return np.array(json.loads(page.locator(".pad-plane").get_attribute("data-boxes") or ""))


def test_on_a_phone_no_text_in_the_plane_stands_on_another(exported: tuple[Visit, Path]) -> None:
    visit, _ = exported
    found = boxes(visit.page, 390)
    assert found.shape == (13, 4)
    middles, height = (found[:, :2] + found[:, 2:]) / 2, found[0, 3] - found[0, 1] - 2
    for i, j in itertools.combinations(range(10), 2):
        assert np.hypot(*(middles[i] - middles[j])) >= height
    for share in range(10, 13):
        others = np.delete(found, share, axis=0)
        assert not ((found[share, :2] < others[:, 2:]) & (others[:, :2] < found[share, 2:])).all(axis=1).any()
    captions = visit.page.locator(".pad-caption").evaluate_all("all => all.map(e => e.scrollWidth - e.clientWidth)")
    assert captions == [0, 0]
    visit.page.set_viewport_size({"width": 1000, "height": 900})


def test_plane_and_pictures_stand_side_by_side_from_620_pixels_on(exported: tuple[Visit, Path]) -> None:
    visit, _ = exported
    for width, beside in ((520, False), (620, True)):
        visit.page.set_viewport_size({"width": width, "height": 800})
        visit.page.wait_for_function("width => innerWidth === width", arg=width)
        plane_box, cards = (visit.page.locator(name).bounding_box() for name in (".pad-plane", ".pad-cards"))
        assert plane_box and cards
        assert (cards["x"] >= plane_box["x"] + plane_box["width"]) is beside
        assert (cards["y"] >= plane_box["y"] + plane_box["height"]) is not beside
    visit.page.set_viewport_size({"width": 1000, "height": 900})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_exported_page_and_its_buttons_have_the_colours_of_the_system(
    exported: tuple[Visit, Path], scheme: Literal["light", "dark"]
) -> None:
    visit, _ = exported
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    button = visit.page.get_by_role("button", name="To the centre", exact=True)
    dark = ["rgb(19, 20, 22)", "rgb(230, 230, 230)"]
    assert page == (dark if scheme == "dark" else ["rgb(255, 255, 255)", "rgb(26, 26, 26)"])
    assert button.evaluate("e => getComputedStyle(e).color") == page[1]
    visit.page.emulate_media(color_scheme="light")


# ------------------------------------------------------------------------------------------------ pad.js by itself


def decoded_in_page(page: Page, stack: Any, z: torch.Tensor, *, precision: Precision = "float32") -> np.ndarray:
    """What `readDecoder` and `decode` of pad.js make of codes."""
    given = {
        "script": PAD_JS.read_text(encoding="utf-8"),
        "layers": stack.layers,
        "weights": base64.b64encode(to_bytes(stack, precision)).decode(),
        "precision": precision,
        "codes": z.double().tolist(),
    }
    return np.array(
        page.evaluate(
            """async ({script, layers, weights, precision, codes}) => {
                const address = URL.createObjectURL(new Blob([script], {type: "text/javascript"}));
                const {readDecoder, decode} = await import(address);
                const bytes = Uint8Array.from(atob(weights), letter => letter.charCodeAt(0));
                const decoder = readDecoder(layers, bytes, precision);
                return codes.map(z => [...decode(decoder, z)]);
            }""",
            given,
        )
    )


@pytest.fixture(scope="module")
def blank(first: Visit) -> Page:
    return another_page(first, offline=True)


ALL_LAYERS = nn.Sequential(
    nn.Linear(2, 30), nn.LeakyReLU(0.2), nn.Linear(30, 20), nn.ELU(0.8), nn.Linear(20, 25), nn.SiLU(), nn.Linear(25, 25),
    nn.Tanh(), nn.Linear(25, 30), nn.ReLU(), nn.Linear(30, 784), nn.Sigmoid(),
)  # fmt: skip


@pytest.mark.parametrize("network", [ALL_LAYERS, VAE.mlp(2).decoder], ids=["all layers", "400 wide"])
def test_the_page_computes_what_torch_computes(blank: Page, network: nn.Module) -> None:
    z = 2 * torch.randn(30, 2)
    stack = describe(network)
    with torch.no_grad():
        expected = network(z).reshape(30, -1).numpy()
    error = np.abs(decoded_in_page(blank, stack, z) - expected).max()
    assert error < 1e-5


def test_a_swapped_matrix_is_seen(blank: Page) -> None:
    """The comparison above can fail."""
    z = 2 * torch.randn(30, 2)
    stack = describe(ALL_LAYERS)
    expected = run(stack, z)
    stack.weights[6] = stack.weights[6].T
    assert np.abs(decoded_in_page(blank, stack, z) - expected).max() > 1e-3


def test_weights_of_sixteen_bits_are_read_to_the_last_bit(blank: Page) -> None:
    """Every level there is, as the weights of two rows with scales of their own, each read by a code that asks for it."""
    levels = torch.arange(-(2**15) + 1, 2**15, dtype=torch.float32)
    layer = nn.Linear(len(levels), 2)
    layer.weight.data = torch.stack([levels, -levels / 3])
    layer.bias.data = torch.tensor([0.0, 0.1])
    stack = describe(layer)
    weight, bias = rounded(stack).weights
    chosen = torch.tensor([0, 1, 2**14, 2**15 - 2, 2**15 - 1, 2**15, 2**16 - 2])
    codes = torch.nn.functional.one_hot(chosen, len(levels))
    read = decoded_in_page(blank, stack, codes, precision="scaled16")
    assert np.array_equal(read, (weight[:, chosen].T.astype(np.float64) + bias).astype(np.float32))

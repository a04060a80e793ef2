"""JupyterLab in a real browser: a private server on a free port, and what a learner does on its pages."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Error, Locator, Page, Request, TimeoutError, expect, sync_playwright

from vae_course.tools.lab import PROMPT

LESSONS = Path(__file__).resolve().parents[2] / "notebooks"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever a page asks of another machine, and by whatever way, ends here.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
LOCAL = re.compile(r"(http|ws)://127\.0\.0\.1[:/]|(data|blob|about|file):")
# Notebook 7.6 throws this at itself once while it loads its settings, on a notebook with nothing in it, too.
NOT_OURS = ("Cannot read properties of undefined (reading 'schema')", "/static/notebook/notebook_core.")
# The only pictures from elsewhere in a lesson; an empty one takes their place.
BADGES = ("https://colab.research.google.com/assets/colab-badge.svg", "https://mybinder.org/badge_logo.svg")
# No news from outside, and every cell on the page however long the notebook is.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
IDLE = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
# Milliseconds after which what a page waits for counts as never coming, on a machine however busy. No verdict hangs on it.
HANGS = 120_000
RUN_ALL = '[data-command="runmenu:run-all"], [data-command="notebook:run-all-cells"]'

FAILED = '.jp-OutputArea [data-mime-type="application/vnd.jupyter.error"]'
# A folded cell has a prompt of its own in the place of its code, which never gets a number.
PROMPTS = (
    '[...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt:not(.jp-Placeholder-prompt)")].map(e => e.textContent)'
)
BEGUN = rf"() => {PROMPTS}.some(text => /\[[\d*]+\]/.test(text))"
FINISHED = rf"() => document.querySelector('{FAILED}') || {PROMPTS}.every(text => /\[\d+\]/.test(text))"


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    log: Path
    view: str

    def address(self, notebook: str) -> str:
        """Where one notebook opens."""
        return f"{self.url}/{self.view}/{notebook}?token={self.token}"


@dataclass
class Visit:
    """A page and what went wrong on it: errors in its console, and what it asked of other machines."""

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._watch(self.page)

    def another_page(self, **context: Any) -> Page:
        """A second page in a profile of its own, watched as the first."""
        browser = self.page.context.browser
        assert browser is not None
        page = browser.new_context(**context).new_page()
        self._watch(page)
        return page

    def check(self) -> None:
        """Nothing went wrong, and nothing was asked of another machine but the badges."""
        assert self.errors == [], "errors in the console"
        assert self.outside == [], "asked of another machine"

    def _watch(self, page: Page) -> None:
        page.set_default_timeout(HANGS)
        expect.set_options(timeout=HANGS)
        page.route("**/*", lambda route, request: _stay_here(self, route, request))
        page.on("websocket", lambda socket: None if LOCAL.match(socket.url) else self.outside.append(socket.url))
        page.on("pageerror", lambda error: None if _not_ours(error) else self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)


@contextmanager
def jupyterlab(notebooks: Path, private: Path, *, view: str = "doc/tree", app: str = "jupyterlab") -> Iterator[Lab]:
    """Serve a folder of notebooks, with settings and runtime files in another, until the block ends.

    `view` is where a notebook opens: `doc/tree` shows it without the rest of JupyterLab, `lab/tree` with it, and in the
    `app` called `notebook`, which is Notebook 7, it is `notebooks`.
    """
    port, token, log = _free_port(), secrets.token_hex(16), private / "jupyterlab.log"
    for name, values in SETTINGS.items():
        settings = private / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(values))
    command = [sys.executable, "-m", app, "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={notebooks}", PROMPT]
    with log.open("wb") as sink:
        server = subprocess.Popen(command, env=_environment(private), stdout=sink, stderr=sink, cwd=notebooks)
        try:
            lab = Lab(f"http://127.0.0.1:{port}", token, log, view)
            _wait_for(server, lab)
            yield lab
        finally:
            _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server; one that hangs on its way out, as Jupyter's can while a page is open, is killed."""
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        # No test asks how Jupyter ends. Its kernels end by themselves when their parent is gone.
        server.kill()
        server.wait()


@contextmanager
def browser_page(chromium: str, *, width: int = 1200, height: int = 900) -> Iterator[Visit]:
    """A page in a browser with a fresh profile, which lets no request leave this machine and notes each attempt but badges."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield Visit(browser.new_page(viewport={"width": width, "height": height}))
        finally:
            browser.close()


@contextmanager
def clean_page(chromium: str, **size: int) -> Iterator[Visit]:
    """A page as `browser_page` makes it, on which nothing may go wrong until the block ends."""
    with browser_page(chromium, **size) as visit:
        yield visit
        visit.check()


@contextmanager
def opened(chromium: str, folder: Path, cells: Sequence[str], **size: int) -> Iterator[Visit]:
    """A notebook with these cells in JupyterLab, all of them run, on a page on which nothing may go wrong."""
    write_notebook(folder / "notebooks" / "cells.ipynb", cells)
    with _all_run(chromium, folder, "cells.ipynb", **size) as visit:
        yield visit


@contextmanager
def opened_lesson(
    chromium: str, folder: Path, name: str, *, app: str = "jupyterlab", view: str = "doc/tree", **size: int
) -> Iterator[Visit]:
    """A student's lesson, opened from a copy in `folder`, with every cell run."""
    (folder / "notebooks").mkdir()
    shutil.copy(LESSONS / name, folder / "notebooks")
    with _all_run(chromium, folder, name, app=app, view=view, **size) as visit:
        yield visit


@contextmanager
def _all_run(
    chromium: str, folder: Path, name: str, *, app: str = "jupyterlab", view: str = "doc/tree", **size: int
) -> Iterator[Visit]:
    with jupyterlab(folder / "notebooks", folder, app=app, view=view) as lab, clean_page(chromium, **size) as visit:
        open_notebook(visit.page, lab, name)
        run_all(visit.page)
        yield visit


def write_notebook(path: Path, cells: Sequence[str]) -> nbformat.NotebookNode:
    """A notebook of these cells for a Python kernel, kept there and returned."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return notebook


def open_notebook(page: Page, lab: Lab, notebook: str) -> None:
    """Open a notebook and wait until the page talks to its kernel."""
    with page.expect_websocket(lambda socket: "/channels" in socket.url):
        page.goto(lab.address(notebook))
    page.wait_for_selector(IDLE, state="attached")


def run_all(page: Page) -> None:
    """Run every cell by the menu, and wait until the last is done; an exception in a cell is an error here too."""
    for _ in range(20):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.locator(RUN_ALL).first.click()
        with suppress(TimeoutError):  # JupyterLab drops the command while the kernel is still connecting
            page.wait_for_function(BEGUN, timeout=5000)
            break
    page.wait_for_function(FINISHED, timeout=5 * HANGS)
    failed = page.locator(FAILED)
    assert failed.count() == 0, f"a cell failed: {failed.first.inner_text()}"
    page.wait_for_selector(IDLE, state="attached")


def drag(page: Page, handle: Locator, dx: float, *, steps: int = 10) -> None:
    """Drag something sideways with the mouse."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None, "the handle is not on the page"
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y, steps=steps)
    page.mouse.up()


def pixels(image: Locator) -> str:
    """What an image on the page shows, as text that can be compared."""
    return image.evaluate(
        """async element => {
            // A widget swaps its picture for the next one while the first is still being decoded.
            for (let tries = 0; tries < 40; tries++) {
                if (await element.decode().then(() => true, () => false)) break;
                await new Promise(done => setTimeout(done, 50));
            }
            const canvas = document.createElement("canvas");
            canvas.width = element.naturalWidth;
            canvas.height = element.naturalHeight;
            canvas.getContext("2d").drawImage(element, 0, 0);
            return canvas.toDataURL();
        }"""
    )


def until(page: Page, holds: Callable[[], bool], words: str) -> None:
    """Wait until something holds that only Python can see; `words` say what never came."""
    for _ in range(HANGS // 50):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"waited in vain: {words}")


def until_changed(page: Page, image: Locator, before: str) -> str:
    """Wait until an image shows something else, and return that."""
    until(page, lambda: pixels(image) != before, "the picture stayed the same")
    return pixels(image)


def dragging_changes(page: Page, widget: Locator, image: Locator, by: float) -> None:
    """Drag a widget's first slider, and see the image show something else."""
    before = pixels(image)
    drag(page, widget.locator(".noUi-handle").first, by)
    until_changed(page, image, before)


def an_arrow_key_changes(page: Page, widget: Locator, image: Locator) -> None:
    """Press an arrow key on a widget's first slider, see the image show something else, and where the focus is."""
    before = pixels(image)
    handle = widget.locator(".noUi-handle").first
    handle.focus()
    page.keyboard.press("ArrowLeft")
    until_changed(page, image, before)
    assert handle.evaluate("e => getComputedStyle(e).outlineStyle") == "solid", "the focus can't be seen"


def _environment(private: Path) -> dict[str, str]:
    """No setting of the user's reaches the server, and none of the server's reaches the user."""
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {**os.environ, **{name: str(private / folder) for name, folder in folders.items()}}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(server: subprocess.Popen[bytes], lab: Lab) -> None:
    for _ in range(HANGS // 200):
        if server.poll() is not None:
            raise AssertionError(f"JupyterLab ended at once:\n{lab.log.read_text()}")
        try:
            urllib.request.urlopen(f"{lab.url}/api/status?token={lab.token}", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not answer:\n{lab.log.read_text()}")


def _not_ours(error: Error) -> bool:
    """Whether a front end's own code threw it: by its words and by where it comes from."""
    words, place = NOT_OURS
    return error.message == words and place in (error.stack or "").partition("\n")[2].partition("\n")[0]


def _stay_here(visit: Visit, route: Any, request: Request) -> None:
    if LOCAL.match(request.url):
        route.continue_()
    elif request.url in BADGES:
        route.fulfill(content_type="image/svg+xml", body='<svg xmlns="http://www.w3.org/2000/svg"/>')
    else:
        visit.outside.append(request.url)
        route.abort()


# From a key press to the frame that shows the new picture, in milliseconds.
WATCH = """explorer => {
    const image = explorer.querySelector(".vae-card:last-child img");
    window.delays = [];
    let pressed = 0;
    explorer.addEventListener("keydown", () => { pressed = performance.now(); }, true);
    new MutationObserver(async () => {
        const since = pressed;
        if (!since) return;
        pressed = 0;
        await image.decode().catch(() => null);
        requestAnimationFrame(() => window.delays.push(performance.now() - since));
    }).observe(image, {attributes: true, attributeFilter: ["src"]});
}"""


def watch_delays(explorer: Locator) -> None:
    """Begin to note how long an explorer's picture takes to follow a key press."""
    explorer.evaluate(WATCH)


def key_press_delays(visit: Visit, explorer: Locator, *, presses: int) -> list[float]:
    """Move the first slider to and fro by the arrow keys: milliseconds to each new picture, after `watch_delays`."""
    explorer.locator(".noUi-handle").first.focus()
    visit.page.evaluate("window.delays.length = 0")
    for i in range(presses):
        visit.page.keyboard.press("ArrowRight" if i % 10 < 5 else "ArrowLeft")
        visit.page.wait_for_function("n => window.delays.length === n", arg=i + 1)
    delays: list[float] = visit.page.evaluate("window.delays")
    return delays

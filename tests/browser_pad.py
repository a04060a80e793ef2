"""The latent pad on a page: move it by the real mouse, and note what it shows and how fast."""

from playwright.sync_api import Locator, Page

# Note every picture that a pad shows, and how long it took from the event that asked for it to the end of its frame.
WATCH = """root => {
    const watched = "pictures" in root;
    root.pictures = [];
    root.delays = [];
    if (watched) return;
    let since = 0;
    root.addEventListener("pointermove", (event) => { if (event.buttons) since ||= event.timeStamp; }, true);
    root.addEventListener("keydown", (event) => { since ||= event.timeStamp; }, true);
    root.addEventListener("vae-pad-picture", ({ detail: { z, pixels } }) => {
        root.pictures.push([...z, ...pixels]);
        if (since) root.delays.push(performance.now() - since);
        since = 0;
    });
}"""


def watch_pad(pad: Locator) -> None:
    """Begin to note, or begin anew."""
    pad.evaluate(WATCH)


def plane(pad: Locator) -> Locator:
    """The canvas that is dragged on."""
    return pad.get_by_role("application")


def drag_pad(page: Page, pad: Locator, *corners: tuple[float, float], steps: int = 20) -> None:
    """Drag from the first point to the others; points are shares of the canvas, from its top left."""
    box = plane(pad).bounding_box()
    assert box is not None, "the pad is not on the page"
    places = [(box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=steps)
    page.mouse.up()
    page.wait_for_timeout(200)


def drag_delays(page: Page, pad: Locator, *, turns: int) -> list[float]:
    """Drag to and fro: milliseconds from each move of the mouse to the end of the frame with its picture."""
    watch_pad(pad)
    drag_pad(page, pad, *[(0.3 + 0.4 * (i % 2), 0.3 + 0.4 * i / turns) for i in range(turns + 1)], steps=15)
    delays: list[float] = pad.evaluate("root => root.delays")
    return delays

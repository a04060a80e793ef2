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

# Move z by a key in every frame, and note of each picture how long after the one before its frame began, and how long
# after that beginning it was there.
FRAMES = """(root, moves) => new Promise((done) => {
    const plane = root.querySelector("[role=application]");
    const frames = [];
    let before = null;
    const note = () => {
        const began = document.timeline.currentTime;
        if (before !== null) frames.push([began - before, performance.now() - began]);
        before = began;
    };
    root.addEventListener("vae-pad-picture", note);
    const move = () => {
        if (moves-- === 0) {
            root.removeEventListener("vae-pad-picture", note);
            return done(frames);
        }
        const key = moves % 40 < 20 ? "ArrowRight" : "ArrowLeft";
        plane.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        requestAnimationFrame(move);
    };
    requestAnimationFrame(move);
})"""


# The pad draws with the next frame after an event, so after two it has drawn.
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def frames(pad: Locator, *, moves: int) -> list[tuple[float, float]]:
    """Of each picture but the first, in milliseconds: the time since the frame before, and the work within its own."""
    noted: list[tuple[float, float]] = pad.evaluate(FRAMES, moves)
    return noted


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
    page.evaluate(TWO_FRAMES)


def drag_delays(page: Page, pad: Locator, *, turns: int) -> list[float]:
    """Drag to and fro: milliseconds from each move of the mouse to the end of the frame with its picture."""
    watch_pad(pad)
    drag_pad(page, pad, *[(0.3 + 0.4 * (i % 2), 0.3 + 0.4 * i / turns) for i in range(turns + 1)], steps=15)
    delays: list[float] = pad.evaluate("root => root.delays")
    return delays

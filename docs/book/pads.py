"""Latent pads that live in a page of the book: the decoder runs in the browser, so no kernel is needed."""

from pathlib import Path

from vae_course import data
from vae_course.data import mnist
from vae_course.pretrained import load_pretrained
from vae_course.widgets import LatentPad

# In a lesson the page is its pad alone, so small that a screen of 650 pixels shows it whole. The frame around it grows to its
# height, which only the page inside knows, and its colours are those of the lesson.
FRAMED = """<script>
document.documentElement.classList.toggle("framed", parent !== window);
</script>
<style>
.framed body { padding: 10px 12px; }
.framed :is(.lead, .fine-print) { display: none; }
.framed h1 { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.framed .vae-pad .pad-plane { max-width: 430px; }
</style>
<script>
const tellHeight = () => parent.postMessage({ padHeight: document.body.scrollHeight + 2 }, "*");
new ResizeObserver(tellHeight).observe(document.body);
addEventListener("message", ({ source, data: { padScheme } }) => {
  if (source === parent && padScheme) document.documentElement.style.colorScheme = padScheme;
});
</script>
</body>"""


def write(target: Path, name: str) -> None:
    """Write the pad of a pretrained model as a page that a lesson can frame.

    MNIST's images lie in the plane where MNIST is on disk; nothing is downloaded for a book.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    LatentPad(load_pretrained(name), _images(name)).to_html(target, title="The latent pad")
    page = target.read_text(encoding="utf-8")
    target.write_text(page.replace("</body>", FRAMED), encoding="utf-8", newline="\n")


def _images(name: str) -> data.Images | None:
    """The images that the model was trained for, or None for MNIST's where they are not on disk."""
    world = name.partition("-")[0]
    if world == "mnist" and not any(map(mnist.find, mnist.places())):
        return None
    return data.load(world, limit=2000).val

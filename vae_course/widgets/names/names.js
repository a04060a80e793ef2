// Give names to what ipywidgets leaves without: slider handles, pictures, and the choices of a question.

const PAUSE = 200; // milliseconds without a change before names are written, so that dragging stays fast

export default {
  render({ el }) {
    let root, timer;
    const observer = new MutationObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(() => nameAll(root), PAUSE);
    });
    const start = (tries) => {
      root = el.closest(".vae-widget");
      if (root) {
        observer.observe(root, { subtree: true, childList: true, characterData: true, attributeFilter: ["src"] });
        nameAll(root);
      } else if (tries > 0) {
        timer = setTimeout(start, PAUSE, tries - 1); // not on the page yet
      }
    };
    start(100);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  },
};

function nameAll(root) {
  for (const slider of root.querySelectorAll(".widget-slider")) {
    const name = text(slider.querySelector(".widget-label"));
    for (const handle of slider.querySelectorAll('[role="slider"], .ui-slider-handle')) {
      set(handle, "aria-label", name);
      set(handle, "data-lm-suppress-shortcuts", "true"); // else Notebook 7 takes the arrow keys for itself
    }
  }
  for (const choices of root.querySelectorAll(".vae-choices")) {
    set(choices, "role", "radiogroup");
    set(choices, "aria-label", text(choices.previousElementSibling));
  }
  for (const picture of root.querySelectorAll("img")) describe(picture);
}

async function describe(picture) {
  const { src } = picture;
  const caption = text(picture.closest(".vae-card")?.querySelector(".vae-text"));
  const alt = caption || (src.startsWith("blob:") ? await description(src) : "");
  if (picture.src === src) set(picture, "alt", alt);
}

// The text that a PNG file carries as its Description, in a tEXt or an iTXt chunk without compression.
export async function description(url) {
  const bytes = await fetch(url).then((answer) => answer.arrayBuffer(), () => new ArrayBuffer(0));
  const view = new DataView(bytes);
  for (let at = 8; at + 12 <= bytes.byteLength; ) {
    const length = view.getUint32(at);
    const kind = decode(bytes, at + 4, 4, "latin1");
    const name = "Description\0";
    if ((kind === "tEXt" || kind === "iTXt") && decode(bytes, at + 8, name.length, "latin1") === name) {
      const skipped = name.length + (kind === "iTXt" ? 4 : 0); // two flags and two empty strings
      return decode(bytes, at + 8 + skipped, length - skipped, kind === "tEXt" ? "latin1" : "utf-8");
    }
    at += 12 + length;
  }
  return "";
}

const decode = (bytes, from, length, as) => new TextDecoder(as).decode(new Uint8Array(bytes, from, length));
const text = (element) => element?.textContent.trim() ?? "";

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

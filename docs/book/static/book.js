// The frame of a pad grows to the height that the page inside tells.
window.addEventListener("message", (event) => {
  for (const frame of document.querySelectorAll("iframe.book-pad")) {
    if (event.source === frame.contentWindow && event.data.padHeight > 0) {
      frame.style.height = `${event.data.padHeight}px`;
      tellScheme();
    }
  }
});

// The page in the frame takes the colours of the book, which its reader may have set apart from the system's.
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function tellScheme() {
  const { theme } = document.body.dataset;
  const padScheme = theme === "dark" || (theme !== "light" && systemIsDark.matches) ? "dark" : "light";
  for (const frame of document.querySelectorAll("iframe.book-pad")) frame.contentWindow.postMessage({ padScheme }, "*");
}

systemIsDark.addEventListener("change", tellScheme);
window.addEventListener("load", () => {
  new MutationObserver(tellScheme).observe(document.body, { attributeFilter: ["data-theme"] });
});

// What is wider than the page scrolls by itself: it must be reachable by keyboard, and named.
const SCROLLING = { "div.highlight pre": "Code", "div.math": "Formula", ".table-wrapper": "Table" };

function nameWhatScrolls() {
  for (const [selector, name] of Object.entries(SCROLLING)) {
    for (const element of document.querySelectorAll(selector)) {
      if (element.scrollWidth > element.clientWidth && !element.hasAttribute("tabindex")) {
        element.tabIndex = 0;
        element.setAttribute("role", "group");
        element.setAttribute("aria-label", name);
      }
    }
  }
}

// A formula that is a little too wide for its column is set smaller; one that would get too small scrolls.
const SMALLEST = 0.7;

function fitFormulas() {
  for (const formula of document.querySelectorAll("div.math")) {
    formula.style.fontSize = "";
    const share = formula.clientWidth / formula.scrollWidth;
    if (share < 1 && share >= SMALLEST) formula.style.fontSize = `${Math.floor(1000 * share) / 10}%`;
  }
}

function fit() {
  fitFormulas();
  nameWhatScrolls();
}

window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  fit();
  window.addEventListener("resize", fit);
});

// A playground's sliders choose among pictures that were made beforehand, with their words.
for (const figure of document.querySelectorAll(".book-frames")) {
  const [image, caption] = [figure.querySelector("img"), figure.querySelector("figcaption")];
  const frames = JSON.parse(figure.querySelector("script").textContent);
  const sliders = [...figure.querySelectorAll("input")];
  const path = image.getAttribute("src").replace(/[^/]+$/, "");
  const show = () => {
    const name = sliders.map((slider) => slider.value).join("-");
    image.src = `${path}${name}.webp`;
    image.alt = frames[name].alt;
    caption.innerHTML = frames[name].words;
    for (const slider of sliders) {
      const value = slider.dataset.values.split(" ")[slider.value];
      slider.nextElementSibling.textContent = value;
      slider.setAttribute("aria-valuetext", value);
    }
  };
  for (const slider of sliders) slider.addEventListener("input", show);
  figure.addEventListener("pointerenter", () => {
    for (const name of Object.keys(frames)) new Image().src = `${path}${name}.webp`;
  }, { once: true });
}

// An excerpt in the search shows words, not TeX.
document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;
  const toText = Search.htmlToText;
  Search.htmlToText = (page, anchor) => {
    const parsed = new DOMParser().parseFromString(page, "text/html");
    for (const formula of parsed.querySelectorAll(".math")) formula.textContent = "…";
    return toText(parsed.documentElement.outerHTML, anchor);
  };
});

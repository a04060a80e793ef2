// The frame of a pad grows to the height that the page inside tells.
window.addEventListener("message", (event) => {
  for (const frame of document.querySelectorAll("iframe.book-pad")) {
    if (event.source === frame.contentWindow && event.data.padHeight > 0) {
      frame.style.height = `${event.data.padHeight}px`;
    }
  }
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

window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  nameWhatScrolls();
  window.addEventListener("resize", nameWhatScrolls);
});

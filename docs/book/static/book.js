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

window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  nameWhatScrolls();
  window.addEventListener("resize", nameWhatScrolls);
});

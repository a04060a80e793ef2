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

// A formula that is a little too wide for its column is set smaller; one that would get too small is broken into lines first,
// at the first kind of place in this list that makes it fit. What has no such place is set smaller still, and then scrolls.
const [SMALL, SMALLEST] = [0.75, 0.65];
const signs = (text) => new Set(text.split(" "));
const SPACES = signs(String.raw`\quad \qquad`);
const RELATIONS = signs(String.raw`= < > \le \leq \ge \geq \lt \gt \approx \equiv \propto \sim \to \Rightarrow \iff \ll \gg \ne`);
const SUMS = signs("+ -");
const PLACES = [
  { marks: SPACES, inBrackets: false },
  { marks: RELATIONS, inBrackets: false },
  { marks: SUMS, inBrackets: false },
  { marks: signs(String.raw`\text`), inBrackets: false },
  { marks: SUMS, inBrackets: true },
];
const [OPEN, CLOSE] = [signs(String.raw`{ \left \begin`), signs(String.raw`} \right \end`)];
const [OPEN_BRACKET, CLOSE_BRACKET] = [signs(String.raw`( [ \{`), signs(String.raw`) ] \}`)];

// The parts of a formula between the places where one of `marks` stands outside of groups (and brackets), each with its mark.
function parts(tex, marks, inBrackets = false) {
  const found = [""];
  let [depth, before] = [0, ""];
  for (const token of tex.match(/\\[a-zA-Z]+|\\.|[^]/g) ?? []) {
    const delimits = before === String.raw`\left` || before === String.raw`\right`;
    const counts = (group, bracket) => group.has(token) || (!inBrackets && !delimits && bracket.has(token));
    if (counts(CLOSE, CLOSE_BRACKET)) depth -= 1;
    if (depth === 0 && marks.has(token) && found.at(-1).trim() && !RELATIONS.has(before)) found.push("");
    if (counts(OPEN, OPEN_BRACKET)) depth += 1;
    found[found.length - 1] += token;
    if (token.trim()) before = token;
  }
  return depth === 0 ? found : [tex];
}

const widthOf = (tex) => parseFloat(MathJax.tex2svg(tex, { display: true }).querySelector("svg").getAttribute("width"));

// The lines of a formula, of at most `width` (in ex) where that can be done; neighbouring parts share one where they fit.
function linesOf(tex, width, place = 0) {
  if (place === PLACES.length || widthOf(tex) <= width) return [tex];
  const { marks, inBrackets } = PLACES[place];
  const lines = [];
  for (const part of parts(tex, marks, inBrackets)) {
    if (lines.length && widthOf(lines.at(-1) + part) <= width) lines[lines.length - 1] += part;
    else lines.push(part);
  }
  const indent = marks === SUMS ? String.raw`{}\quad ` : "";
  return lines.flatMap((line, i) => linesOf(line.replace(/^\s*(\\q?quad\s*)+/, ""), width, place + 1).map((l) => (i ? indent : "") + l));
}

// The TeX of a formula in lines. Rows of its own stay rows, and a box stays around them all.
function broken(tex, width) {
  const [boxed, inside] = /^\s*\\boxed\{([^]*)\}\s*$/.exec(tex) ?? [];
  if (boxed) return String.raw`\boxed{${broken(inside, width - 2)}}`;
  const [, , inner] = /^\s*\\begin\{(aligned|align\*?|split|gathered)\}([^]*)\\end\{\1\}\s*$/.exec(tex) ?? [];
  if (inner) return broken(inner, width);
  const words = tex.replace(/\\text\{([^{}$]*)\}/g, (_, text) => text.replace(/\S+\s*|^\s+/g, String.raw`\text{$&}`));
  const lines = parts(words, new Set([String.raw`\\`])).flatMap((row) => {
    const plain = parts(row.replace(/^\s*\\\\(\[[^\]]*\])?/, "").replaceAll("&&", String.raw`\quad `), new Set(["&"]));
    return linesOf(plain.map((part) => part.replace(/^\s*&/, "")).join(""), width);
  });
  return String.raw`\begin{aligned}${lines.map((line) => `&{}${line}`).join(String.raw`\\`)}\end{aligned}`;
}

const formulas = new Map();

function fitFormulas() {
  for (const item of formulas.size ? [] : MathJax.startup.document.math) {
    const formula = item.typesetRoot.closest("div.math");
    if (formula) formulas.set(formula, item);
  }
  for (const [formula, item] of formulas) fitFormula(formula, item);
}

function fitFormula(formula, item) {
  formula.style.fontSize = "";
  formula.querySelector("mjx-container").replaceWith(item.typesetRoot);
  const drawn = item.typesetRoot.querySelector("svg");
  if (!drawn || formula.clientWidth >= formula.scrollWidth) return;
  if (formula.clientWidth < SMALL * formula.scrollWidth) {
    const ex = drawn.getBoundingClientRect().width / parseFloat(drawn.getAttribute("width"));
    item.typesetRoot.replaceWith(MathJax.tex2svg(broken(item.math, formula.clientWidth / SMALL / ex), { display: true }));
  }
  const share = Math.min(1, (formula.clientWidth - 1) / formula.scrollWidth);
  formula.style.fontSize = `${Math.floor(1000 * Math.max(share, SMALLEST)) / 10}%`;
}

function fit() {
  if (window.MathJax?.startup?.document) fitFormulas();
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

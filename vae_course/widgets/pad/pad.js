// The latent pad: a plane of codes, and what a decoder makes of the code under the pointer.
//
// One implementation for two places. In a notebook anywidget calls `render`; a page of its own calls `openPage`. Both
// hand over the same contents (`contents.py` says which) and a host, which knows what to do with what happens:
//   host.moved(z)        the code changed
//   host.recorded(path)  the recorded path changed, a Float32Array x0, y0, x1, y1, ...
//   host.ask(z)          a picture is wanted from the kernel, which answers by pad.answer(z, pixels)

// Around the plane, for ticks and names; with these its edges are level with those of the pictures beside it.
const MARGIN = { left: 34, right: 8, top: 24, bottom: 40 };
const INK = "#1a1a1a", GREY = "#5f5f5f", FAINT = "#e9e9e9", BLUE = "#0072B2";
const FONT = 'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif';
const SYNC_PAUSE = 100; // milliseconds between two reports to the kernel, which need not see every frame
const PATIENCE = 5000; // milliseconds until a silent kernel is mentioned
const BIG_STEP = 10; // what Shift makes of a step
const LABEL = 19 / 438; // the size of a class's name for each pixel of the plane's side
// Where on a curve its share may stand, in order: from the top to either side, in steps of 10 degrees.
const TURNS = Array.from({ length: 36 }, (_, i) => (i % 2 ? 1 : -1) * Math.ceil(i / 2) * (Math.PI / 18));
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// ---------------------------------------------------------------------------------------------- the decoder

// The names are those of ACTIVATIONS in layers.py.
const ACTIVATIONS = {
  relu: () => (x) => Math.max(x, 0),
  leaky_relu: ({ slope }) => (x) => (x < 0 ? slope * x : x),
  elu: ({ alpha }) => (x) => (x < 0 ? alpha * Math.expm1(x) : x),
  silu: () => (x) => x / (1 + Math.exp(-x)),
  tanh: () => Math.tanh,
  sigmoid: () => (x) => 1 / (1 + Math.exp(-x)),
};

/** The layers with their weights, cut from one run of bytes: each matrix row after row, then its bias. */
export function readDecoder(layers, bytes, precision) {
  let at = 0;
  const take = (size, count) => bytes.subarray(at, (at += size * count));
  const matrix = (rows, columns) =>
    precision === "scaled16"
      ? scaled(floats(take(4, rows)), take(2, rows * columns), columns)
      : floats(take(4, rows * columns));
  return layers.map((layer) =>
    layer.kind === "linear"
      ? { weight: matrix(layer.out, layer.in), bias: floats(take(4, layer.out)) }
      : { activation: ACTIVATIONS[layer.kind](layer) },
  );
}

/** The picture of a code: [x, y] to a Float32Array with one number for each pixel. */
export function decode(decoder, z) {
  let values = Float32Array.from(z);
  for (const layer of decoder) values = layer.weight ? linear(layer, values) : values.map(layer.activation);
  return values;
}

function linear({ weight, bias }, input) {
  const output = new Float32Array(bias.length);
  for (let row = 0, at = 0; row < output.length; row++) {
    let sum = bias[row];
    for (let column = 0; column < input.length; column++) sum += weight[at++] * input[column];
    output[row] = sum;
  }
  return output;
}

/** Bytes as 32-bit numbers. They are copied, because they may begin where a Float32Array can't. */
function floats(bytes) {
  return new Float32Array(bytes.slice().buffer);
}

/** Bytes as whole numbers of 16 bits, row after row, each times the scale of its row. */
function scaled(scales, bytes, columns) {
  const levels = new Int16Array(bytes.slice().buffer);
  return Float32Array.from(levels, (level, at) => level * scales[Math.floor(at / columns)]);
}

// ---------------------------------------------------------------------------------------------- the pad

class Pad {
  constructor(root, about, buffers, host) {
    Object.assign(this, { root, about, host });
    this.decoder = about.layers && readDecoder(about.layers, buffers.weights, about.precision);
    this.codes = floats(buffers.codes);
    this.classes = buffers.classes;
    this.z = [0, 0];
    this.path = [];
    this.recording = false;
    this.parts = buildParts(root, about);
    this.listen();
    this.loadSheet(buffers.sheet);
  }

  /** Show a code; what lies beyond the plane is brought back to its edge. */
  moveTo(z) {
    const [x, y] = z.map((value) => Math.min(this.about.reach, Math.max(-this.about.reach, value)));
    if (x === this.z[0] && y === this.z[1]) return;
    this.z = [x, y];
    if (this.recording) {
      this.path.push(x, y);
      this.host.recorded(Float32Array.from(this.path));
    }
    this.host.moved(this.z);
    this.schedule();
  }

  setPath(path) {
    this.path = Array.from(path);
    this.schedule();
  }

  /** Draw with the next frame, however often something changes until then. */
  schedule() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    if (!this.backdrop) return;
    this.near = nearestCode(this.codes, this.z);
    drawPlane(this);
    this.showNearest();
    this.showWords();
    if (this.decoder) this.showPicture(this.z, decode(this.decoder, this.z));
    else this.askForPicture();
  }

  showPicture(z, pixels) {
    paint(this.parts.decoded, pixels);
    // For tests, and for whoever wants to build on a pad.
    this.root.dispatchEvent(new CustomEvent("vae-pad-picture", { detail: { z, pixels } }));
  }

  /** Ask the kernel, but never for two pictures at once, or they would queue up while z moves on. */
  askForPicture() {
    if (this.asked) return;
    this.asked = this.z;
    this.impatience = setTimeout(() => this.complain(), PATIENCE);
    try {
      this.host.ask(this.z);
    } catch {
      this.complain(); // there is no connection to speak through
    }
  }

  /** The kernel's answer, without pixels if it has failed; it shows why below the pad. */
  answer(z, pixels) {
    clearTimeout(this.impatience);
    this.parts.alert.hidden = true;
    this.asked = null;
    if (pixels) this.showPicture(z, pixels);
    if (String(z) !== String(this.z)) this.schedule();
  }

  complain() {
    clearTimeout(this.impatience);
    this.asked = null; // the next move asks again
    this.parts.alert.textContent =
      "No picture from the kernel, which draws them for this model: it is busy, or it is gone. " +
      "When it is idle, move on; if it was restarted, run this cell again.";
    this.parts.alert.hidden = false;
  }

  showNearest() {
    if (this.near < 0 || !this.sheet) return;
    const [columns, height, width] = this.about.pictures;
    const left = (this.near % columns) * width, top = Math.floor(this.near / columns) * height;
    const pen = this.parts.nearest.getContext("2d");
    pen.drawImage(this.sheet, left, top, width, height, 0, 0, width, height);
    const label = this.about.labels[this.classes[this.near]];
    this.parts.nearestName.textContent = label ? `Nearest real image: ${label.name}` : "Nearest real image";
  }

  showWords() {
    const words = `z = (${this.z.map(inWords).join(", ")})`;
    this.parts.status.textContent = words;
    this.parts.recorded.textContent = this.path.length ? `${this.path.length / 2} codes in the path` : "";
    // A screen reader hears where z has come to rest, not every frame of the way.
    clearTimeout(this.hush);
    this.hush = setTimeout(() => {
      const label = this.about.labels[this.classes[this.near]];
      this.parts.spoken.textContent = label ? `${words}, nearest real image: ${label.name}` : words;
    }, 400);
  }

  record() {
    this.recording = !this.recording;
    if (this.recording) {
      this.path = [...this.z];
      this.host.recorded(Float32Array.from(this.path));
    }
    this.showButtons();
    this.schedule();
  }

  clear() {
    this.recording = false;
    this.path = [];
    this.host.recorded(new Float32Array(0));
    this.showButtons();
    this.schedule();
  }

  showButtons() {
    const { record } = this.parts;
    record.textContent = this.recording ? "Stop recording" : "Record a path";
    record.setAttribute("aria-pressed", this.recording);
  }

  listen() {
    const { plane, record, clear, centre } = this.parts;
    plane.addEventListener("pointerdown", (event) => {
      if (event.button) return; // only the main one drags
      plane.setPointerCapture(event.pointerId);
      plane.focus({ preventScroll: true });
      this.moveTo(this.codeAt(event));
    });
    plane.addEventListener("pointermove", (event) => {
      if (plane.hasPointerCapture(event.pointerId)) this.moveTo(this.codeAt(event));
    });
    plane.addEventListener("keydown", (event) => this.pressed(event));
    record.addEventListener("click", () => this.record());
    clear.addEventListener("click", () => this.clear());
    centre.addEventListener("click", () => this.moveTo([0, 0]));
    // A notebook attaches a widget after it is made, and the plane shrinks on a narrow screen.
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(plane);
  }

  pressed(event) {
    if (event.key === "Home") this.moveTo([0, 0]);
    else if (event.key in ARROWS) {
      const step = this.about.step * (event.shiftKey ? BIG_STEP : 1);
      const [right, up] = ARROWS[event.key];
      // Rounded, or 0.1 + 0.2 would leave the lattice of steps.
      this.moveTo([this.z[0] + right * step, this.z[1] + up * step].map((value) => Math.round(value * 1e6) / 1e6));
    } else return;
    event.preventDefault(); // the page must not scroll
  }

  codeAt(event) {
    const box = this.parts.plane.getBoundingClientRect();
    const { left, top, side } = this.frameOfPlane();
    const across = (event.clientX - box.left - left) / side, down = (event.clientY - box.top - top) / side;
    return [(2 * across - 1) * this.about.reach, (1 - 2 * down) * this.about.reach];
  }

  /** Where the plane lies on its canvas, in CSS pixels: a square. */
  frameOfPlane() {
    const width = this.parts.plane.clientWidth - MARGIN.left - MARGIN.right;
    return { left: MARGIN.left, top: MARGIN.top, side: Math.max(width, 1) };
  }

  resize() {
    const { plane } = this.parts;
    if (!plane.clientWidth) return;
    const { top, side } = this.frameOfPlane();
    plane.style.height = `${top + side + MARGIN.bottom}px`;
    const scale = window.devicePixelRatio || 1;
    plane.width = Math.round(plane.clientWidth * scale);
    plane.height = Math.round(plane.clientHeight * scale);
    this.backdrop = drawBackdrop(this, scale);
    this.schedule();
  }

  async loadSheet(bytes) {
    if (!bytes.length) return;
    this.sheet = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    this.schedule();
  }

  /** Leave nothing running when the page drops the widget. */
  stop() {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.impatience);
    clearTimeout(this.hush);
  }
}

/** The position of the nearest of the codes x0, y0, x1, y1, ..., or -1 where there are none. */
export function nearestCode(codes, [x, y]) {
  let best = -1, least = Infinity;
  for (let i = 0; i < codes.length; i += 2) {
    const distance = (codes[i] - x) ** 2 + (codes[i + 1] - y) ** 2;
    if (distance < least) [best, least] = [i / 2, distance];
  }
  return best;
}

// ---------------------------------------------------------------------------------------------- drawing

/** A pen on a canvas that measures in CSS pixels, and the place of a code on it. */
function penFor(pad, canvas, scale) {
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  const { left, top, side } = pad.frameOfPlane();
  const unit = side / (2 * pad.about.reach);
  const at = ([x, y]) => [left + (x + pad.about.reach) * unit, top + (pad.about.reach - y) * unit];
  return { pen, at, unit, left, top, side };
}

/** What never changes is drawn once: the grid, the codes, the prior's contours and the labels. */
function drawBackdrop(pad, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = pad.parts.plane.width;
  canvas.height = pad.parts.plane.height;
  const tools = penFor(pad, canvas, scale);
  tools.pen.fillStyle = "#fff";
  tools.pen.fillRect(0, 0, canvas.width, canvas.height);
  drawGrid(pad, tools);
  const size = Math.min(19, Math.max(12, tools.side * LABEL)), taken = [];
  for (const { name, at: place } of pad.about.labels) taken.push(boxOf(name, tools.at(place), size));
  inside(tools, () => {
    drawCodes(pad, tools);
    for (const contour of pad.about.contours) drawContour(contour, tools, taken);
  });
  for (const label of pad.about.labels) drawLabel(label, tools, size);
  pad.parts.plane.dataset.boxes = JSON.stringify(taken); // for tests
  return canvas;
}

/** Whatever is drawn meanwhile ends at the plane's edge. */
function inside({ pen, left, top, side }, draw) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, side, side);
  pen.clip();
  draw();
  pen.restore();
}

function drawGrid({ about }, { pen, at, left, top, side }) {
  pen.font = `12px ${FONT}`;
  pen.textAlign = "center";
  for (const tick of ticks(about.reach)) {
    const [x, y] = at([tick, tick]);
    pen.fillStyle = tick ? FAINT : "#c4c4c4";
    pen.fillRect(x - 0.5, top, 1, side);
    pen.fillRect(left, y - 0.5, side, 1);
    pen.fillStyle = GREY;
    pen.textBaseline = "top";
    pen.fillText(inTicks(tick), x, top + side + 6);
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    pen.fillText(inTicks(tick), left - 7, y);
    pen.textAlign = "center";
  }
  pen.strokeStyle = "#b8b8b8";
  pen.strokeRect(left, top, side, side);
  drawNames({ pen, left, top, side });
}

function drawNames({ pen, left, top, side }) {
  pen.fillStyle = INK;
  pen.font = `13px ${FONT}`;
  pen.textBaseline = "alphabetic";
  pen.fillText("z[0]", left + side / 2, top + side + 36);
  pen.textAlign = "left";
  pen.fillText("z[1]", left, top - 9);
}

/** Round numbers across the plane, about seven of them. */
function ticks(reach) {
  const rough = (2 * reach) / 7, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.99);
  const most = Math.floor(reach / step);
  return Array.from({ length: 2 * most + 1 }, (_, i) => (i - most) * step);
}

function drawCodes({ about, codes, classes }, { pen, at }) {
  const radius = codes.length > 1000 ? 2 : 3;
  pen.globalAlpha = 0.5;
  for (let i = 0; i < codes.length; i += 2) {
    const [x, y] = at([codes[i], codes[i + 1]]);
    pen.fillStyle = about.labels[classes[i / 2]]?.colour ?? GREY;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
  }
  pen.globalAlpha = 1;
}

/** The room of a text around its middle: left, top, right, bottom. */
function boxOf(text, [x, y], size) {
  const across = 0.34 * size * text.length + 2, up = 0.5 * size + 1;
  return [x - across, y - up, x + across, y + up];
}

function meet(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/** A dashed curve with the share of the prior inside it, written at its top or as near to that as no label stands. */
function drawContour({ share, centre, radii }, { pen, at, unit, left, top, side }, taken) {
  const [x, y] = at(centre), [right, up] = radii.map((radius) => radius * unit);
  pen.strokeStyle = INK;
  pen.setLineDash([5, 4]);
  pen.beginPath();
  pen.ellipse(x, y, right, up, 0, 0, 2 * Math.PI);
  pen.stroke();
  pen.setLineDash([]);
  const text = `${Math.round(100 * share)}%`, plane = [left, top, left + side, top + side];
  for (const turn of TURNS) {
    const place = [x + right * Math.sin(turn), y - up * Math.cos(turn)], box = boxOf(text, place, 11);
    const within = box[0] >= plane[0] && box[1] >= plane[1] && box[2] <= plane[2] && box[3] <= plane[3];
    if (!within || taken.some((other) => meet(box, other))) continue;
    taken.push(box);
    pen.font = `11px ${FONT}`;
    haloed(pen, text, ...place, INK);
    return;
  }
}

function drawLabel({ name, colour, at: place }, { pen, at }, size) {
  pen.font = `bold ${size}px ${FONT}`;
  haloed(pen, name, ...at(place), colour);
}

/** Text that can be read on anything. */
function haloed(pen, text, x, y, colour) {
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.lineWidth = 4;
  pen.strokeStyle = "#fff";
  pen.strokeText(text, x, y);
  pen.lineWidth = 1;
  pen.fillStyle = colour;
  pen.fillText(text, x, y);
}

/** The backdrop, and on it what moves. */
function drawPlane(pad) {
  const { plane } = pad.parts;
  const tools = penFor(pad, plane, plane.width / plane.clientWidth);
  tools.pen.drawImage(pad.backdrop, 0, 0, plane.clientWidth, plane.clientHeight);
  inside(tools, () => {
    drawPath(pad, tools);
    if (pad.near >= 0) drawNear(pad, tools);
  });
  drawHandle(pad, tools);
}

function drawPath({ path }, { pen, at }) {
  if (!path.length) return;
  pen.beginPath();
  for (let i = 0; i < path.length; i += 2) pen.lineTo(...at([path[i], path[i + 1]]));
  for (const [width, colour] of [[6, "#fff"], [2.5, INK]]) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.stroke();
  }
  pen.lineWidth = 1;
  pen.fillStyle = INK;
  const [x, y] = at(path);
  pen.fillRect(x - 4, y - 4, 8, 8);
}

/** A ring around the nearest code and a line to it. */
function drawNear({ codes, near, z }, { pen, at }) {
  const there = at([codes[2 * near], codes[2 * near + 1]]);
  pen.strokeStyle = INK;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(...at(z));
  pen.lineTo(...there);
  pen.stroke();
  pen.fillStyle = "#fff";
  pen.beginPath();
  pen.arc(...there, 4.5, 0, 2 * Math.PI);
  pen.fill();
  pen.stroke();
}

function drawHandle({ z, recording }, { pen, at }) {
  pen.beginPath();
  pen.arc(...at(z), 9, 0, 2 * Math.PI);
  pen.fillStyle = recording ? "#C00000" : BLUE;
  pen.fill();
  pen.lineWidth = 3;
  pen.strokeStyle = "#fff";
  pen.stroke();
  pen.lineWidth = 1;
  pen.strokeStyle = INK;
  pen.beginPath();
  pen.arc(...at(z), 10.5, 0, 2 * Math.PI);
  pen.stroke();
}

/** A picture, one number a pixel, with black for 1. */
function paint(canvas, pixels) {
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < pixels.length; i++) {
    const level = 255 * (1 - pixels[i]);
    image.data[4 * i] = image.data[4 * i + 1] = image.data[4 * i + 2] = level; // the array rounds and clips
    image.data[4 * i + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
}

/** Two places, and never -0.00. */
function inWords(value) {
  return (Math.round(value * 100) / 100 || 0).toFixed(2);
}

/** A tick with a true minus sign, without the noise of its last digits. */
function inTicks(value) {
  return String(Number(value.toPrecision(6))).replace("-", "\u2212");
}

// ---------------------------------------------------------------------------------------------- the page

function buildParts(root, about) {
  const [height, width] = about.shape;
  const plane = make("canvas", "pad-plane", {
    tabindex: 0,
    role: "application",
    "aria-label": "The plane of codes. Arrow keys move z, Shift makes larger steps, Home goes to the centre.",
    // Or Jupyter takes the arrow keys to go to another cell: Notebook 7 does.
    "data-lm-suppress-shortcuts": "true",
  });
  const decoded = picture("The decoded picture", width, height);
  const parts = {
    plane, decoded,
    status: make("span", "pad-status"),
    recorded: make("span", "pad-recorded"),
    spoken: make("span", "pad-spoken", { role: "status" }),
    alert: make("p", "pad-alert", { role: "alert", hidden: "" }),
    record: make("button", "pad-button", { type: "button", "aria-pressed": "false" }, "Record a path"),
    clear: make("button", "pad-button", { type: "button" }, "Clear the path"),
    centre: make("button", "pad-button", { type: "button" }, "To the centre"),
  };
  const cards = make("div", "pad-cards");
  cards.append(card("Decoded", decoded, parts.status));
  if (about.pictures) {
    parts.nearest = picture("The nearest real image", about.pictures[2], about.pictures[1]);
    parts.nearestName = make("span", "pad-name", {}, "Nearest real image");
    cards.append(card(parts.nearestName, parts.nearest));
  }
  root.classList.add("vae-pad");
  root.append(stage(plane, cards), buttons(parts), hint(about), parts.alert, parts.spoken);
  return parts;
}

function stage(plane, cards) {
  const both = make("div", "pad-stage");
  both.append(plane, cards);
  return both;
}

function buttons({ record, clear, centre, recorded }) {
  const row = make("div", "pad-buttons");
  row.append(record, clear, centre, recorded);
  return row;
}

function hint({ contours, pictures, reason }) {
  const sentences = ["Drag in the plane, or press the arrow keys on it; Shift makes larger steps, Home is the centre."];
  if (pictures) sentences.push("Dots are the codes of real images, the ring the nearest.");
  if (contours.length) sentences.push("Dashed curves hold that share of the prior.");
  if (reason) sentences.push(`Each picture comes from the kernel: ${reason}.`);
  return make("p", "pad-hint", {}, sentences.join(" "));
}

/** A picture under its name, with what is said about it. */
function card(name, canvas, said) {
  const figure = make("figure", "pad-card"), caption = make("figcaption", "pad-caption");
  caption.append(name);
  if (said) caption.append(said);
  figure.append(caption, canvas);
  return figure;
}

function picture(name, width, height) {
  return make("canvas", "pad-picture", { role: "img", "aria-label": name, width, height });
}

function make(tag, name, attributes = {}, text = "") {
  const element = document.createElement(tag);
  element.className = name;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

// ---------------------------------------------------------------------------------------------- the two places

/** A page of its own: there is no kernel to talk to. */
export function openPage(root, { about, buffers }) {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const decoded = Object.fromEntries(Object.entries(buffers).map(([name, text]) => [name, bytes(text)]));
  new Pad(root, about, decoded, { moved() {}, recorded() {}, ask() {} });
}

/** A notebook: anywidget calls this for each place where the widget is shown. */
function render({ model, el }) {
  const bytes = (name) => viewed(model.get(name));
  const names = ["weights", "codes", "classes", "sheet"];
  const root = el.appendChild(document.createElement("div"));
  const report = reporter(model);
  const pad = new Pad(root, model.get("about"), Object.fromEntries(names.map((name) => [name, bytes(name)])), {
    moved: (z) => report("z", [...z]),
    recorded: (path) => report("path", new DataView(path.buffer)),
    ask: (z) => model.send({ z }),
  });
  const moved = () => pad.moveTo(model.get("z"));
  const redrawn = () => pad.setPath(floats(bytes("path")));
  const answered = ({ z }, buffers) => pad.answer(z, buffers.length ? floats(viewed(buffers[0])) : null);
  model.on("change:z", moved);
  model.on("change:path", redrawn);
  model.on("msg:custom", answered);
  moved();
  redrawn();
  return () => {
    model.off("change:z", moved);
    model.off("change:path", redrawn);
    model.off("msg:custom", answered);
    pad.stop();
  };
}

/** What Jupyter hands over as a DataView, as bytes. */
function viewed(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Tell the kernel what has changed: at once, and then not more often than every SYNC_PAUSE, the last value always. */
function reporter(model) {
  let news = {}, waiting = false;
  const tell = () => {
    waiting = Object.keys(news).length > 0;
    if (!waiting) return;
    for (const [name, value] of Object.entries(news)) model.set(name, value);
    news = {};
    model.save_changes();
    setTimeout(tell, SYNC_PAUSE);
  };
  return (name, value) => {
    news[name] = value;
    if (!waiting) tell();
  };
}

export default { render };

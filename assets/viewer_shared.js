// What both canvas viewers share: the message, the theme, the frame of toolbar and panes, one instance per place.

const GAP = -32768; // the code of a sample without a value

// Inverse of `viewer_message.pack`: {header, samples}.
async function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const body = new Blob([bytes.subarray(4 + length)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(body).arrayBuffer());
  const samples = new Int16Array(planes.length / 2);
  for (let i = 0, value = 0; i < samples.length; i++) {
    value += planes[i] | (planes[samples.length + i] << 8);
    samples[i] = value;
  }
  return { header, samples };
}

function selection(label, options, chosen, onChoose) {
  const select = element("select", { "aria-label": label, onchange: () => onChoose(Number(select.value)) });
  options.forEach((text, index) => select.append(new Option(text, index, false, index === chosen)));
  return element("label", {}, element("span", {}, label), select);
}

function button(text, label, onPress) {
  return element("button", { type: "button", "aria-label": label, title: label, onclick: onPress }, text);
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Channels 0–255 of any CSS colour that the browser computes.
function channels(colour) {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

function mix(colour, other, share) {
  const [a, b] = [channels(colour), channels(other)];
  return `rgb(${[0, 1, 2].map((i) => Math.round(a[i] * (1 - share) + b[i] * share)).join(" ")})`;
}

function themeOf(node) {
  const style = getComputedStyle(node);
  const value = (name, fallback) => style.getPropertyValue(`--st-${name}`).trim() || fallback;
  const background = value("background-color", "#ffffff");
  const [red, green, blue] = channels(background);
  return {
    dark: 0.299 * red + 0.587 * green + 0.114 * blue < 128,
    background,
    ink: value("text-color", "#1a1d21"),
    accent: value("primary-color", "#0f766e"),
    font: value("font", "sans-serif"),
  };
}

// Sizes a canvas to its box in device pixels; drawing is then in CSS pixels.
function surface(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas.parentElement;
  const [columns, rows] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height, ratio };
}

// The frame of a viewer. A subclass gives: load(header, samples), controls(), stage(pane), draw(pane), keys, reset().
class Viewer {
  constructor(container) {
    this.container = container;
    this.panes = [];
    this.identity = null;
    this.request = 0;
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(container);
  }

  async show(bytes) {
    const request = ++this.request;
    const { header, samples } = await unpack(bytes);
    if (request !== this.request) return; // a later message has come in between
    this.theme = themeOf(this.container);
    if (header.identity !== this.identity) {
      this.identity = header.identity;
      this.header = header;
      this.container.style.height = `${header.height}px`;
      this.load(header, samples);
      this.build();
    }
    this.redraw();
  }

  build() {
    const focused = this.container.getRootNode().activeElement;
    const again = focused && this.container.contains(focused);
    this.toolbar = element("div", { class: "toolbar", role: "toolbar", "aria-label": "Display" });
    const row = element("div", { class: "panes" }, ...this.panes.map((pane, index) => this.frame(pane, index)));
    this.container.replaceChildren(this.toolbar, row);
    this.refreshControls();
    this.active = Math.min(this.active ?? 0, this.panes.length - 1);
    if (again) this.panes[this.active].canvas.focus({ preventScroll: true });
  }

  refreshControls() {
    this.toolbar.replaceChildren(...this.controls());
  }

  frame(pane, index) {
    const label = [this.name, pane.title, this.help].filter(Boolean).join(". ");
    pane.canvas = element("canvas", { tabindex: "0", role: "group", "aria-label": label });
    pane.stage = element("div", { class: "stage" }, pane.canvas);
    const title = element("div", { class: "title" });
    if (pane.colour) title.append(element("span", { class: "chip", style: `background: ${pane.colour}` }));
    title.append(pane.title || "\u00a0");
    const children = [title, pane.stage];
    this.furnish(pane, children);
    this.listen(pane, index);
    return element("div", { class: "pane" }, ...children);
  }

  listen(pane, index) {
    const { canvas } = pane;
    canvas.addEventListener("focus", () => this.activate(index));
    canvas.addEventListener("pointerdown", (event) => {
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      pane.grip = { x: event.clientX, y: event.clientY };
    });
    canvas.addEventListener("pointermove", (event) => {
      const held = pane.grip && event.buttons & 1;
      if (held) {
        this.drag(pane, event.clientX - pane.grip.x, event.clientY - pane.grip.y);
        pane.grip = { x: event.clientX, y: event.clientY };
      }
      this.hover(pane, { x: event.offsetX, y: event.offsetY });
    });
    canvas.addEventListener("pointerup", () => (pane.grip = null));
    canvas.addEventListener("pointerleave", () => this.hover(pane, null));
    canvas.addEventListener("dblclick", () => this.reset());
    canvas.addEventListener("wheel", (event) => this.wheel(pane, event) && event.preventDefault(), { passive: false });
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !this.key(pane, event.key)) return;
      event.preventDefault();
      event.stopPropagation(); // the page may use the same keys for answers
    });
  }

  activate(index) {
    if (this.active === index) return;
    this.active = index;
    if (!this.header.linked) this.refreshControls();
  }

  redraw() {
    if (this.pending || !this.panes.length) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = null;
      // The pane under the pointer comes first: it says at what moment the others draw their cursor.
      for (const pane of this.panes) if (pane === this.pointed) this.draw(pane);
      for (const pane of this.panes) if (pane !== this.pointed) this.draw(pane);
      this.announce();
    });
  }

  // Tells the page, once, in which frame what it is waiting for was first seen; a rater's clock starts there.
  announce() {
    const { showing } = this.header;
    if (!showing || showing === this.announced) return;
    this.announced = showing;
    window.firstFrame = { showing, at: performance.now() };
    window.dispatchEvent(new Event("firstframe"));
  }

  dispose() {
    this.request++;
    this.observer.disconnect();
    cancelAnimationFrame(this.pending);
  }
}

// Streamlit calls a component again for every message and every change of theme, with the same place in the page.
function mounting(Kind) {
  const places = new WeakMap();
  return ({ parentElement, data }) => {
    const container = parentElement.querySelector(".viewer");
    if (!places.has(container)) places.set(container, new Kind(container));
    const viewer = places.get(container);
    if (data) viewer.show(data);
    return () => viewer.dispose();
  };
}

// CT slices: window presets on number keys, drag to window, wheel to scroll, HU under the cursor.

const PRESETS = [
  ["Brain", 80, 40],
  ["Subdural", 200, 80],
  ["Stroke", 40, 40],
  ["Bone", 2500, 500],
]; // name, width, level in HU

// Columns of a limited Catmull-Rom interpolation. The result stays between the two neighbours, so that bone leaves no
// dark ring in the brain beside it.
function interpolation(from, to) {
  const taps = new Int32Array(to * 4);
  const weights = new Float32Array(to * 4);
  for (let i = 0; i < to; i++) {
    const position = ((i + 0.5) * from) / to - 0.5;
    const whole = Math.floor(position);
    const t = position - whole;
    weights.set([
      ((-t + 2) * t - 1) * t * 0.5,
      ((3 * t - 5) * t * t + 2) * 0.5,
      ((-3 * t + 4) * t + 1) * t * 0.5,
      (t - 1) * t * t * 0.5,
    ], i * 4);
    for (let k = 0; k < 4; k++) taps[i * 4 + k] = clamp(whole - 1 + k, 0, from - 1);
  }
  return { taps, weights };
}

function limited(a, b, c, d, weights, at) {
  const value = a * weights[at] + b * weights[at + 1] + c * weights[at + 2] + d * weights[at + 3];
  return b < c ? clamp(value, b, c) : clamp(value, c, b);
}

// (height, width) HU → (rows, columns) HU
function upscale(source, height, width, rows, columns) {
  const across = interpolation(width, columns);
  const down = interpolation(height, rows);
  const wide = new Float32Array(height * columns);
  for (let y = 0; y < height; y++) {
    for (let x = 0, at = 0; x < columns; x++, at += 4) {
      const [p, t] = [y * width, across.taps];
      wide[y * columns + x] = limited(
        source[p + t[at]], source[p + t[at + 1]], source[p + t[at + 2]], source[p + t[at + 3]], across.weights, at);
    }
  }
  const result = new Float32Array(rows * columns);
  for (let y = 0, at = 0; y < rows; y++, at += 4) {
    const [a, b, c, d] = [0, 1, 2, 3].map((k) => down.taps[at + k] * columns);
    for (let x = 0; x < columns; x++) {
      result[y * columns + x] = limited(wide[a + x], wide[b + x], wide[c + x], wide[d + x], down.weights, at);
    }
  }
  return result;
}

class SliceViewer extends Viewer {
  name = "CT slices";
  help = "Keys 1 to 4 choose the window, arrow up and down scroll";

  load(header, samples) {
    const depths = header.panes.map((pane) => pane.shape[0]).join();
    const kept = this.depths === depths ? this.panes.map((pane) => pane.view) : [];
    this.depths = depths;
    let offset = 0;
    this.panes = header.panes.map((pane, index) => {
      const [depth, height, width] = pane.shape;
      const volume = samples.subarray(offset, (offset += depth * height * width));
      return { ...pane, depth, rows: height, columns: width, volume, view: kept[index] ?? this.start(depth) };
    });
  }

  start(depth) {
    const [, width, level] = PRESETS[0];
    return { slice: (depth - 1) >> 1, width, level };
  }

  furnish(pane) {
    pane.stage.classList.add("dark");
    pane.corners = {};
    for (const [name, place] of [
      ["slice", "upper left"],
      ["value", "upper right"],
      ["window", "lower left"],
      ["note", "lower right"],
    ]) {
      pane.corners[name] = element("div", { class: `corner ${place}`, "data-corner": name });
      pane.stage.append(pane.corners[name]);
    }
  }

  controls() {
    const presets = PRESETS.map(([name, width, level], index) => {
      const { numberKeys } = this.header; // false where the page takes them as answers
      const label = `Window ${name.toLowerCase()}: width ${width}, level ${level} HU`;
      const [text, title] = numberKeys ? [`${index + 1} ${name}`, `${label}. Key ${index + 1}`] : [name, label];
      const node = button(text, title, () => this.preset(index));
      node.dataset.preset = index;
      return node;
    });
    const group = element("div", { class: "group", role: "group", "aria-label": "Window" }, ...presets);
    return [group, button("Reset", "Reset window and position. Double click", () => this.reset())];
  }

  // Panes that follow a change in `pane`.
  followers(pane) {
    return this.header.linked ? this.panes : [pane];
  }

  preset(index, pane = this.panes[this.active]) {
    const [, width, level] = PRESETS[index];
    for (const each of this.followers(pane)) Object.assign(each.view, { width, level });
    this.redraw();
  }

  scroll(pane, steps) {
    pane.view.slice = clamp(pane.view.slice + steps, 0, pane.depth - 1);
    const share = pane.depth > 1 ? pane.view.slice / (pane.depth - 1) : 0;
    for (const each of this.followers(pane)) {
      each.view.slice = each.depth === pane.depth ? pane.view.slice : Math.round(share * (each.depth - 1));
    }
    this.redraw();
    return pane.depth > 1;
  }

  drag(pane, dx, dy) {
    const step = Math.max(1, pane.view.width / 300); // wide windows move faster
    const width = clamp(pane.view.width + dx * step, 2, 4000);
    const level = clamp(pane.view.level + dy * step, -1200, 3000);
    for (const each of this.followers(pane)) Object.assign(each.view, { width, level });
    this.redraw();
  }

  wheel(pane, event) {
    if (!event.deltaY) return false;
    pane.turned = (Math.sign(pane.turned ?? 0) === Math.sign(event.deltaY) ? pane.turned : 0) + event.deltaY;
    const notch = event.deltaMode === 0 ? 50 : 1; // a touchpad sends many small steps
    const steps = Math.trunc(pane.turned / notch);
    if (steps) pane.turned = 0;
    return this.scroll(pane, clamp(steps, -1, 1));
  }

  key(pane, key) {
    const steps = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -1, ArrowRight: 1, PageUp: -5, PageDown: 5 };
    if (key in steps) this.scroll(pane, steps[key]);
    else if (key === "Home" || key === "End") this.scroll(pane, key === "Home" ? -pane.depth : pane.depth);
    else if (this.header.numberKeys && key >= "1" && key <= String(PRESETS.length)) this.preset(Number(key) - 1, pane);
    else return false;
    return true;
  }

  hover(pane, point) {
    pane.pointer = point;
    this.describe(pane);
  }

  reset() {
    for (const pane of this.panes) Object.assign(pane.view, this.start(pane.depth));
    this.redraw();
  }

  // The picture's place in the viewport, CSS pixels.
  fit(pane, width, height) {
    const scale = Math.min(width / pane.columns, height / pane.rows);
    const [w, h] = [pane.columns * scale, pane.rows * scale];
    return { scale, left: (width - w) / 2, top: (height - h) / 2, width: w, height: h };
  }

  draw(pane) {
    const { context, width, height, ratio } = surface(pane.canvas);
    const place = (pane.place = this.fit(pane, width, height));
    const [columns, rows] = [Math.round(place.width * ratio), Math.round(place.height * ratio)];
    if (columns < 1 || rows < 1) return;
    this.interpolate(pane, columns, rows);
    context.drawImage(this.paint(pane, columns, rows), place.left, place.top, place.width, place.height);
    this.drawScale(context, pane, width, height);
    this.drawPosition(context, pane, width, height);
    this.describe(pane);
    this.markPreset();
  }

  // HU at every device pixel, kept until slice or size change: windowing then costs one pass.
  interpolate(pane, columns, rows) {
    const wanted = `${pane.view.slice} ${columns} ${rows}`;
    if (pane.cached === wanted) return;
    const size = pane.rows * pane.columns;
    const source = pane.volume.subarray(pane.view.slice * size, (pane.view.slice + 1) * size);
    pane.hounsfield = upscale(source, pane.rows, pane.columns, rows, columns);
    pane.cached = wanted;
  }

  paint(pane, columns, rows) {
    if (pane.image?.width !== columns || pane.image?.height !== rows) pane.image = new ImageData(columns, rows);
    const grey = new Uint32Array(pane.image.data.buffer);
    const { width, level } = pane.view;
    const [lowest, slope] = [level - width / 2, 255 / width];
    for (let i = 0; i < grey.length; i++) {
      const shade = clamp(Math.round((pane.hounsfield[i] - lowest) * slope), 0, 255);
      grey[i] = 0xff000000 | (shade << 16) | (shade << 8) | shade;
    }
    pane.bitmap ??= new OffscreenCanvas(columns, rows);
    Object.assign(pane.bitmap, { width: columns, height: rows });
    pane.bitmap.getContext("2d").putImageData(pane.image, 0, 0);
    return pane.bitmap;
  }

  drawScale(context, pane, width, height) {
    const perMm = pane.place.scale * pane.pixelsPerMm;
    const length = [100, 50, 20, 10, 5, 2, 1].find((mm) => mm * perMm <= width * 0.3) ?? 1;
    const [right, bottom] = [width - 16, height - 26];
    context.strokeStyle = context.fillStyle = "#d5dade";
    context.shadowColor = "#000";
    context.shadowBlur = 3;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(right - length * perMm, bottom - 4);
    context.lineTo(right - length * perMm, bottom);
    context.lineTo(right, bottom);
    context.lineTo(right, bottom - 4);
    context.stroke();
    context.font = `12px ${this.theme.font}`;
    context.textAlign = "right";
    context.fillText(`${length} mm`, right, bottom - 8);
    context.shadowBlur = 0;
  }

  // A thumb at the right edge: where in the stack we are.
  drawPosition(context, pane, width, height) {
    if (pane.depth < 2) return;
    const thumb = Math.max(14, height / pane.depth);
    context.fillStyle = "#ffffff55";
    context.fillRect(width - 5, (pane.view.slice / (pane.depth - 1)) * (height - thumb), 3, thumb);
  }

  describe(pane) {
    const { slice, width, level } = pane.view;
    pane.corners.slice.textContent = `Slice ${slice + 1} / ${pane.depth}\n${pane.captions[slice] ?? ""}`;
    pane.corners.window.textContent = `W ${Math.round(width)}  L ${Math.round(level)}`;
    pane.corners.note.textContent = pane.note;
    pane.corners.value.textContent = this.valueAt(pane);
  }

  valueAt(pane) {
    if (!pane.pointer || !pane.place) return "";
    const x = Math.floor((pane.pointer.x - pane.place.left) / pane.place.scale);
    const y = Math.floor((pane.pointer.y - pane.place.top) / pane.place.scale);
    if (x < 0 || y < 0 || x >= pane.columns || y >= pane.rows) return "";
    const value = pane.volume[(pane.view.slice * pane.rows + y) * pane.columns + x];
    return value === GAP ? "no value" : `${String(value).replace("-", "\u2212")} HU`;
  }

  markPreset() {
    const { width, level } = this.panes[this.active].view;
    for (const node of this.toolbar.querySelectorAll("[data-preset]")) {
      const [, w, l] = PRESETS[node.dataset.preset];
      node.setAttribute("aria-pressed", String(w === width && l === level));
    }
  }
}

export default mounting(SliceViewer);

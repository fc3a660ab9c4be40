// How a pane of waveforms is laid out and drawn: plain functions of pane, view and area.

const COLUMNS_3X4 = [["I", "II", "III"], ["AVR", "AVL", "AVF"], ["V1", "V2", "V3"], ["V4", "V5", "V6"]];
const AXIS = 20; // px below the traces
const TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600]; // s

function hasTwelveLeads(pane) {
  const names = new Set(pane.channels.map((channel) => channel.name.toUpperCase()));
  return COLUMNS_3X4.flat().every((name) => names.has(name));
}

// CSS pixels per mm: whole device pixels, so that the lines are evenly spaced; 10 s should fit, a row have 12 mm.
function paperScale(pane, width, rowHeight, ratio) {
  const fitting = Math.min(width / (25 * Math.min(pane.seconds, 10) + 7), rowHeight / 12);
  return Math.round(clamp(fitting, 2.75, 5) * ratio) / ratio;
}

// One row per channel. A segment: channel index, time `from` … `to`, from `x` to `right`, baseline `y`.
function stacked(pane, view, area) {
  return pane.channels.map((_, index) => ({
    index,
    from: view.start,
    to: Math.min(view.start + (area.right - area.left) / area.perSecond, pane.seconds),
    x: area.left,
    right: area.right,
    y: area.top + (index + 0.5) * area.rowHeight,
    first: true,
  }));
}

// Three rows of four leads, time running on from column to column, and lead II throughout below.
function threeByFour(pane, view, area) {
  const index = (name) => pane.channels.findIndex((channel) => channel.name.toUpperCase() === name);
  const seconds = Math.min((area.right - area.left) / area.perSecond, pane.seconds - view.start);
  const place = (name, row, column, columns) => ({
    index: index(name),
    from: view.start + (column / columns) * seconds,
    to: view.start + ((column + 1) / columns) * seconds,
    x: area.left + (column / columns) * seconds * area.perSecond,
    right: area.left + ((column + 1) / columns) * seconds * area.perSecond,
    y: area.top + (row + 0.5) * area.rowHeight,
    first: column === 0,
    inside: true,
    divided: column > 0,
  });
  const grid = COLUMNS_3X4.flatMap((names, column) => names.map((name, row) => place(name, row, column, 4)));
  return [...grid, place("II", 3, 0, 1)];
}

function nearest(segments, { x, y }) {
  const inside = segments.filter((segment) => x >= segment.x && x < segment.right);
  return inside.reduce((best, next) => (!best || Math.abs(next.y - y) < Math.abs(best.y - y) ? next : best), null);
}

function segmentAt(pane, { index, time }) {
  return pane.segments.find((segment) => segment.index === index && time >= segment.from && time < segment.to);
}

function valueAt(pane, index, time) {
  const code = pane.codes[index][Math.round(time * pane.rate)] ?? GAP;
  const { scale, offset } = pane.channels[index];
  return code === GAP ? NaN : offset + scale * code;
}

function drawTrace(context, pane, segment, area, colour) {
  const { scale, offset, centre } = pane.channels[segment.index];
  const codes = pane.codes[segment.index];
  const first = Math.max(0, Math.floor(segment.from * pane.rate));
  const last = Math.min(codes.length - 1, Math.ceil(segment.to * pane.rate));
  const x = (i) => segment.x + (i / pane.rate - segment.from) * area.perSecond;
  const y = (code) => segment.y - (offset + scale * code - centre) * area.perUnit;
  const dense = pane.rate / area.perSecond > 3; // then the lowest and the highest sample of each pixel column
  const stride = dense ? Math.ceil(pane.rate / area.perSecond) : 1;
  context.strokeStyle = colour;
  context.lineWidth = dense ? 1 : 1.2;
  context.lineJoin = "round";
  context.beginPath();
  let open = false;
  for (let i = first - (first % stride); i <= last; i += stride) {
    let [low, high] = [i, i];
    for (let k = i + 1; k < Math.min(i + stride, last + 1); k++) {
      if (codes[k] < codes[low]) low = k;
      if (codes[k] > codes[high]) high = k;
    }
    if (codes[low] === GAP) {
      open = false;
      continue;
    }
    const [earlier, later] = low < high ? [low, high] : [high, low];
    context[open ? "lineTo" : "moveTo"](x(earlier), y(codes[earlier]));
    if (later !== earlier) context.lineTo(x(later), y(codes[later]));
    open = true;
  }
  context.stroke();
}

function drawPaper(context, area, colours, width, height) {
  const bottom = height - AXIS;
  for (const [step, colour] of [[1, colours.fine], [5, colours.coarse]]) {
    context.fillStyle = colour;
    const pitch = step * area.mm;
    for (let x = area.left % pitch; x < width; x += pitch) context.fillRect(x, 0, 1, bottom);
    for (let y = pitch; y < bottom; y += pitch) context.fillRect(0, y, width, 1);
  }
}

function tickStep(perSecond, spacing) {
  return TICKS.find((step) => step * perSecond >= spacing) ?? TICKS.at(-1);
}

function eachTick(view, pane, area, step, visit) {
  const end = Math.min(view.start + (area.right - area.left) / area.perSecond, pane.seconds) + 1e-9;
  for (let i = Math.ceil(view.start / step - 1e-9); i * step <= end; i++) {
    visit(i * step, area.left + (i * step - view.start) * area.perSecond);
  }
}

function drawSeconds(context, area, view, pane, colours) {
  context.fillStyle = colours.line;
  eachTick(view, pane, area, tickStep(area.perSecond, 40), (_, x) => {
    context.fillRect(Math.round(x), area.top, 1, area.bottom - area.top);
  });
}

function drawAxis(context, pane, view, area, colours) {
  context.fillStyle = colours.paper;
  context.fillRect(0, area.bottom, area.width, AXIS);
  context.fillStyle = colours.muted;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillText(pane.unit, 4, area.bottom + AXIS / 2);
  context.textAlign = "center";
  const step = tickStep(area.perSecond, 56);
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  eachTick(view, pane, area, step, (time, x) => {
    context.fillRect(x, area.bottom, 1, 4);
    context.fillText(`${time.toFixed(digits)} s`, Math.min(x, area.right - 14), area.bottom + AXIS / 2 + 1);
  });
  drawPosition(context, pane, view, area, colours);
}

// Where in the recording the page is, as a thin bar at the foot.
function drawPosition(context, pane, view, area, colours) {
  if (pane.page >= pane.seconds - 1e-6) return;
  const perSecond = (area.right - area.left) / pane.seconds;
  context.fillStyle = colours.line;
  context.fillRect(area.left, area.bottom + AXIS - 2, area.right - area.left, 2);
  context.fillStyle = colours.accent;
  context.fillRect(area.left + view.start * perSecond, area.bottom + AXIS - 2, pane.page * perSecond, 2);
}

// 1 mV for 200 ms, as the recorder draws it before each row.
function drawCalibration(context, area, segment, colours) {
  const width = Math.min(5 * area.mm, 0.2 * area.perSecond);
  const height = area.perUnit;
  const x = area.left - 7 * area.mm + (5 * area.mm - width) / 2;
  if (height > area.rowHeight * 1.1 && segment.index !== 0) return;
  const foot = Math.max(segment.y, area.top + height);
  context.strokeStyle = colours.muted;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x - area.mm / 2, foot);
  context.lineTo(x, foot);
  context.lineTo(x, foot - height);
  context.lineTo(x + width, foot - height);
  context.lineTo(x + width, foot);
  context.lineTo(x + width + area.mm / 2, foot);
  context.stroke();
}

// Scale bar of the montage: a round number of µV about as high as a row.
function drawAmplitude(context, area, colours, sensitivity) {
  const room = Math.max(area.rowHeight, 24);
  const amount = [5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2].find((v) => (v / sensitivity) * area.mm <= room) ?? 1;
  const length = Math.min((amount / sensitivity) * area.mm, 120);
  const [x, bottom] = [area.right + 11, area.bottom - 8];
  context.fillStyle = colours.ink;
  context.fillRect(x - 1, bottom - length, 2, length);
  context.fillRect(x - 4, bottom - length, 8, 1);
  context.fillRect(x - 4, bottom - 1, 8, 1);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(`${amount} µV`, x + 7, bottom - length / 2, 46);
}

// Waveforms: ECG on millimetre paper (12 leads or 3 × 4 with a rhythm strip), EEG as a montage with negative up.

const ECG_GAINS = [2.5, 5, 10, 20, 40]; // mm/mV
const ECG_SPEEDS = [12.5, 25, 50, 100]; // mm/s
const EEG_SENSITIVITIES = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 500]; // µV/mm
const EEG_PAGES = [1, 2, 5, 10, 15, 20, 30, 60]; // s
const SCREEN_MM = 96 / 25.4; // CSS pixels per mm

const figure = (value, digits) => value.toFixed(digits).replace("-", "\u2212");

class WaveformViewer extends Viewer {
  name = "Waveforms";
  help = "Arrow left and right turn pages, plus and minus change the gain";

  load(header, samples) {
    let offset = 0;
    this.panes = header.panes.map((pane) => {
      const codes = pane.channels.map(() => samples.subarray(offset, (offset += pane.samples)));
      const channels = pane.channels.map((channel) => ({ ...channel, name: channel.name.replace(/^AV([RLF])$/, "aV$1") }));
      return { ...pane, channels, codes };
    });
    this.pointed = this.cursor = null;
    this.ecg = header.modality === "ecg";
    const kind = [header.modality, ...header.panes.map((pane) => pane.channels.map((c) => c.name))].join();
    if (this.kind !== kind) this.layout = 0; // a new kind of recording: start from its defaults
    const kept = this.kind === kind ? this.views : null;
    this.kind = kind;
    this.views = this.panes.map((pane, index) => ({ ...(kept?.[index] ?? this.start(pane)), start: 0 }));
    if (this.ecg || !kept) return;
    this.views.forEach((view, index) => (view.page = this.start(this.panes[index]).page));
  }

  start(pane) {
    if (this.ecg) return { start: 0, gain: ECG_GAINS.indexOf(10), speed: ECG_SPEEDS.indexOf(25) };
    const pages = this.pages();
    const page = pages.findLastIndex((seconds) => seconds <= 10);
    return { start: 0, gain: this.automaticSensitivity(pane), page: Math.max(0, page) };
  }

  // The usual page lengths that the recording fills, and the whole of a short one.
  pages() {
    const longest = this.duration();
    const usual = EEG_PAGES.filter((seconds) => seconds < longest);
    return longest <= 60 ? [...usual, longest] : usual;
  }

  automaticSensitivity(pane) {
    const panes = this.header.linked ? this.header.panes : [pane];
    const row = (this.header.height - 100) / Math.max(...panes.map((each) => each.channels.length)) / SCREEN_MM;
    const wanted = Math.max(...panes.map((each) => each.span)) / Math.max(1, row);
    const index = EEG_SENSITIVITIES.findIndex((sensitivity) => sensitivity >= wanted);
    return index < 0 ? EEG_SENSITIVITIES.length - 1 : index;
  }

  duration() {
    return Math.max(...this.header.panes.map((pane) => pane.seconds));
  }

  viewOf(pane) {
    return this.views[this.header.linked ? 0 : this.panes.indexOf(pane)];
  }

  furnish(pane, children) {
    pane.readout = element("span", { class: "reading" });
    children.push(element("div", { class: "readout" }, pane.readout, element("span", { class: "quiet" }, pane.note)));
  }

  controls() {
    const pane = this.panes[this.active ?? 0];
    const view = this.viewOf(pane);
    const change = (name) => (index) => this.change(pane, { [name]: index });
    const choices = this.ecg
      ? [
          selection("Gain", ECG_GAINS.map((gain) => `${gain} mm/mV`), view.gain, change("gain")),
          selection("Speed", ECG_SPEEDS.map((speed) => `${speed} mm/s`), view.speed, change("speed")),
        ]
      : [
          selection("Sensitivity", EEG_SENSITIVITIES.map((value) => `${value} µV/mm`), view.gain, change("gain")),
          selection("Page", this.pages().map((value) => `${+value.toFixed(3)} s`), view.page, change("page")),
        ];
    if (this.ecg && this.panes.every(hasTwelveLeads)) {
      choices.push(selection("Layout", ["Stacked", "3 × 4 + II"], this.layout, (index) => this.arrange(index)));
    }
    const turning = element(
      "div", { class: "group" },
      button("\u2039", "Page back. Arrow left", () => this.turn(pane, -1)),
      button("\u203a", "Page on. Arrow right", () => this.turn(pane, 1)),
    );
    const reset = button("Reset", "Reset time and gain. Double click", () => this.reset());
    const polarity = element("span", { class: "quiet push" }, this.ecg ? "" : "negative up");
    return [...choices, turning, reset, polarity];
  }

  change(pane, values) {
    Object.assign(this.viewOf(pane), values);
    this.refreshControls();
    this.moveTo(pane, this.viewOf(pane).start);
  }

  arrange(layout) {
    this.layout = layout;
    this.redraw();
  }

  moveTo(pane, start) {
    const view = this.viewOf(pane);
    const total = this.header.linked ? this.duration() : pane.seconds;
    const before = view.start;
    view.start = clamp(start, 0, Math.max(0, total - (pane.page ?? total)));
    this.redraw();
    return view.start !== before;
  }

  turn(pane, pages) {
    return this.moveTo(pane, this.viewOf(pane).start + pages * pane.page);
  }

  amplify(pane, steps) {
    const view = this.viewOf(pane);
    const options = this.ecg ? ECG_GAINS : EEG_SENSITIVITIES;
    const direction = this.ecg ? steps : -steps; // fewer µV per mm is more gain
    this.change(pane, { gain: clamp(view.gain + direction, 0, options.length - 1) });
  }

  reset() {
    this.views = this.panes.map((pane) => this.start(pane));
    this.refreshControls();
    this.redraw();
  }

  drag(pane, dx) {
    this.moveTo(pane, this.viewOf(pane).start - dx / pane.perSecond);
  }

  // True when there was something to scroll; else the page scrolls.
  wheel(pane, event) {
    const travel = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY;
    return this.moveTo(pane, this.viewOf(pane).start + (Math.sign(travel) * pane.page) / 10);
  }

  key(pane, key) {
    if (key === "ArrowLeft" || key === "PageUp") this.turn(pane, -1);
    else if (key === "ArrowRight" || key === "PageDown") this.turn(pane, 1);
    else if (key === "+" || key === "=") this.amplify(pane, 1);
    else if (key === "-") this.amplify(pane, -1);
    else if (key === "Home") this.moveTo(pane, 0);
    else if (key === "End") this.moveTo(pane, Infinity);
    else return false;
    return true;
  }

  hover(pane, point) {
    this.pointed = pane;
    this.pointer = point;
    this.redraw();
  }

  // Moment and channel under the pointer.
  cursorAt(pane) {
    const segment = this.pointer && nearest(pane.segments, this.pointer);
    if (!segment) return null;
    return { time: segment.from + (this.pointer.x - segment.x) / pane.perSecond, index: segment.index };
  }

  draw(pane) {
    const { context, width, height, ratio } = surface(pane.canvas);
    const view = this.viewOf(pane);
    const colours = this.colours(pane);
    context.font = `12px ${this.theme.font}`;
    context.fillStyle = colours.paper;
    context.fillRect(0, 0, width, height);
    const area = this.measure(pane, view, width, height, ratio, context);
    if (this.ecg) drawPaper(context, area, colours, width, height);
    else drawSeconds(context, area, view, pane, colours);
    pane.segments = this.ecg && this.layout === 1 ? threeByFour(pane, view, area) : stacked(pane, view, area);
    this.drawAnnotations(context, pane, view, area, colours);
    if (pane === this.pointed) this.cursor = this.cursorAt(pane);
    for (const segment of pane.segments) this.drawSegment(context, pane, segment, area, colours);
    drawAxis(context, pane, view, area, colours);
    if (!this.ecg) drawAmplitude(context, area, colours, EEG_SENSITIVITIES[view.gain]);
    this.drawCursor(context, pane, area, colours);
  }

  colours(pane) {
    const { dark, ink, background } = this.theme;
    const paper = this.ecg ? (dark ? "#1b1514" : "#fffaf5") : background;
    const trace = pane.colour ? (dark ? mix(pane.colour, "#ffffff", 0.35) : pane.colour) : dark ? "#e9e6e1" : "#16191d";
    return {
      paper,
      trace,
      ink,
      muted: mix(ink, paper, 0.35),
      line: mix(ink, paper, 0.88),
      fine: dark ? "#ff7a6b14" : "#d8433a1f",
      coarse: dark ? "#ff7a6b38" : "#d8433a52",
      mark: dark ? "#e0b04a" : "#8a6100",
      accent: this.theme.accent,
    };
  }

  // Scales and margins; sets what scrolling needs: pane.perSecond (px) and pane.page (s).
  measure(pane, view, width, height, ratio, context) {
    const rows = this.ecg && this.layout === 1 ? 4 : pane.channels.length;
    const names = Math.max(32, ...pane.channels.map((channel) => context.measureText(channel.name).width));
    const top = this.ecg ? 24 : pane.annotations.length ? 18 : 6; // room for the first R wave, for annotations
    const rowHeight = (height - AXIS - top - 4) / rows;
    const mm = this.ecg ? paperScale(pane, width - names - 12, rowHeight, ratio) : SCREEN_MM;
    const left = Math.ceil(names + 12 + (this.ecg ? 7 * mm : 0));
    const right = width - (this.ecg ? 8 : 66); // the scale bar stands beside the montage
    const perSecond = this.ecg ? ECG_SPEEDS[view.speed] * mm : (right - left) / this.pages()[view.page];
    const perUnit = this.ecg ? ECG_GAINS[view.gain] * mm : -mm / EEG_SENSITIVITIES[view.gain]; // EEG: negative up
    pane.perSecond = perSecond;
    pane.page = Math.min((right - left) / perSecond, Math.max(pane.seconds, 0.001));
    return { width, left, right, top, bottom: height - AXIS, rowHeight, mm, perSecond, perUnit, names };
  }

  drawSegment(context, pane, segment, area, colours) {
    const channel = pane.channels[segment.index];
    context.fillStyle = colours.ink;
    context.textAlign = segment.inside ? "left" : "right";
    context.textBaseline = "middle";
    const labelY = segment.inside ? segment.y - Math.min(area.rowHeight * 0.36, 40) : segment.y;
    context.fillText(channel.name, segment.inside ? segment.x + 4 : area.names + 6, labelY);
    if (this.ecg && segment.first) drawCalibration(context, area, segment, colours);
    if (segment.divided) {
      context.fillStyle = colours.muted;
      context.fillRect(segment.x - 0.5, segment.y - 0.2 * area.rowHeight, 1, 0.4 * area.rowHeight);
    }
    context.save();
    context.beginPath();
    context.rect(segment.x, 0, segment.right - segment.x, area.bottom);
    context.clip();
    drawTrace(context, pane, segment, area, colours.trace);
    context.restore();
  }

  drawAnnotations(context, pane, view, area, colours) {
    if (this.ecg && this.layout === 1) return; // one moment is in one column only
    context.textAlign = "left";
    context.textBaseline = "top";
    for (const [onset, duration, text] of pane.annotations) {
      const x = area.left + (onset - view.start) * area.perSecond;
      if (x + duration * area.perSecond < area.left || x > area.right) continue;
      const from = Math.max(x, area.left);
      const to = Math.min(x + duration * area.perSecond, area.right);
      context.globalAlpha = 0.12;
      context.fillStyle = colours.mark;
      context.fillRect(from, area.top, Math.max(0, to - from), area.bottom - area.top);
      context.globalAlpha = 1;
      if (x >= area.left) context.fillRect(x, 2, 1, area.bottom - 2);
      context.fillText(text, from + 4, 3, Math.max(20, area.right - from - 6));
    }
  }

  drawCursor(context, pane, area, colours) {
    pane.readout.textContent = "";
    const cursor = this.cursor;
    const shown = cursor && (pane === this.pointed || this.header.linked);
    const segment = shown && segmentAt(pane, cursor);
    if (!segment) return;
    const x = segment.x + (cursor.time - segment.from) * area.perSecond;
    const value = valueAt(pane, cursor.index, cursor.time);
    context.fillStyle = colours.accent;
    context.fillRect(x - 0.5, area.top, 1, area.bottom - area.top);
    if (!Number.isNaN(value)) {
      const y = segment.y - (value - pane.channels[cursor.index].centre) * area.perUnit;
      context.beginPath();
      context.arc(x, clamp(y, area.top, area.bottom), 3, 0, 2 * Math.PI);
      context.fill();
    }
    const amount = Number.isNaN(value) ? "no value" : `${figure(value, this.ecg ? 3 : 1)} ${pane.unit}`;
    pane.readout.textContent = [pane.channels[cursor.index].name, `${figure(cursor.time, 3)} s`, amount].join(" \u00b7 ");
  }
}

export default mounting(WaveformViewer);

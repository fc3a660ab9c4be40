// The rater's answers: number keys choose, Enter or → goes on, Backspace takes back. The same for every item.

const ABOVE = 86; // CSS pixels of heading above the item
const BELOW = 112; // CSS pixels of this bar and its margin

// How long an item was seen, from its first frame, and how long it was hidden behind another tab or window.
class Clock {
  constructor(trial) {
    [this.trial, this.shown, this.hidden, this.since, this.choices] = [trial, 0, 0, null, []];
  }

  start(at) {
    if (this.since === null) [this.since, this.away] = [at, document.hidden];
  }

  // Books the time until now on the side on which it was spent.
  book() {
    if (this.since === null) return;
    const now = performance.now();
    this[this.away ? "hidden" : "shown"] += Math.max(0, now - this.since);
    [this.since, this.away] = [now, document.hidden];
  }

  // While the rater pauses, time belongs to neither.
  stop() {
    this.book();
    this.since = null;
  }

  get started() {
    return this.since !== null;
  }
}

let clock = new Clock(null); // outlives the bar, which is not there while the rater pauses

class AnswerBar {
  constructor(container) {
    this.container = container;
    this.onFrame = () => this.startClock();
    this.onVisibility = () => clock.book();
    window.addEventListener("firstframe", this.onFrame);
    document.addEventListener("visibilitychange", this.onVisibility);
    this.onKey = (event) => this.key(event);
    this.onResize = () => this.measure();
    // In the capture phase: an answer key works wherever the focus is, and no viewer takes it for its own.
    window.addEventListener("keydown", this.onKey, true);
    window.addEventListener("resize", this.onResize);
  }

  show(data, send, setState) {
    const again = this.data && this.data.trial === data.trial && this.data.mode === data.mode;
    [this.data, this.send, this.setState] = [data, send, setState];
    this.container.hidden = data.mode === "idle";
    this.measure();
    if (data.mode !== "answer") clock.stop();
    if (data.mode === "idle") return;
    if (!again) {
      this.sent = false;
      if (data.mode === "answer") {
        this.chosen = null;
        if (clock.trial !== data.trial) clock = new Clock(data.trial);
      }
    }
    this.startClock();
    this.draw();
  }

  // Viewer and bar come in one go, in either order.
  startClock() {
    const seen = window.firstFrame;
    if (this.data?.mode === "answer" && seen?.showing === this.data.trial) {
      clock.start(clock.shown + clock.hidden ? performance.now() : seen.at); // going on after a pause, or new
    }
  }

  // How much of the window is left for the item; sent only when it has changed.
  measure() {
    const room = Math.max(0, window.innerHeight - ABOVE - BELOW);
    clearTimeout(this.waiting);
    if (room === this.room) return;
    this.waiting = setTimeout(() => this.setState("room", (this.room = room)), this.room === undefined ? 0 : 300);
  }

  draw() {
    const { answers, number, total, practice, told, mode } = this.data;
    const asking = mode === "answer";
    const buttons = answers.map((text, index) =>
      element(
        "button",
        {
          type: "button",
          "aria-pressed": String(this.chosen === index + 1),
          disabled: !asking,
          onclick: () => this.choose(index + 1),
        },
        element("kbd", {}, String(index + 1)),
        text,
      ),
    );
    buttons.splice(answers.length / 2, 0, element("span"));
    const next = element("button", { type: "button", class: "next", onclick: () => this.next() }, "Next ");
    next.append(element("kbd", { "aria-label": "Enter" }, "\u23ce"));
    next.disabled = this.sent || (asking && this.chosen === null);
    const undo = element("button", { type: "button", disabled: !this.canGoBack(), onclick: () => this.back() }, "Undo");
    const pause = element("button", { type: "button", onclick: () => this.send("paused", true) }, "Pause");
    const count = `${practice ? "Practice " : ""}${number} of ${total}`;
    const columns = `repeat(${answers.length / 2}, 1fr)`;
    this.container.replaceChildren(
      element("div", { class: "track" }, element("div", { style: `width: ${(100 * (number - 1)) / total}%` })),
      element(
        "div",
        { class: "row" },
        element("div", { class: "count", "aria-live": "polite" }, count, element("strong", {}, told || "\u00a0")),
        element("div", { class: "answers", role: "group", "aria-label": "Your answer", style: `grid-template-columns: ${columns} 8px ${columns}` }, ...buttons),
        element("div", { class: "actions" }, pause, undo, next),
      ),
    );
  }

  canGoBack() {
    return !this.sent && this.data.mode === "answer" && (this.chosen !== null || this.data.canUndo);
  }

  choose(value) {
    if (this.sent || this.data.mode !== "answer" || !clock.started) return; // nobody answers what was not seen yet
    clock.book();
    clock.choices.push([Math.round(clock.shown), value]);
    this.chosen = value;
    this.draw();
  }

  next() {
    if (this.sent || (this.data.mode === "answer" && this.chosen === null)) return;
    this.hold();
    if (this.data.mode === "feedback") {
      this.send("continued", this.data.trial);
      return;
    }
    clock.book();
    const [shown, hidden] = [Math.round(clock.shown), Math.round(clock.hidden)];
    const { trial, choices } = clock;
    this.send("answered", { trial, value: this.chosen, shown, hidden, choices: [...choices.slice(0, 1), ...choices.slice(1).slice(-40)] });
  }

  // First the choice on this item, then the answer before it.
  back() {
    if (!this.canGoBack()) return;
    if (this.chosen !== null) {
      this.chosen = null;
      this.draw();
      return;
    }
    this.hold();
    this.send("undone", this.data.trial);
  }

  // One message per item; when no new item comes, for instance after a lost connection, it can be sent again.
  hold() {
    this.sent = true;
    this.draw();
    const trial = this.data.trial;
    setTimeout(() => {
      if (!this.sent || this.data.trial !== trial) return;
      this.sent = false;
      this.draw();
    }, 4000);
  }

  key(event) {
    if (!this.container.isConnected) return this.dispose();
    const typing = event.composedPath()[0].matches?.("textarea, input:not([type=range], [type=checkbox], [type=radio])");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || this.data?.mode === "idle") return;
    const number = Number(event.key);
    const decided = this.data.mode === "feedback" || this.chosen !== null;
    if (number >= 1 && number <= this.data.answers.length) this.choose(number);
    else if ((event.key === "Enter" || event.key === "ArrowRight") && decided) event.repeat || this.next();
    else if (event.key === "Backspace") this.back();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  dispose() {
    clearTimeout(this.waiting);
    window.removeEventListener("keydown", this.onKey, true);
    window.removeEventListener("resize", this.onResize);
    window.removeEventListener("firstframe", this.onFrame);
    document.removeEventListener("visibilitychange", this.onVisibility);
    clock.stop();
  }
}

const bars = new WeakMap();

export default function ({ parentElement, data, setTriggerValue, setStateValue }) {
  const container = parentElement.querySelector(".bar");
  if (!bars.has(container)) bars.set(container, new AnswerBar(container));
  const bar = bars.get(container);
  if (data) bar.show(data, setTriggerValue, setStateValue);
  return () => {
    bar.dispose();
    bars.delete(container);
  };
}

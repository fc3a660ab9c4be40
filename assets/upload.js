// Files and folders, sent one after the other straight to the disk of the server, with progress and cancel.

function size(bytes) {
  const unit = bytes < 1e6 ? ["kB", 1e3] : bytes < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  return `${(bytes / unit[1]).toFixed(bytes < 1e9 ? 0 : 1)} ${unit[0]}`;
}

function left(seconds) {
  if (!Number.isFinite(seconds)) return "";
  return seconds < 90 ? `${Math.ceil(seconds)} s left` : `${Math.round(seconds / 60)} min left`;
}

// A dropped folder is walked; each file keeps its path below it.
async function entries(items) {
  const found = [];
  async function walk(entry, path) {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.push({ file, path: path + file.name });
    } else {
      const reader = entry.createReader();
      for (;;) {
        const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!batch.length) break;
        for (const child of batch) await walk(child, `${path}${entry.name}/`);
      }
    }
  }
  const roots = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  for (const root of roots) await walk(root, "");
  return found;
}

class Uploader {
  constructor(container) {
    this.container = container;
    this.problem = "";
    container.addEventListener("dragover", (event) => {
      event.preventDefault();
      container.classList.add("over");
    });
    container.addEventListener("dragleave", () => container.classList.remove("over"));
    container.addEventListener("drop", async (event) => {
      event.preventDefault();
      container.classList.remove("over");
      if (!this.sending) this.start(await entries(event.dataTransfer.items));
    });
  }

  show(data, send) {
    [this.data, this.send] = [data, send];
    if (!this.sending) this.drawIdle();
  }

  drawIdle() {
    const picker = (folder) => {
      const input = element("input", { type: "file", multiple: true, hidden: true, webkitdirectory: folder });
      input.setAttribute("data-kind", folder ? "folder" : "files");
      input.addEventListener("change", () => {
        this.start([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
      });
      return input;
    };
    const [files, folder] = [picker(false), picker(true)];
    this.container.replaceChildren(
      element("p", { class: "hint" }, "Drop files or a folder here, or"),
      element(
        "div",
        { class: "row" },
        element("button", { type: "button", onclick: () => files.click() }, "Choose files"),
        element("button", { type: "button", onclick: () => folder.click() }, "Choose a folder"),
      ),
      element("p", { class: "small" }, `All files of a recording together, or a zip; ${size(this.data.limit)} at most.`),
      element("p", { class: "problem", role: "alert", hidden: !this.problem }, this.problem),
      files,
      folder,
    );
  }

  async start(chosen) {
    if (!chosen.length) return;
    const total = chosen.reduce((sum, { file }) => sum + file.size, 0);
    const worst = chosen.reduce((a, b) => (b.file.size > a.file.size ? b : a));
    if (total > this.data.limit) return this.fail(this.data.tooLarge.replace("{name}", worst.file.name));
    [this.sending, this.problem, this.cancelled] = [true, "", false];
    const began = performance.now();
    let done = 0;
    this.drawBusy();
    for (const [index, { file, path }] of chosen.entries()) {
      const problem = await this.put(file, path, (sent) => this.progress(index, chosen.length, done + sent, total, began));
      if (this.cancelled || problem) {
        await fetch(this.data.address, { method: "DELETE" }).catch(() => {});
        this.sending = false;
        return this.fail(this.cancelled ? "" : problem);
      }
      done += file.size;
    }
    this.sending = false;
    this.status.textContent = "Looking into it …";
    this.send("finished", { files: chosen.length, bytes: total });
  }

  put(file, path, progress) {
    return new Promise((resolve) => {
      const request = (this.request = new XMLHttpRequest());
      request.open("PUT", `${this.data.address}?path=${encodeURIComponent(path)}`);
      request.upload.addEventListener("progress", (event) => progress(event.loaded));
      request.addEventListener("load", () => {
        if (request.status < 300) return resolve("");
        try {
          resolve(JSON.parse(request.responseText).problem);
        } catch {
          resolve(`${file.name}: the server refused it (${request.status}); upload it again.`);
        }
      });
      request.addEventListener("error", () => resolve(`${file.name}: the connection ended; upload it again.`));
      request.addEventListener("abort", () => resolve("cancelled"));
      request.send(file);
    });
  }

  drawBusy() {
    this.bar = element("div");
    this.status = element("p", { class: "small", role: "status" }, "");
    const cancel = () => {
      this.cancelled = true;
      this.request?.abort();
    };
    this.container.replaceChildren(
      element("div", { class: "track" }, this.bar),
      this.status,
      element("div", { class: "row" }, element("button", { type: "button", onclick: cancel }, "Cancel")),
    );
  }

  progress(index, count, sent, total, began) {
    const share = total ? Math.min(sent / total, 1) : 1;
    const seconds = (performance.now() - began) / 1000;
    this.bar.style.width = `${100 * share}%`;
    const files = count > 1 ? `file ${index + 1} of ${count}, ` : "";
    const rest = seconds > 1 ? `, ${left((seconds * (1 - share)) / share)}` : "";
    this.status.textContent = `Uploading ${files}${size(sent)} of ${size(total)}${rest}`;
  }

  fail(problem) {
    this.problem = problem;
    this.drawIdle();
  }
}

const uploaders = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const container = parentElement.querySelector(".uploader");
  if (!uploaders.has(container)) uploaders.set(container, new Uploader(container));
  if (data) uploaders.get(container).show(data, setTriggerValue);
}

// A page on paper is narrower than a window, and nothing on it unfolds: figures take its width before they are printed,
// tables unfold, and all goes back after.
const PAPER_WIDTH = 690; // CSS pixels between the margins of A4
const figures = () => document.querySelectorAll(".plotly-graph-div");
const folded = () => document.querySelectorAll("details:not([open])");
let unfolded = [];

window.addEventListener("beforeprint", () => {
  unfolded = [...folded()];
  unfolded.forEach((part) => (part.open = true));
  figures().forEach((figure) => Plotly.relayout(figure, { width: PAPER_WIDTH }));
});
window.addEventListener("afterprint", () => {
  unfolded.forEach((part) => (part.open = false));
  figures().forEach((figure) => Plotly.relayout(figure, { width: null, autosize: true }));
});

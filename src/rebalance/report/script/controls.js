// The controls, and the one function that redraws everything after a change.

let shown = snapshot();

function redraw() {
  const before = performance.now();
  palette = {};
  shown = snapshot();
  drawMatrix(shown);
  showPair(shown);
  drawBars(shown);
  drawSheet(shown);
  showSelected(shown);
  drawCurve();
  fillSuperclassTable(shown);
  fillAveragesTable(shown);
  drawSpheres(shown);
  showCommand();
  showState();
  document.documentElement.dataset.redrawMs = (performance.now() - before).toFixed(1);
}

function showState() {
  const { sizes, kept, labels } = shown;
  const outside = total(averages.filter((_, i) => labels[i] < 0).map((a) => a.particles));
  const all = total(sizes) + outside;
  const left = total(kept) + outside;
  byId("status").textContent =
    `${counted(state.k, "superclass")}, as even as ${effectiveNumber(sizes).toFixed(1)} of equal size` +
    `; ${count(left)} of ${counted(all, "particle")} kept (${percent(left, all)}), ${count(all - left)} dropped` +
    `, then as even as ${effectiveNumber(kept).toFixed(1)}` +
    (state.moved.size ? `; ${counted(state.moved.size, "average")} moved by hand` : "") +
    ".";
  byId("k-shown").textContent = String(state.k);
  byId("factor-shown").textContent = state.factor === "" ? "none" : state.factor;
  byId("k").value = String(state.k);
  byId("factor").value = state.factor === "" ? "0" : state.factor;
  byId("max-size").value = state.maxSize;
}

function setNumber(k) {
  if (!groupings.has(k) || k === state.k) return;
  state.k = k;
  state.moved.clear(); // a superclass number means another view now
  redraw();
}

// The nearest number that there is a grouping for.
function nearestNumber(wanted) {
  return [...groupings.keys()].reduce((a, b) => (Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a));
}

function resetToRun() {
  Object.assign(state, { k: data.run.k, factor: data.run.factor, maxSize: data.run.maxSize });
  state.moved.clear();
  redraw();
}

function listenToControls() {
  byId("k").addEventListener("input", () => setNumber(nearestNumber(Number(byId("k").value))));
  byId("factor").addEventListener("input", () => {
    const value = byId("factor").value;
    state.factor = Number(value) === 0 ? "" : value;
    redraw();
  });
  byId("max-size").addEventListener("input", () => {
    const value = byId("max-size").value;
    const valid = value === "" || /^[1-9][0-9]*$/.test(value);
    byId("max-size").setAttribute("aria-invalid", String(!valid));
    if (!valid) return;
    state.maxSize = value;
    redraw();
  });
  byId("suggested")?.addEventListener("click", () => setNumber(data.curve.suggested));
  byId("reset").addEventListener("click", resetToRun);
  byId("move").addEventListener("change", () => {
    const label = Number(byId("move").value);
    if (label === grouping().labels[state.selected]) state.moved.delete(state.selected);
    else state.moved.set(state.selected, label);
    redraw();
  });
}

fillSprite();
listenToControls();
listenToMatrix();
listenToSheet();
listenToCurve();
listenToSpheres();
listenToCommand();
resetToRun();
document.documentElement.classList.add("live");
let resized = 0;
addEventListener("resize", () => {
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(redraw);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

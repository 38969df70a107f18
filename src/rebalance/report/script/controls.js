// The controls, and the one function that redraws everything after a change.

let shown = snapshot();

// What is drawn, by the element that it is drawn in. Each takes a snapshot.
const drawings = {
  bars: drawBars,
  sheet: drawSheet,
  matrix: drawMatrix,
  curve: drawCurve,
  "averages-table": fillAveragesTable,
  ...Object.fromEntries(spheres.map((sphere) => [sphereId(sphere), (shot) => drawSphere(sphere, shot)])),
};
// High drawings of which the part in sight is drawn first, and then the whole.
const drawnInPart = { sheet: drawSheetInSight };
const AT_ONCE = 400; // averages up to which their table does not wait either
let waiting = []; // names of drawings that are out of date
let nextDrawing = 0;

// What stands in the window is drawn at once; what does not follows when there is time, so that a
// step of a slider does not wait for it.
function redraw() {
  const before = performance.now();
  clearTimeout(nextDrawing);
  palette = {};
  widths.clear();
  shown = snapshot();
  const names = Object.keys(drawings).filter((name) => byId(name).offsetParent);
  for (const name of names) widthOf(byId(name)); // before anything changes
  waiting = names.filter(mayWait);
  for (const name of names) if (!waiting.includes(name)) (drawnInPart[name] ?? drawings[name])(shown);
  waiting.push(...Object.keys(drawnInPart).filter((name) => !waiting.includes(name)));
  showSelected(shown);
  fillSuperclassTable(shown);
  showCommand();
  showState();
  document.documentElement.dataset.redrawMs = (performance.now() - before).toFixed(1);
  nextDrawing = setTimeout(drawWaiting, 50);
}

const mayWait = (name) => !isInSight(byId(name)) && (name !== "averages-table" || N > AT_ONCE);

function isInSight(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

// What the reader scrolls to does not wait its turn.
function drawInSight() {
  for (const name of waiting.filter((one) => isInSight(byId(one)))) {
    waiting.splice(waiting.indexOf(name), 1);
    drawings[name](shown);
  }
}

// One drawing at a time, so that a key or the pointer is heard in between.
function drawWaiting() {
  const name = waiting.shift();
  if (!name) return;
  drawings[name](shown);
  nextDrawing = setTimeout(drawWaiting);
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
listenToSaving();
resetToRun();
document.documentElement.classList.add("live");
let resized = 0;
addEventListener("scroll", drawInSight, { passive: true });
addEventListener("resize", () => {
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(redraw);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

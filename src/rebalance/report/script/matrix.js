// The affinity matrix: any order, any colours, zoom, and the pair under the pointer side by side.

const matrixView = { order: "superclass", colours: "cividis", zoom: 1, left: 0, top: 0, row: 0, column: 0 };
const PAINT = Object.fromEntries(
  Object.entries(data.colours).map(([name, base64]) => [name, bytesOf(base64)]),
);

// Pixels of the whole matrix, made again only when order or colours change.
const matrixImage = document.createElement("canvas");
matrixImage.width = matrixImage.height = N;

const inputOrder = Array.from({ length: N }, (_, i) => i);
const matrixOrder = (shot) => (matrixView.order === "superclass" ? shot.order : inputOrder);

function paintMatrix(order) {
  const context = matrixImage.getContext("2d");
  const image = context.createImageData(N, N);
  const words = new Uint32Array(image.data.buffer);
  const map = PAINT[matrixView.colours];
  const word = new Uint32Array(256);
  for (let v = 0; v < 256; v++) {
    word[v] = 0xff000000 | (map[3 * v + 2] << 16) | (map[3 * v + 1] << 8) | map[3 * v];
  }
  for (let row = 0; row < N; row++) {
    words[row * N + row] = word[255];
    for (let column = 0; column < row; column++) {
      const [i, j] = [order[row], order[column]];
      const value = word[pairs.affinity[i < j ? pairIndex(i, j) : pairIndex(j, i)]];
      words[row * N + column] = words[column * N + row] = value;
    }
  }
  context.putImageData(image, 0, 0);
}

// Side of the canvas and of one cell, in CSS px.
function matrixScale() {
  const side = Math.min(widthOf(byId("matrix")), 640);
  return { side, cell: (side / N) * matrixView.zoom };
}

function drawMatrix(shot, repaint = true) {
  const order = matrixOrder(shot);
  if (repaint) paintMatrix(order);
  const { side, cell } = matrixScale();
  keepInside(side, cell);
  const canvas = byId("matrix");
  setStyle(canvas, "width", `${side}px`);
  setStyle(canvas, "touchAction", matrixView.zoom > 1 ? "none" : "pan-y");
  const context = prepare(canvas, side, side);
  context.imageSmoothingEnabled = cell < 1;
  context.drawImage(matrixImage, -matrixView.left * cell, -matrixView.top * cell, N * cell, N * cell);
  if (matrixView.order === "superclass") drawBorders(context, shot.labels, order, cell);
  if (saving) return;
  markCell(context, cell);
  drawColourBar();
  showPair(shot);
}

function keepInside(side, cell) {
  const room = N - side / cell;
  matrixView.left = Math.max(0, Math.min(room, matrixView.left));
  matrixView.top = Math.max(0, Math.min(room, matrixView.top));
}

function drawBorders(context, labels, order, cell) {
  let start = 0;
  for (let at = 1; at <= N; at++) {
    if (at < N && labels[order[at]] === labels[order[start]]) continue;
    const [x, y] = [(start - matrixView.left) * cell, (start - matrixView.top) * cell];
    const side = (at - start) * cell;
    for (const [paint, width] of [["#000000", 3], ["#ffffff", 1.5]]) {
      context.strokeStyle = paint;
      context.lineWidth = width;
      context.strokeRect(x, y, side, side);
    }
    start = at;
  }
}

function markCell(context, cell) {
  const [x, y] = [(matrixView.column - matrixView.left) * cell, (matrixView.row - matrixView.top) * cell];
  const side = Math.max(cell, 5);
  for (const [paint, width] of [["#000000", 4], ["#ff9d4d", 2]]) {
    context.strokeStyle = paint;
    context.lineWidth = width;
    context.strokeRect(x + (cell - side) / 2, y + (cell - side) / 2, side, side);
  }
}

function drawColourBar() {
  const canvas = byId("colour-bar");
  const context = canvas.getContext("2d");
  const map = PAINT[matrixView.colours];
  for (let v = 0; v < 256; v++) {
    context.fillStyle = `rgb(${map[3 * v]} ${map[3 * v + 1]} ${map[3 * v + 2]})`;
    context.fillRect((v * canvas.width) / 256, 0, canvas.width / 256 + 1, canvas.height);
  }
}

// Both averages of the marked cell, the second laid on the first.
function showPair(shot) {
  const order = matrixOrder(shot);
  const [i, j] = [order[matrixView.row], order[matrixView.column]];
  for (const [id, average, on] of [["pair-i", i, i], ["pair-j", j, i]]) {
    const canvas = byId(id);
    drawTile(canvas.getContext("2d"), average, 0, 0, canvas.width, on);
  }
  byId("pair-text").textContent = pairSentence(shot, i, j);
}

function pairSentence(shot, i, j) {
  const name = (a) =>
    `class ${averages[a].number} (${shot.labels[a] < 0 ? "left out" : `superclass ${shot.labels[a]}`})`;
  if (i === j) return `${name(i)} with itself: affinity 1.00`;
  const { angle, y, x, mirror } = transformOf(i, j);
  const transform = pairs.angle
    ? `, turned by ${angle.toFixed(1)}°, shifted by (y ${y.toFixed(1)}, x ${x.toFixed(1)}) px, ${mirror ? "mirrored" : "not mirrored"}`
    : "";
  return `${name(i)} and ${name(j)}: affinity ${affinityOf(i, j).toFixed(2)}; the second is laid on the first${transform}.`;
}

function moveTo(row, column) {
  matrixView.row = Math.max(0, Math.min(N - 1, row));
  matrixView.column = Math.max(0, Math.min(N - 1, column));
}

function revealCell() {
  const { side, cell } = matrixScale();
  const shown = side / cell;
  for (const [edge, at] of [["left", matrixView.column], ["top", matrixView.row]]) {
    matrixView[edge] = Math.max(at + 1 - shown, Math.min(at, matrixView[edge]));
  }
}

function zoomMatrix(factor, x, y) {
  const before = matrixScale();
  const [column, row] = [matrixView.left + x / before.cell, matrixView.top + y / before.cell];
  matrixView.zoom = Math.max(1, Math.min(Math.max(1, N / 4), matrixView.zoom * factor));
  const { cell } = matrixScale();
  matrixView.left = column - x / cell;
  matrixView.top = row - y / cell;
}

const redrawMatrix = (repaint) => drawMatrix(shown, repaint);

// Zoom about the marked cell, which stays in sight.
function zoomAtCell(factor) {
  const { cell } = matrixScale();
  const x = (matrixView.column + 0.5 - matrixView.left) * cell;
  const y = (matrixView.row + 0.5 - matrixView.top) * cell;
  zoomMatrix(factor, x, y);
  revealCell();
  redrawMatrix(false);
}

function markUnder(canvas, event) {
  const { x, y } = pointOn(canvas, event);
  const { cell } = matrixScale();
  moveTo(Math.floor(matrixView.top + y / cell), Math.floor(matrixView.left + x / cell));
  redrawMatrix(false);
}

// Moving marks the cell under the pointer; dragging moves a matrix that is zoomed.
function listenToPointer(canvas) {
  let dragged = null;
  canvas.addEventListener("pointerdown", (event) => {
    dragged = { ...pointOn(canvas, event), left: matrixView.left, top: matrixView.top };
    canvas.setPointerCapture(event.pointerId);
    markUnder(canvas, event);
  });
  canvas.addEventListener("pointerup", () => (dragged = null));
  canvas.addEventListener("pointercancel", () => (dragged = null));
  canvas.addEventListener("pointermove", (event) => {
    if (!dragged || matrixView.zoom === 1) {
      markUnder(canvas, event);
      return;
    }
    const { x, y } = pointOn(canvas, event);
    const { cell } = matrixScale();
    matrixView.left = dragged.left - (x - dragged.x) / cell;
    matrixView.top = dragged.top - (y - dragged.y) / cell;
    redrawMatrix(false);
  });
}

function zoomByWheel(event) {
  if (!event.ctrlKey && matrixView.zoom === 1 && event.deltaY > 0) return; // the page scrolls
  event.preventDefault();
  const { x, y } = pointOn(byId("matrix"), event);
  zoomMatrix(event.deltaY < 0 ? 1.25 : 0.8, x, y);
  redrawMatrix(false);
}

const CELL_STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const KEY_ZOOMS = { "+": 1.25, "=": 1.25, "-": 0.8 };

function moveByKey(event) {
  if (event.key in KEY_ZOOMS) {
    zoomAtCell(KEY_ZOOMS[event.key]);
  } else if (event.key in CELL_STEPS) {
    const [down, right] = CELL_STEPS[event.key];
    moveTo(matrixView.row + down, matrixView.column + right);
    revealCell();
    redrawMatrix(false);
  } else {
    return;
  }
  event.preventDefault();
}

function listenToMatrix() {
  const canvas = byId("matrix");
  listenToPointer(canvas);
  canvas.addEventListener("wheel", zoomByWheel, { passive: false });
  canvas.addEventListener("keydown", moveByKey);
  for (const [id, factor] of [["zoom-in", 1.5], ["zoom-out", 1 / 1.5], ["zoom-all", 0]]) {
    byId(id).addEventListener("click", () => zoomAtCell(factor));
  }
  for (const radio of document.querySelectorAll('input[name="matrix-order"]')) {
    radio.addEventListener("change", () => {
      matrixView.order = radio.value;
      redrawMatrix(true);
    });
  }
  byId("colours").addEventListener("change", () => {
    matrixView.colours = byId("colours").value;
    redrawMatrix(true);
  });
}

// What all drawings share: sharp canvases, the page's colours, tiles of averages.

const byId = (id) => document.getElementById(id);

// The page's colours, asked for once for each redraw.
let palette = {};

function colour(name) {
  palette[name] ??= getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return palette[name];
}

// A canvas of this size in CSS px, sharp on every screen; drawn in CSS px.
function prepare(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = colour("paper"); // a picture that is saved has its background
  context.fillRect(0, 0, width, height);
  return context;
}

const widthOf = (canvas) => canvas.parentElement.clientWidth;

function write(context, text, x, y, { size = 12, align = "left", weight = "", fill = "ink" } = {}) {
  context.font = `${weight} ${size}px system-ui, "Liberation Sans", "DejaVu Sans", sans-serif`;
  context.textAlign = align;
  context.fillStyle = colour(fill);
  context.fillText(text, x, y);
}

// Tiles: every average as a grey square, drawn once into a canvas of its own, y upward.
const TILE = data.tiles.side;
const CENTRE_X = (TILE * (Math.floor(data.tiles.box / 2) + 0.5)) / data.tiles.box;
const CENTRE_Y = TILE - CENTRE_X;
const tilePixels = bytesOf(data.tiles.pixels);
const tilesPerRow = Math.max(1, Math.floor(4096 / TILE));

const sprite = document.createElement("canvas");
sprite.width = Math.min(N, tilesPerRow) * TILE;
sprite.height = Math.ceil(N / tilesPerRow) * TILE;

// What stands outside a tile once it is turned: the mean of its rim.
const rimGrey = averages.map((_, i) => {
  const tile = tilePixels.subarray(i * TILE * TILE, (i + 1) * TILE * TILE);
  let sum = 0;
  for (let p = 0; p < TILE; p++) {
    sum += tile[p] + tile[TILE * (TILE - 1) + p] + tile[TILE * p] + tile[TILE * p + TILE - 1];
  }
  const grey = Math.round(sum / (4 * TILE));
  return `rgb(${grey} ${grey} ${grey})`;
});

// A square of grey levels from 0 to 255.
function greyImage(context, side, levels) {
  const image = context.createImageData(side, side);
  const words = new Uint32Array(image.data.buffer);
  for (let p = 0; p < words.length; p++) words[p] = 0xff000000 | (Math.round(levels[p]) * 0x010101);
  return image;
}

function fillSprite() {
  const context = sprite.getContext("2d");
  for (let i = 0; i < N; i++) {
    const image = greyImage(context, TILE, tilePixels.subarray(i * TILE * TILE, (i + 1) * TILE * TILE));
    context.putImageData(image, (i % tilesPerRow) * TILE, Math.floor(i / tilesPerRow) * TILE);
  }
}

// Draw average j at (x, y), `side` px wide, laid on average i.
function drawTile(context, j, x, y, side, i = j) {
  const { angle, y: up, x: right, mirror } = transformOf(i, j);
  const scale = side / TILE;
  const perPixel = TILE / data.tiles.box;
  context.save();
  context.beginPath();
  context.rect(x, y, side, side);
  context.clip();
  context.fillStyle = rimGrey[j];
  context.fillRect(x, y, side, side);
  context.translate(x, y);
  context.scale(scale, scale);
  context.translate(CENTRE_X + right * perPixel, CENTRE_Y - up * perPixel);
  context.rotate((-angle * Math.PI) / 180);
  context.scale(mirror ? -1 : 1, 1);
  const [column, row] = [j % tilesPerRow, Math.floor(j / tilesPerRow)];
  context.drawImage(sprite, column * TILE, row * TILE, TILE, TILE, -CENTRE_X, -CENTRE_Y, TILE, TILE);
  context.restore();
}

// Mean of these averages, each laid on average i, weighted by nothing.
function drawMean(canvas, members, i) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const sum = new Float32Array(canvas.width * canvas.height);
  for (const j of members) {
    drawTile(context, j, 0, 0, canvas.width, i);
    const { data: pixels } = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let p = 0; p < sum.length; p++) sum[p] += pixels[4 * p];
  }
  let [low, high] = [Infinity, -Infinity];
  for (const value of sum) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const levels = sum.map((value) => (high > low ? (255 * (value - low)) / (high - low) : 128));
  context.putImageData(greyImage(context, canvas.width, levels), 0, 0);
}

// Where a pointer stands on a canvas, in CSS px.
function pointOn(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

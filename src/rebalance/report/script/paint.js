// What all drawings share: sharp canvases, the page's colours, tiles of averages.

const byId = (id) => document.getElementById(id);

// The page's colours, asked for once for each redraw.
let palette = {};

function colour(name) {
  palette[name] ??= getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return palette[name];
}

// Where a figure that is saved goes instead of its canvas: gives a context for a width and a height.
let saving = null;

// The context of a canvas of this size in CSS px, sharp on every screen; drawn in CSS px.
function prepare(canvas, width, height) {
  const context = saving ? saving(width, height) : onScreen(canvas, width, height);
  context.fillStyle = colour("paper"); // a picture that is saved has its background
  context.fillRect(0, 0, width, height);
  return context;
}

// Only what differs is set: the page is laid out again, and the memory asked for, when it is.
function onScreen(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  setStyle(canvas, "height", `${height}px`);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function setStyle(element, name, value) {
  if (element.style[name] !== value) element.style[name] = value;
}

// Room for a canvas, asked for once for each redraw: asking has the page laid out.
const widths = new Map();

function widthOf(canvas) {
  if (!widths.has(canvas)) widths.set(canvas, canvas.parentElement.clientWidth);
  return widths.get(canvas);
}

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
const rimMean = averages.map((_, i) => {
  const tile = tilePixels.subarray(i * TILE * TILE, (i + 1) * TILE * TILE);
  let sum = 0;
  for (let p = 0; p < TILE; p++) {
    sum += tile[p] + tile[TILE * (TILE - 1) + p] + tile[TILE * p] + tile[TILE * p + TILE - 1];
  }
  return sum / (4 * TILE);
});
const rimGrey = rimMean.map((mean) => `rgb(${[mean, mean, mean].map(Math.round).join(" ")})`);

// A square of grey levels from 0 to 255.
function greyImage(side, levels) {
  const image = new ImageData(side, side);
  const words = new Uint32Array(image.data.buffer);
  for (let p = 0; p < words.length; p++) words[p] = 0xff000000 | (Math.round(levels[p]) * 0x010101);
  return image;
}

function fillSprite() {
  const context = sprite.getContext("2d");
  for (let i = 0; i < N; i++) {
    const image = greyImage(TILE, tilePixels.subarray(i * TILE * TILE, (i + 1) * TILE * TILE));
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

// Where a pointer stands on a canvas, in CSS px.
function pointOn(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

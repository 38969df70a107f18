// Averages laid on each other pixel by pixel, and their means, which are kept for the next time that
// the same are asked for.

const means = new Map();
const MOST_MEANS = 2000;

// A canvas with the mean of these averages, each laid on average i, weighted by nothing.
function meanOf(members, i) {
  const name = `${i}:${[...members].sort((a, b) => a - b).join()}`;
  if (!means.has(name)) {
    if (means.size >= MOST_MEANS) means.clear();
    means.set(name, greyCanvas(sumOf(members, i)));
  }
  return means.get(name);
}

function sumOf(members, i) {
  const sum = new Float32Array(TILE * TILE);
  for (const j of members) addLaid(sum, TILE, j, i);
  return sum;
}

// Average j laid on average i, `side` pixels wide: pixels for putImageData, the cheapest way to draw.
function laidPixels(j, i, side) {
  const levels = new Float32Array(side * side);
  addLaid(levels, side, j, i);
  return greyImage(side, levels);
}

// Add average j laid on i: for every pixel, the point of the tile that comes to lie there.
function addLaid(sum, side, j, i) {
  const { angle, y: up, x: right, mirror } = transformOf(i, j);
  const tile = tilePixels.subarray(j * TILE * TILE, (j + 1) * TILE * TILE);
  const [scale, perPixel] = [TILE / side, TILE / data.tiles.box];
  const turn = (angle * Math.PI) / 180;
  const [cos, sin] = [scale * Math.cos(turn), scale * Math.sin(turn)];
  const flip = mirror ? -1 : 1;
  const outside = rimMean[j];
  const left = (CENTRE_X + right * perPixel) / scale - 0.5;
  const top = (CENTRE_Y - up * perPixel) / scale - 0.5;
  for (let row = 0, at = 0; row < side; row++) {
    for (let column = 0; column < side; column++, at++) {
      const [dx, dy] = [column - left, row - top];
      const x = CENTRE_X - 0.5 + flip * (cos * dx - sin * dy);
      const y = CENTRE_Y - 0.5 + sin * dx + cos * dy;
      sum[at] += levelAt(tile, x, y, outside);
    }
  }
}

// Between four pixels; `outside` beyond the tile.
function levelAt(tile, x, y, outside) {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= TILE - 1 || row >= TILE - 1) return outside;
  const [a, b] = [x - column, y - row];
  const at = row * TILE + column;
  const upper = tile[at] + a * (tile[at + 1] - tile[at]);
  const lower = tile[at + TILE] + a * (tile[at + TILE + 1] - tile[at + TILE]);
  return upper + b * (lower - upper);
}

function greyCanvas(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const levels = values.map((value) => (high > low ? (255 * (value - low)) / (high - low) : 128));
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = TILE;
  canvas.getContext("2d").putImageData(greyImage(TILE, levels), 0, 0);
  return canvas;
}

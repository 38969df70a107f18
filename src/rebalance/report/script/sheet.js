// The averages by superclass, each laid on the most typical of its superclass, and the one chosen.

const SIDE = 64; // of a tile, CSS px
const CELL = { width: SIDE + 8, height: SIDE + 34 };
const HEAD = 22; // above each superclass, px
let places = []; // where each tile stands: {average, x, y}

const SORTS = {
  typical: () => 0, // display order
  particles: (a, b) => averages[b].particles - averages[a].particles,
  number: (a, b) => averages[a].number - averages[b].number,
  confidence: (a, b) => confidenceOf(a) - confidenceOf(b),
  resolution: (a, b) => (averages[a].resolution ?? Infinity) - (averages[b].resolution ?? Infinity),
};

const confidenceOf = (i) => grouping().confidence[i] / 255;
const isWeak = (i, labels) => labels[i] >= 0 && confidenceOf(i) < data.weakBelow;

// The average that all of its superclass are laid on.
function referenceOf(i, shot) {
  const label = shot.labels[i];
  if (label < 0) return i;
  const reference = grouping().references[label];
  return shot.labels[reference] === label ? reference : shot.members[label][0];
}

// Blocks of tiles with their headings, set one after the other in rows; each begins with its mean.
function layOut(shot, width) {
  const columns = Math.max(1, Math.floor(width / CELL.width));
  const tiles = [];
  const heads = [];
  let [column, y] = [0, 0];
  const nextRow = (rows) => ([column, y] = [0, y + HEAD + rows * CELL.height]);
  for (const { label, members, cells } of blocksOf(shot)) {
    // A small superclass stands beside the one before it where there is room for it and its heading.
    const needed = Math.min(columns, Math.max(cells.length, 2));
    if (column > 0 && column + needed > columns) nextRow(1);
    heads.push({ label, x: column * CELL.width, y, n: members.length });
    cells.forEach((cell, at) => {
      const x = (column + (at % columns)) * CELL.width;
      tiles.push({ ...cell, x, y: y + HEAD + Math.floor(at / columns) * CELL.height });
    });
    column += needed;
    if (cells.length > columns) nextRow(Math.ceil(cells.length / columns));
    else if (column >= columns) nextRow(1);
  }
  return { tiles, heads, height: y + (column > 0 ? HEAD + CELL.height : 0) };
}

// Superclasses in display order with their averages sorted, and those left out at the end.
function blocksOf(shot) {
  const order = SORTS[byId("sort").value];
  const blocks = shot.shown.map((label) => {
    const members = [...shot.members[label]].sort(order);
    const mean = members.length > 1 ? [{ meanOf: label }] : []; // one average is its own mean
    return { label, members, cells: [...mean, ...members.map((average) => ({ average }))] };
  });
  const { outside } = shot;
  if (outside.length) blocks.push({ label: -1, members: outside, cells: outside.map((average) => ({ average })) });
  return blocks;
}

// Averages as they stand on the sheet: a step of the slider lays few of them on another, and turning
// them is what takes time.
const laid = averages.map(() => ({ on: -1, image: null }));

function laidOnce(average, reference, side) {
  const kept = laid[average];
  if (kept.on !== reference || kept.image.width !== side) {
    Object.assign(kept, { on: reference, image: laidPixels(average, reference, side) });
  }
  return kept.image;
}

// All tiles before any text: a canvas takes pixels quickly while nothing else was drawn in between.
function putTiles(context, tiles, shot) {
  const ratio = window.devicePixelRatio || 1;
  const side = Math.round(SIDE * ratio);
  for (const { average, x, y } of tiles) {
    const reference = referenceOf(average, shot);
    if (saving) drawTile(context, average, x, y, SIDE, reference); // as fine as the file
    else context.putImageData(laidOnce(average, reference, side), Math.round(x * ratio), Math.round(y * ratio));
  }
}

const everything = () => true;

function drawSheet(shot, isWanted = everything) {
  const canvas = byId("sheet");
  const width = widthOf(canvas);
  const { tiles, heads, height } = layOut(shot, width);
  places = tiles.filter((tile) => tile.average !== undefined);
  const context = prepare(canvas, width, Math.max(height, CELL.height));
  putTiles(context, places.filter(isWanted), shot);
  for (const head of heads.filter(isWanted)) drawHead(context, head, shot);
  for (const tile of tiles.filter(isWanted)) {
    if (tile.average === undefined) drawMeanTile(context, tile, shot);
    else drawCaption(context, tile, shot);
  }
}

// The rows that stand in the window.
function drawSheetInSight(shot) {
  const { top } = byId("sheet").getBoundingClientRect();
  drawSheet(shot, ({ y }) => y + CELL.height > -top && y < innerHeight - top);
}

// As much as there is room for above `n` averages and their mean.
function drawHead(context, { label, x, y, n }, shot) {
  const size = label < 0 ? total(shot.outside.map((i) => averages[i].particles)) : shot.sizes[label];
  const parts = n > 3 ? [counted(n, "average")] : [];
  parts.push(n > 1 ? counted(size, "particle") : count(size));
  const title = label < 0 ? "left out" : `superclass ${label}`;
  write(context, `${title}: ${parts.join(", ")}`, x, y + 15, { weight: "600" });
}

function drawMeanTile(context, { meanOf: label, x, y }, shot) {
  const members = shot.members[label];
  context.drawImage(meanOf(members, referenceOf(members[0], shot)), x, y, SIDE, SIDE);
  context.strokeStyle = colour("kept");
  context.lineWidth = 2;
  context.strokeRect(x + 1, y + 1, SIDE - 2, SIDE - 2);
  write(context, "mean", x + SIDE / 2, y + SIDE + 12, { size: 11, align: "center", weight: "600" });
}

function drawCaption(context, { average, x, y }, shot) {
  const { number, particles, junk } = averages[average];
  const mark = junk ? " junk" : isWeak(average, shot.labels) ? " weak" : "";
  const typical = referenceOf(average, shot) === average && shot.labels[average] >= 0;
  write(context, `${number}${mark}`, x + SIDE / 2, y + SIDE + 12, {
    size: 11,
    align: "center",
    weight: typical ? "700" : "",
    fill: mark ? "cap" : "ink",
  });
  write(context, count(particles), x + SIDE / 2, y + SIDE + 24, { size: 10, align: "center", fill: "quiet" });
  const chosen = average === state.selected && !saving;
  if (mark || chosen) {
    context.strokeStyle = colour(chosen ? "accent" : "cap");
    context.lineWidth = chosen ? 4 : 2;
    context.setLineDash(chosen ? [] : [5, 3]);
    context.strokeRect(x + 1, y + 1, SIDE - 2, SIDE - 2);
    context.setLineDash([]);
  }
}

function select(average) {
  state.selected = average;
  drawSheet(shown);
  drawSpheres(shown);
  showSelected(shown);
}

function showSelected(shot) {
  const i = state.selected;
  byId("selected").hidden = i < 0;
  if (i < 0) return;
  const label = shot.labels[i];
  drawTile(byId("selected-average").getContext("2d"), i, 0, 0, byId("selected-average").width, referenceOf(i, shot));
  const members = label < 0 ? [i] : shot.members[label];
  const mean = byId("selected-mean");
  mean.getContext("2d").drawImage(meanOf(members, referenceOf(i, shot)), 0, 0, mean.width, mean.height);
  byId("selected-text").textContent = averageSentence(i, shot);
  const choice = byId("move");
  choice.replaceChildren(
    ...shot.members.map((_, k) => option(String(k), `superclass ${k}`)),
    option("-1", "left out"),
  );
  choice.value = String(label);
  choice.disabled = averages[i].fixed;
}

function option(value, text) {
  const element = document.createElement("option");
  element.value = value;
  element.textContent = text;
  return element;
}

function averageSentence(i, shot) {
  const { number, particles, resolution, note } = averages[i];
  const label = shot.labels[i];
  const parts = [`Class ${number}`, counted(particles, "particle")];
  if (resolution !== null) parts.push(`${resolution.toFixed(1)} Å`);
  parts.push(label < 0 ? `left out${note ? `: ${note}` : ""}` : `superclass ${label} of ${counted(shot.members[label].length, "average")}`);
  if (label >= 0) parts.push(`belongs with confidence ${confidenceOf(i).toFixed(2)}`);
  return `${parts.join(", ")}.`;
}

function listenToSheet() {
  const canvas = byId("sheet");
  canvas.addEventListener("pointerdown", (event) => {
    const { x, y } = pointOn(canvas, event);
    const hit = places.find((p) => x >= p.x && x < p.x + SIDE && y >= p.y && y < p.y + CELL.height);
    if (hit) select(hit.average);
  });
  canvas.addEventListener("keydown", (event) => {
    const at = places.findIndex((p) => p.average === state.selected);
    const next = {
      ArrowRight: () => places[Math.min(at + 1, places.length - 1)],
      ArrowLeft: () => places[Math.max(at - 1, 0)],
      ArrowDown: () => below(at, 1),
      ArrowUp: () => below(at, -1),
      Home: () => places[0],
      End: () => places[places.length - 1],
    }[event.key]?.();
    if (!next) return;
    event.preventDefault();
    select(next.average);
  });
  byId("sort").addEventListener("change", () => drawSheet(shown));
}

// The tile nearest in the next row in this direction.
function below(at, direction) {
  if (at < 0) return places[0];
  const here = places[at];
  const rows = places.filter((p) => (p.y - here.y) * direction > 0);
  const nearest = Math.min(...rows.map((p) => Math.abs(p.y - here.y)));
  return rows
    .filter((p) => Math.abs(p.y - here.y) === nearest)
    .sort((p, q) => Math.abs(p.x - here.x) - Math.abs(q.x - here.x))[0];
}

// Spheres of directions: the views found from the averages, and the 3D poses where they exist. They
// are turned together. A direction and its opposite are one view.

const SPHERE = { side: 360, legend: 44, margin: 12 };
const RADIUS = SPHERE.side / 2 - SPHERE.margin;
const MIDDLE = SPHERE.side / 2;
const BIN_RADIUS = 1.3 * RADIUS * Math.sqrt(2 / 600); // of the 600 bins of poses on a half sphere
const TURNED_AT_FIRST = { turn: 0.6, tilt: 0.5 };
const UNSURE = 15; // degrees of uncertainty from which a spot is hollow

const spheres = data.spheres.map((sphere) => ({ ...sphere, spots: [], shown: -1 }));
const sphereView = { ...TURNED_AT_FIRST, farSide: true, kept: false };
const sphereId = (sphere) => `sphere-${sphere.name}`;

// Turn about the vertical axis, then tilt towards the eye; z comes out of the screen.
function turned([x, y, z]) {
  const [sinTurn, cosTurn] = [Math.sin(sphereView.turn), Math.cos(sphereView.turn)];
  const [sin, cos] = [Math.sin(sphereView.tilt), Math.cos(sphereView.tilt)];
  const [a, b] = [cosTurn * x + sinTurn * y, cosTurn * y - sinTurn * x];
  return { x: a, y: cos * z - sin * b, z: sin * z + cos * b };
}

const opposite = ({ x, y, z }) => ({ x: -x, y: -y, z: -z });
const placeOf = ({ x, y }) => [MIDDLE + RADIUS * x, MIDDLE - RADIUS * y];

// Colours far apart for neighbouring numbers; numbers beside the spots say which is which.
const superclassColour = (label) =>
  label < 0 ? colour("left-out") : `hsl(${(label * 137.5) % 360} 65% ${label % 2 ? 42 : 58}%)`;

// Particles of each direction: before the balance, or those that what is on the page would keep.
function weightsOf(sphere, shot) {
  if (!sphereView.kept) return sphere.particles;
  if (!sphere.average || isRun()) return sphere.kept;
  return sphere.average.map((i) => {
    const label = shot.labels[i];
    const share = label < 0 || shot.sizes[label] === 0 ? 1 : shot.kept[label] / shot.sizes[label];
    return averages[i].particles * share;
  });
}

// Every direction on the near side; the nearest are drawn last.
function spotsOf(sphere, shot) {
  const weights = weightsOf(sphere, shot);
  const most = Math.max(1, ...sphere.particles);
  const near = [];
  for (let at = 0; at < weights.length; at++) {
    if (weights[at] <= 0 && sphere.average) continue; // a bin of poses is drawn, an empty one too
    const place = turned(sphere.direction[at]);
    near.push({ ...(place.z < 0 ? opposite(place) : place), at, weight: weights[at], share: weights[at] / most });
  }
  return near.sort((p, q) => p.z - q.z);
}

function drawSpheres(shot) {
  for (const sphere of spheres) drawSphere(sphere, shot);
}

function drawSphere(sphere, shot) {
  const canvas = byId(sphereId(sphere));
  setStyle(canvas, "width", `${SPHERE.side}px`);
  const context = prepare(canvas, SPHERE.side, SPHERE.side + SPHERE.legend);
  const spots = spotsOf(sphere, shot);
  drawGlobe(context);
  const draw = sphere.average ? drawView : drawBin;
  if (sphereView.farSide) {
    context.globalAlpha = 0.16;
    for (const spot of spots) draw(context, { ...spot, ...opposite(spot) }, sphere, shot);
    context.globalAlpha = 1;
  }
  drawGrid(context);
  for (const spot of spots) draw(context, spot, sphere, shot);
  drawGaps(context, sphere);
  if (sphere.average) drawNumbers(context, spots, sphere, shot);
  else if (!saving) markBin(context, spots, sphere);
  (sphere.average ? drawSizes : drawDensities)(context, sphere);
  sphere.spots = spots;
}

// What is shown before anything is pointed at: the direction of most particles.
function showLargest(sphere) {
  const largest = sphere.particles.indexOf(Math.max(...sphere.particles));
  showSpot(sphere, largest);
}

function drawGlobe(context) {
  context.beginPath();
  context.arc(MIDDLE, MIDDLE, RADIUS, 0, 2 * Math.PI);
  context.fillStyle = colour("panel");
  context.fill();
  context.strokeStyle = colour("quiet");
  context.lineWidth = 1;
  context.stroke();
}

const pointAtLatitude = (lat, lon) => [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];

// Meridians and parallels of the near side.
function drawGrid(context) {
  context.strokeStyle = colour("line");
  context.lineWidth = 0.7;
  const part = Math.PI / 36;
  for (let line = 0; line < 12; line++) {
    drawCurveOnSphere(context, (step) => pointAtLatitude((step - 18) * part, (line * Math.PI) / 6), 36);
  }
  for (let line = -2; line <= 2; line++) {
    drawCurveOnSphere(context, (step) => pointAtLatitude((line * Math.PI) / 6, step * part), 72);
  }
}

function drawCurveOnSphere(context, pointAt, steps) {
  let drawn = false;
  context.beginPath();
  for (let step = 0; step <= steps; step++) {
    const place = turned(pointAt(step));
    if (place.z >= 0) context[drawn ? "lineTo" : "moveTo"](...placeOf(place));
    drawn = place.z >= 0;
  }
  context.stroke();
}

const radiusOf = (share) => 2.5 + 9 * Math.sqrt(share);

function drawView(context, spot, sphere, shot) {
  const average = sphere.average[spot.at];
  const paint = superclassColour(shot.labels[average]);
  const unsure = sphere.uncertainty[spot.at] > UNSURE;
  context.beginPath();
  context.arc(...placeOf(spot), radiusOf(spot.share), 0, 2 * Math.PI);
  context.fillStyle = unsure ? colour("paper") : paint;
  context.fill();
  const chosen = !saving && (average === state.selected || spot.at === sphere.shown);
  context.strokeStyle = chosen ? colour("accent") : unsure ? paint : colour("paper");
  context.lineWidth = chosen ? 3.5 : unsure ? 2 : 1;
  context.stroke();
}

function drawBin(context, spot) {
  const level = Math.round(255 * spot.share);
  const [red, green, blue] = PAINT[matrixView.colours].subarray(3 * level, 3 * level + 3);
  const turn = Math.atan2(-spot.y, spot.x);
  context.beginPath();
  context.ellipse(...placeOf(spot), BIN_RADIUS * Math.max(0.15, Math.abs(spot.z)), BIN_RADIUS, turn, 0, 2 * Math.PI);
  context.fillStyle = `rgb(${red} ${green} ${blue})`;
  context.fill();
}

// The bin that the text below speaks of.
function markBin(context, spots, sphere) {
  const spot = spots.find(({ at }) => at === sphere.shown);
  if (!spot) return;
  for (const [paint, width] of [["#000000", 4], ["#ff9d4d", 2]]) {
    context.strokeStyle = paint;
    context.lineWidth = width;
    context.beginPath();
    context.arc(...placeOf(spot), BIN_RADIUS, 0, 2 * Math.PI);
    context.stroke();
  }
}

// A cross in every region of the near side that has no view.
function drawGaps(context, sphere) {
  context.strokeStyle = colour("cap");
  context.lineWidth = 1.2;
  context.beginPath();
  for (const direction of sphere.gap) {
    const place = turned(direction);
    const [x, y] = placeOf(place.z < 0 ? opposite(place) : place);
    drawCross(context, x, y);
  }
  context.stroke();
}

function drawCross(context, x, y) {
  context.moveTo(x - 3, y - 3);
  context.lineTo(x + 3, y + 3);
  context.moveTo(x - 3, y + 3);
  context.lineTo(x + 3, y - 3);
}

// The number of each superclass beside its largest spot.
function drawNumbers(context, spots, sphere, shot) {
  const largest = new Map();
  for (const spot of spots) {
    const label = shot.labels[sphere.average[spot.at]];
    if (label >= 0 && !(largest.get(label)?.weight >= spot.weight)) largest.set(label, spot);
  }
  for (const [label, spot] of largest) {
    const [x, y] = placeOf(spot);
    const [side, align] = spot.x > 0.85 ? [-1, "right"] : [1, "left"]; // inside the figure
    const away = side * (radiusOf(spot.share) + 2);
    write(context, String(label), x + away, y + 4, { size: 11, weight: "600", align });
  }
}

// Below the globe: what a size means, and what a cross.
function drawSizes(context, sphere) {
  const y = SPHERE.side + 16;
  const most = Math.max(1, ...sphere.particles);
  let x = SPHERE.margin;
  for (const particles of [most, Math.max(1, Math.round(most / 10))]) {
    const radius = radiusOf(particles / most);
    context.fillStyle = colour("left-out");
    context.beginPath();
    context.arc(x + radius, y - 4, radius, 0, 2 * Math.PI);
    context.fill();
    write(context, counted(particles, "particle"), x + 2 * radius + 5, y, { size: 11, fill: "quiet" });
    x += 118;
  }
  nameGap(context, sphere);
}

function drawDensities(context, sphere) {
  const y = SPHERE.side + 6;
  const map = PAINT[matrixView.colours];
  const wide = 100;
  const x = SPHERE.margin + 8;
  for (let level = 0; level < wide; level++) {
    const at = 3 * Math.round((level * 255) / (wide - 1));
    context.fillStyle = `rgb(${map[at]} ${map[at + 1]} ${map[at + 2]})`;
    context.fillRect(x + level, y, 1.5, 10);
  }
  const mean = total(sphere.particles) / sphere.particles.length;
  const most = Math.max(1, ...sphere.particles) / Math.max(mean, 1e-9);
  write(context, "0", x - 4, y + 9, { size: 11, align: "right", fill: "quiet" });
  write(context, `${most.toFixed(1)} × the mean`, x + wide + 6, y + 9, { size: 11, fill: "quiet" });
  nameGap(context, sphere);
}

function nameGap(context, sphere) {
  if (!sphere.gap.length) return;
  const y = SPHERE.side + 36;
  context.strokeStyle = colour("cap");
  context.lineWidth = 1.2;
  context.beginPath();
  drawCross(context, SPHERE.margin + 4, y - 4);
  context.stroke();
  write(context, `no view within ${data.gapDegrees}°`, SPHERE.margin + 14, y, { size: 11, fill: "quiet" });
}

// What stands under the pointer, or was walked to.
function showSpot(sphere, at) {
  if (at === sphere.shown) return;
  sphere.shown = at;
  drawSphere(sphere, shown);
  const text = byId(`${sphereId(sphere)}-text`);
  const average = sphere.average?.[at];
  if (average === undefined) {
    const mean = total(sphere.particles) / sphere.particles.length;
    const [all, kept] = [sphere.particles[at], sphere.kept[at]];
    text.textContent = `${counted(all, "particle")} look this way, ${(all / mean).toFixed(1)} times the mean; ${count(kept)} of them kept by the run.`;
    return;
  }
  text.textContent = `${averageSentence(average, shown)} Direction known to about ${sphere.uncertainty[at].toFixed(1)}°.`;
  const canvas = byId(`${sphereId(sphere)}-average`);
  drawTile(canvas.getContext("2d"), average, 0, 0, canvas.width, referenceOf(average, shown));
}

function spotUnder(sphere, { x, y }) {
  const reach = (spot) => (sphere.average ? radiusOf(spot.share) + 3 : BIN_RADIUS);
  return sphere.spots.findLast((spot) => {
    const [across, down] = placeOf(spot);
    return Math.hypot(across - x, down - y) < reach(spot);
  });
}

const TURN_KEYS = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
const WALK_KEYS = { n: 1, N: 1, p: -1, P: -1 };

function turnBy(right, down) {
  sphereView.turn -= right;
  sphereView.tilt = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, sphereView.tilt + down));
  drawSpheres(shown);
}

// The next spot in superclass order, or of falling particles, turned to the eye.
function walk(sphere, step) {
  const place = new Map(shown.order.map((average, at) => [average, at]));
  const rank = (spot) => (sphere.average ? place.get(sphere.average[spot.at]) : -spot.weight);
  const spots = [...sphere.spots].sort((p, q) => rank(p) - rank(q) || p.at - q.at);
  if (!spots.length) return;
  const now = spots.findIndex((spot) => spot.at === sphere.shown);
  const next = now < 0 ? 0 : (now + step + spots.length) % spots.length;
  const [x, y, z] = sphere.direction[spots[next].at];
  Object.assign(sphereView, { turn: Math.atan2(-x, y), tilt: Math.atan2(z, Math.hypot(x, y)) });
  drawSpheres(shown);
  showSpot(sphere, spots[next].at);
}

function listenToSphere(sphere) {
  const canvas = byId(sphereId(sphere));
  let held = null; // where the pointer was, and whether it has moved since it was put down
  canvas.addEventListener("pointerdown", (event) => {
    held = { ...pointOn(canvas, event), moved: 0 };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const here = pointOn(canvas, event);
    if (!held) {
      const spot = spotUnder(sphere, here);
      if (spot) showSpot(sphere, spot.at);
      return;
    }
    turnBy((here.x - held.x) / 120, (here.y - held.y) / 120);
    held = { ...here, moved: held.moved + Math.hypot(here.x - held.x, here.y - held.y) };
  });
  canvas.addEventListener("pointerup", (event) => {
    const spot = held && held.moved < 4 ? spotUnder(sphere, pointOn(canvas, event)) : undefined;
    held = null;
    if (!spot) return;
    showSpot(sphere, spot.at);
    if (sphere.average) select(sphere.average[spot.at]);
  });
  canvas.addEventListener("pointercancel", () => (held = null));
  canvas.addEventListener("keydown", (event) => {
    if (event.key in TURN_KEYS) turnBy(...TURN_KEYS[event.key]);
    else if (event.key in WALK_KEYS) walk(sphere, WALK_KEYS[event.key]);
    else if (event.key === "Enter" && sphere.average && sphere.shown >= 0) select(sphere.average[sphere.shown]);
    else return;
    event.preventDefault();
  });
}

function listenToSpheres() {
  for (const sphere of spheres) {
    listenToSphere(sphere);
    showLargest(sphere);
  }
  byId("far-side")?.addEventListener("change", () => {
    sphereView.farSide = byId("far-side").checked;
    drawSpheres(shown);
  });
  for (const radio of document.querySelectorAll('input[name="sphere-particles"]')) {
    radio.addEventListener("change", () => {
      sphereView.kept = radio.value === "kept";
      drawSpheres(shown);
    });
  }
  byId("turn-back")?.addEventListener("click", () => {
    Object.assign(sphereView, TURNED_AT_FIRST);
    drawSpheres(shown);
  });
}

// Spheres of directions: the views found from the averages, and the 3D poses where they exist.

const SPHERE_SIDE = 340;
const spheres = (data.spheres ?? []).map((sphere) => ({ ...sphere, turn: 0.6, tilt: 0.5 }));

// Turn about the vertical axis, then tilt towards the eye; z comes out of the screen.
function turned([x, y, z], { turn, tilt }) {
  const [a, b] = [Math.cos(turn) * x + Math.sin(turn) * y, -Math.sin(turn) * x + Math.cos(turn) * y];
  return {
    x: a,
    y: Math.cos(tilt) * z - Math.sin(tilt) * b,
    z: Math.sin(tilt) * z + Math.cos(tilt) * b,
  };
}

// Colours far apart for neighbouring numbers; the text under the pointer says which is which.
const superclassColour = (label) =>
  label < 0 ? colour("left-out") : `hsl(${(label * 137.5) % 360} 65% ${label % 2 ? 42 : 58}%)`;

function spotsOf(sphere, shot) {
  const most = Math.max(...sphere.weight, 1);
  return sphere.direction
    .map((direction, at) => ({ ...turned(direction, sphere), at, share: sphere.weight[at] / most }))
    .map((spot) => ({
      ...spot,
      radius: 2 + 9 * Math.sqrt(spot.share),
      fill: sphere.average ? superclassColour(shot.labels[sphere.average[spot.at]]) : colour("kept"),
    }))
    .sort((p, q) => p.z - q.z);
}

function drawSpheres(shot) {
  for (const sphere of spheres) drawSphere(sphere, shot);
}

function drawSphere(sphere, shot) {
  const canvas = byId(`sphere-${sphere.name}`);
  canvas.style.width = `${SPHERE_SIDE}px`;
  const context = prepare(canvas, SPHERE_SIDE, SPHERE_SIDE);
  const [middle, radius] = [SPHERE_SIDE / 2, SPHERE_SIDE / 2 - 12];
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  for (let angle = 0; angle < 180; angle += 30) drawCircle(context, sphere, angle, middle, radius);
  sphere.spots = spotsOf(sphere, shot).filter((spot) => spot.share > 0);
  for (const spot of sphere.spots) {
    context.globalAlpha = spot.z < 0 ? 0.25 : 0.9;
    context.fillStyle = spot.fill;
    context.beginPath();
    context.arc(middle + radius * spot.x, middle - radius * spot.y, spot.radius, 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
  context.strokeRect(0.5, 0.5, SPHERE_SIDE - 1, SPHERE_SIDE - 1);
}

function drawCircle(context, sphere, angle, middle, radius) {
  const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  context.beginPath();
  for (let step = 0; step <= 60; step++) {
    const along = (step * Math.PI) / 30;
    const at = turned([cos * Math.sin(along), sin * Math.sin(along), Math.cos(along)], sphere);
    context.lineTo(middle + radius * at.x, middle - radius * at.y);
  }
  context.stroke();
}

function showSpot(sphere, x, y) {
  const [middle, radius] = [SPHERE_SIDE / 2, SPHERE_SIDE / 2 - 12];
  const hit = sphere.spots.findLast(
    (spot) => Math.hypot(middle + radius * spot.x - x, middle - radius * spot.y - y) < spot.radius + 3,
  );
  const canvas = byId(`sphere-${sphere.name}-average`);
  if (!hit) return;
  const average = sphere.average?.[hit.at];
  byId(`sphere-${sphere.name}-text`).textContent =
    average === undefined
      ? `${counted(sphere.weight[hit.at], "particle")} in this direction.`
      : averageSentence(average, shown);
  if (canvas && average !== undefined) drawTile(canvas.getContext("2d"), average, 0, 0, canvas.width);
}

function listenToSpheres() {
  for (const sphere of spheres) {
    const canvas = byId(`sphere-${sphere.name}`);
    let last = null;
    canvas.addEventListener("pointerdown", (event) => {
      last = pointOn(canvas, event);
      canvas.setPointerCapture(event.pointerId);
      showSpot(sphere, last.x, last.y);
    });
    canvas.addEventListener("pointerup", () => (last = null));
    canvas.addEventListener("pointercancel", () => (last = null));
    canvas.addEventListener("pointermove", (event) => {
      const here = pointOn(canvas, event);
      if (!last) return showSpot(sphere, here.x, here.y);
      turnBy(sphere, (here.x - last.x) / 120, (here.y - last.y) / 120);
      last = here;
    });
    canvas.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
      if (!(event.key in steps)) return;
      event.preventDefault();
      turnBy(sphere, ...steps[event.key]);
    });
  }
}

function turnBy(sphere, turn, tilt) {
  sphere.turn -= turn;
  sphere.tilt = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, sphere.tilt + tilt));
  drawSphere(sphere, shown);
}

// The curve behind the number of superclasses: one line for each quality, the suggestion, the range.

const CURVE_HEIGHT = 240;
const CURVE_LEFT = 44;

function curveScale(width) {
  const ks = data.curve.k;
  const [first, last] = [ks[0], ks[ks.length - 1]];
  const right = width - 12;
  const across = (k) => CURVE_LEFT + ((right - CURVE_LEFT) * (k - first)) / Math.max(1, last - first);
  const at = (x) => Math.round(first + ((x - CURVE_LEFT) / (right - CURVE_LEFT)) * (last - first));
  return { across, at };
}

function drawCurve() {
  if (!data.curve) return;
  const canvas = byId("curve");
  const width = widthOf(canvas);
  const context = prepare(canvas, width, CURVE_HEIGHT);
  const { across } = curveScale(width);
  const [top, bottom] = [16, CURVE_HEIGHT - 40];
  const up = (value) => bottom - (bottom - top) * value;
  const [low, high] = data.curve.plausible.map(across);
  context.fillStyle = colour("range");
  context.fillRect(low - 2, top, high - low + 4, bottom - top);
  for (const value of [0, 0.5, 1]) {
    context.fillStyle = colour("line");
    context.fillRect(CURVE_LEFT, up(value), width - CURVE_LEFT - 12, 1);
    write(context, String(value), CURVE_LEFT - 6, up(value) + 4, { size: 11, align: "right", fill: "quiet" });
  }
  data.curve.lines.forEach((line, which) => drawLine(context, line, which, across, up));
  markNumber(context, across(data.curve.suggested), top, bottom, "accent", [4, 4]);
  markNumber(context, across(state.k), top, bottom, "ink", []);
  const step = Math.max(1, Math.ceil(data.curve.k.length / (width / 40)));
  data.curve.k.forEach((k, at) => {
    if (at % step === 0) write(context, String(k), across(k), bottom + 16, { size: 11, align: "center" });
  });
  write(context, "superclasses", width / 2, CURVE_HEIGHT - 6, { align: "center", fill: "quiet" });
}

const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];

function drawLine(context, line, which, across, up) {
  context.strokeStyle = colour(`line-${which % 4}`);
  context.lineWidth = which === 0 ? 2.5 : 1.5;
  context.setLineDash(DASHES[which % 4]);
  context.beginPath();
  line.values.forEach((value, at) => {
    if (value !== null) context.lineTo(across(data.curve.k[at]), up(Math.max(0, Math.min(1, value))));
  });
  context.stroke();
  context.setLineDash([]);
}

function markNumber(context, x, top, bottom, name, dashes) {
  context.strokeStyle = colour(name);
  context.setLineDash(dashes);
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x, bottom);
  context.stroke();
  context.setLineDash([]);
}

// What each line is, in its colour and its dashes.
function nameLines() {
  byId("curve-legend").replaceChildren(
    ...data.curve.lines.map(({ name }, which) => {
      const item = document.createElement("span");
      item.className = `line-${which % 4}`;
      item.textContent = name;
      return item;
    }),
  );
}

function listenToCurve() {
  if (!data.curve) return;
  nameLines();
  byId("curve").addEventListener("click", (event) => {
    const { at } = curveScale(widthOf(byId("curve")));
    setNumber(nearestNumber(at(pointOn(byId("curve"), event).x)));
  });
}

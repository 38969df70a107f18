// Bars: particles of each superclass, kept and dropped, and the cap.

const BARS_HEIGHT = 280;

function drawBars({ sizes, kept, cap, labels }) {
  const canvas = byId("bars");
  const width = widthOf(canvas);
  const context = prepare(canvas, width, BARS_HEIGHT);
  const outside = total(averages.filter((_, i) => labels[i] < 0).map((a) => a.particles));
  const heights = outside ? [...sizes, outside] : sizes;
  const highest = Math.max(1, ...heights);
  const [left, bottom, top] = [64, BARS_HEIGHT - 40, 24];
  const up = (particles) => bottom - ((bottom - top) * particles) / highest;
  const step = (width - left - 8) / Math.max(heights.length, 6);
  drawTicks(context, highest, up, left, width);
  heights.forEach((size, at) => {
    const x = left + step * (at + 0.12);
    const wide = step * 0.76;
    if (at === sizes.length) {
      fillBar(context, x, wide, up(size), bottom, "left-out");
    } else {
      fillBar(context, x, wide, up(size), bottom, "dropped");
      fillBar(context, x, wide, up(kept[at]), bottom, "kept");
    }
    nameBar(context, at === sizes.length ? "left out" : String(at), size, x + wide / 2, up(size), step);
  });
  if (cap !== null && cap <= highest) drawCap(context, cap, up(cap), left, width);
  write(context, "superclass", (left + width) / 2, BARS_HEIGHT - 6, { align: "center", fill: "quiet" });
}

function fillBar(context, x, wide, y, bottom, name) {
  context.fillStyle = colour(name);
  context.fillRect(x, y, wide, bottom - y);
}

function nameBar(context, name, size, x, y, step) {
  if (step > 14 || Number(name) % Math.ceil(14 / step) === 0) {
    write(context, name, x, BARS_HEIGHT - 24, { size: 11, align: "center" });
  }
  if (step > 34) write(context, count(size), x, y - 4, { size: 11, align: "center" });
}

function drawTicks(context, highest, up, left, width) {
  const unit = 10 ** Math.floor(Math.log10(highest));
  const step = [0.2, 0.5, 1].map((s) => s * unit).find((s) => highest / s <= 5) ?? 2 * unit;
  for (let value = 0; value <= highest; value += Math.max(1, step)) {
    context.fillStyle = colour("line");
    context.fillRect(left - 4, up(value), width - left, 1);
    write(context, count(value), left - 8, up(value) + 4, { size: 11, align: "right", fill: "quiet" });
  }
}

function drawCap(context, cap, y, left, width) {
  context.strokeStyle = colour("cap");
  context.setLineDash([6, 4]);
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(left, y);
  context.lineTo(width - 4, y);
  context.stroke();
  context.setLineDash([]);
  const text = `cap ${count(cap)}`;
  context.fillStyle = colour("paper"); // the text stands on a bar perhaps
  context.fillRect(width - 14 - 7.5 * text.length, y - 19, 7.5 * text.length + 10, 16);
  write(context, text, width - 9, y - 7, { align: "right", fill: "cap", weight: "600" });
}

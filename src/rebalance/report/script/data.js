// What the page was given, decoded once: averages, labels for every number of superclasses, pairs.

const data = JSON.parse(document.getElementById("data").textContent);
const averages = data.averages;
const N = averages.length;

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const wholeNumbers = (base64) => new Int16Array(bytesOf(base64).buffer);

// Of every k: label of each average, display order, and how well each belongs (255 is 1).
const groupings = new Map(
  data.groupings.map((g) => [
    g.k,
    {
      labels: wholeNumbers(g.labels),
      order: wholeNumbers(g.order),
      confidence: bytesOf(g.confidence),
      references: g.references,
    },
  ]),
);

// Pairs i < j, row by row.
const pairs = {
  affinity: bytesOf(data.pairs.affinity),
  angle: data.pairs.angle ? new Uint16Array(bytesOf(data.pairs.angle).buffer) : null,
  shift: data.pairs.shift ? new Int8Array(bytesOf(data.pairs.shift).buffer) : null,
};

const pairIndex = (i, j) => (i * (2 * N - i - 1)) / 2 + (j - i - 1);

function affinityOf(i, j) {
  if (i === j) return 1;
  return pairs.affinity[i < j ? pairIndex(i, j) : pairIndex(j, i)] / 255;
}

// The transform that lays average j on average i: mirror x, turn counter-clockwise (y upward), shift.
function transformOf(i, j) {
  if (i === j || !pairs.angle) return { angle: 0, y: 0, x: 0, mirror: false };
  const at = i < j ? pairIndex(i, j) : pairIndex(j, i);
  const mirror = (pairs.angle[at] & 1) === 1; // the lowest bit; the others count 360 / 32768 degrees
  const forward = {
    angle: ((pairs.angle[at] >> 1) * 360) / 32768 - 180,
    y: pairs.shift[2 * at] * data.pairs.shiftUnit,
    x: pairs.shift[2 * at + 1] * data.pairs.shiftUnit,
    mirror,
  };
  return i < j ? forward : inverse(forward);
}

function inverse({ angle, y, x, mirror }) {
  const turn = ((mirror ? angle : -angle) * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const mirroredX = mirror ? -x : x;
  return {
    angle: mirror ? angle : -angle,
    x: -(cos * mirroredX - sin * y),
    y: -(sin * mirroredX + cos * y),
    mirror,
  };
}

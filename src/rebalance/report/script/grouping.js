// The state of the page, and what follows from it: labels, sizes, cap, what is kept.

const state = {
  k: data.run.k,
  factor: data.run.factor, // a decimal as written, or "" for none
  maxSize: data.run.maxSize, // as written, or ""
  moved: new Map(), // average -> superclass of this k; -1 is left out
  selected: -1,
};

const grouping = () => groupings.get(state.k);

// Labels after hand correction.
function currentLabels() {
  const labels = Int16Array.from(grouping().labels);
  for (const [average, label] of state.moved) labels[average] = label;
  return labels;
}

function sizesOf(labels) {
  const sizes = Array.from({ length: state.k }, () => 0);
  labels.forEach((label, i) => {
    if (label >= 0) sizes[label] += averages[i].particles;
  });
  return sizes;
}

// floor(n / factor), exact for the decimal as written.
function capOfFactor(smallest, factor) {
  const [whole, fraction = ""] = factor.split(".");
  const numerator = BigInt(whole + fraction);
  if (numerator === 0n) return null;
  return Number((BigInt(smallest) * 10n ** BigInt(fraction.length)) / numerator);
}

function capOf(sizes) {
  const factorIsZero = state.factor !== "" && Number(state.factor) === 0;
  if (factorIsZero) return null;
  if (state.maxSize !== "") return Number(state.maxSize);
  const filled = sizes.filter((size) => size > 0);
  if (state.factor === "" || filled.length === 0) return null;
  return capOfFactor(Math.min(...filled), state.factor);
}

// exp of the entropy: as even as so many of equal size.
function effectiveNumber(sizes) {
  const total = sizes.reduce((a, b) => a + b, 0);
  if (total === 0) return 0;
  return Math.exp(-sizes.reduce((sum, s) => (s ? sum + (s / total) * Math.log(s / total) : sum), 0));
}

// Averages in display order: those moved stand with their superclass, those left out at the end.
function currentOrder(labels) {
  const order = Array.from(grouping().order);
  if (state.moved.size === 0) return order;
  const place = new Map();
  for (const i of order) {
    const label = grouping().labels[i];
    if (label >= 0 && !place.has(label)) place.set(label, place.size);
  }
  const rank = (i) => (labels[i] < 0 ? Infinity : (place.get(labels[i]) ?? state.k));
  return order
    .map((i, at) => [i, at])
    .sort(([a, p], [b, q]) => (rank(a) === rank(b) ? p - q : rank(a) - rank(b)))
    .map(([i]) => i);
}

// Whether the page shows what the run did, by a rule that the controls may not know.
function isRun() {
  const { k, factor, maxSize } = data.run;
  const same = state.k === k && state.factor === factor && state.maxSize === maxSize;
  return same && state.moved.size === 0;
}

function keptOf(sizes) {
  if (isRun()) return { cap: data.run.cap, kept: data.run.kept };
  const cap = capOf(sizes);
  return { cap, kept: sizes.map((size) => (cap === null ? size : Math.min(size, cap))) };
}

// Everything that the drawings need, made once for each change.
function snapshot() {
  const labels = currentLabels();
  const order = currentOrder(labels);
  const sizes = sizesOf(labels);
  const { cap, kept } = keptOf(sizes);
  const members = Array.from({ length: state.k }, () => []);
  const outside = [];
  for (const i of order) (labels[i] >= 0 ? members[labels[i]] : outside).push(i);
  const shown = [...new Set(order.map((i) => labels[i]))].filter((label) => label >= 0);
  return { labels, order, sizes, cap, kept, members, outside, shown };
}

const total = (numbers) => numbers.reduce((a, b) => a + b, 0);
const count = (number) => number.toLocaleString("en-US");
const percent = (part, whole) => `${(whole ? (100 * part) / whole : 0).toFixed(1)} %`;
const counted = (number, thing) =>
  `${count(number)} ${thing}${number === 1 ? "" : thing.endsWith("s") ? "es" : "s"}`;

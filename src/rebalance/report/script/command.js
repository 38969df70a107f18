// The command that reproduces what is on the screen, and the files that go with it.

const shellWord = (word) =>
  /^[A-Za-z0-9_\-.,/:=+@%]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;

// Options of the run that made this page, and those that the page sets.
function commandText() {
  const words = [...data.command.words, "-k", String(isAsRun() ? data.run.asked : state.k)];
  if (isRun()) words.push(...data.command.rule);
  else words.push(...ruleOfPage());
  if (needsConstraints()) words.push("--constraints", "constraints.csv");
  else words.push(...data.command.constraints);
  words.push("--seed", String(data.command.seed), "--output", outputName());
  return words.map(shellWord).join(" ");
}

const isAsRun = () => state.k === data.run.k;

// The run's own moves name superclasses of its own number, and mean nothing for another.
const ownRows = () => data.command.rows.filter(([, action]) => action !== "move" || isAsRun());

const needsConstraints = () => state.moved.size > 0 || ownRows().length < data.command.rows.length;

function ruleOfPage() {
  const words = [];
  if (state.factor !== "") words.push("--factor", state.factor);
  if (state.maxSize !== "") words.push("--max-size", state.maxSize);
  return words;
}

// A directory of its own for every setting, since a run never writes into the results of another.
function outputName() {
  const parts = [data.command.output, `k${state.k}`];
  if (state.factor !== "") parts.push(`f${state.factor}`);
  if (state.maxSize !== "") parts.push(`n${state.maxSize}`);
  if (state.moved.size) parts.push("corrected");
  return parts.join("_");
}

// The run's own constraints, with the corrections made here in place of what they said of a class.
function constraintsText() {
  const lines = new Map(ownRows().map(([number, action, value]) => [number, `${number},${action},${csvCell(value)}`]));
  for (const [i, label] of state.moved) {
    const { number } = averages[i];
    lines.set(number, label < 0 ? `${number},leave_out,` : `${number},move,${numberOfRun(label)}`);
  }
  return ["class_number,action,value", ...lines.values(), ""].join("\n");
}

const csvCell = (text) => (/[",\s]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// The superclass as it is numbered before any move: moves of the run may have emptied one.
const numberOfRun = (label) => (isAsRun() ? data.run.before[label] : label);

function assignmentText() {
  const rows = averages.map((a, i) => `${a.number},${shown.labels[i]},${a.particles}`);
  return ["class_number,superclass,particles", ...rows, ""].join("\n");
}

function showCommand() {
  byId("command").textContent = commandText();
  byId("save-constraints").disabled = !needsConstraints();
}

function listenToCommand() {
  byId("save-assignment").addEventListener("click", () => save(textFile(assignmentText(), "text/csv"), "assignment.csv"));
  byId("save-constraints").addEventListener("click", () => save(textFile(constraintsText(), "text/csv"), "constraints.csv"));
  byId("copy").addEventListener("click", copyCommand);
}

// Pages opened from disk may not be allowed to use the clipboard: the text is selected then.
async function copyCommand() {
  const text = byId("command");
  const range = document.createRange();
  range.selectNodeContents(text);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  try {
    await navigator.clipboard.writeText(text.textContent);
    byId("copied").textContent = "Copied.";
  } catch {
    byId("copied").textContent = "Selected: press Ctrl-C to copy.";
  }
}

// The command that reproduces what is on the screen, and the files that go with it.

const shellWord = (word) =>
  /^[A-Za-z0-9_\-.,/:=+@%]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;

// Options of the run that made this page, and those that the page sets.
function commandText() {
  const words = [...data.command.words, "-k", String(state.k)];
  if (isRun()) words.push(...data.command.rule);
  else words.push(...ruleOfPage());
  if (state.moved.size) words.push("--constraints", "constraints.csv");
  else words.push(...data.command.constraints);
  words.push("--seed", String(data.command.seed), "--output", outputName());
  return words.map(shellWord).join(" ");
}

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

function constraintsText() {
  const rows = [...state.moved].map(([i, label]) =>
    label < 0 ? `${averages[i].number},leave_out,` : `${averages[i].number},move,${label}`,
  );
  return ["class_number,action,value", ...rows, ""].join("\n");
}

function assignmentText() {
  const rows = averages.map((a, i) => `${a.number},${shown.labels[i]},${a.particles}`);
  return ["class_number,superclass,particles", ...rows, ""].join("\n");
}

function showCommand() {
  byId("command").textContent = commandText();
  byId("save-constraints").disabled = state.moved.size === 0;
}

const csv = (text) => new Blob([text], { type: "text/csv" });

function listenToCommand() {
  byId("save-assignment").addEventListener("click", () => save(csv(assignmentText()), "assignment.csv"));
  byId("save-constraints").addEventListener("click", () => save(csv(constraintsText()), "constraints.csv"));
  byId("copy").addEventListener("click", copyCommand);
  for (const button of document.querySelectorAll("button[data-canvas]")) {
    button.addEventListener("click", () => {
      const canvas = byId(button.dataset.canvas);
      canvas.toBlob((blob) => save(blob, `${button.dataset.canvas}.png`));
    });
  }
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

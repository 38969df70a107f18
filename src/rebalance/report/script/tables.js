// The tables, which say in text what the pictures show.

// Rows that are there are written over, which is much cheaper than new ones; a row like the first is
// made where there are too few.
function fillRows(id, rows) {
  const body = byId(id).querySelector("tbody");
  while (body.rows.length > rows.length) body.lastElementChild.remove();
  while (body.rows.length < rows.length) body.append(body.rows[0].cloneNode(true));
  rows.forEach((texts, at) => {
    const { cells } = body.rows[at];
    texts.forEach((text, column) => {
      if (cells[column].textContent !== text) cells[column].textContent = text;
    });
  });
}

function fillSuperclassTable(shot) {
  const all = total(shot.sizes);
  const smallest = Math.min(...shot.sizes.filter((size) => size > 0));
  const setsCap = state.maxSize === "" && shot.cap !== null ? shot.sizes.indexOf(smallest) : -1;
  const rows = shot.sizes.map((size, k) => {
    const note = [k === setsCap ? "sets the cap" : "", size > shot.kept[k] ? "capped" : ""];
    return [
      String(k),
      count(shot.members[k].length),
      count(size),
      percent(size, all),
      count(shot.kept[k]),
      insideText(shot.members[k]),
      note.filter(Boolean).join(", "),
    ];
  });
  fillRows("superclasses", rows);
}

// Mean affinity over the pairs of these averages.
function insideText(members) {
  if (members.length < 2) return "–";
  let sum = 0;
  for (const i of members) for (const j of members) if (i < j) sum += affinityOf(i, j);
  return (sum / ((members.length * (members.length - 1)) / 2)).toFixed(2);
}

function fillAveragesTable(shot) {
  const rows = shot.order.map((i) => {
    const { number, particles, resolution, note, junk } = averages[i];
    const label = shot.labels[i];
    const remarks = [note || (junk ? `looks like junk (${junk})` : ""), isWeak(i, shot.labels) ? "weak" : ""];
    return [
      String(number),
      label < 0 ? "left out" : String(label),
      count(particles),
      resolution === null ? "–" : resolution.toFixed(1),
      label < 0 ? "–" : confidenceOf(i).toFixed(2),
      remarks.filter(Boolean).join(", "),
    ];
  });
  fillRows("averages-table", rows);
}

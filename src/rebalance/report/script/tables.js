// The tables, which say in text what the pictures show.

function tableCell(tag, text, number) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (number) element.className = "number";
  if (tag === "th") element.scope = "row";
  return element;
}

function tableRow(texts, isNumber) {
  const element = document.createElement("tr");
  texts.forEach((text, at) => element.append(tableCell(at === 0 ? "th" : "td", text, isNumber[at])));
  return element;
}

const body = (id) => byId(id).querySelector("tbody");

function fillSuperclassTable(shot) {
  const all = total(shot.sizes);
  const smallest = Math.min(...shot.sizes.filter((size) => size > 0));
  const setsCap = state.maxSize === "" && shot.cap !== null ? shot.sizes.indexOf(smallest) : -1;
  body("superclasses").replaceChildren(
    ...shot.sizes.map((size, k) => {
      const note = [k === setsCap ? "sets the cap" : "", size > shot.kept[k] ? "capped" : ""];
      return tableRow(
        [
          String(k),
          count(shot.members[k].length),
          count(size),
          percent(size, all),
          count(shot.kept[k]),
          insideText(shot.members[k]),
          note.filter(Boolean).join(", "),
        ],
        [true, true, true, true, true, true, false],
      );
    }),
  );
}

// Mean affinity over the pairs of these averages.
function insideText(members) {
  if (members.length < 2) return "–";
  let sum = 0;
  for (const i of members) for (const j of members) if (i < j) sum += affinityOf(i, j);
  return (sum / ((members.length * (members.length - 1)) / 2)).toFixed(2);
}

function fillAveragesTable(shot) {
  body("averages-table").replaceChildren(
    ...shot.order.map((i) => {
      const { number, particles, resolution, note, junk } = averages[i];
      const label = shot.labels[i];
      const remarks = [junk ? "junk" : "", isWeak(i, shot.labels) ? "weak" : "", note];
      return tableRow(
        [
          String(number),
          label < 0 ? "left out" : String(label),
          count(particles),
          resolution === null ? "–" : resolution.toFixed(1),
          label < 0 ? "–" : confidenceOf(i).toFixed(2),
          [...new Set(remarks.filter(Boolean))].join(", "),
        ],
        [true, true, true, true, true, false],
      );
    }),
  );
}

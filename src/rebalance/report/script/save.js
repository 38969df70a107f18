// Saving: files that the page makes, and its figures as PNG or SVG.

const FINER = 2; // px of a PNG for one of the page
const MOST_PIXELS = 6e7; // of a PNG

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const textFile = (text, type) => new Blob([text], { type });

// Draw a figure into what `open` gives, in the colours of the light page: it is meant for print.
function drawInto(name, open) {
  const root = document.documentElement;
  root.classList.add("print");
  palette = {};
  saving = open;
  try {
    drawings[name](shown);
  } finally {
    saving = null;
    palette = {};
    root.classList.remove("print");
  }
}

function savePng(name) {
  const canvas = document.createElement("canvas");
  drawInto(name, (width, height) => {
    const finer = Math.min(FINER, Math.sqrt(MOST_PIXELS / (width * height)));
    canvas.width = Math.round(width * finer);
    canvas.height = Math.round(height * finer);
    const context = canvas.getContext("2d");
    context.scale(finer, finer);
    return context;
  });
  canvas.toBlob((blob) => save(blob, `${name}.png`));
}

function saveSvg(name) {
  let picture = null;
  drawInto(name, (width, height) => (picture = new SvgContext(width, height)));
  save(textFile(picture.text(), "image/svg+xml"), `${name}.svg`);
}

function listenToSaving() {
  for (const button of document.querySelectorAll("button[data-canvas]")) {
    button.addEventListener("click", () => savePng(button.dataset.canvas));
  }
  for (const button of document.querySelectorAll("button[data-svg]")) {
    button.addEventListener("click", () => saveSvg(button.dataset.svg));
  }
}

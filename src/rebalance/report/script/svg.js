// A figure as SVG: stands in for the context of a canvas and writes down what is drawn; text stays text.

const STYLES = ["fillStyle", "strokeStyle", "lineWidth", "globalAlpha", "font", "textAlign"];
const ANCHORS = { left: "start", center: "middle", right: "end" };
const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const escaped = (text) => String(text).replace(/[&<>"]/g, (character) => ESCAPES[character]);
const short = (number) => String(Math.round(number * 100) / 100);

// Pixels of a canvas, or of a part of it, as the address of a PNG.
function pixelsOf(image, x, y, width, height) {
  const part = document.createElement("canvas");
  [part.width, part.height] = [width, height];
  part.getContext("2d").drawImage(image, x, y, width, height, 0, 0, width, height);
  return part.toDataURL();
}

class SvgContext {
  constructor(width, height) {
    this.size = [width, height];
    this.parts = [];
    this.saved = [];
    this.groups = 0; // opened since the last save
    this.clips = 0;
    this.path = "";
    this.dashes = [];
    this.imageSmoothingEnabled = true;
    Object.assign(this, { lineWidth: 1, globalAlpha: 1, font: "12px sans-serif", textAlign: "left" });
  }

  text() {
    const [width, height] = this.size.map(short);
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
      ...this.parts,
      "</svg>\n",
    ].join("\n");
  }

  group(attributes) {
    this.parts.push(`<g ${attributes}>`);
    this.groups += 1;
  }

  save() {
    this.saved.push({ groups: this.groups, styles: STYLES.map((name) => this[name]) });
    this.groups = 0;
  }

  restore() {
    this.parts.push("</g>".repeat(this.groups));
    const { groups, styles } = this.saved.pop();
    this.groups = groups;
    STYLES.forEach((name, at) => (this[name] = styles[at]));
  }

  translate(x, y) {
    this.group(`transform="translate(${short(x)} ${short(y)})"`);
  }

  scale(x, y) {
    this.group(`transform="scale(${x} ${y})"`);
  }

  rotate(radians) {
    this.group(`transform="rotate(${short((radians * 180) / Math.PI)})"`);
  }

  clip() {
    const id = `clip${(this.clips += 1)}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this.path}"/></clipPath>`);
    this.group(`clip-path="url(#${id})"`);
  }

  beginPath() {
    this.path = "";
  }

  moveTo(x, y) {
    this.path += `M${short(x)} ${short(y)}`;
  }

  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${short(x)} ${short(y)}`;
  }

  rect(x, y, width, height) {
    this.path += `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}z`;
  }

  arc(x, y, radius) {
    this.ellipse(x, y, radius, radius, 0);
  }

  // A whole ellipse: no figure draws a part of one.
  ellipse(x, y, across, up, radians) {
    const turn = short((radians * 180) / Math.PI);
    const [dx, dy] = [across * Math.cos(radians), across * Math.sin(radians)];
    const half = (end) => `A${short(across)} ${short(up)} ${turn} 0 0 ${end}`;
    this.path += `M${short(x - dx)} ${short(y - dy)}`;
    this.path += half(`${short(x + dx)} ${short(y + dy)}`) + half(`${short(x - dx)} ${short(y - dy)}`);
  }

  setLineDash(dashes) {
    this.dashes = dashes;
  }

  stroke() {
    const dashes = this.dashes.length ? ` stroke-dasharray="${this.dashes.join(" ")}"` : "";
    this.parts.push(
      `<path d="${this.path}" fill="none" stroke="${escaped(this.strokeStyle)}" stroke-width="${this.lineWidth}"${dashes}${this.opacity()}/>`,
    );
  }

  fill() {
    this.parts.push(`<path d="${this.path}" fill="${escaped(this.fillStyle)}"${this.opacity()}/>`);
  }

  opacity() {
    return this.globalAlpha < 1 ? ` opacity="${short(this.globalAlpha)}"` : "";
  }

  drawn(x, y, width, height, draw) {
    const before = this.path;
    this.path = "";
    this.rect(x, y, width, height);
    draw.call(this);
    this.path = before;
  }

  fillRect(x, y, width, height) {
    this.drawn(x, y, width, height, this.fill);
  }

  strokeRect(x, y, width, height) {
    this.drawn(x, y, width, height, this.stroke);
  }

  fillText(text, x, y) {
    const [, weight, size, family] = /^(\S*) ?\b([\d.]+)px (.*)$/.exec(this.font);
    this.parts.push(
      `<text x="${short(x)}" y="${short(y)}" font-family="${escaped(family)}" font-size="${size}" font-weight="${weight || 400}" text-anchor="${ANCHORS[this.textAlign]}" fill="${escaped(this.fillStyle)}"${this.opacity()}>${escaped(text)}</text>`,
    );
  }

  // A whole image on (x, y, width, height), or a part of it, as canvases have it.
  drawImage(image, ...box) {
    const from = box.length === 8 ? box.slice(0, 4) : [0, 0, image.width, image.height];
    const [x, y, width, height] = box.slice(-4).map(short);
    const look = this.imageSmoothingEnabled ? "" : ' style="image-rendering:pixelated"';
    this.parts.push(
      `<image x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none"${look} href=${JSON.stringify(pixelsOf(image, ...from))}/>`,
    );
  }
}

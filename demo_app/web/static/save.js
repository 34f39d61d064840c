// The picture on show as a file: an SVG that any editor opens, and the same as PNG. Both are drawn from
// what the page shows, box by box and line by line, so nothing has to be loaded.

const COLOURS = ["backgroundColor", "borderTopColor", "color"];
const UNSEEN = ".hidden, .skip, .quiet-words, .show #in-words"; // for screen readers alone
const clear = (colour) => /, 0\)$|^transparent$/.test(colour);

// The boxes and lines of text that can be seen, in the order in which they are painted.
function* shapes(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = root; node; node = walker.nextNode()) {
    const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    if (element.closest(UNSEEN) || !element.checkVisibility({ visibilityProperty: true })) continue;
    const style = getComputedStyle(element);
    const [ground, border, ink] = COLOURS.map((name) => style[name]);
    if (node !== element) yield* lines(node, style, ink);
    else {
      const { x, y, width, height } = element.getBoundingClientRect();
      const edge = parseFloat(style.borderTopWidth) || 0;
      const round = Math.min(parseFloat(style.borderTopLeftRadius) || 0, height / 2);
      if (width > 1 && height > 1 && (edge || !clear(ground))) yield { x, y, width, height, round, edge, ground, border };
      if (element.dataset.more) yield more(element, style);
    }
  }
}

function* lines(node, style, ink) {
  const range = document.createRange();
  const words = [...node.textContent.matchAll(/\S+/g)];
  for (const word of words) {
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const { x, y, width, height } = range.getBoundingClientRect();
    const upright = style.writingMode !== "horizontal-tb";
    if (width > 1) yield { text: word[0], x, y, width, height, upright, ink, size: parseFloat(style.fontSize), weight: style.fontWeight };
  }
}

// How many more are on a floor; the page shows it in the seat after the last token.
function more(floor, style) {
  const last = [...floor.querySelectorAll(".token:not(.beyond)")].at(-1).getBoundingClientRect();
  const x = floor.dataset.floor === "queue" ? last.x - last.width - 6 : last.right + 6;
  return { text: floor.dataset.more, x, y: last.y, width: last.width, height: last.height, ink: style.color, size: parseFloat(style.fontSize), weight: 700 };
}

const fonts = () => getComputedStyle(document.body).fontFamily;
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function asSvg(found, width, height, ground) {
  const parts = found.map((one) => one.text === undefined
    ? `<rect x="${one.x}" y="${one.y}" width="${one.width}" height="${one.height}" rx="${one.round}" fill="${clear(one.ground) ? "none" : one.ground}" stroke="${one.border}" stroke-width="${one.edge}"/>`
    : `<text transform="translate(${one.x} ${one.y})${one.upright ? ` translate(${one.width}) rotate(90)` : ""}" y="${0.5 * (one.upright ? one.width : one.height)}" dominant-baseline="central" font-size="${one.size}" font-weight="${one.weight}" textLength="${one.upright ? one.height : one.width}" lengthAdjust="spacingAndGlyphs" fill="${one.ink}">${escaped(one.text)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="${escaped(fonts())}"><rect width="100%" height="100%" fill="${ground}"/>${parts.join("")}</svg>`;
}

function asCanvas(found, width, height, ground) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 2 * width, height: 2 * height });
  const pen = canvas.getContext("2d");
  pen.scale(2, 2);
  pen.fillStyle = ground;
  pen.fillRect(0, 0, width, height);
  pen.textBaseline = "middle";
  for (const one of found) {
    pen.save();
    if (one.text === undefined) {
      pen.beginPath();
      pen.roundRect(one.x, one.y, one.width, one.height, one.round);
      [pen.fillStyle, pen.strokeStyle, pen.lineWidth] = [one.ground, one.border, one.edge];
      pen.fill();
      if (one.edge) pen.stroke();
    } else {
      pen.translate(one.x + (one.upright ? one.width : 0), one.y);
      if (one.upright) pen.rotate(Math.PI / 2);
      pen.fillStyle = one.ink;
      pen.font = `${one.weight} ${one.size}px ${fonts()}`;
      pen.fillText(one.text, 0, 0.5 * (one.upright ? one.width : one.height), one.upright ? one.height : one.width);
    }
    pen.restore();
  }
  return canvas;
}

function give(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Save what `root` shows as two files, named by the moment.
export function save(root) {
  const found = [...shapes(root)];
  const given = [found, innerWidth, innerHeight, getComputedStyle(document.body).backgroundColor];
  const name = `stage-${new Date().toISOString().replace(/[:.]/g, "-")}`;
  give(new Blob([asSvg(...given)], { type: "image/svg+xml" }), `${name}.svg`);
  asCanvas(...given).toBlob((blob) => give(blob, `${name}.png`));
}

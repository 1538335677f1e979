// Elements out of names, attributes and children. Texts become text, never markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
export const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);
export const byId = (id) => document.getElementById(id);

// Draws anew only what is different from the last time: a selection in a table that stands still is kept.
const drawn = new WeakMap();
export function draw(place, key, children) {
  const text = JSON.stringify(key);
  if (drawn.get(place) === text) return;
  drawn.set(place, text);
  place.replaceChildren(...children().flat());
}

export function track(part) {
  const fill = el("i");
  fill.style.setProperty("--part", Math.min(1, Math.max(0, part || 0)));
  return el("div", { class: "track" }, fill);
}

export function table(columns, rows) {
  const cell = (name, content, at) => el(name, columns[at][1] ? { class: columns[at][1] } : {}, content);
  return el("div", { class: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, columns.map(([title], at) => cell("th", title, at)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((content, at) => cell("td", content, at)))))));
}

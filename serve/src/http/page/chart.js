// Cores and memory of the last minutes.

import { byId, el, svg } from "./dom.js";

const HEIGHT = 170;
const EDGE = { left: 30, right: 4, top: 6, bottom: 20 };
const MINUTES = 10;

export function chart({ history, status }) {
  const place = byId("chart");
  const width = Math.max(200, place.clientWidth);
  const end = (status.machine?.at_ns ?? status.now_ns) / 1e9;
  // A server that began a minute ago shows a minute, not ten of which nine are empty.
  const first = history[0] ? history[0].at_ns / 1e9 : end;
  const minutes = Math.min(MINUTES, Math.max(1, Math.ceil((end - first) / 60)));
  const begin = end - minutes * 60;
  const x = (s) => EDGE.left + ((s - begin) / (minutes * 60)) * (width - EDGE.left - EDGE.right);
  const y = (percent) => EDGE.top + (1 - Math.min(100, percent) / 100) * (HEIGHT - EDGE.top - EDGE.bottom);
  const points = history.filter((moment) => moment.at_ns / 1e9 >= begin);
  const line = (name) => points.map((moment, at) =>
    `${at ? "L" : "M"}${x(moment.at_ns / 1e9).toFixed(1)} ${y(moment[name]).toFixed(1)}`).join("");
  const area = points.length > 1
    ? `${line("workers_cpu_percent")}L${x(points.at(-1).at_ns / 1e9).toFixed(1)} ${y(0)}L${x(points[0].at_ns / 1e9).toFixed(1)} ${y(0)}Z` : "";
  const levels = [0, 50, 100].flatMap((level) => [
    svg("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(level), y2: y(level) }),
    svg("text", { x: EDGE.left - 6, y: y(level) + 4, "text-anchor": "end" }, String(level)),
  ]);
  const step = minutes > 4 ? 2 : 1;
  const times = [];
  for (let minute = 0; minute <= minutes; minute += step) {
    const anchor = minute === 0 ? "end" : minute === minutes ? "start" : "middle";
    times.push(svg("text", { x: x(end - minute * 60), y: HEIGHT - 4, "text-anchor": anchor }, minute ? `−${minute} min` : "now"));
  }
  place.replaceChildren(svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": "Use of cores and memory, percent" },
    levels, times, svg("path", { class: "ours", d: area }), svg("path", { class: "memory", d: line("memory_percent") }),
    svg("path", { class: "all", d: line("cpu_percent") })));
  const legend = byId("legend");
  if (!legend.hasChildNodes()) {
    const part = (name, tone, text) => {
      const item = el("span", { class: name }, text);
      item.style.setProperty("--tone", `var(--${tone})`);
      return item;
    };
    legend.append(part("all", "accent", "cores %"), part("ours", "fill", "of it jobs"), part("memory", "memory", "memory %"));
  }
}

// The server in six numbers, and what needs to be said about them.

import { byId, draw, el } from "./dom.js";
import { bytes, percent, seconds, span } from "./format.js";

const BREAKER = { closed: "green", "half-open": "yellow", open: "red" };

function tile(id, name, tone, value, unit, small) {
  return el("div", { class: `tile ${tone ?? ""}`, id }, el("span", {}, name),
    el("strong", {}, value, unit ? el("i", {}, ` ${unit}`) : null), el("small", {}, small ?? ""));
}

function outlook(machine, resource) {
  const soon = machine.outlooks.filter((one) => one.resource === resource).sort((a, b) => a.seconds - b.seconds)[0];
  return soon ? `${soon.level} in ${seconds(soon.seconds)}` : null;
}

export function tiles({ status }) {
  const { queue, in_use: use, capacity, machine } = status;
  const cores = machine ? [
    tile("cpu", "Cores", machine.levels.cpu.level, percent(machine.sample.cpu_percent), null,
      outlook(machine, "cpu") ?? `jobs ${percent(machine.sample.workers_cpu_percent)}`),
    tile("memory", "Memory", machine.levels.memory.level, percent(machine.sample.memory_percent), null,
      outlook(machine, "memory") ?? (use.memory_bytes ? `${bytes(use.memory_bytes)} asked for` : "none asked for")),
    tile("breaker", "Breaker", BREAKER[machine.breaker], machine.breaker, null, `machine ${machine.alert_level}`),
    tile("live", "Live latency", machine.levels.live_latency?.level,
      machine.sample.live_latency_ms === null ? "–" : machine.sample.live_latency_ms.toFixed(1),
      machine.sample.live_latency_ms === null ? null : "ms", machine.mode),
  ] : [tile("cpu", "Cores", null, "–", null, "nobody measures this machine")];
  const workers = capacity ? `of ${capacity.workers}` : null;
  draw(byId("tiles"), status.now_ns, () => [
    tile("jobs", "Jobs", null, String(queue.running), "running", `${queue.queued} queued, ${queue.paused} paused`),
    tile("workers", "Workers", null, String(use.workers), workers, `${queue.jobs_per_hour.toFixed(0)} jobs an hour`),
    ...cores,
  ]);
  byId("version").textContent = status.version;
  byId("facts").textContent = `${machine ? `${machine.mode}, ` : ""}up ${span(status.now_ns - status.started_ns)}, process ${status.pid}`;
}

// What keeps jobs from being taken, started or run.
export function notices({ status, missed }) {
  const { machine } = status;
  const said = [];
  if (status.is_ending) said.push(["yellow", "The server is shutting down."]);
  if (status.journal_fault) said.push(["red", status.journal_fault]);
  if (machine?.refusal) said.push(["red", machine.refusal]);
  if (machine?.hold && machine.hold !== machine.refusal) said.push(["orange", machine.hold]);
  if (machine?.shed_why) said.push(["orange", machine.shed_why]);
  if (missed) said.push(["yellow", `This page was too slow for ${missed} events; what it shows is current.`]);
  draw(byId("notices"), said, () => said.map(([tone, text]) => el("p", { class: `notice ${tone}` }, text)));
  const decisions = [...(machine?.decisions ?? [])].reverse().slice(0, 4);
  draw(byId("decisions"), decisions, () => decisions.map(({ at_ns, sentence }) =>
    el("p", {}, el("time", {}, new Date(at_ns / 1e6).toLocaleTimeString()), sentence)));
}

// Jobs: those that run with how far they are and what is best so far, those that wait, those that have ended.

import { byId, draw, el, table, track } from "./dom.js";
import { count, figure, params, seconds, span } from "./format.js";
import { ENDED, jobsIn } from "./state.js";

const ENDED_SHOWN = 12;
const QUEUED_SHOWN = 25;
const LEVELS = ["bulk", "low", "normal", "high", "critical", "first"];

const word = (text) => el("span", { class: `word ${text}` }, text);
const why = (job) => job.history.at(-1)?.reason ?? "";
const named = (job) => [job.request.name, el("small", {}, why(job))];

function running(job, now, results) {
  const { progress } = job;
  const part = progress?.fraction ?? 0;
  const figures = [["priority", job.request.priority], ["for", span(now - job.state_since_ns)]];
  if (progress?.total) figures.push(["done", `${count(progress.done ?? 0)} of ${count(progress.total)}`]);
  if (progress?.per_s) figures.push(["a second", figure(progress.per_s)]);
  if (progress?.remaining_s !== null && progress?.remaining_s !== undefined) figures.push(["left", seconds(progress.remaining_s)]);
  if (progress?.failed) figures.push(["failed", count(progress.failed)]);
  if (progress?.best) figures.push([`best ${progress.best.figure}`, `${figure(progress.best.value)} (no. ${progress.best.variant})`]);
  return el("article", { class: "job", "data-job": job.id },
    el("h3", {}, el("b", {}, String(job.id)), job.request.name, el("em", {}, progress ? `${Math.floor(part * 100)} %` : "starts")),
    track(part),
    el("p", { class: "figures" }, figures.map(([name, value]) => el("span", {}, `${name} `, el("b", {}, value)))),
    el("div", { class: "workers" }, (progress?.workers ?? []).map((worker) =>
      el("div", {}, `worker ${worker.worker}: ${worker.jobs ?? "idle"}`, track(worker.fraction)))),
    results ? best(results) : null);
}

// The best of a sweep so far.
function best({ top, ranked_by: ranked }) {
  const rows = top.slice(0, 5).map((row, at) => [
    String(at + 1), [`${row.strategy ?? row.name} ${(row.instruments ?? []).join(" ")} ${row.timeframe ?? ""}`, el("small", {}, params(row.params))],
    ...ranked.map(({ figure: name }) => figure(row[name])), figure(row.final_equity), String(row.trades ?? "–"),
  ]);
  const columns = [["#", "n"], ["best so far", null], ...ranked.map(({ figure: name }) => [name, "n"]), ["equity", "n"], ["trades", "n"]];
  return rows.length ? el("div", { class: "top" }, table(columns, rows)) : null;
}

export function jobs({ status, results }) {
  const now = status.now_ns;
  const at = jobsIn("running").sort((a, b) => a.id - b.id);
  byId("running-count").textContent = at.length ? `${at.length} of at most ${status.running_max}` : "";
  const empty = (text) => [el("p", { class: "empty" }, text)];
  draw(byId("running"), [at, now, [...results]], () => at.length ? at.map((job) => running(job, now, results.get(job.id)))
    : empty("Nothing runs. Submit a set or sweep: barhive jobs submit sweep.yaml"));

  const rank = (job) => LEVELS.indexOf(job.standing);
  const waits = jobsIn("queued", "paused").sort((a, b) => (a.state === "paused") - (b.state === "paused") || rank(b) - rank(a) || a.id - b.id);
  byId("queue-count").textContent = waits.length ? `${waits.length} waiting` : "";
  draw(byId("queue"), [waits, Math.floor(now / 1e9)], () => waits.length ? [
    table([["", "n"], ["job", null], ["priority", null], ["state", null], ["for", "n"]], waits.slice(0, QUEUED_SHOWN).map((job) =>
      [String(job.id), named(job), word(job.request.priority), word(job.state), span(now - job.state_since_ns)])),
    ...(waits.length > QUEUED_SHOWN ? empty(`and ${waits.length - QUEUED_SHOWN} more`) : []),
  ] : empty("Nobody waits."));

  const over = jobsIn(...ENDED).sort((a, b) => b.state_since_ns - a.state_since_ns);
  byId("ended-count").textContent = over.length ? String(over.length) : "";
  draw(byId("ended"), [over, Math.floor(now / 1e10)], () => over.length ? [
    table([["", "n"], ["job", null], ["state", null], ["ran", "n"], ["ago", "n"]], over.slice(0, ENDED_SHOWN).map((job) =>
      [String(job.id), job.state === "completed" ? job.request.name : named(job), word(job.state), span(job.running_ns), span(now - job.state_since_ns)])),
    ...(over.length > ENDED_SHOWN ? empty(`and ${over.length - ENDED_SHOWN} earlier ones`) : []),
  ] : empty("None yet."));
}

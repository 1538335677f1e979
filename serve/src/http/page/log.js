// The last lines of a job's log.

import { text } from "./api.js";
import { byId, draw, el } from "./dom.js";
import { state } from "./state.js";

const SHOWN = 50;

// Jobs that have a log: the newest that runs is looked at until somebody chooses another.
export function choices() {
  const list = byId("log-job");
  const begun = [...state.jobs.values()].filter((job) => job.starts > 0)
    .sort((a, b) => (b.state === "running") - (a.state === "running") || b.id - a.id).slice(0, SHOWN);
  const chosen = list.dataset.chosen && begun.some((job) => String(job.id) === list.dataset.chosen) ? list.dataset.chosen : null;
  draw(list, begun.map((job) => [job.id, job.state]), () =>
    begun.map((job) => el("option", { value: job.id }, `${job.id} ${job.request.name} (${job.state})`)));
  list.value = chosen ?? String(begun[0]?.id ?? "");
  list.disabled = begun.length === 0;
}

export async function log() {
  const job = byId("log-job").value;
  const place = byId("log");
  const lines = job ? await text(`/v1/jobs/${job}/log?lines=200`).catch((fault) => fault.message) : "No job has been started.";
  if (place.textContent === lines) return;
  const follows = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
  place.textContent = lines;
  if (follows) place.scrollTop = place.scrollHeight;
}

byId("log-job").addEventListener("change", (event) => {
  event.target.dataset.chosen = event.target.value;
  log();
});

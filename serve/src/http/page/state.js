// What the page knows of the server, and how events change it.

const MOMENTS_MAX = 600;
const JOBS_MAX = 2000;
export const ENDED = ["completed", "failed", "cancelled", "timeout"];

export const state = { status: null, jobs: new Map(), history: [], results: new Map(), missed: 0 };

// What was measured at the moment of a status.
function moment({ machine, queue }) {
  if (!machine || machine.at_ns === 0) return null;
  const { cpu_percent, workers_cpu_percent, memory_percent, live_latency_ms } = machine.sample;
  return { at_ns: machine.at_ns, cpu_percent, workers_cpu_percent, memory_percent, live_latency_ms, running: queue.running };
}

const told = {
  snapshot({ status, jobs, history }) {
    Object.assign(state, { status, history, jobs: new Map(jobs.map((job) => [job.id, job])) });
  },
  status(status) {
    state.status = status;
    const now = moment(status);
    if (now) state.history = [...state.history, now].slice(-MOMENTS_MAX);
  },
  job(job) {
    // How far it is comes by another event; what is over is not known any more.
    const progress = job.state === "running" ? state.jobs.get(job.id)?.progress ?? null : null;
    state.jobs.set(job.id, { ...job, progress });
    if (state.jobs.size > JOBS_MAX) {
      // A page that stays open for days forgets what the server forgets, too.
      state.jobs.delete(jobsIn(...ENDED)[0]?.id);
    }
  },
  progress({ job, progress }) {
    const known = state.jobs.get(job);
    if (known) known.progress = progress;
  },
  missed({ events }) {
    state.missed += events;
  },
};

export const hear = (name, data) => told[name]?.(data);

export const jobsIn = (...states) => [...state.jobs.values()].filter((job) => states.includes(job.state));

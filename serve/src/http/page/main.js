// The page: signs in, listens, and draws what it hears.

import { Refused, forget, listen, open, read, session } from "./api.js";
import { chart } from "./chart.js";
import { byId } from "./dom.js";
import { jobs } from "./jobs.js";
import { choices, log } from "./log.js";
import { hear, jobsIn, state } from "./state.js";
import { notices, tiles } from "./tiles.js";

const DRAW_MS = 250;
const LOOK_MS = 2500;

function link(tone, text) {
  const pill = byId("link");
  pill.className = `pill ${tone}`;
  pill.textContent = text;
}

let waiting = null;
function drawSoon() {
  waiting ??= setTimeout(() => {
    waiting = null;
    if (!state.status) return;
    for (const part of [tiles, notices, chart, jobs, choices]) part(state);
  }, DRAW_MS);
}

function show(room) {
  byId("room").hidden = !room;
  byId("sign-in").hidden = room;
  if (!room) link("yellow", "signed out");
}

function signIn(why) {
  forget();
  show(false);
  byId("refused").textContent = why ?? "";
  byId("token").focus();
}

// Listens again and again, with a longer rest after each failure.
async function stay() {
  for (let rest = 500; session(); rest = Math.min(rest * 2, 10_000)) {
    try {
      await listen((name, data) => {
        if (name === "snapshot") {
          rest = 250;
          show(true);
          link("green", "live");
        }
        if (name === "ending") link("yellow", "server ends");
        hear(name, data);
        drawSoon();
      });
      link("yellow", "reconnecting");
    } catch (fault) {
      if (fault instanceof Refused && fault.status === 401) return signIn(fault.message);
      link("red", fault instanceof Refused ? "refused" : "no connection");
    }
    await new Promise((done) => setTimeout(done, rest));
  }
}

// What events do not carry is looked at now and then, while somebody looks at the page.
async function look() {
  if (!document.hidden && session() && state.status) {
    await log();
    const running = jobsIn("running");
    for (const { id } of running.slice(0, 8)) {
      await read(`/v1/jobs/${id}/results?top=5`).then((results) => state.results.set(id, results), () => {});
    }
    for (const id of state.results.keys()) {
      if (!running.some((job) => job.id === id)) state.results.delete(id);
    }
    drawSoon();
  }
  setTimeout(look, state.status ? LOOK_MS : 300);
}

byId("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("token");
  try {
    await open({ token: field.value.trim() });
    byId("refused").textContent = "";
    stay();
  } catch (fault) {
    byId("refused").textContent = fault.message;
  } finally {
    field.value = "";
  }
});

async function begin() {
  const behind = location.hash.slice(1);
  if (behind.startsWith("link.")) {
    // Neither the history nor a bookmark shall keep it.
    history.replaceState(null, "", location.pathname);
    const opened = await open({ link: behind }).catch((fault) => fault);
    if (opened instanceof Error && !session()) return signIn(opened.message);
  }
  if (session()) stay();
  else signIn();
}

addEventListener("resize", drawSoon);
begin();
look();

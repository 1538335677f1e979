// How the page asks. The right to read is kept by this browser for this address; the token is not.

const KEPT = "barhive-session";

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export const session = () => localStorage.getItem(KEPT);
export const forget = () => localStorage.removeItem(KEPT);

async function ask(path, options) {
  const answer = await fetch(path, { cache: "no-store", credentials: "omit", ...options });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, problem.detail ?? `the server answers ${answer.status}`);
}

const withSession = (options = {}) => ({ ...options, headers: { Authorization: `Bearer ${session()}` } });

export const read = async (path) => (await ask(path, withSession())).json();
export const text = async (path) => (await ask(path, withSession())).text();

// Opens a session with a token, or with the link behind the # of the address.
export async function open({ token, link }) {
  const headers = token ? { Authorization: `Bearer ${token}` } : { "Content-Type": "application/json" };
  const body = token ? undefined : JSON.stringify({ link });
  const answer = await ask("/v1/session", { method: "POST", headers, body });
  localStorage.setItem(KEPT, (await answer.json()).session);
}

// Hears events until the stream ends. An EventSource has no headers, so the stream is read by hand.
export async function listen(hear, signal) {
  const answer = await ask("/v1/events", withSession({ signal }));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const frames = (rest + value).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const name = /^event: (.*)$/m.exec(frame)?.[1];
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      if (name) hear(name, data ? JSON.parse(data) : {});
    }
  }
}

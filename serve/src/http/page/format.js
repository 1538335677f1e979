// Numbers as people read them.

export function span(ns) {
  const s = Math.max(0, Math.round(Number(ns) / 1e9));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

export const seconds = (s) => span(s * 1e9);
export const percent = (value, digits = 0) => `${value.toFixed(digits)} %`;
export const count = (value) => value.toLocaleString("en").replaceAll(",", "\u2009");

export function bytes(value) {
  const gib = value / 2 ** 30;
  return gib >= 10 ? `${gib.toFixed(0)} GiB` : gib >= 1 ? `${gib.toFixed(1)} GiB` : `${(value / 2 ** 20).toFixed(0)} MiB`;
}

export function figure(value) {
  if (value === null || value === undefined) return "–";
  const number = Number(value);
  if (!Number.isFinite(number)) return String(value);
  return Math.abs(number) >= 1000 ? count(Math.round(number)) : number.toPrecision(4);
}

export const clock = (ns) => new Date(ns / 1e6).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

// Parameters of a combination in one line.
export const params = (values) => Object.entries(values ?? {})
  .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");

// Times and counts as people read them, and the one clock of the page.

/** Now, in milliseconds since 1970 with fractions: the same clock in every tab of this browser. */
export function now() {
  return performance.timeOrigin + performance.now();
}

/** `12:03:04.123`, of milliseconds since 1970. */
export function clock(at) {
  const date = new Date(at);
  const two = (value) => String(value).padStart(2, "0");
  const three = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${three}`;
}

/** `6.2 ms`, `48 ms`, `1.25 s`. */
export function duration(milliseconds) {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** `1 device`, `3 devices`. */
export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const steps = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

/** `2 minutes ago`, `in 14 days`, `just now`, of seconds since 1970. */
export function ago(seconds) {
  const difference = seconds - Date.now() / 1000;
  for (const [unit, size] of steps) {
    if (Math.abs(difference) >= size) return relative.format(Math.round(difference / size), unit);
  }
  return difference > 5 ? "in less than a minute" : "just now";
}

/** A message of the server as a sentence. */
export function sentence(text) {
  const trimmed = String(text).trim();
  if (!trimmed) return "";
  const first = trimmed[0].toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

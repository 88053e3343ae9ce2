// What failed, read from the output of a test program: our own (`FAILED name`, with the error indented below it), or Node's runner, in TAP
// as Node 20 writes it, or in the words for people that newer ones prefer.

/** How many lines of an error are kept. */
const LINES = 12;

/** Answers `[{ name, lines }]` in the order of the output, each name once for each error. */
export function failures(text) {
  const lines = text.split("\n");
  return [...own(lines), ...tap(lines), ...spec(lines)];
}

/** The failures as our own programs print them, for a summary. */
export function printed({ name, lines }) {
  return [`FAILED ${name}`, ...lines.map((line) => `       ${line}`)].join("\n");
}

/** What was skipped by Node's runner, and why: `name: reason`. Suites count as one. */
export function skipped(text) {
  const found = text.matchAll(/^\s*(?:ok \d+ - (.*?) # SKIP ?(.*)|﹣ (.*?) \([\d.]+ms\) # (.*))$/gm);
  return [...found].map(([, name, why, other, reason]) => `${name ?? other}: ${why || reason || "no reason is given"}`);
}

/** `FAILED name`, and what is indented below it. */
function own(lines) {
  return lines.flatMap((line, index) => {
    const name = /^FAILED (.*)$/.exec(line)?.[1];
    return name === undefined ? [] : [{ name, lines: block(lines, index + 1, (next) => /^\s/.test(next)) }];
  });
}

/** `not ok 3 - name` and the `error:` of the YAML below it; a parent that only says that a child failed is left out. */
function tap(lines) {
  return lines.flatMap((line, index) => {
    const [, indent, name] = /^(\s*)not ok \d+ - (.*)$/.exec(line) ?? [];
    if (name === undefined || /# (TODO|SKIP)\b/.test(name) || lines[index + 1]?.trim() !== "---") return [];
    const end = lines.findIndex((next, place) => place > index && next === `${indent}  ...`);
    const details = lines.slice(index + 2, end < 0 ? undefined : end).map((next) => next.slice(indent.length + 2));
    if (details.some((next) => /^failureType: '(subtestsFailed|cancelledByParent)'/.test(next))) return [];
    const start = details.findIndex((next) => next.startsWith("error:"));
    const message = start < 0 ? [] : errorText(details, start);
    const place = details.find((next) => next.startsWith("location:"))?.slice("location: ".length).replaceAll("'", "");
    return [{ name, lines: [...message.slice(0, LINES), ...(place ? [`at ${place}`] : [])] }];
  });
}

/** `error: 'one line'`, or the block that follows `error: |-`. */
function errorText(details, start) {
  const first = details[start].slice("error:".length).trim();
  if (!/^[|>]/.test(first)) return [first.replace(/^(['"])(.*)\1$/, "$2")];
  const rest = details.slice(start + 1);
  const end = rest.findIndex((line) => line.trim() !== "" && !line.startsWith("  "));
  return rest.slice(0, end < 0 ? undefined : end).filter((line) => line.trim() !== "").map((line) => line.slice(2));
}

/** Below `✖ failing tests:` there is `✖ name (3 ms)` with the error indented. */
function spec(lines) {
  const start = lines.indexOf("✖ failing tests:");
  if (start < 0) return [];
  return lines.flatMap((line, index) => {
    const name = index > start ? /^✖ (.*) \([\d.]+ms\)$/.exec(line)?.[1] : undefined;
    return name === undefined ? [] : [{ name, lines: block(lines, index + 1, (next) => next === "" || /^\s/.test(next)) }];
  });
}

function block(lines, start, belongs) {
  const end = lines.findIndex((line, place) => place >= start && !belongs(line));
  const found = lines.slice(start, end < 0 ? undefined : end).filter((line) => line.trim() !== "");
  const indent = Math.min(...found.map((line) => line.search(/\S/)));
  return found.slice(0, LINES).map((line) => line.slice(indent));
}

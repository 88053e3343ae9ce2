// The service's log: to standard error, as text or as JSON lines. Never a token, password, ticket or e-mail address.

export const LEVELS = { error: 0, warn: 1, info: 2, debug: 3, trace: 4 };

/** A log that leaves out what is less important than `level`. */
export function createLog({ level, format, write = (line) => process.stderr.write(line) }) {
  const say =
    (name) =>
    (message, fields = {}) => {
      if (LEVELS[name] > LEVELS[level]) return;
      const timestamp = new Date().toISOString();
      const given = Object.entries(fields).filter(([, value]) => value !== undefined);
      const shown = given.map(([key, value]) => [key, value instanceof Error ? described(value) : value]);
      write(
        format === "json"
          ? `${JSON.stringify({ timestamp, level: name.toUpperCase(), message, ...Object.fromEntries(shown) })}\n`
          : `${timestamp} ${name.toUpperCase().padStart(5)} ${message}${shown.map(([key, value]) => ` ${key}=${text(value)}`).join("")}\n`,
      );
    };
  return Object.fromEntries(Object.keys(LEVELS).map((name) => [name, say(name)]));
}

/** With its causes. */
function described(error) {
  const cause = error.cause instanceof Error ? `: ${described(error.cause)}` : "";
  return `${error.message}${cause}`;
}

function text(value) {
  return typeof value === "string" && !/^[\w/.:{}-]+$/.test(value) ? JSON.stringify(value) : String(value);
}

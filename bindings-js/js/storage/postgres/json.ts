// PostgreSQL has no NUL in a text. U+0000 is written as U+0001 U+0001 and U+0001 as U+0001 U+0002: no two texts become one, and their
// order stays. Nearly every text stays as it is.

/** A text as it is stored. */
export function escaped(text: string): string {
  if (!/[\u0000\u0001]/.test(text)) return text;
  return text.replace(/[\u0000\u0001]/g, (found) => (found === "\u0000" ? "\u0001\u0001" : "\u0001\u0002"));
}

/** A stored text as it was. */
function unescaped(text: string): string {
  if (!text.includes("\u0001")) return text;
  return text.replace(/\u0001([\u0001\u0002])/g, (_, mark) => (mark === "\u0001" ? "\u0000" : "\u0001"));
}

/** Times and epochs beyond 2^53 - 1 mean "for ever". */
function bounded(number: number): number {
  return Math.min(number, Number.MAX_SAFE_INTEGER);
}

/** A JSON document for the database. */
export function write(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "string") return escaped(part);
    return typeof part === "number" ? bounded(part) : part;
  });
}

/** A JSON document of the database. */
export function read(text: string): any {
  // A reviver is slow, and hardly ever needed: a number of 16 digits or an escaped U+0001 is what it is for.
  if (!/\\u0001|\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_, part: unknown) => {
    if (typeof part === "string") return unescaped(part);
    return typeof part === "number" ? bounded(part) : part;
  });
}

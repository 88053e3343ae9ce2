// Request bodies: of limited size, JSON of a known shape or a form, declared as such.

import { Refusal } from "../errors.js";

/** The largest body that is taken, in bytes. */
const LIMIT = 16 * 1024;
/** How much of a body that is too large is read and thrown away, so that its sender gets to read the answer. */
const DRAIN = 4 * 1024 * 1024;

/** The whole body, unless it is too large. */
export function readBody(incoming) {
  return new Promise((resolve, reject) => {
    const kept = [];
    let total = 0;
    const over = (settle) => {
      incoming.off("data", take).off("end", end).off("error", broken).off("close", broken);
      settle();
    };
    const end = () => over(() => (total > LIMIT ? reject(Refusal.because("body_too_large")) : resolve(Buffer.concat(kept))));
    const broken = () => over(() => reject(Refusal.because("body_invalid")));
    const take = (chunk) => {
      total += chunk.length;
      if (total <= LIMIT) kept.push(chunk);
      else if (total > DRAIN) over(() => reject(Refusal.because("body_too_large")));
    };
    if (incoming.readableEnded) return resolve(Buffer.alloc(0));
    incoming.on("data", take).on("end", end).on("error", broken).on("close", broken);
  });
}

/** Whether a content type says JSON, in UTF-8. */
function isJson(contentType) {
  const [name, ...parameters] = contentType.split(";").map((part) => part.trim().toLowerCase());
  return name === "application/json" && parameters.every((part) => part === "" || part === "charset=utf-8");
}

/**
 * A JSON body that has the shape `{name: [test, default?]}`. Its members are known: others are refused, a misspelt one would be ignored. A
 * member without a default must be there. What is refused is never repeated: a value may be a password.
 */
export async function readJson(incoming, members, shape) {
  const bytes = await readBody(incoming);
  if (!isJson(incoming.headers["content-type"] ?? "")) throw Refusal.because("content_type_invalid");
  const object = parse(bytes);
  if (object === undefined) throw invalid(members);
  const read = {};
  for (const [name, [fits, ...otherwise]] of Object.entries(shape)) {
    if (Object.hasOwn(object, name) ? !fits(object[name]) : otherwise.length === 0) throw invalid(members);
    read[name] = Object.hasOwn(object, name) ? (object[name] ?? undefined) : otherwise[0];
  }
  if (Object.keys(object).some((name) => !Object.hasOwn(shape, name))) throw invalid(members);
  return read;
}

function invalid(members) {
  return Refusal.because("body_invalid", `the body must be a json object with ${members}`);
}

export const text = (value) => typeof value === "string" && value.isWellFormed();
export const flag = (value) => typeof value === "boolean";
export const texts = (value) => Array.isArray(value) && value.every(text);
export const whole = (value) => Number.isSafeInteger(value) && value >= 0;
export const optional = (fits) => (value) => value === null || fits(value);

/** The object that the text is, without a name that is there twice; nothing for anything else. */
function parse(bytes) {
  try {
    const json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value = JSON.parse(json);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && memberCount(json) === Object.keys(value).length ? value : undefined;
  } catch {
    return undefined;
  }
}

/** How many members the outermost object of a well-formed JSON text has: colons outside of strings, one level deep. */
function memberCount(json) {
  let depth = 0;
  let count = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (token === ":" && depth === 1) count++;
  }
  return count;
}

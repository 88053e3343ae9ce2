// Policies and key sets of vectors, from the fixtures: named, changed by a JSON merge patch (RFC 7396), whole, or any text.

import { isObject } from "./matching.mjs";

/** The policy: an object, or a text that need not be JSON. */
export function policy(fixtures, document) {
  if (document === undefined) return named(fixtures, "policies", "default");
  if (typeof document === "string") return named(fixtures, "policies", document);
  if (Object.hasOwn(document, "base")) return patched(fixtures, "policies", document);
  return Object.hasOwn(document, "json") ? document.json : document.text;
}

/** The key set: an object, or a text that need not be JSON. */
export function keySet(fixtures, keys) {
  if (keys === undefined) return setOf(fixtures, named(fixtures, "key_sets", "default"));
  if (typeof keys === "string") return setOf(fixtures, named(fixtures, "key_sets", keys));
  if (Array.isArray(keys)) return setOf(fixtures, keys);
  return Object.hasOwn(keys, "json") ? keys.json : keys.text;
}

/** A key with its private members. */
export function key(fixtures, name) {
  return named(fixtures, "keys", name);
}

function setOf(fixtures, list) {
  return { keys: list.map((entry) => (typeof entry === "string" ? key(fixtures, entry) : patched(fixtures, "keys", entry))) };
}

function named(fixtures, kind, name) {
  if (!Object.hasOwn(fixtures[kind], name)) throw new Error(`the fixtures have no ${kind} ${name}`);
  return fixtures[kind][name];
}

function patched(fixtures, kind, { base, patch }) {
  return merge(named(fixtures, kind, base), patch);
}

function merge(target, patch) {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, merge(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

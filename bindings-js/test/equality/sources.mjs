// The lists of codes as the kernel and WIT have them.

import { readFileSync } from "node:fs";

const root = new URL("../../../", import.meta.url);

export const source = (path) => readFileSync(new URL(path, root), "utf8");

const snake = (name) => name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

/** `{ code, kind }` of every code, in order, as `kernel/src/error.rs` declares them. */
export function kernelCodes() {
  const [, list] = source("kernel/src/error.rs").split("\ncodes! {\n");
  const declared = [...list.matchAll(/^ {4}\w+ = "(\w+)", (\w+), "[^"]*";$/gm)];
  return declared.map(([, code, kind]) => ({ code, kind: snake(kind) }));
}

/** Every code of `wit/tokens.wit`, in order, as it is written in text. */
export function witCodes() {
  const [, list] = /\n {4}enum code \{\n([^}]*)\}/.exec(source("wit/tokens.wit"));
  return [...list.matchAll(/^ {8}([a-z-]+),$/gm)].map(([, code]) => code.replaceAll("-", "_"));
}

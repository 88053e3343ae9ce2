/** Node: the package's own file, read at first use, and compiled at once: the functions themselves are only compiled when they are called. */
import { kernelPath } from "../kernel/path.js";
import { loadFrom } from "../wire/load.js";

type FileSystem = typeof import("node:fs");

// An import of node:fs would cost as much as this package's whole core: as a module it has each of its exports made at once.
const builtin = process.getBuiltinModule?.("node:fs") as FileSystem | undefined;

loadFrom(() => (builtin === undefined ? import("node:fs").then(compiled) : compiled(builtin)));
export * from "../index.js";

function compiled({ readFileSync }: FileSystem): WebAssembly.Module | Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new WebAssembly.Module(readFileSync(kernelPath()) as Uint8Array<ArrayBuffer>);
  } catch {
    // A bundle that stands alone has no such file beside it, but the module as code; elsewhere that is never loaded.
    return import("../kernel/base64.js").then(({ kernelBytes }) => kernelBytes());
  }
}

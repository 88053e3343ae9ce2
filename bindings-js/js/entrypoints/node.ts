/** Node: the package's own file, read at first use, and compiled at once: the functions themselves are only compiled when they are called. */
import { readFileSync } from "node:fs";
import { kernelPath } from "../kernel/path.js";
import { loadFrom } from "../wire/load.js";

loadFrom(() => {
  try {
    return new WebAssembly.Module(readFileSync(kernelPath()) as Uint8Array<ArrayBuffer>);
  } catch {
    // A bundle that stands alone has no such file beside it, but the module as code; elsewhere that is never loaded.
    return import("../kernel/base64.js").then(({ kernelBytes }) => kernelBytes());
  }
});
export * from "../index.js";

/** Deno, Bun, browsers and everything else: the module is part of the code, so that no file and no network is needed. */
import { kernelBytes } from "../kernel/base64.js";
import { loadFrom } from "../wire/load.js";

loadFrom(kernelBytes);
export * from "../index.js";

/**
 * All that loads and runs the kernel, and the errors: `scripts/bundle.mjs` makes one file of it that every other file takes them from. Not
 * exported by the package: tests and benches look into it.
 */

export * from "./index.js";
export { Buffer } from "./wire/buffer.js";
export { type KernelModule, loaded, loadFrom } from "./wire/load.js";
export { Ports } from "./wire/ports.js";

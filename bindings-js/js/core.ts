/**
 * All that loads and runs the kernel, for the entrypoints; one module, because a runtime loads one file quicker than many. Not exported by the
 * package: tests and benches look into it.
 */

export * from "./index.js";
export { Buffer } from "./wire/buffer.js";
export { type KernelModule, loaded, loadFrom } from "./wire/load.js";
export { Ports } from "./wire/ports.js";

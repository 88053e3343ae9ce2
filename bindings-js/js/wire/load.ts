/** The kernel's module, loaded once per copy of this package. */

import { AuthError } from "../errors.js";
import { initSync } from "../kernel/glue.js";
import { Buffer } from "./buffer.js";

/** A compiled module, or its bytes. */
export type KernelModule = WebAssembly.Module | BufferSource;

let loader: (() => KernelModule | Promise<KernelModule>) | undefined;
let buffer: Buffer | undefined;
let loading: Promise<Buffer> | undefined;

/** Says where the module is; nothing is loaded before it is needed. The first one stays. */
export function loadFrom(load: () => KernelModule | Promise<KernelModule>): void {
  loader ??= load;
}

/** The buffer of the loaded kernel. */
export async function loaded(): Promise<Buffer> {
  if (buffer !== undefined) return buffer;
  loading ??= start();
  try {
    return await loading;
  } catch (error) {
    // It may work the next time: a module that is fetched, for instance.
    loading = undefined;
    throw error;
  }
}

async function start(): Promise<Buffer> {
  if (loader === undefined) {
    throw new AuthError("kernel_unavailable", "unavailable", "no kernel was loaded: call initialize with the module first");
  }
  let source: KernelModule;
  try {
    source = await loader();
    const module = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source as BufferSource);
    const { memory } = initSync({ module });
    buffer = new Buffer(memory);
    return buffer;
  } catch (error) {
    throw new AuthError("kernel_unavailable", "unavailable", "the kernel could not be loaded", { cause: error });
  }
}

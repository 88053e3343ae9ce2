/** Nothing is loaded: for libraries, and for applications that bundle `authkernel/kernel.wasm` themselves. */
import { loadFrom, type KernelModule } from "../wire/load.js";

/**
 * Says what the kernel is: the module of `authkernel/kernel.wasm`, compiled or as bytes. Call it once, before the first
 * `createAuthenticator`; in a process that also imports `authkernel`, the first one stays.
 *
 * @example
 * ```ts
 * import { createAuthenticator, initialize } from "authkernel/slim";
 *
 * initialize(() => fetch("/kernel.wasm").then((response) => response.arrayBuffer()));
 * ```
 */
export function initialize(kernel: KernelModule | (() => KernelModule | Promise<KernelModule>)): void {
  loadFrom(typeof kernel === "function" ? (kernel as () => KernelModule | Promise<KernelModule>) : () => kernel);
}
export type { KernelModule };
export * from "../index.js";

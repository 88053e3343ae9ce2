/** Where the package's `kernel.wasm` lies; `scripts/build.mjs` writes it for both kinds of modules. */
export const kernelPath: string | URL;

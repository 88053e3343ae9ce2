/** Where the package's `kernel.wasm` lies; `scripts/build.mjs` writes it for both kinds of modules. Throws where a bundler left nothing. */
export function kernelPath(): string | URL;

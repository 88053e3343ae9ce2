/** The kernel's module; `scripts/build.mjs` writes the text into `dist`. */
export function kernelBytes(): Uint8Array<ArrayBuffer>;

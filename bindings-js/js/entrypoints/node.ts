/** Node: the package's own file, read at first use. */
import { readFileSync } from "node:fs";
import { kernelPath } from "../kernel/path.js";
import { loadFrom } from "../wire/load.js";

loadFrom(() => readFileSync(kernelPath) as Uint8Array<ArrayBuffer>);
export * from "../index.js";

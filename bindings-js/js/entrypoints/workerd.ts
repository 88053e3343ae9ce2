/** Cloudflare Workers: the module is imported, because bytes may not be compiled there. */
import module from "../../kernel.wasm";
import { loadFrom } from "../wire/load.js";

loadFrom(() => module);
export * from "../index.js";

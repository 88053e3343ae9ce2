// Before this example is packed: copies the page that the Rust server has, so that the package can serve it without the repository.

import { cpSync, rmSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const from = fileURLToPath(new URL("../../../../host-wasmtime/src/server/page/", import.meta.url));
const to = fileURLToPath(new URL("../page/", import.meta.url));
rmSync(to, { recursive: true, force: true });
cpSync(from, to, { recursive: true, filter: (path) => extname(path) !== ".rs" });

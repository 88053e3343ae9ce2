// The promises of the storage port, one case each: the same cases that every storage in Rust passes.

import { join } from "node:path";
import { test } from "node:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { memoryStorage } from "authkernel/storage/memory";
import { sqliteStorage } from "authkernel/storage/sqlite";
import { storageContract } from "../contract/storage.mjs";
import { libraries } from "./lib/libraries.mjs";

storageContract((name, run) => test(`memory: ${name}`, run), async () => ({ storage: memoryStorage() }));

for (const { name: library, open } of libraries) {
  storageContract(
    (name, run) => test(`${library}: ${name}`, run),
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "authkernel-contract-"));
      const database = open(join(folder, "authkernel.db"));
      const storage = sqliteStorage({ database });
      const close = () => {
        storage.close();
        database.close();
        rmSync(folder, { recursive: true, force: true });
      };
      // Notes of use may be written later, and the cases wait for them without a turn of the event loop: the next write takes them along.
      const touch = (note) => {
        storage.touch(note);
        storage.delivered([{ jti: "nobody's" }]);
      };
      return { storage: { ...storage, touch }, close };
    },
  );
}

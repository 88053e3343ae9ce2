// Writes until the file system takes no more, and says how that ended. `call` must be refused as unavailable, and what was answered must be
// there.

import { sqliteStorage } from "authkernel/storage/sqlite";
import { opening, record } from "./fixtures.mjs";
import { libraries } from "./libraries.mjs";

const [file, name] = process.argv.slice(2);
const database = libraries.find((library) => library.name === name).open(file);
const storage = sqliteStorage({ database });
let stored = 0;
try {
  for (; stored < 1_000; stored++) storage.insert(opening(record("anna", `s${stored}`, `j${stored}`, { extraData: "x".repeat(20_000) })));
  console.log(JSON.stringify({ stored, kind: "never" }));
} catch (error) {
  const there = Array.from({ length: stored }, (_, n) => storage.find({ jti: `j${n}` }).record?.status === "live").every(Boolean);
  const halves = storage.find({ jti: `j${stored}`, sid: `s${stored}` });
  console.log(JSON.stringify({ stored, kind: error.kind, message: error.message, there, half: !!(halves.record || halves.session) }));
}

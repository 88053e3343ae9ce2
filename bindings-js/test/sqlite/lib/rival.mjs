// A process of its own over the same file: runs calls when it is told to, all processes at the same moment.

import { sqliteStorage } from "authkernel/storage/sqlite";
import { libraries } from "./libraries.mjs";

const [file, name] = process.argv.slice(2);
const database = libraries.find((library) => library.name === name).open(file);
const storage = sqliteStorage({ database, busyTimeout: 20_000 });

process.on("message", ({ at, calls }) => {
  // Waits without sleeping: a sleep ends when the system likes.
  while (Date.now() < at);
  const answers = calls.map(({ method, input }) => {
    try {
      return { answer: storage[method](input) };
    } catch (error) {
      return { refused: error.kind ?? "crashed", guard: error.guard, message: error.message };
    }
  });
  process.send(answers);
});
process.on("disconnect", () => {
  storage.close();
  database.close();
});
process.send("ready");

// What a registry costs a process: it neither keeps it alive nor grows.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { USER, connection, service } from "./service.mjs";

test("nothing of a registry keeps the process alive", () => {
  const program = `
    import { service } from "./service.mjs";
    const { sockets, issue } = await service({ redeliverEvery: 100, expungeEvery: 100 });
    const live = await sockets.open((await issue()).token, { purposes: ["user"] });
    live.attach({ close() {} });
    console.log("open", sockets.counts().registered);`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.deepEqual([status, stdout, stderr], [0, "open 1\n", ""]);
});

test("connections that are gone leave nothing behind", async () => {
  setFlagsFromString("--expose_gc");
  const gc = runInNewContext("gc");
  const { sockets, issue } = await service({ onEvent: undefined });
  const { token } = await issue();
  const run = async (count) => {
    for (let n = 0; n < count; n++) {
      const live = await sockets.open(token, USER);
      live.attach(connection());
      live.release();
    }
    gc();
    return process.memoryUsage().heapUsed;
  };
  await run(2_000);
  const before = await run(2_000);
  const after = await run(10_000);
  assert.equal(sockets.counts().registered, 0);
  assert.ok(after - before < 1_000_000, `${after - before} bytes after 10,000 connections`);
  await sockets.close();
});

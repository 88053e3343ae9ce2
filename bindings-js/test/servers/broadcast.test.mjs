// What every broadcast adapter must do: the cases of kernel/src/testing/contract/broadcast.rs, and those of a broker that goes away.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { after, before, beforeEach, describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { kinds, openBroadcast } from "./broadcasts.mjs";

const disconnect = (topic, endpoint = "web") => ({ kind: "disconnect", endpoint, topic: String(topic), event: "disconnect", payload: {} });
const disconnects = (count, first = 0) => [...Array(count).keys()].map((number) => disconnect(`users_sessions:${first + number}`));
const taken = (count) => Array(count).fill("taken");

/** A subscription that keeps what it hears. */
async function listen(broadcast) {
  const heard = [];
  const events = [];
  const unsubscribe = await broadcast.subscribe((message) => heard.push(message), {
    lost: () => events.push("lost"),
    restored: () => events.push("restored"),
  });
  return { heard, events, unsubscribe, until: (count) => until(() => heard.length >= count, () => `${heard.length} of ${count} heard`) };
}

/** Waits until everything that was published before has arrived. */
async function settle(broadcast) {
  const { heard, unsubscribe } = await listen(broadcast);
  const marker = disconnect(`settled ${Math.random()}`);
  await broadcast.publish([marker]);
  await until(() => heard.some(({ topic }) => topic === marker.topic));
  await unsubscribe();
}

async function until(holds, why = () => "it did not come to be") {
  const giveUp = Date.now() + 20_000;
  while (!(await holds())) {
    assert.ok(Date.now() < giveUp, why());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

for (const [kind, { start, skip, raw, pauses }] of Object.entries(kinds)) {
  describe(kind, { skip }, () => {
    // What only a broker can do is no case of those within a process; nor is what only a single process can do, of PostgreSQL.
    const brokered = start ? test : () => undefined;
    const pausing = pauses ? test : () => undefined;
    let server;
    const open = async (options) => {
      // Patient: the machine may be busy.
      const opened = await openBroadcast(kind, server, { timeoutMs: 5_000, ...options });
      closes.push(opened.close);
      return opened.broadcast;
    };
    const closes = [];
    let broadcast;
    before(async () => {
      server = await start?.();
      broadcast = await open();
    });
    // What an earlier test published and nobody waited for is not heard in the next.
    beforeEach(() => settle(broadcast));
    after(async () => {
      for (const close of closes) await close();
      await server?.remove();
    });

    test("every subscriber gets every message in order", async () => {
      const subscribers = await Promise.all([1, 2, 3].map(() => listen(broadcast)));
      const messages = disconnects(100);
      for (let first = 0; first < 100; first += 7) {
        const part = messages.slice(first, first + 7);
        assert.deepEqual((await broadcast.publish(part)) ?? taken(part.length), taken(part.length));
      }
      for (const { heard, until, unsubscribe } of subscribers) {
        await until(100);
        assert.deepEqual(heard, messages);
        await unsubscribe();
      }
    });

    test("one answer per message, none for none, and nobody listening is no error", async () => {
      for (const count of [0, 1, 2, 257]) assert.deepEqual(await broadcast.publish(disconnects(count)), taken(count));
    });

    test("every part of a message arrives", async () => {
      const strange = "a.b:c*d>e/f'g\"h\\i j%00\nk\0 🦀 Zoë";
      const full = { kind: "recheck", tenant: strange, subject: "user?id=42", purpose: "user", sid: "s1", kid: "k1" };
      const alone = ["tenant", "subject", "purpose", "sid", "kid"].map((field) => ({ kind: "recheck", [field]: "only" }));
      const messages = [disconnect(strange, strange), disconnect("x".repeat(200), "mobile"), { kind: "recheck" }, full, ...alone];
      const { heard, until, unsubscribe } = await listen(broadcast);
      assert.deepEqual(await broadcast.publish(messages), taken(messages.length));
      await until(messages.length);
      assert.deepEqual(heard, messages);
      await unsubscribe();
    });

    test("ten thousand messages go in one call", async () => {
      const { heard, until, unsubscribe } = await listen(broadcast);
      const messages = disconnects(10_000);
      assert.deepEqual(await broadcast.publish(messages), taken(10_000));
      await until(10_000);
      assert.deepEqual(heard, messages);
      await unsubscribe();
    });

    test("a subscriber hears what is published after it subscribed", async () => {
      for (let round = 0; round < 100; round += 1) {
        const { heard, until, unsubscribe } = await listen(broadcast);
        await broadcast.publish([disconnect(round)]);
        await until(1);
        assert.deepEqual(heard, [disconnect(round)]);
        await unsubscribe();
      }
    });

    test("one that throws, rejects or leaves holds up nobody", async () => {
      const errors = [];
      const own = await open({ onError: (error) => errors.push(error.message) });
      await own.subscribe(() => {
        throw new Error("thrown");
      });
      await own.subscribe(async () => {
        throw new Error("rejected");
      });
      const leaves = await listen(own);
      const stays = await listen(own);
      await leaves.unsubscribe();
      await own.publish(disconnects(3));
      await stays.until(3);
      assert.deepEqual(stays.heard, disconnects(3));
      assert.deepEqual(leaves.heard, []);
      await until(() => errors.length === 6);
      assert.deepEqual(new Set(errors), new Set(["thrown", "rejected"]));
    });

    test("a listener is never called inside the call that publishes", async () => {
      const { heard, until, unsubscribe } = await listen(broadcast);
      const answer = broadcast.publish([disconnect(1)]);
      assert.deepEqual(heard, []);
      await answer;
      await until(1);
      await unsubscribe();
    });

    brokered("what is no message is ignored and counted", async () => {
      const { heard, until, unsubscribe } = await listen(broadcast);
      const before = broadcast.ignored;
      for (const text of ["no json", '{"kind":"disconnect","endpoint":"web"}', '[1,{"kind":"new"},{"kind":"recheck","sid":7}]', "null"]) {
        await raw(server, text);
      }
      // One alone, with a field that is not known yet.
      await raw(server, JSON.stringify({ ...disconnect("known"), added: 1 }));
      await until(1);
      assert.deepEqual(heard, [disconnect("known")]);
      assert.ok(broadcast.ignored - before === 6, `${broadcast.ignored - before} ignored`);
      await unsubscribe();
    });

    brokered("another process is heard", async () => {
      const { heard, until, unsubscribe } = await listen(broadcast);
      const argument = JSON.stringify({ kind, server: { port: server.port, options: server.options } });
      const speaker = fork(new URL("speaker.mjs", import.meta.url), [argument]);
      await once(speaker, "message");
      const messages = disconnects(2_500);
      speaker.send(messages);
      assert.deepEqual((await once(speaker, "message"))[0], taken(2_500));
      await until(2_500);
      assert.deepEqual(heard, messages);
      speaker.kill();
      await unsubscribe();
    });

    brokered("a broker that goes away is told once, and so is its return", async () => {
      const listener = await listen(broadcast);
      await server.stop();
      await until(() => listener.events.length > 0, () => "the loss was not told");
      const begun = Date.now();
      const answers = await broadcast.publish(disconnects(3));
      assert.ok(answers.every((answer) => typeof answer.unavailable === "string"), JSON.stringify(answers));
      assert.ok(Date.now() - begun < 10_000);
      const late = await listen(broadcast);
      assert.deepEqual(late.events, ["lost"], "who comes meanwhile is told as well");
      await server.start();
      for (const { events } of [listener, late]) await until(() => events.includes("restored"), () => "the return was not told");
      // From here on nothing is missed again.
      await until(async () => (await broadcast.publish([disconnect("back")]))[0] === "taken");
      for (const { heard } of [listener, late]) await until(() => heard.some(({ topic }) => topic === "back"));
      assert.deepEqual([listener.events, late.events], [["lost", "restored"], ["lost", "restored"]]);
      await listener.unsubscribe();
      await late.unsubscribe();
    });

    pausing("a broker that does not answer takes nothing, and holds up nobody for long", async () => {
      const own = await open({ timeoutMs: 300 });
      server.pause();
      try {
        const begun = Date.now();
        const answers = await own.publish(disconnects(5_000));
        assert.ok(answers.length === 5_000 && answers.every((answer) => typeof answer.unavailable === "string"));
        assert.ok(Date.now() - begun < 2_000, `${Date.now() - begun} ms`);
      } finally {
        server.resume();
      }
      await until(async () => (await own.publish([disconnect("again")]))[0] === "taken");
    });

    brokered("who subscribes while there is no broker is refused, and may try again", async () => {
      const own = await open({ timeoutMs: 500 });
      await server.stop();
      await assert.rejects(async () => own.subscribe(() => {}));
      await server.start();
      let listener;
      await until(async () => {
        listener = await listen(own).catch(() => undefined);
        return listener;
      });
      await until(async () => (await own.publish([disconnect("again")]))[0] === "taken");
      await listener.until(1);
    });
  });
}

test("worker threads hear each other over a channel", async () => {
  const { broadcast, close } = await openBroadcast("channel");
  const { heard, until, unsubscribe } = await listen(broadcast);
  const worker = new Worker(
    `import("authkernel/broadcast/channel").then(async ({ channelBroadcast }) => {
       const { parentPort, workerData } = require("node:worker_threads");
       const broadcast = channelBroadcast();
       await broadcast.subscribe((message) => parentPort.postMessage(message));
       parentPort.postMessage("ready");
       parentPort.once("message", async () => broadcast.publish(workerData));
     });`,
    { eval: true, workerData: disconnects(1_000) },
  );
  assert.deepEqual(await once(worker, "message"), ["ready"]);
  const answer = once(worker, "message");
  await broadcast.publish([disconnect("to the worker")]);
  assert.deepEqual(await answer, [disconnect("to the worker")]);
  worker.postMessage("go");
  await until(1_001);
  assert.deepEqual(heard, [disconnect("to the worker"), ...disconnects(1_000)]);
  await unsubscribe();
  await worker.terminate();
  await close();
});

test("a channel that is closed takes nothing", async () => {
  const { broadcast, close } = await openBroadcast("channel");
  await close();
  assert.deepEqual(await broadcast.publish([disconnect(1)]), [{ unavailable: "the channel is closed" }]);
});

// A stack may end anywhere in a call, also between what the two sides tell each other. The caller gets an error, and the calls after it are
// answered as ever. In a process of its own: code that ran often needs less stack, and ends elsewhere.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuthenticator, generateKeys } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";

const policy = { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d" } } };
const purposes = ["user"];
const keys = await generateKeys("HS256");

test("calls near the end of the stack", async () => {
  const auth = await createAuthenticator({ policy, keys, storage: memoryStorage() });
  const others = await Promise.all(["anna", "bert"].map((subject) => auth.issue({ subject, purpose: "user" })));
  const options = { purposes };
  const answers = [];
  let turn = 0;
  let ended = 0;
  const call = () => {
    if (answers.length >= 100) return;
    turn++;
    try {
      answers.push([turn % 2, auth.authenticateSync(others[turn % 2].token, options)]);
    } catch {
      ended++;
    }
  };
  // Calls from every depth near the end of the stack, each with a little more room than the one before.
  const dive = () => {
    try {
      dive();
    } catch {
      // Where the stack ended, or where it was told that it did.
    }
    call();
    throw new Error("on the way back");
  };
  assert.throws(dive, { message: "on the way back" });
  assert.ok(ended > 0 && answers.length === 100, `${ended} calls ended early, ${answers.length} were answered`);
  for (const [turn, who] of answers) {
    const { token: _, ...identity } = others[turn];
    assert.deepEqual(who, identity);
  }
});

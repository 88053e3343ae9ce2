// The connections of a Durable Object, in workerd with the real kernel: opened, closed for every reason, and kept through hibernation.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { folder } from "./lib/fixtures.mjs";
import { connect, sleep, until } from "./lib/socket.mjs";
import { startWorker } from "./lib/worker.mjs";

const policy = {
  issuer: "https://app.example",
  audience: ["app"],
  leeway_seconds: 0,
  purposes: {
    user: { lifetime: "1h", store: true, presence: "required", opens_sockets: true },
    api: { lifetime: "1h", store: true, presence: "required" },
  },
  live_socket_id_template: "users_sessions:{sid}",
  endpoints: ["web"],
};
const k = Buffer.from("a secret for tests, which is long enough").toString("base64url");
const keys = { keys: [{ kty: "oct", kid: "k1", alg: "HS256", use: "sig", k }] };
const bindings = { POLICY: JSON.stringify(policy), KEYS: JSON.stringify(keys) };

/** Never before the deadline, and after it only as late as a busy machine wakes a timer. */
function onTime(t, { at }, { deadline }) {
  const late = at - deadline * 1000;
  t.diagnostic(`closed ${late} ms after the deadline`);
  assert.ok(late > -100 && late < 5_000, `${late} ms after the deadline`);
}
const start = (t) => startWorker(t, { bindings, folder: folder(t) });

describe("connections of a durable object", { concurrency: 3 }, () => {
  test("a dead, foreign or missing token is refused at the upgrade", async (t) => {
    const { url, call, ask } = await start(t);
    const refused = async (token) => {
      const { status, body } = await connect(url, token).then(() => assert.fail("it was accepted"), (error) => error);
      return [status, body.error?.code];
    };
    assert.deepEqual(await refused(undefined), [401, "credential_missing"]);
    assert.deepEqual(await refused("no.token.atall"), [401, "token_malformed"]);
    const { token: api } = await call("issue", [{ subject: "anna", purpose: "api" }]);
    assert.deepEqual(await refused(api), [401, "purpose_not_allowed"]);
    const { token } = await call("issue", [{ subject: "anna", purpose: "user" }]);
    await call("revoke", [token]);
    const [status, code] = await refused(token);
    assert.equal(status, 401);
    assert.ok(["token_revoked", "session_ended"].includes(code), code);
    assert.equal((await ask("/live")).status, 426);
    assert.deepEqual(JSON.parse((await ask("/sockets")).text), []);
  });

  test("a sign-out closes the connections it means and no others, and nothing they send is acted on after", async (t) => {
    const { url, call, ask } = await start(t);
    const issue = async (subject) => call("issue", [{ subject, purpose: "user" }]);
    const [phone, laptop, ben] = [await issue("user?id=42"), await issue("user?id=42"), await issue("ben")];
    const open = [];
    for (const { token } of [phone, phone, laptop, ben]) open.push(await connect(url, token));
    open[0].send("hi");
    await until("the echo", () => open[0].heard.length === 2);
    assert.deepEqual(open[0].heard, [`hello users_sessions:${phone.sid}`, "user?id=42: hi"]);
    // It goes on sending while it is closed.
    let said = 0;
    // Also after the close was heard of: the frames go out all the same.
    const sender = open[0].socket._sender;
    const chatter = setInterval(() => sender.send(`late ${++said}`, { binary: false, mask: true, fin: true, compress: false }), 1);
    t.after(() => clearInterval(chatter));
    const report = await call("signOutEverywhere", ["user?id=42", { keep: [laptop.sid] }]);
    const answered = Date.now();
    const [first, second] = await Promise.all([open[0].closed, open[1].closed]);
    assert.deepEqual([first.code, first.reason, second.code, second.reason], [4001, "revoked", 4001, "revoked"]);
    assert.ok(Math.max(first.at, second.at) - answered < 1_000, "closed at once");
    assert.deepEqual(report, { revoked: 1, disconnected: 1, undelivered: [], already: false });
    await sleep(300);
    clearInterval(chatter);
    // Everything that was acted on was answered, and nothing can be answered after the close.
    const { text: acted } = await ask("/acted");
    t.diagnostic(`acted on ${acted} of ${said + 1} messages, told ${Math.max(first.at, second.at) - answered} ms after the answer`);
    assert.equal(Number(acted), open[0].heard.length - 1, "what came after the disconnect is not acted on");
    for (const { send } of [open[2], open[3]]) send("still here");
    await until("the others answer", () => open[2].heard.length === 2 && open[3].heard.length === 2);
  });

  test("a hibernating object wakes for messages, sign-outs and deadlines, and knows every connection", async (t) => {
    const { url, call, ask } = await start(t);
    const issue = async (subject, lifetime) => call("issue", [{ subject, purpose: "user", ...(lifetime ? { lifetime } : {}) }]);
    const [anna, ben, cleo] = [await issue("anna"), await issue("ben", 16), await issue("cleo")];
    const open = [];
    for (const { token } of [anna, ben, cleo]) open.push(await connect(url, token));
    assert.equal((await ask("/loaded")).text, "1");
    // Idle for longer than workerd keeps an object whose connections may hibernate.
    await sleep(12_500);
    open[2].send("good morning");
    await until("the echo", () => open[2].heard.length === 2);
    assert.equal(open[2].heard[1], "cleo: good morning");
    assert.equal((await ask("/loaded")).text, "2", "it had hibernated");
    const ended = await open[1].closed;
    assert.deepEqual([ended.code, ended.reason], [4001, "expired"]);
    onTime(t, ended, ben);
    await sleep(12_500);
    await call("signOutEverywhere", ["anna"]);
    const { code, reason } = await open[0].closed;
    assert.deepEqual([code, reason], [4001, "revoked"]);
    assert.equal((await ask("/loaded")).text, "3", "it had hibernated again");
    open[2].send("evening");
    await until("the echo", () => open[2].heard.length === 3);
  });

  test("what a Worker committed but never told of is told by the alarm", async (t) => {
    const { url, call } = await start(t);
    const { token } = await call("issue", [{ subject: "anna", purpose: "user" }]);
    const { closed } = await connect(url, token);
    const report = await call("revoke", [token], "mute=1");
    assert.equal(report.undelivered.length, 1);
    const answered = Date.now();
    const { code, reason, at } = await closed;
    assert.deepEqual([code, reason], [4001, "revoked"]);
    t.diagnostic(`told ${at - answered} ms after`);
    assert.ok(at - answered < 5_000);
  });

  test("a key that is cut off closes what it signed, by the recheck", async (t) => {
    const { url, call } = await start(t);
    const { token } = await call("issue", [{ subject: "anna", purpose: "user" }]);
    const { closed } = await connect(url, token);
    await call("signOutEverywhere", [{ key: { kid: "k1" } }]);
    const { code, reason } = await closed;
    assert.deepEqual([code, reason], [4001, "revoked"]);
  });

  test("a lost recheck is found by the sweep", async (t) => {
    const { url, call } = await start(t);
    const { token } = await call("issue", [{ subject: "anna", purpose: "user" }], "object=swept");
    const { closed } = await connect(url, token, "/live?object=swept");
    await call("signOutEverywhere", [{ key: { kid: "k1" } }], "object=swept&mute=1");
    const { code, reason } = await closed;
    assert.deepEqual([code, reason], [4001, "revoked"]);
  });

  test("a page that signs out itself may be told later, but acts no more", async (t) => {
    const { url, call } = await start(t);
    const acting = await call("issue", [{ subject: "anna", purpose: "user" }], "object=swept");
    const { heard, send, closed } = await connect(url, acting.token, "/live?object=swept");
    await call("signOutEverywhere", ["anna", { actingSid: acting.sid, disconnectSelf: false }], "object=swept");
    const answered = Date.now();
    await until("it is muted", async () => {
      const before = heard.length;
      send("let me");
      await sleep(200);
      return heard.length === before;
    });
    const { code, reason, at } = await closed;
    assert.deepEqual([code, reason], [4001, "revoked"]);
    t.diagnostic(`closed ${at - answered} ms after`);
    assert.ok(at - answered > 20_000 && at - answered < 40_000);
  });

  test("a later token of the session moves the deadline; another's does not", async (t) => {
    const { url, call, ask } = await start(t);
    const first = await call("issue", [{ subject: "anna", purpose: "user", lifetime: 4 }]);
    const { closed, heard, send } = await connect(url, first.token);
    const other = await call("issue", [{ subject: "anna", purpose: "user" }]);
    assert.deepEqual(await ask("/prolong", other.token), { status: 409, text: "socket_mismatch" });
    const later = await call("issue", [{ subject: "anna", purpose: "user", sid: first.sid, lifetime: 8 }]);
    assert.equal((await ask("/prolong", later.token)).text, "ok");
    await sleep(first.deadline * 1000 - Date.now() + 1_000);
    send("still here");
    await until("the echo", () => heard.length === 2);
    const ended = await closed;
    assert.deepEqual([ended.code, ended.reason], [4001, "expired"]);
    onTime(t, ended, later);
  });
});

// The guard by itself: options, origins behind a proxy, upgrades.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthError } from "authkernel";
import { Refusal, createGuard } from "authkernel/middleware";
import { chooseSubprotocol } from "authkernel/middleware/credential";
import { publicOrigin } from "authkernel/middleware/origin";
import { authenticator, bearer, cookie } from "./auth.mjs";

const request = (url, headers) => new Request(url, { headers });
const code = (guarded) => (guarded.ok ? "ok" : guarded.refusal.code);

test("over https the cookie has the prefix that browsers hold to its promise", async () => {
  const { auth, good } = await authenticator();
  const guard = createGuard(auth, { purposes: ["user"] });
  const prefixed = { cookie: `__Host-authkernel_session=${good}` };
  assert.equal(code(await guard(request("https://app.example/", prefixed))), "ok");
  assert.equal(code(await guard(request("https://app.example/", cookie(good)))), "credential_missing");
  assert.equal(code(await guard(request("http://app.example/", prefixed))), "credential_missing");
  const proxied = createGuard(auth, { purposes: ["user"], publicUrl: "https://app.example" });
  assert.equal(code(await proxied(request("http://10.0.0.1/", prefixed))), "ok");
  const guarded = await proxied(request("http://10.0.0.1/", prefixed));
  assert.deepEqual([guarded.credential, guarded.identity.subject], ["cookie", "alice"]);
});

test("the cookie has the name that is given, or none is taken", async () => {
  const { auth, good } = await authenticator();
  const named = createGuard(auth, { purposes: ["user"], cookie: "sid" });
  assert.equal(code(await named(request("https://app.example/", { cookie: `sid=${good}` }))), "ok");
  assert.equal(code(await named(request("https://app.example/", { cookie: `sid2=${good}; xsid=${good}` }))), "credential_missing");
  const none = createGuard(auth, { purposes: ["user"], cookie: false });
  assert.equal(code(await none(request("http://app.example/", cookie(good)))), "credential_missing");
});

test("behind a proxy only the public url counts, without it the host header does", async () => {
  const { auth, good } = await authenticator();
  const allowed = async (options, url, headers) =>
    code(await createGuard(auth, { purposes: ["user"], cookie: "c", ...options })(request(url, { cookie: `c=${good}`, ...headers }))) ===
    "ok";
  assert.ok(await allowed({}, "http://a.example/", { origin: "http://a.example" }));
  assert.ok(await allowed({}, "http://a.example/", { origin: "http://A.example:80" }));
  assert.ok(await allowed({}, "https://a.example/", { origin: "https://a.example:443" }));
  assert.ok(await allowed({}, "http://127.0.0.1:4000/", { host: "b.example", origin: "http://b.example" }));
  for (const origin of [
    "http://127.0.0.1:4001",
    "http://127.0.0.1",
    "https://127.0.0.1:4000",
    "http://evil.example",
    "http://127.0.0.1:4000.evil.example",
    "http://127.0.0.1:4000/",
    "null",
    "",
  ]) {
    assert.ok(!(await allowed({}, "http://127.0.0.1:4000/", { origin })), origin);
  }
  const proxied = { publicUrl: "https://auth.example" };
  assert.ok(await allowed(proxied, "http://inner:4000/", { origin: "https://auth.example" }));
  assert.ok(await allowed(proxied, "http://inner:4000/", { origin: "https://auth.example:443" }));
  assert.ok(!(await allowed(proxied, "http://inner:4000/", { origin: "http://inner:4000" })));
  assert.ok(!(await allowed(proxied, "http://inner:4000/", { origin: "http://auth.example" })));
});

test("tickets and subprotocols count on upgrades only, and before the cookie", async () => {
  const { auth, good, dead } = await authenticator();
  let redeemed = 0;
  const options = { purposes: ["user"], subprotocol: true, ticket: async (ticket) => (redeemed++, ticket === "t" ? good : undefined) };
  const guard = createGuard(auth, options);
  const upgrade = { upgrade: "WebSocket" };
  assert.equal(code(await guard(request("http://a.example/?ticket=t", {}))), "credential_missing");
  assert.equal(redeemed, 0);
  const ticketed = await guard(request("http://a.example/?ticket=t", { ...upgrade, ...cookie(dead) }));
  assert.deepEqual([code(ticketed), ticketed.credential], ["ok", "ticket"]);
  assert.equal(code(await guard(request("http://a.example/?ticket=x", { ...upgrade, ...cookie(good) }))), "ticket_invalid");
  const offered = { ...upgrade, "sec-websocket-protocol": `chat, authkernel.bearer.${good}` };
  assert.equal((await guard(request("http://a.example/", { ...offered, ...cookie(dead) }))).credential, "subprotocol");
  assert.equal(code(await guard(request("http://a.example/", { ...offered, ...bearer(dead) }))), "token_revoked");
  assert.equal(
    code(await guard(request("http://a.example/", { ...upgrade, ...cookie(good, { origin: "http://b.example" }) }))),
    "origin_refused",
  );
  assert.equal(chooseSubprotocol(["authkernel.bearer.x", "chat"]), "chat");
  assert.equal(chooseSubprotocol(["authkernel.bearer.x"]), undefined);
});

test("a ticket store that fails is a defect, not a missing ticket", async () => {
  const { auth } = await authenticator();
  const guard = createGuard(auth, {
    purposes: ["user"],
    ticket: () => {
      throw new Error("the store's secret");
    },
  });
  const guarded = await guard(request("http://a.example/?ticket=t", { upgrade: "websocket" }));
  assert.deepEqual([guarded.ok, guarded.response.status, guarded.refusal.code], [false, 500, "internal"]);
  assert.ok(!(await guarded.response.text()).includes("secret"));
  assert.equal(guarded.refusal.cause.message, "the store's secret");
});

test("every kind of error has its status", () => {
  const kinds = { denied: 401, input: 422, not_found: 404, conflict: 409, unavailable: 503, internal: 500, configuration: 500 };
  for (const [kind, status] of Object.entries(kinds))
    assert.equal(Refusal.of(new AuthError("input_invalid", kind, "x")).status, status, kind);
});

test("wrong options are refused when they are given", async () => {
  const { auth } = await authenticator();
  for (const options of [
    undefined,
    {},
    { purposes: [] },
    { purposes: ["user"], cookie: "a b" },
    { purposes: ["user"], cookie: "" },
    { purposes: ["user"], publicUrl: "app.example" },
    { purposes: ["user"], publicUrl: "https://app.example/x" },
    { purposes: ["user"], publicUrl: "ftp://app.example" },
    { purposes: ["user"], publicUrl: "https://u@app.example" },
  ]) {
    assert.throws(() => createGuard(auth, options), TypeError, JSON.stringify(options));
  }
  assert.throws(() => createGuard({}, { purposes: ["user"] }), TypeError);
  assert.equal(publicOrigin("https://A.example:443/"), "https://a.example");
});

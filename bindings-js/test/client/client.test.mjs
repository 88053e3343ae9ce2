// The browser client in a real Chromium.

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { findChromium, launch, serve, tab } from "./browser.mjs";

const executable = findChromium();
const skip = executable ? false : "SKIPPED: no Chromium found; install one (Debian: apt-get install chromium) or name it in CHROMIUM";
if (skip) console.log(skip);
let browser;
before(async () => {
  if (executable) browser = await launch(executable);
});
after(() => browser?.close());

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Runs a case with a service and a browser profile of its own. */
function inBrowser(name, run, init) {
  test(name, { skip, timeout: 60_000 }, async () => {
    const service = await serve();
    const context = await browser.newContext();
    if (init) await context.addInitScript(init);
    try {
      await run({ service, context, newTab: () => tab(context, service.origin) });
    } finally {
      await context.close();
      await service.stop();
    }
  });
}

inBrowser("with the cookie it opens, speaks, and at a sign-out stops and says why", async ({ service, context, newTab }) => {
  const { token } = await service.signIn(context);
  const page = await newTab();
  await page.open("{ retryAfter: 20 }");
  await page.has("message");
  assert.equal(await page.socket("send('hi')"), true);
  await page.has("message", 2);
  assert.deepEqual(await page.events(), [
    ["open", undefined],
    ["message", "hello alice"],
    ["message", "hi"],
  ]);
  assert.deepEqual([await page.socket("state"), await page.socket("leads")], ["open", true]);
  await page.page.evaluate(() => window.socket.send(new Uint8Array([1, 2, 3]).buffer));
  await page.has("message", 3);
  assert.deepEqual(service.state.heard, ["hi", [1, 2, 3]]);
  assert.deepEqual(await page.page.evaluate(() => [...new Uint8Array(window.events[3][1])]), [1, 2, 3]);
  await service.auth.revoke(token);
  await page.has("onSignedOut");
  await sleep(300);
  assert.equal(service.state.upgrades.length, 1);
  const told = (await page.events()).slice(4);
  assert.deepEqual(told, [
    ["close", { code: 4001, reason: "revoked", retryIn: undefined }],
    ["signed_out", "revoked"],
    ["onSignedOut", "revoked"],
  ]);
  assert.deepEqual(
    [await page.socket("state"), await page.socket("signedOut"), await page.socket("send('x')")],
    ["signed_out", "revoked", false],
  );
  assert.deepEqual(page.errors, []);
});

inBrowser("an expired token is said to be expired", async ({ service, context, newTab }) => {
  await service.signIn(context, { lifetime: 2 });
  const page = await newTab();
  await page.open();
  await page.has("signed_out");
  assert.deepEqual(await page.events("signed_out"), [["signed_out", "expired"]]);
});

inBrowser("cut off, it comes back, later and later while the server is away", async ({ service, context, newTab }) => {
  await service.signIn(context);
  const page = await newTab();
  await page.open("{ retryAfter: 40, retryAtMost: 500, probe: '/api/me' }");
  await page.has("open");
  service.state.away = true;
  service.cutAll();
  await page.has("close", 5);
  service.state.away = false;
  await page.has("open", 2);
  const closes = (await page.events("close")).map(([, event]) => event);
  assert.ok(closes.every(({ code }) => code === 1006));
  closes.slice(0, 5).forEach(({ retryIn }, n) => {
    const longest = Math.min(500, 40 * 2 ** n);
    assert.ok(retryIn >= longest / 2 && retryIn <= longest, `${n}: ${retryIn}`);
  });
  assert.equal(await page.socket("state"), "open");
  assert.deepEqual(await page.events("signed_out"), []);
  assert.ok(service.state.probes >= 4, "the probe was asked, and its 503 means nothing");
});

inBrowser("refused at the upgrade, it asks the probe, and stops at its 401", async ({ service, context, newTab }) => {
  const { token } = await service.signIn(context);
  await service.auth.revoke(token);
  const page = await newTab();
  await page.open("{ retryAfter: 20, probe: '/api/me' }");
  await page.has("signed_out");
  await sleep(200);
  assert.equal(service.state.upgrades.length, 1);
  assert.deepEqual(await page.events("signed_out"), [["signed_out", "revoked"]]);
  // A function that answers the status, and nothing known of why.
  await page.open("{ retryAfter: 20, probe: async () => (await fetch('/api/me')).status }");
  await page.has("signed_out");
  assert.deepEqual(await page.events("signed_out"), [["signed_out", "refused"]]);
  // Without a probe nobody tells it.
  const before = service.state.upgrades.length;
  await page.open("{ retryAfter: 20, retryAtMost: 40 }");
  await page.has("close", 4);
  assert.ok(service.state.upgrades.length - before >= 4);
  assert.deepEqual(await page.events("signed_out"), []);
  await page.socket("close()");
  const end = service.state.upgrades.length;
  await sleep(200);
  assert.equal(service.state.upgrades.length, end);
});

inBrowser("a token as the subprotocol, and a ticket for every try", async ({ service, newTab }) => {
  const { token } = await service.signIn();
  const page = await newTab();
  await page.open(`{ token: async () => ${JSON.stringify(token)}, protocols: ["chat"] }`);
  await page.has("message");
  assert.deepEqual(await page.events("message"), [["message", "hello alice"]]);
  assert.ok(service.state.upgrades.every((url) => !url.includes(token)));
  await page.socket("close()");

  await page.open(`{ token: () => ${JSON.stringify(token)} }`);
  await page.has("open");
  await page.socket("close()");

  for (const ticket of ["t1", "t2"]) service.tickets.set(ticket, token);
  await page.open("{ retryAfter: 20, ticket: () => `t${(window.given = (window.given ?? 0) + 1)}` }", "/live?a=b#c");
  await page.has("open");
  service.cutAll();
  await page.has("open", 2);
  assert.deepEqual(service.state.upgrades.slice(-2), ["/live?a=b&ticket=t1", "/live?a=b&ticket=t2"]);
  await page.socket("close()");

  // Who has no token any more is signed out; who cannot be asked now is asked again.
  const before = service.state.upgrades.length;
  await page.open("{ token: () => undefined }");
  await page.has("signed_out");
  assert.deepEqual(await page.events("signed_out"), [["signed_out", "refused"]]);
  assert.equal(service.state.upgrades.length, before);
  service.tickets.set("t9", token);
  await page.open(
    "{ retryAfter: 20, ticket: () => { if ((window.tries = (window.tries ?? 0) + 1) < 3) throw new Error('away'); return 't9'; } }",
  );
  await page.has("open");
  assert.equal((await page.events("close")).length, 2);
});

inBrowser("a listener that throws harms no other, and what is closed tells nothing", async ({ service, context, newTab }) => {
  await service.signIn(context);
  const page = await newTab();
  await page.open("{}");
  await page.page.evaluate(() => {
    window.socket.on("message", () => {
      throw new Error("of the page");
    });
    window.end = window.socket.on("message", (data) => window.events.push(["later", data]));
  });
  await page.has("message");
  await page.socket("send('1')");
  await page.has("later");
  await page.page.evaluate(() => window.end());
  await page.socket("send('2')");
  await page.has("message", 3);
  assert.equal((await page.events("later")).filter(([, data]) => data === "2").length, 0);
  assert.ok(page.errors.includes("of the page"));
  await page.socket("close()");
  await sleep(100);
  assert.deepEqual(await page.events("close"), []);
  assert.equal(await page.socket("state"), "closed");
  assert.equal(service.sockets.counts().registered, 0);
});

const SHARED = "{ shared: true, retryAfter: 20 }";

inBrowser(
  "shared: two tabs have one connection, both hear and speak, and a sign-out reaches both",
  async ({ service, context, newTab }) => {
    const { token } = await service.signIn(context);
    const [first, second] = [await newTab(), await newTab()];
    await first.open(SHARED);
    await first.has("message");
    await second.open(SHARED);
    await second.has("open");
    assert.deepEqual([await first.socket("leads"), await second.socket("leads")], [true, false]);
    assert.equal(service.state.upgrades.length, 1);
    assert.equal(await second.socket("send('from the other tab')"), true);
    for (const page of [first, second])
      await page.page.waitForFunction(() => window.events.some(([, data]) => data === "from the other tab"));
    assert.equal(service.sockets.counts().registered, 1);
    await service.auth.revoke(token);
    for (const page of [first, second]) {
      await page.has("onSignedOut");
      assert.deepEqual(await page.events("signed_out"), [["signed_out", "revoked"]]);
    }
    await sleep(200);
    assert.equal(service.state.upgrades.length, 1, "nobody takes over what is over");
    assert.deepEqual([first.errors, second.errors], [[], []]);
  },
);

inBrowser("shared: when the tab that has the connection goes, another takes over", async ({ service, context, newTab }) => {
  await service.signIn(context);
  const [first, second, third] = [await newTab(), await newTab(), await newTab()];
  for (const page of [first, second, third]) {
    await page.open(SHARED);
    await page.has("open");
  }
  assert.equal(service.state.upgrades.length, 1);
  // Closed by the page, then by the browser.
  await first.socket("close()");
  await second.page.waitForFunction(() => window.socket.leads);
  await second.has("message");
  assert.equal(service.state.upgrades.length, 2);
  await second.page.close({ runBeforeUnload: false });
  await third.page.waitForFunction(() => window.socket.leads && window.socket.state === "open");
  assert.equal(service.state.upgrades.length, 3);
  assert.equal(service.wss.clients.size, 1);
});

inBrowser("shared under other names: two accounts of one browser are kept apart", async ({ service, context, newTab }) => {
  await service.signIn(context);
  const [first, second] = [await newTab(), await newTab()];
  await first.open('{ shared: "a" }');
  await second.open('{ shared: "b" }');
  await first.has("open");
  await second.has("open");
  assert.deepEqual([await first.socket("leads"), await second.socket("leads")], [true, true]);
});

inBrowser(
  "without Web Locks every tab has its own connection",
  async ({ service, context, newTab }) => {
    const { token } = await service.signIn(context);
    const [first, second] = [await newTab(), await newTab()];
    assert.equal(await first.page.evaluate(() => navigator.locks), undefined);
    for (const page of [first, second]) {
      await page.open(SHARED);
      await page.has("open");
    }
    assert.equal(service.state.upgrades.length, 2);
    await service.auth.revoke(token);
    for (const page of [first, second]) await page.has("onSignedOut");
  },
  "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });",
);

test("it is tiny, and no kernel is in it", async () => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: 'export * from "authkernel/client";', resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    metafile: true,
  });
  const size = gzipSync(outputFiles[0].contents).length;
  console.log(`the client, minified: ${outputFiles[0].contents.length} bytes, gzip ${size}`);
  assert.ok(size < 3_072, `${size} bytes`);
  const inputs = Object.keys(metafile.inputs).filter((input) => input !== "<stdin>");
  assert.ok(inputs.length > 0 && inputs.every((input) => /dist\/esm\/client\//.test(input)), inputs.join(", "));
});

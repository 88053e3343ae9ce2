// What must not leave a tab, and what must not come in.

import assert from "node:assert/strict";

import { Tab } from "../tab.mjs";

export const cases = {
  async "a new tab is handed the address and nothing secret"({ context }) {
    const first = await Tab.demo(context);
    const { email, token } = await first.session();
    const href = await first.page.locator("#open-device").getAttribute("href");
    assert.deepEqual(Object.fromEntries(new URLSearchParams(href.split("#")[1])), { email, device: "Phone" });
    const other = await first.openTab();
    assert.equal(new URL(other.page.url()).hash, "", "the fragment is taken out of the address");
    assert.equal(await other.page.evaluate(() => window.opener), null);
    const stored = await other.page.evaluate(() => JSON.stringify({ ...sessionStorage }));
    assert.ok(!stored.includes(token) && !stored.includes("authkernel.session"), stored);
    assert.equal(await other.page.getByLabel("E-mail", { exact: true }).inputValue(), email);
  },

  async "tokens and passwords are in no address, no cookie and no lasting storage"({ context }) {
    const urls = [];
    context.on("request", (request) => urls.push(request.url()));
    context.on("page", (page) => page.on("websocket", (socket) => urls.push(socket.url())));
    const [first, phone] = await Tab.three(context);
    const { token } = await first.session();
    await first.press("Sign out Phone");
    await phone.wasCut();
    assert.ok(urls.some((url) => url.includes("/live?ticket=")), "the sockets were seen");
    for (const url of urls) assert.ok(!url.includes(token) && !url.includes("open-to-everybody"), url);
    assert.deepEqual(await context.cookies(), []);
    assert.equal(await first.page.evaluate(() => localStorage.length), 0);
    assert.equal(await first.page.evaluate(async () => (await indexedDB.databases()).length), 0);
  },

  async "tabs tell each other no token"({ context }) {
    const first = await Tab.demo(context);
    const spy = await context.newPage();
    await spy.goto("/");
    await spy.evaluate(() => {
      window.heard = [];
      new BroadcastChannel("authkernel.tabs").onmessage = ({ data }) => window.heard.push(JSON.stringify(data));
    });
    const phone = await first.openDevice();
    const tokens = [(await first.session()).token, (await phone.session()).token];
    await first.pressAndConfirm("Sign out everywhere");
    await phone.wasCut();
    await first.page.waitForURL("/?signed-out=2");
    await first.report(1);
    // Every tab hears in its own time.
    await spy.waitForFunction(() => ["press", "ended"].every((type) => window.heard.some((text) => text.includes(`"type":"${type}"`))));
    const heard = await spy.evaluate(() => window.heard.join("\n"));
    for (const token of tokens) assert.ok(!heard.includes(token));
    assert.ok(!heard.includes("open-to-everybody"));
  },

  async "the page is sent with a strict content security policy and has nothing inline"({ context, server, faults }) {
    const { headers, body } = await server.ask("GET", "/");
    const policy = headers["content-security-policy"] ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.doesNotMatch(body, /<style|style=|<script(?![^>]*\bsrc=)|\son[a-z]+=/);
    assert.doesNotMatch(body, /https?:\/\//);
    const first = await Tab.demo(context);
    // The console is heard a moment later than the answer of what ran.
    const reported = context.waitForEvent("console", (message) => /Content Security Policy|violates/.test(message.text()));
    const ran = await first.page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.ranInline = true";
      document.head.append(script);
      return window.ranInline === true;
    });
    assert.equal(ran, false);
    await reported;
    const [fault, ...others] = faults.splice(0);
    assert.match(fault, /Content Security Policy|violates/);
    assert.deepEqual(others, []);
  },

  async "an address cannot make the page claim a sign-out"({ context }) {
    const tab = new Tab(await context.newPage());
    await tab.page.goto("/?signed-out=99");
    await tab.page.getByRole("button", { name: "Create a demo account" }).waitFor();
    assert.equal(await tab.page.getByText("Signed out on").count(), 0);
    assert.equal(new URL(tab.page.url()).search, "");
  },

  async "a token that is dead when the tab is loaded again leads to signing in"({ context, server }) {
    const first = await Tab.demo(context);
    const { token } = await first.session();
    await first.page.goto("about:blank");
    assert.equal((await server.ask("DELETE", "/api/session", { token })).status, 200);
    await first.page.goto("/");
    assert.match(await first.ended(), /This device was signed out/);
    assert.equal(await first.session(), null);
    await first.press("Sign in");
    await first.live();
  },
};

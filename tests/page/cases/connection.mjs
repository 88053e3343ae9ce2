// Connections that break for other reasons come back; only 4001 is final.

import assert from "node:assert/strict";

import { Tab } from "../tab.mjs";

export const cases = {
  "a server that goes away and comes back": {
    ownServer: {},
    async run({ context, server, expectServerAway }) {
      const first = await Tab.demo(context);
      const phone = await first.openDevice();
      await first.counted(2, 2);
      expectServerAway();
      await server.down();
      await first.page.locator("#socket-pill[data-state=lost], #socket-pill[data-state=connecting]").waitFor();
      assert.notEqual(await first.session(), null, "the session is kept");
      await server.up();
      for (const tab of [first, phone]) await tab.liveAgain();
      await first.counted(2, 2);
      await first.press("Sign out Phone");
      await phone.ended();
      assert.equal((await phone.sockets()).closed.at(-1).code, 4001);
      await first.report(1);
    },
  },

  "a session that was ended while the tab was cut off stays closed": {
    ownServer: {},
    async run({ context, server, expectServerAway }) {
      const first = await Tab.demo(context);
      const { token } = await first.session();
      expectServerAway();
      await server.down();
      await first.page.locator("#socket-pill[data-state=lost], #socket-pill[data-state=connecting]").waitFor();
      // Only the tab is kept away while the session is ended behind its back.
      await context.setOffline(true);
      await server.up();
      assert.equal((await server.ask("DELETE", "/api/session", { token })).status, 200);
      await context.setOffline(false);
      const said = await first.endedAgain();
      assert.match(said, /This device was signed out/);
      assert.match(said, /refused with HTTP 401/);
      assert.equal(await first.session(), null);
    },
  },

  "a session that reaches its end is closed, and the page says so": {
    ownServer: {
      policy(given) {
        given.purposes.user.lifetime = "6s";
        return { ...given, leeway_seconds: 0 };
      },
    },
    async run({ context }) {
      const first = await Tab.demo(context);
      const said = await first.ended();
      assert.match(said, /This session has reached its end/);
      assert.match(said, /code 4001, reason “expired”/);
      assert.match(said, /refused with HTTP 401 \(token_expired\)/);
      await first.press("Sign in");
      await first.live();
    },
  },

  async "an error of the server is said, and the tab goes on"({ context }) {
    const first = await Tab.demo(context);
    const phone = await first.openDevice();
    await first.counted(2, 2);
    await first.page.route("**/api/sign-out-everywhere", (route) =>
      route.fulfill({ status: 503, json: { error: { code: "storage_unavailable", message: "storage is not available: try again later" } } }),
    );
    await first.press("Sign out everywhere");
    await first.dialog.getByRole("alert").filter({ hasText: "Storage is not available" }).waitFor();
    await first.dialog.getByRole("button", { name: "Sign out everywhere" }).click();
    await first.page.locator("#devices-error", { hasText: "Storage is not available" }).waitFor();
    await first.page.unroute("**/api/sign-out-everywhere");
    await first.counted(2, 2);
    assert.deepEqual((await phone.sockets()).closed, []);
    await first.pressAndConfirm("Sign out everywhere");
    await phone.wasCut();
    await first.page.waitForURL("/?signed-out=2");
  },
};

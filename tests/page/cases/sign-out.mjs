// The main job: sign out, and see the connections close and stay closed.

import assert from "node:assert/strict";

import { Tab } from "../tab.mjs";

export const cases = {
  async "sign out everywhere closes the other tabs with 4001 and they stay closed"({ context, server }) {
    const [first, ...others] = await Tab.three(context);
    const tokens = await Promise.all([first, ...others].map(async (tab) => (await tab.session()).token));
    for (const token of tokens) assert.equal((await server.ask("GET", "/api/me", { token })).status, 200);

    assert.match(await first.pressAndConfirm("Sign out everywhere"), /^3 devices will be signed out/);

    for (const tab of others) {
      await tab.wasCut();
      await tab.because("Sign out everywhere", "Laptop");
    }
    await first.page.waitForURL("/?signed-out=3");
    await first.page.getByRole("heading", { name: "Signed out on 3 devices" }).waitFor();
    const rows = await first.report(2);
    const byName = Object.fromEntries(rows.map(([name, ...rest]) => [name, rest]));
    assert.deepEqual(Object.keys(byName).sort(), ["Laptop this tab", "Phone", "Tablet"]);
    assert.deepEqual(byName["Laptop this tab"], ["left by itself", "refused (401)"]);
    assert.match(await first.page.locator("#report-figure").innerText(), /^[\d.]+ m?s$/);
    assert.match(await first.page.locator("#report-caption").innerText(), /last of 2 connections/);
    assert.match(await first.page.locator("#report-counts").innerText(), /3 devices signed out/);

    for (const token of tokens) {
      assert.equal(await server.upgrade(token), 401, "refused at the upgrade");
      assert.equal((await server.ask("GET", "/api/me", { token })).status, 401);
    }
    for (const tab of others) {
      await tab.page.reload();
      await tab.page.getByRole("button", { name: "Create a demo account" }).waitFor();
      assert.equal((await tab.sockets()).opened, 1, "no further connection was opened");
    }
  },

  async "the acting tab redirects itself, its own connection is not cut"({ context }) {
    const [first] = await Tab.three(context);
    await first.pressAndConfirm("Sign out everywhere");
    await first.page.waitForURL("/?signed-out=3");
    await first.report(2);
    const { opened, closed } = await first.sockets();
    assert.equal(opened, 1);
    assert.deepEqual(closed.filter(({ code }) => code === 4001), []);
    assert.equal(await first.session(), null);
    await first.page.reload();
    await first.page.getByRole("heading", { name: "Signed out on 3 devices" }).waitFor();
    await first.report(2);
    await first.press("Sign in");
    await first.live();
    await first.counted(1, 1);
    assert.equal(new URL(first.page.url()).search, "");
  },

  async "the acting tab can have its own connection cut as well"({ context }) {
    const [first, ...others] = await Tab.three(context);
    await first.press("Sign out everywhere");
    await first.preview();
    await first.dialog.getByLabel("Cut this tab’s own connection too").check();
    await first.dialog.getByRole("button", { name: "Sign out everywhere" }).click();
    assert.match(await first.wasCut(), /You are signed out/);
    for (const tab of others) await tab.wasCut();
    await first.report(3);
  },

  async "the preview counts, and no changes nothing"({ context }) {
    const [first, ...others] = await Tab.three(context);
    await first.press("Sign out everywhere");
    assert.match(await first.preview(), /^3 devices will be signed out\. This one is among them\./);
    assert.deepEqual((await first.dialog.locator("li").allTextContents()).sort(), ["Laptop", "Phone", "Tablet"]);
    await first.press("Cancel");
    await first.press("Sign out all others");
    assert.match(await first.preview(), /^2 devices will be signed out\. This one stays signed in\./);
    assert.deepEqual((await first.dialog.locator("li").allTextContents()).sort(), ["Phone", "Tablet"]);
    await first.page.keyboard.press("Escape");
    await first.dialog.waitFor({ state: "hidden" });
    await first.page.reload();
    await first.live();
    await first.counted(3, 3);
    for (const tab of others) assert.deepEqual((await tab.sockets()).closed, []);
  },

  async "sign out all others keeps this one"({ context }) {
    const [first, ...others] = await Tab.three(context);
    await first.pressAndConfirm("Sign out all others");
    for (const tab of others) await tab.wasCut();
    const rows = await first.report(2);
    assert.deepEqual(rows.map(([name]) => name).sort(), ["Phone", "Tablet"]);
    await first.counted(1, 1);
    await first.live();
    assert.deepEqual((await first.sockets()).closed, []);
    const button = first.page.getByRole("button", { name: "Sign out all others" });
    assert.equal(await button.getAttribute("aria-disabled"), "true");
  },

  async "sign out one other device"({ context }) {
    const [first, phone, tablet] = await Tab.three(context);
    await first.press("Sign out Phone");
    await phone.wasCut();
    await phone.because("Sign out Phone", "Laptop");
    assert.deepEqual((await first.report(1)).map(([name]) => name), ["Phone"]);
    await first.counted(2, 2);
    await tablet.counted(2, 2);
    assert.deepEqual((await first.devices()).sort(), ["Laptop", "Tablet"], "those of one second come in any order");
    for (const tab of [first, tablet]) assert.deepEqual((await tab.sockets()).closed, []);
  },

  async "sign out this device, and sign in again"({ context }) {
    const [first, phone] = await Tab.three(context);
    await phone.press("Sign out this device");
    assert.match(await phone.wasCut(), /You pressed “Sign out this device” here/);
    await phone.report(1);
    await first.counted(2, 2);
    await phone.press("Sign in");
    await phone.live();
    await first.counted(3, 3);
    assert.equal((await phone.sockets()).opened, 2);
  },

  async "a device in another browser is closed too, with the server's time"({ context, another }) {
    const first = await Tab.demo(context);
    const { email } = await first.session();
    const far = new Tab(await (await another()).newPage());
    await far.page.goto(`/#${new URLSearchParams({ email, device: "Desktop" })}`);
    await far.press("Sign in");
    await far.live();
    await first.counted(2, 2);
    await first.pressAndConfirm("Sign out all others");
    assert.match(await far.ended(), /signed out from somewhere else/);
    assert.deepEqual((await far.sockets()).closed, [{ code: 4001, reason: "revoked" }]);
    await first.page.locator("#report-rows", { hasText: /after [\d.]+ m?s \(server\)/ }).waitFor();
    await first.counted(1, 1);
  },

  async "two tabs of one session are both closed"({ context }) {
    const first = await Tab.demo(context);
    const phone = await first.openDevice();
    const kept = await phone.page.evaluate(() => sessionStorage.getItem("authkernel.session"));
    const twin = new Tab(await context.newPage());
    await twin.page.goto("/");
    await twin.page.evaluate((session) => sessionStorage.setItem("authkernel.session", session), kept);
    await twin.page.reload();
    await twin.live();
    await first.counted(2, 3);
    await first.press("Sign out Phone");
    for (const tab of [phone, twin]) await tab.wasCut();
    await first.counted(1, 1);
  },
};

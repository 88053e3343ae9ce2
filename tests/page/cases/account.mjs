// Signing in, registering, and changes of the credentials.

import assert from "node:assert/strict";

import { Tab } from "../tab.mjs";

const NEW_PASSWORD = "a better one than before";

export const cases = {
  async "a new password signs out the others and keeps this one"({ context, server }) {
    const [first, ...others] = await Tab.three(context);
    const { email } = await first.session();
    await first.unfold("Change password");
    const form = first.page.locator("#password-form");
    await form.getByLabel("Current password").fill("open-to-everybody");
    await form.getByLabel("New password").fill(NEW_PASSWORD);
    await form.getByRole("button", { name: "Change password" }).click();
    for (const tab of others) {
      await tab.wasCut();
      await tab.because("Change password", "Laptop");
    }
    await first.report(2);
    await first.counted(1, 1);
    assert.deepEqual((await first.sockets()).closed, []);

    const [phone] = others;
    await phone.press("Sign in");
    await phone.page.getByRole("alert").filter({ hasText: "password is wrong" }).waitFor();
    await phone.signIn({ email, password: NEW_PASSWORD });
    await phone.live();
    await first.counted(2, 2);
    const old = { email, password: "open-to-everybody" };
    assert.equal((await server.ask("POST", "/api/sign-in", { body: old })).status, 401);
  },

  async "a wrong current password changes nothing and says so"({ context }) {
    const first = await Tab.demo(context);
    const phone = await first.openDevice();
    await first.unfold("Change password");
    const form = first.page.locator("#password-form");
    await form.getByLabel("Current password").fill("not this one");
    await form.getByLabel("New password").fill(NEW_PASSWORD);
    await form.getByRole("button", { name: "Change password" }).click();
    await form.getByRole("alert").filter({ hasText: "current password is wrong" }).waitFor();
    await first.counted(2, 2);
    assert.deepEqual((await phone.sockets()).closed, []);
    assert.equal(await first.page.locator("#report").isVisible(), false);
  },

  async "a new e-mail address signs out everywhere"({ context }) {
    const [first, ...others] = await Tab.three(context);
    const { email } = await first.session();
    const changed = email.replace("demo-", "moved-");
    await first.unfold("Change e-mail");
    const form = first.page.locator("#email-form");
    await form.getByLabel("Current password").fill("open-to-everybody");
    await form.getByLabel("New e-mail").fill(changed);
    await form.getByRole("button", { name: "Change e-mail" }).click();
    for (const tab of [first, ...others]) await tab.wasCut();
    await first.report(3);
    assert.equal(await first.page.getByLabel("E-mail", { exact: true }).inputValue(), changed);
    await first.signIn({ email, password: "open-to-everybody" });
    await first.page.getByRole("alert").filter({ hasText: "is wrong" }).waitFor();
    await first.signIn({ email: changed, password: "open-to-everybody" });
    await first.live();
    await first.counted(1, 1);
  },

  async "register, be refused a second time, sign in"({ context }) {
    const tab = new Tab(await context.newPage());
    await tab.page.goto("/");
    const email = `person-${process.hrtime.bigint()}@example.com`;
    await tab.page.getByLabel("E-mail", { exact: true }).fill(email.toUpperCase());
    await tab.page.getByLabel("Password", { exact: true }).fill("long enough");
    await tab.press("Register");
    await tab.live();
    await tab.press("Sign out this device");
    await tab.wasCut();
    await tab.page.goto("/");
    await tab.page.getByLabel("E-mail", { exact: true }).fill(email);
    await tab.page.getByLabel("Password", { exact: true }).fill("long enough");
    await tab.press("Register");
    await tab.page.getByRole("alert").filter({ hasText: "there is an account" }).or(
      tab.page.getByRole("alert").filter({ hasText: "There is an account" }),
    ).waitFor();
    await tab.press("Sign in");
    await tab.live();
    assert.match(await tab.page.locator("#this-device-email").innerText(), new RegExp(email));
  },

  async "what is missing or wrong in the form is named"({ context }) {
    const tab = new Tab(await context.newPage());
    await tab.page.goto("/");
    const alert = tab.page.locator("#sign-in-error");
    await tab.press("Sign in");
    await alert.filter({ hasText: "E-mail: please fill this in." }).waitFor();
    assert.equal(await tab.page.evaluate(() => document.activeElement.id), "email");
    await tab.signIn({ email: "somebody@example.com", password: "short" });
    await alert.filter({ hasText: "Password:" }).waitFor();
    assert.equal(await tab.page.getByLabel("Password", { exact: true }).getAttribute("aria-invalid"), "true");
    await tab.signIn({ email: "somebody@example.com", password: "long enough" });
    await alert.filter({ hasText: "The e-mail or the password is wrong." }).waitFor();
  },

  async "a device's name is shown as text, whatever it is"({ context }) {
    const first = await Tab.demo(context);
    const name = `<img src=x onerror="alert(1)">`;
    const other = await first.openTab();
    await other.page.getByLabel("Name of this device").fill(name);
    await other.press("Sign in");
    await other.live();
    await first.counted(2, 2);
    assert.ok((await first.devices()).includes(name));
    await first.press(`Sign out ${name}`);
    assert.match(await other.wasCut(), /<img src=x/);
    assert.equal(await first.page.locator("main img").count(), 0);
  },
};

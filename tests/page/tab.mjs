// A tab of the page, in the words of a person who uses it.

import assert from "node:assert/strict";

/** Longer than the longest pause that the page makes before it tries to come back: 15 seconds and a quarter. */
const COMES_BACK = 30_000;

export class Tab {
  constructor(page) {
    this.page = page;
  }

  /** Opens the page and makes a demo account with one click. */
  static async demo(context) {
    const tab = new Tab(await context.newPage());
    await tab.page.goto("/");
    await tab.page.getByRole("button", { name: "Create a demo account" }).click();
    await tab.live();
    return tab;
  }

  /** Three devices of one demo account, each with its live connection: the first, and two that it opened. */
  static async three(context) {
    const first = await Tab.demo(context);
    const others = [await first.openDevice(), await first.openDevice()];
    await first.counted(3, 3);
    return [first, ...others];
  }

  /** "Open another device", and sign in there with what is filled in. */
  async openDevice() {
    const tab = await this.openTab();
    await tab.page.getByRole("button", { name: "Sign in" }).click();
    await tab.live();
    return tab;
  }

  /** "Open another device", without signing in yet. */
  async openTab() {
    await this.page.bringToFront();
    const opened = this.page.context().waitForEvent("page");
    await this.page.getByRole("link", { name: "Open another device" }).click();
    const tab = new Tab(await opened);
    await tab.page.getByRole("button", { name: "Sign in" }).waitFor();
    return tab;
  }

  /** Signs in by hand. */
  async signIn({ email, password, device }) {
    await this.page.getByLabel("E-mail", { exact: true }).fill(email);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    if (device !== undefined) await this.page.getByLabel("Name of this device").fill(device);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  /** Waits until the live connection is open. */
  async live() {
    await this.page.locator("#socket-pill[data-state=live]").waitFor();
  }

  /** Waits until the live connection, which was lost, is open again. */
  async liveAgain() {
    await this.page.locator("#socket-pill[data-state=live]").waitFor({ timeout: COMES_BACK });
  }

  /** Waits until this many devices with this many live connections are shown. */
  async counted(devices, connections) {
    const text = `${devices} device${devices === 1 ? "" : "s"}, ${connections} live connection${connections === 1 ? "" : "s"}`;
    await this.page.locator("#devices-count", { hasText: text }).waitFor();
  }

  /** Brings the tab to the front, as a person does, and presses a button. */
  async press(name) {
    await this.page.bringToFront();
    await this.page.getByRole("button", { name, exact: true }).click();
  }

  /** Opens one of the folded forms. */
  async unfold(name) {
    await this.page.bringToFront();
    await this.page.locator("summary", { hasText: name }).click();
  }

  get dialog() {
    return this.page.getByRole("dialog");
  }

  /** Presses a button that asks first, waits for the count, and says yes. Answers what the dialog said. */
  async pressAndConfirm(name) {
    await this.press(name);
    const said = await this.preview();
    await this.dialog.getByRole("button", { name, exact: true }).click();
    return said;
  }

  /** What the open dialog says will happen. */
  async preview() {
    const text = this.dialog.locator("#confirm-preview", { hasText: "will be signed out" });
    await text.waitFor();
    return text.textContent();
  }

  /** Waits until this tab says that its session is over and that coming back was refused; answers all that it says. */
  async ended(limit) {
    const view = this.page.locator("#ended");
    await view.getByText("It stays closed.").waitFor(limit);
    return view.innerText();
  }

  /** Waits until the report shows this many connections closed and refused; answers its rows as lists of texts. */
  async report(closed) {
    await this.page.waitForFunction((wanted) => {
      const rows = [...document.querySelectorAll("#report-rows tr")].map((row) => row.innerText);
      return rows.filter((row) => /after [\d.]+ m?s/.test(row) && /refused \(401\)/.test(row)).length === wanted;
    }, closed);
    return this.page.locator("#report-rows tr").evaluateAll((rows) =>
      rows.map((row) => [...row.cells].map((cell) => cell.innerText.replace(/\s+/g, " ").trim())),
    );
  }

  /** The session as the tab keeps it: token, sid, e-mail, device. */
  session() {
    return this.page.evaluate(() => JSON.parse(sessionStorage.getItem("authkernel.session")));
  }

  /** How many WebSockets this tab opened, and the codes and reasons with which they were closed. */
  sockets() {
    return this.page.evaluate(() => ({
      opened: JSON.parse(sessionStorage.getItem("test.opened") ?? "[]").length,
      closed: JSON.parse(sessionStorage.getItem("test.closed") ?? "[]"),
    }));
  }

  /** The names of the devices in the list. */
  devices() {
    return this.page.locator(".device b").allTextContents();
  }

  /** As `ended`, of a tab that has to come back first to be told so. */
  endedAgain() {
    return this.ended({ timeout: COMES_BACK });
  }

  /** Waits until this tab says which button ended it. It is another tab that tells it so, and the server's close may arrive before. */
  async because(label, device) {
    await this.page.locator("#ended", { hasText: `“${label}” was pressed on ${device}` }).waitFor();
  }

  /** Waits until nothing on the page changes its colour or place any more by itself; what pulses for ever is let be. */
  async still() {
    await this.page.waitForFunction(() =>
      document.getAnimations().every((one) => one.playState === "finished" || one.effect?.getComputedTiming().iterations === Infinity),
    );
  }

  /** This tab was cut with 4001, says so with the time, and did not come back. */
  async wasCut() {
    // How long it took is known once the tab that did it has told.
    await this.page.locator("#ended-figure", { hasText: /[\d.]+ m?s/ }).waitFor();
    const said = await this.ended();
    assert.match(said, /code 4001, reason “revoked”/);
    assert.match(said, /refused with HTTP 401/);
    assert.deepEqual(await this.sockets(), { opened: 1, closed: [{ code: 4001, reason: "revoked" }] });
    assert.equal(await this.session(), null, "the token is forgotten");
    assert.match(await this.page.locator("#socket-pill").innerText(), /4001 revoked/);
    return said;
  }
}

// The main job with the keyboard alone.

import assert from "node:assert/strict";

import { Tab } from "../tab.mjs";

/** More presses of Tab than the page has places to stop at. */
const LONGEST_WALK = 60;

export const cases = {
  async "three devices and sign out everywhere without a mouse"({ context }) {
    const first = new Tab(await context.newPage());
    await first.page.goto("/");
    await walkTo(first.page, "Create a demo account");
    await first.page.keyboard.press("Enter");
    await first.live();
    assert.equal(await focused(first.page), "Laptop", "the reading position moves to the new view");

    const others = [];
    for (let devices = 2; devices <= 3; devices += 1) {
      const opened = context.waitForEvent("page");
      await walkTo(first.page, "Open another device");
      await first.page.keyboard.press("Enter");
      const tab = new Tab(await opened);
      await tab.page.waitForFunction(() => document.activeElement?.id === "sign-in-button");
      await tab.page.keyboard.press("Enter");
      await tab.live();
      others.push(tab);
      await first.page.bringToFront();
      await first.counted(devices, devices);
    }

    await walkTo(first.page, "Sign out everywhere");
    await first.page.keyboard.press("Enter");
    assert.match(await first.preview(), /^3 devices/);
    assert.equal(await focused(first.page), "Sign out everywhere");
    await first.page.keyboard.press("Enter");
    await first.page.waitForURL("/?signed-out=3");
    await first.report(2);
    assert.equal(await focused(first.page), "Signed out on 3 devices");
    for (const tab of others) await tab.wasCut();
    assert.equal(await focused(others[0].page), "This device was signed out");
  },

  async "the dialog holds the focus, and gives it back"({ context }) {
    const [first] = await Tab.three(context);
    await walkTo(first.page, "Sign out all others");
    await first.page.keyboard.press("Enter");
    await first.preview();
    for (let step = 0; step < 6; step += 1) {
      await first.page.keyboard.press("Tab");
      const inside = await first.page.evaluate(
        () => document.activeElement === document.body || document.getElementById("confirm").contains(document.activeElement),
      );
      assert.ok(inside, "Tab left the dialog");
    }
    await first.page.keyboard.press("Escape");
    await first.dialog.waitFor({ state: "hidden" });
    assert.equal(await focused(first.page), "Sign out all others");
  },

  async "Tab reaches everything and gets out again, Shift+Tab as well"({ context }) {
    const first = await Tab.demo(context);
    const phone = await first.openDevice();
    await first.page.bringToFront();
    await first.counted(2, 2);
    const forwards = await round(first.page, "Tab");
    for (const name of [
      "Open another device",
      "Sign out this device",
      "Sign out Phone",
      "Sign out all others",
      "Sign out everywhere",
      "Change password signs out the other devices, keeps this one",
      "Change e-mail signs out every device, this one too",
      "Log of this tab",
    ]) {
      assert.ok(forwards.includes(name), `${name} is not reached: ${forwards.join(" | ")}`);
    }
    const backwards = await round(first.page, "Shift+Tab");
    assert.deepEqual([...backwards].sort(), [...forwards].sort());
    assert.deepEqual((await phone.sockets()).closed, []);
  },

  async "a row that goes away does not take the focus with it"({ context }) {
    const first = await Tab.demo(context);
    const phone = await first.openDevice();
    await first.page.bringToFront();
    await first.counted(2, 2);
    await walkTo(first.page, "Sign out Phone");
    await first.page.keyboard.press("Enter");
    await phone.wasCut();
    await first.counted(1, 1);
    assert.notEqual(await focused(first.page), "");
  },
};

/** Presses Tab until the focus is on what has this name, and sees at every stop that the focus can be seen. */
async function walkTo(page, name) {
  const seen = [];
  for (let step = 0; step < LONGEST_WALK; step += 1) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    if (now) await assertFocusShown(page, now);
    if (now === name) return;
    seen.push(now);
  }
  assert.fail(`Tab does not reach “${name}”: ${seen.join(" | ")}`);
}

/** Every name at which the focus stops on one way around the page, through the browser's own parts. */
async function round(page, key) {
  const names = [];
  for (let step = 0; step < LONGEST_WALK; step += 1) {
    await page.keyboard.press(key);
    const now = await focused(page);
    if (now && now === names[0]) return names;
    if (now) names.push(now);
  }
  return assert.fail("the focus never gets around the page");
}

/** The name of what has the focus; empty for the page itself. */
function focused(page) {
  return page.evaluate(() => {
    const node = document.activeElement;
    if (!node || node === document.body || node === document.documentElement) return "";
    const labels = (node.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean);
    const labelled = labels.map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
    const text = node.getAttribute("aria-label") || labelled || node.labels?.[0]?.textContent || node.textContent;
    return text.replace(/\s+/g, " ").trim();
  });
}

async function assertFocusShown(page, name) {
  const shown = await page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2;
  });
  assert.ok(shown, `the focus on “${name}” cannot be seen`);
}

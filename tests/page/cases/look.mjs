// Everybody can read and use it: phone and desktop, light and dark, names for everything.

import assert from "node:assert/strict";

import { DESKTOP, PHONE } from "../browser.mjs";
import { Tab } from "../tab.mjs";

const NARROW = { ...PHONE, viewport: { width: 320, height: 640 } };

export const cases = {
  "fits a phone of 390 pixels": { options: PHONE, run: (given) => everyView(given, fits) },
  "fits 320 pixels, a desktop enlarged to 400 %": { options: NARROW, run: (given) => everyView(given, fits) },
  "fits a desktop": { options: DESKTOP, run: (given) => everyView(given, fits) },
  "text stands out enough, light": { options: DESKTOP, run: (given) => everyView(given, contrast) },
  "text stands out enough, dark": {
    options: { ...DESKTOP, colorScheme: "dark" },
    run: (given) => everyView(given, contrast),
  },
  "everything has a name, and the page a shape": { options: DESKTOP, run: (given) => everyView(given, named) },

  async "dark is dark and light is light"({ context }) {
    const page = await context.newPage();
    await page.goto("/");
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    assert.ok((await ground())[0] > 200);
    await page.emulateMedia({ colorScheme: "dark" });
    assert.ok((await ground())[0] < 50);
  },

  async "new entries of the log and the state are announced"({ context }) {
    const first = await Tab.demo(context);
    const log = first.page.getByRole("log");
    assert.equal(await log.getAttribute("aria-live"), "polite");
    assert.match(await log.innerText(), /Live connection open/);
    for (const id of ["socket-pill", "devices-count", "report-caption", "confirm-preview"]) {
      assert.equal(await first.page.locator(`#${id}`).getAttribute("role"), "status", id);
    }
    assert.equal(await first.page.locator("#sign-in-error").getAttribute("role"), "alert");
  },
};

/** Goes through every view of the page and looks at each. */
async function everyView({ context }, check) {
  const look = async (page, view) => {
    await new Tab(page).still();
    await check(page, view);
  };
  const welcome = await context.newPage();
  await welcome.goto("/");
  await welcome.getByRole("button", { name: "Sign in", exact: true }).click();
  await welcome.getByRole("alert").waitFor();
  await look(welcome, "welcome, with an error");
  const first = await Tab.demo(context);
  const handed = await first.openTab();
  await look(handed.page, "another device");
  await handed.press("Sign in");
  await handed.live();
  const third = await first.openDevice();
  await first.counted(3, 3);
  for (const summary of ["Change password", "Change e-mail"]) await first.unfold(summary);
  await look(first.page, "signed in");
  await first.press("Sign out everywhere");
  await first.preview();
  await look(first.page, "dialog");
  await first.press("Cancel");
  // The button of the own row is there and hidden; rows of one second come in any order.
  await first.page.locator("[aria-label^='Sign out ']:visible").first().click();
  await Promise.race([handed.ended(), third.ended()]);
  await first.report(1);
  // The list of devices has lost it as well: what is signed out next are those that it shows.
  await first.counted(2, 2);
  await look(first.page, "a device signed out");
  const [over] = (await third.session()) ? [handed, third] : [third, handed];
  await look(over.page, "ended");
  await first.pressAndConfirm("Sign out everywhere");
  await first.page.waitForURL("/?signed-out=2");
  await first.report(1);
  await look(first.page, "redirected");
}

async function fits(page, view) {
  const { wide, window, out, small } = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const shown = [...document.querySelectorAll("body *")].filter((node) => node.checkVisibility() && !node.closest(".visually-hidden"));
    const name = (node) => `${node.tagName} ${node.id} ${node.textContent.trim().slice(0, 30)}`;
    return {
      wide: document.documentElement.scrollWidth,
      window: width,
      out: shown.filter((node) => node.getBoundingClientRect().right > width + 1 && !node.closest(".table-scroll")).map(name),
      small: [...document.querySelectorAll("button, a, summary, input")]
        .filter((node) => node.checkVisibility() && !node.closest(".visually-hidden") && node.type !== "checkbox")
        .filter((node) => node.getBoundingClientRect().height < 44)
        .map(name),
    };
  });
  assert.ok(wide <= window, `${view}: scrolls sideways, ${wide} in ${window}: ${out.join("; ")}`);
  assert.deepEqual(out, [], `${view}: stands out on the right`);
  assert.deepEqual(small, [], `${view}: too small for a finger`);
}

async function contrast(page, view) {
  const weak = await page.evaluate(() => {
    const parse = (text) => {
      const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
      return { red, green, blue, alpha };
    };
    const over = (top, ground) =>
      Object.fromEntries(["red", "green", "blue"].map((part) => [part, top[part] * top.alpha + ground[part] * (1 - top.alpha)]));
    const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const light = ({ red, green, blue }) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    const ground = (node) => {
      if (!node) return { red: 255, green: 255, blue: 255 };
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.alpha === 1) return colour;
      // A dialog is in the top layer: what is behind it is not its parent.
      return over(colour, ground(node.parentElement));
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest(".visually-hidden, noscript")) continue;
      if (node.closest("[aria-disabled=true]")) continue;
      const style = getComputedStyle(node);
      const back = ground(node);
      const [dark, bright] = [light(over(parse(style.color), back)), light(back)].sort((a, b) => a - b);
      const ratio = (bright + 0.05) / (dark + 0.05);
      const size = Number.parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} “${walker.currentNode.data.trim().slice(0, 40)}”`);
    }
    for (const input of document.querySelectorAll("input:not(.visually-hidden)")) {
      if (!input.checkVisibility() || input.type === "checkbox") continue;
      const back = ground(input.parentElement);
      const [dark, bright] = [light(parse(getComputedStyle(input).borderTopColor)), light(back)].sort((a, b) => a - b);
      const ratio = (bright + 0.05) / (dark + 0.05);
      if (ratio < 3) found.push(`${ratio.toFixed(2)} border of ${input.id}`);
    }
    return found;
  });
  assert.deepEqual(weak, [], view);
}

async function named(page, view) {
  const faults = await page.evaluate(() => {
    const found = [];
    const shown = (selector) =>
      [...document.querySelectorAll(selector)].filter((node) => node.checkVisibility() && !node.closest("[aria-hidden=true]"));
    const text = (node) =>
      node.getAttribute("aria-label") ||
      (node.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join("") ||
      node.textContent;
    if (!document.documentElement.lang) found.push("the page has no language");
    if (!document.title) found.push("the page has no title");
    if (shown("h1").length !== 1) found.push(`${shown("h1").length} main headings`);
    if (shown("main").length !== 1 || shown("header").length !== 1) found.push("landmarks");
    for (const input of shown("input")) if (!input.labels?.[0]?.textContent.trim()) found.push(`no label: ${input.id}`);
    for (const node of shown("button, a, summary, section, dialog[open], [role=log]")) {
      if (!text(node).trim()) found.push(`no name: ${node.tagName} ${node.id}`);
    }
    for (const section of shown("section, dialog[open]")) {
      if (!section.hasAttribute("aria-labelledby")) found.push(`section without heading: ${section.id}`);
    }
    for (const image of shown("img")) if (!image.hasAttribute("alt")) found.push("image without alt");
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id twice: ${id}`);
    for (const node of document.querySelectorAll("[aria-labelledby], [aria-describedby], label[for]")) {
      const named = ["aria-labelledby", "aria-describedby", "for"].flatMap((key) => (node.getAttribute(key) ?? "").split(" "));
      for (const id of named.filter(Boolean)) if (!document.getElementById(id)) found.push(`names nothing: ${id}`);
    }
    return found;
  });
  assert.deepEqual(faults, [], view);
}

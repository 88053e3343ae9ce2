// The pictures of the README: three devices, two of them just signed out by the first.

import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { DESKTOP, person } from "./browser.mjs";
import { Tab } from "./tab.mjs";

// Two of the one are as high as one of the other.
const SIDE = { width: 500, height: 446 };
const MAIN = { width: 1240, height: 953 };

/** Writes `page.png` and `page-dark.png` into a folder. */
export async function screenshots(browser, server, folder) {
  await mkdir(folder, { recursive: true });
  for (const [colorScheme, name] of [["light", "page.png"], ["dark", "page-dark.png"]]) {
    const path = resolve(join(folder, name));
    const { context } = await person(browser, server.origin, { ...DESKTOP, colorScheme, deviceScaleFactor: 1.5 });
    await picture(context, path, colorScheme === "dark");
    await context.close();
    console.log(`wrote ${path}`);
  }
}

async function picture(context, path, dark) {
  const [first, ...others] = await Tab.three(context);
  await first.pressAndConfirm("Sign out all others");
  for (const tab of others) await tab.wasCut();
  await first.report(2);
  await first.page.evaluate(() => document.activeElement?.blur());
  const shots = [await shot(first.page, MAIN)];
  for (const { page } of others) shots.push(await shot(page, SIDE));

  const sheet = await context.newPage();
  await sheet.setViewportSize({ width: 1800, height: 1060 });
  await sheet.setContent(layout(shots, dark));
  await sheet.locator("main").screenshot({ path });
}

async function shot(page, size) {
  await page.setViewportSize(size);
  await page.evaluate(() => scrollTo(0, 0));
  return (await page.screenshot()).toString("base64");
}

/** The tabs beside each other, as windows on a desk. */
function layout([main, ...sides], dark) {
  const frame = (data, { width }) => `<figure style="width:${width}px"><i><b></b><b></b><b></b></i><img src="data:image/png;base64,${data}" width="${width}"></figure>`;
  return `<!doctype html><style>
    body { margin: 0 }
    main { display: grid; grid-template-columns: auto auto; gap: 28px; width: max-content; padding: 36px;
      background: ${dark ? "#05070a" : "#dfe4ec"} }
    aside { display: grid; gap: 28px; align-content: space-between }
    figure { margin: 0; overflow: hidden; border-radius: 12px; background: ${dark ? "#232a34" : "#fff"};
      box-shadow: 0 12px 40px rgb(0 0 0 / ${dark ? 60 : 18}%) }
    i { display: flex; gap: 8px; padding: 11px 14px } i b { width: 11px; height: 11px; border-radius: 50%; background: ${dark ? "#4a5462" : "#cdd3dc"} }
    img { display: block }
  </style><main>${frame(main, MAIN)}<aside>${sides.map((data) => frame(data, SIDE)).join("")}</aside></main>`;
}

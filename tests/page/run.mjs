// Tests the page of the reference server in a real Chromium, against the real server.
//
//   node run.mjs                     all cases
//   node run.mjs keyboard everywhere only cases whose name has one of these words
//   node run.mjs --screenshots DIR   writes page.png and page-dark.png for the README instead
//
// AUTHKERNEL_BIN names the server (default: target/debug/authkernel), AUTHKERNEL_SERVER_COMMAND the command of another one, CHROMIUM the
// browser.

import { parseArgs } from "node:util";

import { findChromium, launch, person } from "./browser.mjs";
import { Report } from "./report.mjs";
import { checkBinary, Server } from "./server.mjs";
import { screenshots } from "./screenshots.mjs";

/** How long one case may take. */
const LIMIT = 90_000;

const SUITES = ["sign-out", "account", "secrets", "keyboard", "look", "connection"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { screenshots: { type: "string" } },
});

const chromium = findChromium();
if (chromium) {
  process.exitCode = await main();
} else {
  const report = new Report();
  report.skip("no Chromium found. Install one (Debian: apt-get install chromium) or name it in CHROMIUM.");
  process.exitCode = report.close();
}

async function main() {
  checkBinary();
  const browser = await launch(chromium);
  const server = await Server.start();
  try {
    if (values.screenshots) {
      await screenshots(browser, server, values.screenshots);
      return 0;
    }
    return await all(browser, server);
  } finally {
    await browser.close();
    await server.remove();
  }
}

async function all(browser, server) {
  const report = new Report();
  for (const suite of SUITES) {
    const { cases } = await import(`./cases/${suite}.mjs`);
    for (const [name, given] of Object.entries(cases)) {
      const title = `${suite}: ${name}`;
      if (positionals.length && !positionals.some((word) => title.includes(word))) continue;
      await report.run(title, () => one(browser, server, given));
    }
  }
  return report.close();
}

/**
 * Runs a case with a browser of its own. It is a function, or `{ run, options, ownServer }`, where `ownServer` holds
 * what a server of its own is started with.
 */
async function one(browser, shared, given) {
  const { run, options, ownServer = null } = typeof given === "function" ? { run: given } : given;
  const server = ownServer ? await Server.start(ownServer) : shared;
  const people = [];
  const newPerson = async () => {
    const someone = await person(browser, server.origin, options);
    people.push(someone);
    return someone;
  };
  let timer;
  try {
    const me = await newPerson();
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${LIMIT} ms`)), LIMIT);
    });
    const another = async () => (await newPerson()).context;
    await Promise.race([run({ ...me, server, another }), late]);
    const faults = people.flatMap((someone) => someone.faults);
    if (faults.length) throw new Error(`in the browser: ${faults.join("\n")}`);
  } finally {
    clearTimeout(timer);
    for (const { context } of people) await context.close();
    if (ownServer) await server.remove();
  }
}

// Real clients of others against the real server.
//
//   node run.mjs          all cases
//   node run.mjs 1.7      only cases whose name has one of these words
//
// AUTHKERNEL_BIN names the server (default: target/debug/authkernel), AUTHKERNEL_SERVER_COMMAND the command of another one.

import { Report } from "../page/report.mjs";
import { checkBinary, Server } from "../page/server.mjs";

const LIMIT = 60_000;
const SUITES = ["phoenix"];
const words = process.argv.slice(2);

checkBinary();
const server = await Server.start();
const report = new Report();
try {
  for (const suite of SUITES) {
    const { cases } = await import(`./cases/${suite}.mjs`);
    for (const [name, run] of Object.entries(cases)) {
      const title = `${suite}: ${name}`;
      if (words.length && !words.some((word) => title.includes(word))) continue;
      await report.run(title, () => within(LIMIT, run(server)));
    }
  }
} finally {
  await server.remove();
}
process.exit(report.close());

function within(limit, work) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`not done after ${limit} ms`)), limit).unref();
  });
  return Promise.race([work, late]);
}

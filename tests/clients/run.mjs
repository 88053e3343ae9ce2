// Real clients of others against the real server.
//
//   node run.mjs          all cases
//   node run.mjs 1.7      only cases whose name has one of these words
//
// AUTHKERNEL_BIN names the server (default: target/debug/authkernel).

import { checkBinary, Server } from "../page/server.mjs";

const LIMIT = 60_000;
const SUITES = ["phoenix"];
const words = process.argv.slice(2);

checkBinary();
const server = await Server.start();
const counts = { passed: 0, failed: 0 };
try {
  for (const suite of SUITES) {
    const { cases } = await import(`./cases/${suite}.mjs`);
    for (const [name, run] of Object.entries(cases)) {
      const title = `${suite}: ${name}`;
      if (words.length && !words.some((word) => title.includes(word))) continue;
      const error = await within(LIMIT, run(server)).then(
        () => null,
        (thrown) => thrown,
      );
      counts[error ? "failed" : "passed"] += 1;
      console.log(`${error ? "FAILED" : "ok    "} ${title}`);
      if (error) console.log(error.stack ?? String(error));
    }
  }
} finally {
  await server.remove();
}
console.log(`${counts.passed} passed, ${counts.failed} failed, 0 skipped`);
process.exit(counts.failed ? 1 : 0);

function within(limit, work) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`not done after ${limit} ms`)), limit).unref();
  });
  return Promise.race([work, late]);
}

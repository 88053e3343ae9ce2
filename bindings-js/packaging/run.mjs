// Tests the package as others get it: `node run.mjs [words of a check]`, with the package built, `npm ci` done here and in ../test/vectors.
// Prints one line a check, and `N passed, N failed, N skipped`.

import { closeBrowser } from "./browser.mjs";
import * as bundlers from "./checks/bundlers.mjs";
import * as contents from "./checks/contents.mjs";
import * as docs from "./checks/docs.mjs";
import * as node from "./checks/node.mjs";
import * as readme from "./checks/readme.mjs";
import * as typescript from "./checks/typescript.mjs";
import { Workshop } from "./project.mjs";

const words = process.argv.slice(2);
const counts = { passed: 0, failed: 0, skipped: 0 };
const workshop = new Workshop();
try {
  const packed = await workshop.pack();
  const all = [contents, node, typescript, bundlers, docs, readme].flatMap(({ checks }) => checks({ workshop, packed }));
  for (const { name, skip, run } of all.filter(({ name }) => words.every((word) => name.includes(word)))) {
    const started = performance.now();
    if (skip) {
      counts.skipped += 1;
      console.log(`\nSKIPPED: ${name}: ${skip}\n`);
      continue;
    }
    try {
      await run();
      counts.passed += 1;
      console.log(`ok   ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    } catch (error) {
      counts.failed += 1;
      console.log(`FAILED ${name}\n${String(error?.message ?? error).replaceAll(/^/gm, "       ")}`);
    }
  }
} finally {
  await closeBrowser();
  workshop.close();
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;

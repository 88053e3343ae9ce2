// The quick starts of the README, followed to the letter: what it says to put into which file is put there, in a folder that has nothing
// but the tarball; Node, Deno and Bun run it, workerd does, and a page that Vite has built does in Chromium.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { bun, deno, newestNode, workerd } from "../../test/common/programs.mjs";
import { noBrowser, pageSays, served } from "../browser.mjs";
import { here, mustDo } from "../project.mjs";

const readme = readFileSync(join(here, "..", "README.md"), "utf8");
const said = ["user?id=42 admin", "1 session signed out", "token_revoked"];

export function checks({ workshop }) {
  const programs = {
    Node: { path: process.execPath, given: ["first.mjs"] },
    Deno: { ...deno(), given: ["run", "--no-prompt", "--no-remote", "--node-modules-dir=manual", "first.mjs"] },
    Bun: { ...bun(), given: ["--no-install", "first.mjs"] },
  };
  return [
    ...Object.entries(programs).map(([name, { path, reason, given }]) => ({
      name: `README: first.mjs in ${name}`,
      skip: reason,
      async run() {
        const cwd = await workshop.project(`readme-${name.toLowerCase()}`, []);
        follow(cwd, { "first.mjs": block("ts", "# authkernel") });
        same(await mustDo(path, given, { cwd, environment: { DENO_NO_UPDATE_CHECK: "1" } }), said.join("\n"));
      },
    })),
    {
      name: "README: the page, built by vite, in Chromium",
      skip: noBrowser(),
      async run() {
        const cwd = await workshop.project("readme-page", []);
        follow(cwd, { "first.mjs": block("ts", "# authkernel"), "index.html": block("html", "## Pages") });
        await mustDo(newestNode(), [join(here, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "warn"], { cwd });
        await served(join(cwd, "dist"), (url) => pageSays(url, said));
      },
    },
    {
      name: "README: the Worker in workerd: signs in, opens a socket, signs out",
      skip: workerd().reason,
      async run() {
        const cwd = await workshop.project("readme-worker", []);
        const settings = block("toml", "## Cloudflare Workers");
        const [, main] = /^main = "(.*)"$/m.exec(settings);
        follow(cwd, { "wrangler.toml": settings, [main]: block("ts", "## Cloudflare Workers") });
        // The README's own command makes the keys.
        const [command] = /^node -e .*$/m.exec(readme.slice(readme.indexOf("## Cloudflare Workers")));
        await mustDo("sh", ["-c", command], { cwd });
        await bundle(cwd, main);
        const told = await mustDo(newestNode(), [join(here, "readme-worker.mjs"), cwd], { cwd: here });
        const answers = [401, "user?id=42", { revoked: 1 }, 4001, "revoked", 401, "token_revoked", 401];
        same(told, JSON.stringify(answers));
      },
    },
  ];
}

/** The first block in this language below a heading. */
function block(language, heading) {
  const from = readme.indexOf(`${heading}\n`);
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "m").exec(readme.slice(from));
  if (from < 0 || !found) throw new Error(`the README has no block of ${language} below ${heading}`);
  return found[1];
}

function follow(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** As Cloudflare's own tool does it. */
async function bundle(cwd, main) {
  await build({
    absWorkingDir: cwd,
    entryPoints: [main],
    outfile: join(cwd, "out", "worker.mjs"),
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:workers"],
    loader: { ".wasm": "copy" },
    logLevel: "silent",
  });
}

function same(found, expected) {
  if (found.trim() !== expected) throw new Error(`found ${JSON.stringify(found.trim())}, expected ${JSON.stringify(expected)}`);
}

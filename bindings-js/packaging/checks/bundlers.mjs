// Bundlers without any plugin for WebAssembly, then the bundle in Chromium, in Node or in workerd.

import { once } from "node:events";
import { spawn } from "node:child_process";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { newestNode, workerd } from "../../test/common/programs.mjs";
import { noBrowser, pageMustTell, served } from "../browser.mjs";
import { expected, here, mustDo, mustTell } from "../project.mjs";

const files = ["story.mjs", "page.mjs", "index.html"];
const tool = (path) => join(here, "node_modules", path);

export function checks({ workshop }) {
  const skip = noBrowser();
  return [
    {
      name: "Chromium, no bundler: an import map and the package's own files",
      skip,
      async run() {
        const cwd = await workshop.project("no-bundler", files);
        const imports = {
          authkernel: "/node_modules/authkernel/dist/esm/entrypoints/portable.js",
          "authkernel/storage/memory": "/node_modules/authkernel/dist/esm/storage/memory.js",
        };
        const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
        writeFileSync(join(cwd, "index.html"), `<!doctype html><title>loading</title>${map}<script type="module" src="/page.mjs"></script>`);
        await served(cwd, pageMustTell);
      },
    },
    {
      name: "vite build, the page in Chromium",
      skip,
      async run() {
        const cwd = await workshop.project("vite-build", files);
        await mustDo(newestNode(), [tool("vite/bin/vite.js"), "build", "--logLevel", "warn"], { cwd });
        await served(join(cwd, "dist"), pageMustTell);
      },
    },
    {
      name: "vite's own server, the page in Chromium",
      skip,
      async run() {
        const cwd = await workshop.project("vite-serve", files);
        const server = spawn(newestNode(), [tool("vite/bin/vite.js"), "--host", "127.0.0.1", "--port", "0"], { cwd, stdio: ["ignore", "pipe", "inherit"] });
        try {
          await pageMustTell(await addressOf(server));
        } finally {
          server.kill();
          await once(server, "close");
        }
      },
    },
    {
      name: "esbuild for a page, in Chromium",
      skip,
      async run() {
        const cwd = await workshop.project("esbuild-page", files);
        await esbuild(cwd, "page.mjs", { format: "iife", minify: true });
        await served(cwd, pageMustTell);
      },
    },
    {
      name: "rollup for a page, in Chromium",
      skip,
      async run() {
        const cwd = await workshop.project("rollup-page", files);
        // Rollup finds no package without its plugin for that; none is for WebAssembly.
        const given = ["page.mjs", "--format", "es", "--plugin", `${tool("@rollup/plugin-node-resolve/dist/es/index.js")}={browser:true}`, "--file", "out/page.mjs"];
        await mustDo(process.execPath, [tool("rollup/dist/bin/rollup"), ...given], { cwd });
        renameSync(join(cwd, "index.html"), join(cwd, "out", "index.html"));
        await served(join(cwd, "out"), pageMustTell);
      },
    },
    {
      name: "webpack for a page, in Chromium",
      skip,
      async run() {
        const cwd = await workshop.project("webpack-page", files);
        await webpack({ mode: "production", context: cwd, entry: "./page.mjs", output: { path: join(cwd, "out"), filename: "page.mjs" } });
        renameSync(join(cwd, "index.html"), join(cwd, "out", "index.html"));
        await served(join(cwd, "out"), pageMustTell);
      },
    },
    {
      name: "esbuild for Node, the package left outside",
      async run() {
        const cwd = await workshop.project("esbuild-node-external", ["story.mjs", "main.mjs"]);
        await esbuild(cwd, "main.mjs", { format: "esm", platform: "node", packages: "external" });
        await mustTell(process.execPath, ["out/main.mjs"], { cwd });
      },
    },
    ...["esm", "cjs"].map((format) => ({
      name: `esbuild for Node, all in one file that stands alone, ${format}`,
      async run() {
        const cwd = await workshop.project(`esbuild-node-${format}`, ["story.mjs"]);
        // CommonJS has no `await` at its top level.
        writeFileSync(join(cwd, "main.mjs"), 'import { story } from "./story.mjs";\nstory().then(console.log);\n');
        await esbuild(cwd, "main.mjs", { format, platform: "node", outExtension: { ".js": format === "esm" ? ".mjs" : ".cjs" } });
        rmSync(join(cwd, "node_modules"), { recursive: true });
        await mustTell(process.execPath, [`out/main.${format === "esm" ? "mjs" : "cjs"}`], { cwd });
      },
    })),
    {
      name: "a Worker: esbuild with the .wasm beside it, in workerd",
      skip: workerd().reason,
      async run() {
        const cwd = await workshop.project("worker", ["story.mjs", "worker.mjs"]);
        await esbuild(cwd, "worker.mjs", {
          format: "esm",
          conditions: ["workerd", "worker", "browser"],
          loader: { ".wasm": "copy" },
          assetNames: "[name]",
        });
        const text = await mustDo(newestNode(), [join(here, "worker.mjs"), join(cwd, "out")], { cwd: here });
        if (text.trim() !== expected) throw new Error(`found ${text}`);
      },
    },
  ];
}

function esbuild(cwd, entry, options) {
  const outfile = { outdir: join(cwd, "out"), outExtension: { ".js": ".mjs" } };
  const page = entry === "page.mjs" ? { outfile: join(cwd, "page.mjs"), allowOverwrite: true } : outfile;
  return build({ absWorkingDir: cwd, entryPoints: [entry], bundle: true, target: "es2022", logLevel: "silent", ...page, ...options });
}

async function webpack(options) {
  const { default: make } = await import("webpack");
  const compiler = make(options);
  await new Promise((resolve, reject) => {
    compiler.run((error, stats) => {
      const problem = error ?? (stats.hasErrors() ? new Error(stats.toString({ colors: false, all: false, errors: true })) : undefined);
      compiler.close(() => (problem ? reject(problem) : resolve()));
    });
  });
}

/** The address that vite's server prints. */
async function addressOf(server) {
  let text = "";
  const timer = setTimeout(() => server.kill(), 30_000);
  for await (const chunk of server.stdout) {
    // eslint-disable-next-line no-control-regex -- colours
    text += String(chunk).replace(/\u001b\[\d*m/g, "");
    const address = /http:\/\/127\.0\.0\.1:\d+\//.exec(text);
    if (address) {
      clearTimeout(timer);
      server.stdout.resume();
      return address[0];
    }
  }
  throw new Error(`vite did not start: ${text}`);
}

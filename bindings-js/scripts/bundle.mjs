// A runtime loads a few files quicker than many small ones (Node takes half a millisecond and more for each): what entries share is put into
// chunks, and the kernel's whole core into one file, the errors included, which are classes: there must be one of each. The entries stay
// where they are, and so do the parts that tests and benches look into.

import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { build, transform } from "esbuild";

const CORE = "core.js";
/** What the core exports, and what every other file takes from there. */
const IN_CORE = ["errors.js", "create.js", "keys.js", "wire/load.js"];
/** The module as code: only loaded where it is needed. */
const MODULE = "kernel/base64.js";
/** In one file each, although they have parts in common with others: what most applications begin with. */
const ALONE = /^entrypoints\/|^storage\/memory\.js$/;
const ENTRIES = /^(entrypoints|storage|broadcast|sockets|middleware|client)\/[\w-]+\.js$|^(sockets\/core\/timers|storage\/sql\/schema)\.js$/;

/** Puts the modules in `folder` into few files. */
export async function bundle(folder) {
  const modules = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll("\\", "/")).filter((name) => name.endsWith(".js"));
  const run = async (entries, splitting, outside) => {
    const { outputFiles } = await build({
      entryPoints: entries.map((name) => join(folder, name)),
      outdir: folder,
      outbase: folder,
      bundle: true,
      splitting,
      format: "esm",
      platform: "neutral",
      target: "es2022",
      chunkNames: "shared/[name]-[hash]",
      external: ["node:*", "cloudflare:*", "*.wasm"],
      plugins: [outsideOf(folder, outside)],
      write: false,
    });
    return outputFiles;
  };
  const elsewhere = { [MODULE]: MODULE, ...Object.fromEntries(IN_CORE.map((name) => [name, CORE])) };
  const entries = modules.filter((name) => ENTRIES.test(name));
  const files = [
    ...(await run([CORE], false, { [MODULE]: MODULE })),
    ...(await run(entries.filter((name) => !ALONE.test(name)), true, elsewhere)),
    ...(await Promise.all(entries.filter((name) => ALONE.test(name)).map((name) => run([name], false, elsewhere)))).flat(),
  ];
  for (const name of modules) if (name !== MODULE) await rm(join(folder, name));
  for (const { path, text } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text.replace(/"outside:([\w/.-]+)"/g, (_, name) => `"${from(path, join(folder, name))}"`));
  }
}

/** Leaves imports of what is in another file under a name that is made a path once it is known which file they end up in. */
function outsideOf(folder, outside) {
  return {
    name: "outside",
    setup({ onResolve }) {
      onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
        const name = relative(folder, join(resolveDir, path)).replaceAll("\\", "/");
        return name in outside ? { path: `outside:${outside[name]}`, external: true, sideEffects: false } : undefined;
      });
    },
  };
}

function from(file, to) {
  const path = relative(dirname(file), to).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}

/** The same files as CommonJS. */
export async function toCommonJs(esm, cjs) {
  for (const file of await readdir(esm, { recursive: true, withFileTypes: true })) {
    // Workers have no CommonJS.
    if (!file.isFile() || file.name.startsWith("workerd.")) continue;
    const source = join(file.parentPath, file.name);
    const target = join(cjs, relative(esm, source));
    await mkdir(dirname(target), { recursive: true });
    if (!source.endsWith(".js")) {
      await cp(source, target);
      continue;
    }
    const text = (await readFile(source, "utf8")).replaceAll("import.meta.url", `require("node:url").pathToFileURL(__filename)`);
    const { code } = await transform(text, { format: "cjs", platform: "node", target: "es2022", loader: "js" });
    await writeFile(target, code);
  }
  await writeFile(join(cjs, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);
}

// The tarball itself: what is in it, what its `exports` lead to, and what two independent tools say of it.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";
import { here, mustDo } from "../project.mjs";

export function checks({ workshop, packed }) {
  return [
    {
      name: "the tarball has what it must have, and nothing else",
      run() {
        const paths = packed.files.map(({ path }) => path);
        for (const wanted of ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "package.json", "dist/kernel.wasm"]) {
          if (!paths.includes(wanted)) throw new Error(`${wanted} is not in it`);
        }
        const allowed = /^(README\.md|LICENSE-(MIT|APACHE)|package\.json|dist\/.*\.(js|d\.ts|wasm)|dist\/(.*\/)?package\.json)$/;
        const strangers = paths.filter((path) => !allowed.test(path));
        if (strangers.length > 0) throw new Error(`not expected: ${strangers}`);
        console.log(`     ${paths.length} files, ${(packed.size / 1024).toFixed(0)} KiB packed, ${(packed.unpackedSize / 1024).toFixed(0)} KiB unpacked`);
      },
    },
    {
      name: "it depends on nothing",
      run() {
        const manifest = JSON.parse(readFileSync(join(here, "..", "package.json"), "utf8"));
        const problems = ["dependencies", "optionalDependencies", "bundleDependencies"].filter((kind) => Object.keys(manifest[kind] ?? {}).length > 0);
        const scripts = Object.keys(manifest.scripts ?? {}).filter((name) => /install|prepare/.test(name));
        const demanded = Object.keys(manifest.peerDependencies ?? {}).filter((name) => manifest.peerDependenciesMeta?.[name]?.optional !== true);
        const found = [...problems, ...scripts, ...demanded];
        if (found.length > 0) throw new Error(`found ${found}`);
      },
    },
    {
      name: "no module awaits at its top level",
      async run() {
        const root = join(here, "..", "dist", "esm");
        const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((file) => file.isFile() && file.name.endsWith(".js"));
        if (files.length === 0) throw new Error("there are no modules");
        for (const file of files) {
          const path = join(file.parentPath, file.name);
          const code = readFileSync(path, "utf8");
          // esbuild refuses what awaits at its top level.
          await transform(code, { format: "cjs", logLevel: "silent" }).catch((error) => {
            throw new Error(`${path}: ${error.message}`);
          });
        }
      },
    },
    {
      name: "publint --strict",
      run: () => mustDo(process.execPath, [bin("publint/src/cli.js"), "--strict", workshop.tarball]),
    },
    {
      name: "attw, every entry that a pattern of `exports` means included",
      async run() {
        const folders = /^dist\/esm\/((storage|broadcast|sockets|middleware)\/[\w-]+)\.js$/;
        const meant = packed.files.flatMap(({ path }) => folders.exec(path)?.[1] ?? []).filter((path) => !path.endsWith("/index"));
        const given = [
          // `kernel.wasm` is no module and needs no types. Node 10's resolution, which knows no `exports`, is not supported.
          ...["--exclude-entrypoints", "./kernel.wasm", "--profile", "node16", "--no-color"],
          ...(meant.length > 0 ? ["--include-entrypoints", ...meant.map((path) => `./${path}`)] : []),
        ];
        const text = await mustDo(process.execPath, [bin("@arethetypeswrong/cli/dist/index.js"), workshop.tarball, ...given]);
        const missed = meant.filter((path) => !text.includes(`authkernel/${path}"`));
        if (missed.length > 0) throw new Error(`attw did not look at ${missed}`);
      },
    },
  ];
}

function bin(path) {
  return join(here, "node_modules", path);
}

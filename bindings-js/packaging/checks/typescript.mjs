// An application in TypeScript, under every way of resolving modules, by the oldest and the newest compiler.

import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { here, mustDo, mustTell } from "../project.mjs";

const node = { types: ["node"], lib: ["es2023"] };
const variants = [
  { compiler: "typescript", name: "TypeScript 5.9, nodenext", options: { ...node, module: "nodenext" }, files: ["main.mts", "main.cts"] },
  { compiler: "typescript-7", name: "TypeScript 7, nodenext", options: { ...node, module: "nodenext" }, files: ["main.mts", "main.cts"] },
  { compiler: "typescript-7", name: "TypeScript 7, node16", options: { ...node, module: "node16" }, files: ["main.mts", "main.cts"] },
  // A page: no types of Node.
  {
    compiler: "typescript-7",
    name: "TypeScript 7, bundler",
    options: { types: [], lib: ["es2023", "dom"], module: "esnext", moduleResolution: "bundler" },
    files: ["main.ts"],
  },
];

export function checks({ workshop }) {
  return variants.map(({ compiler, name, options, files }) => ({
    name,
    async run() {
      const cwd = await workshop.project(
        name.replace(/\W+/g, "-"),
        files.map((file) => `main.ts:${file}`),
        { type: "module" },
      );
      writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify({ compilerOptions: { strict: true, target: "es2022", ...options }, files }));
      symlinkSync(join(here, "node_modules", "@types"), join(cwd, "node_modules", "@types"));
      // The package's own declarations are checked as well: nothing is skipped.
      await mustDo(process.execPath, [join(here, "node_modules", compiler, "bin", "tsc"), "-p", "."], { cwd });
      const made = { "main.mts": "main.mjs", "main.cts": "main.cjs", "main.ts": "main.js" };
      for (const file of files) await mustTell(process.execPath, [made[file]], { cwd });
    },
  }));
}

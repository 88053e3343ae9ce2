// An application in TypeScript, under every way of resolving modules, by the oldest and the newest compiler.

import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { here, mustDo, mustTell } from "../project.mjs";

const resolutions = {
  "nodenext, ESM": { module: "nodenext", file: "main.mts", runs: "main.mjs" },
  "nodenext, CommonJS": { module: "nodenext", file: "main.cts", runs: "main.cjs" },
  node16: { module: "node16", file: "main.mts", runs: "main.mjs" },
  bundler: { module: "esnext", moduleResolution: "bundler", file: "main.ts" },
};

export function checks({ workshop }) {
  return ["typescript", "typescript-7"].flatMap((compiler) =>
    Object.entries(resolutions).map(([name, { file, runs, ...options }]) => ({
      name: `${compiler === "typescript" ? "TypeScript 5.9" : "TypeScript 7"}, ${name}`,
      async run() {
        const folder = `${compiler}-${name.replace(/\W+/g, "-")}`;
        const cwd = await workshop.project(folder, [`main.ts:${file}`], { type: "module" });
        const compilerOptions = { strict: true, target: "es2022", lib: ["es2023", "dom"], types: ["node"], ...options };
        writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }));
        symlinkSync(join(here, "node_modules", "@types"), join(cwd, "node_modules", "@types"));
        // The package's own declarations are checked as well: nothing is skipped.
        await mustDo(process.execPath, [join(here, "node_modules", compiler, "bin", "tsc"), "-p", "."], { cwd });
        if (runs) await mustTell(process.execPath, [runs], { cwd });
      },
    })),
  );
}

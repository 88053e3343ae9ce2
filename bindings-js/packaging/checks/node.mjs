// Node, both flavours, every major that is supported; and how long the start takes.

import { bun, deno, node } from "../../test/common/programs.mjs";
import { mustDo, mustTell } from "../project.mjs";

export function checks({ workshop }) {
  const majors = [20, 22, 24];
  return [
    ...majors.flatMap((major) => [
      {
        name: `node-esm, Node ${major}`,
        skip: node(major).reason,
        run: async () =>
          mustTell(node(major).path, ["main.mjs"], { cwd: await workshop.project(`node-esm-${major}`, ["story.mjs", "main.mjs"]) }),
      },
      {
        name: `node-cjs, Node ${major}`,
        skip: node(major).reason,
        run: async () => mustTell(node(major).path, ["main.cjs"], { cwd: await workshop.project(`node-cjs-${major}`, ["main.cjs"]) }),
      },
    ]),
    {
      name: "both flavours in one process",
      run: async () => mustTell(process.execPath, ["both.mjs"], { cwd: await workshop.project("both", ["both.mjs"]) }),
    },
    {
      name: "slim, with the module compiled by the application",
      run: async () => mustTell(process.execPath, ["slim.mjs"], { cwd: await workshop.project("slim", ["slim.mjs"]) }),
    },
    {
      name: "Node's permission model: nothing but reading the project is allowed",
      skip: node(24).reason,
      run: async () => {
        const cwd = await workshop.project("node-permission", ["story.mjs", "main.mjs"]);
        return mustTell(node(24).path, ["--permission", `--allow-fs-read=${cwd}`, "main.mjs"], { cwd });
      },
    },
    {
      name: "deno, without any permission",
      skip: deno().reason,
      run: async () =>
        mustTell(deno().path, ["run", "--no-prompt", "--no-remote", "--node-modules-dir=manual", "main.mjs"], {
          cwd: await workshop.project("deno", ["story.mjs", "main.mjs"]),
          environment: { DENO_NO_UPDATE_CHECK: "1" },
        }),
    },
    {
      name: "bun",
      skip: bun().reason,
      run: async () => mustTell(bun().path, ["--no-install", "main.mjs"], { cwd: await workshop.project("bun", ["story.mjs", "main.mjs"]) }),
    },
    {
      name: "import to first decision (target 15 ms)",
      run: async () => {
        const cwd = await workshop.project("start", ["start.mjs"]);
        for (const [name, path] of [["this Node", process.execPath], ...majors.map((it) => [`Node ${it}`, node(it).path])]) {
          if (!path) continue;
          const runs = [];
          for (let run = 0; run < 11; run++) runs.push(JSON.parse(await mustDo(path, ["start.mjs"], { cwd, seconds: 20 })));
          runs.sort((one, other) => one.all - other.all);
          const { all, import: imported, create, decide, cpu } = runs[5];
          const parts = `import ${imported.toFixed(1)}, create ${create.toFixed(1)}, decide ${decide.toFixed(1)}`;
          console.log(`     ${name}: ${all.toFixed(1)} ms in the middle of ${runs.length} (${parts}), fastest ${runs[0].all.toFixed(1)}; ${cpu.toFixed(1)} ms of processor`);
        }
      },
    },
  ];
}

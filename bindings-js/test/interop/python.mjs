// A Python with what `tests/hosts/python/requirements.txt` names, in target/python: made when it is not there.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const environment = join(root, "target/python");
const python = join(environment, "bin/python");
const requirements = join(root, "tests/hosts/python/requirements.txt");
const installed = join(environment, "requirements.txt");

/** The program, or why there is none. */
export function findPython() {
  const wanted = readFileSync(requirements, "utf8");
  if (existsSync(installed) && readFileSync(installed, "utf8") === wanted) return { python };
  const steps = [
    ["python3", "-m", "venv", environment],
    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements],
  ];
  for (const [program, ...given] of steps) {
    const { status, error, stderr } = spawnSync(program, given, { encoding: "utf8", timeout: 180_000 });
    if (status !== 0) return { reason: `${program} ${given.join(" ")}: ${error?.message ?? stderr}` };
  }
  writeFileSync(installed, wanted);
  return { python };
}

/** Starts a program that answers each line with one. */
export function lines(program, file) {
  const child = spawn(program, [fileURLToPath(new URL(file, import.meta.url))], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error("the program ended");
      return JSON.parse(value);
    },
    close: () => child.stdin.end(),
  };
}

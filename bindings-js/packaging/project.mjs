// Packs the package, and makes fresh projects that have it installed from the tarball, outside of this repository so that nothing of it
// can be found by chance.

import { copyFileSync, cpSync, mkdtempSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { output } from "../test/common/process.mjs";

export const here = fileURLToPath(new URL(".", import.meta.url));
const packageFolder = join(here, "..");
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

/** What a project prints when all is well. */
export const expected = "user?id=42 admin token_revoked";

export class Workshop {
  folder = mkdtempSync(join(tmpdir(), "authkernel-packaging-"));
  tarball = "";

  /** Makes the tarball, exactly as it would be published. */
  async pack() {
    const { status, text, problem } = await output(npm, ["pack", "--json", "--ignore-scripts", "--pack-destination", this.folder], { cwd: packageFolder });
    if (status !== 0) throw new Error(`npm pack: ${problem}`);
    const name = readdirSync(this.folder).find((file) => file.endsWith(".tgz"));
    this.tarball = join(this.folder, name);
    return JSON.parse(text.slice(text.indexOf("[")))[0];
  }

  #installed;

  /**
   * A new folder with these files of `projects/` (a new name may follow after a colon) and the package installed. npm needs nothing from
   * the network for it, and is told so. What it has installed once is copied for the others.
   */
  async project(name, files, manifest = {}) {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    for (const file of files) {
      const [from, to = from] = file.split(":");
      copyFileSync(join(here, "projects", from), join(folder, to));
    }
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name, private: true, ...manifest }));
    this.#installed ??= this.#install();
    cpSync(await this.#installed, join(folder, "node_modules"), { recursive: true });
    return folder;
  }

  async #install() {
    const folder = join(this.folder, "installed");
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "installed", private: true }));
    const given = ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", this.tarball];
    const { status, problem } = await output(npm, given, { cwd: folder, seconds: 60 });
    if (status !== 0) throw new Error(`npm install: ${problem}`);
    const installed = readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."));
    if (installed.join() !== "authkernel") throw new Error(`npm installed ${installed}`);
    return join(folder, "node_modules");
  }

  close() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs a program in a project; what it prints must end with the expected line. */
export async function mustTell(program, given, options) {
  const { text, problem, status } = await output(program, given, { seconds: 60, ...options });
  const last = text.trim().split("\n").at(-1);
  if (status !== 0 || last !== expected) throw new Error(`found ${JSON.stringify(last)} ${problem.slice(-1500)}`);
}

/** Runs a program that must succeed; answers what it prints. */
export async function mustDo(program, given, options) {
  const { text, problem, status } = await output(program, given, { seconds: 120, ...options });
  if (status !== 0) throw new Error(`${[program, ...given].join(" ")}: ${(problem + text).slice(-3000)}`);
  return text;
}

// Runs a program for at most so long, and ends it with everything that it has started.

import { spawn } from "node:child_process";

/** The groups that run now: they end with this process. */
const groups = new Set();

/** Answers `{ status, text, problem }`: how it ended (0 is well), what it printed, and what it complained of. Never throws. */
export function output(program, given, { cwd, environment = {}, seconds = 120 } = {}) {
  return new Promise((resolve) => {
    // A group of its own: npm, which runs the tests, passes no SIGKILL on, and what it leaves behind would keep the pipes open.
    const env = { ...process.env, ...environment };
    const child = spawn(program, given, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    if (child.pid) groups.add(child.pid);
    const collected = { status: 1, text: "", problem: "" };
    child.stdout.on("data", (chunk) => (collected.text += chunk));
    child.stderr.on("data", (chunk) => (collected.problem += chunk));
    const timer = setTimeout(() => {
      collected.problem += `\nnot done after ${seconds} s`;
      kill(child.pid);
    }, seconds * 1000);
    child.on("error", (error) => (collected.problem += String(error)));
    child.on("close", (status) => {
      clearTimeout(timer);
      groups.delete(child.pid);
      resolve({ ...collected, status: status ?? 1 });
    });
  });
}

function kill(group) {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // It has ended.
  }
}

process.on("exit", () => groups.forEach(kill));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

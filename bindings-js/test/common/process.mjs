// Runs a program for at most so long.

import { spawn } from "node:child_process";

/** Answers `{ status, text, problem }`: how it ended (0 is well), what it printed, and what it complained of. Never throws. */
export function output(program, given, { cwd, environment = {}, seconds = 120 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, given, { cwd, env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
    const collected = { status: 1, text: "", problem: "" };
    child.stdout.on("data", (chunk) => (collected.text += chunk));
    child.stderr.on("data", (chunk) => (collected.problem += chunk));
    const timer = setTimeout(() => {
      collected.problem += `\nnot done after ${seconds} s`;
      child.kill("SIGKILL");
    }, seconds * 1000);
    child.on("error", (error) => (collected.problem += String(error)));
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ ...collected, status: status ?? 1 });
    });
  });
}

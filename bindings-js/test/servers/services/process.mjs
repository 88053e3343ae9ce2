// Servers that a test starts for itself, on free loopback ports with throw-away folders.

import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** The path of a program, or nothing, which is said loudly. */
export function program(name, places = []) {
  const found = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
  const path = found || places.find((place) => existsSync(place));
  if (!path) console.error(`\n*** ${name} is not installed: the tests that need it are SKIPPED ***\n`);
  return path;
}

/** A folder of its own; `user` owns it. */
export function folder(user) {
  const path = mkdtempSync(join(tmpdir(), "authkernel-"));
  if (user) chownSync(path, user.uid, user.gid);
  return path;
}

/** Whom to be instead of root: some servers refuse to run as root. */
export function unprivileged(name) {
  if (process.getuid() !== 0) return undefined;
  const id = (flag) => Number(spawnSync("id", [flag, name], { encoding: "utf8" }).stdout.trim());
  return { uid: id("-u"), gid: id("-g") };
}

/** A server process that can be ended and started again, with the same port and folder. */
export class Server {
  #command;
  #child;

  constructor({ command, args, port, folder, user, stopSignal = "SIGTERM" }) {
    this.#command = { command, args, user };
    this.port = port;
    this.folder = folder;
    this.stopSignal = stopSignal;
  }

  async start() {
    const { command, args, user } = this.#command;
    const child = spawn(command, args, { ...user, cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output = (output + data).slice(-4_000)));
    this.ended = new Promise((resolve) => child.once("exit", resolve));
    let gone = false;
    void this.ended.then(() => (gone = true));
    const giveUp = Date.now() + 120_000;
    while (!(await this.answers())) {
      if (gone || Date.now() > giveUp) throw new Error(`${command} does not start:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this;
  }

  /** Whether somebody takes connections there; some servers have a better way to ask. */
  answers() {
    return new Promise((resolve) => {
      const socket = connect(this.port, "127.0.0.1");
      const end = (answer) => {
        socket.destroy();
        resolve(answer);
      };
      socket.once("connect", () => end(true));
      socket.once("error", () => end(false));
    });
  }

  get pid() {
    return this.#child.pid;
  }

  async stop(signal = this.stopSignal) {
    this.#child?.kill(signal);
    await this.ended;
  }

  /** Stops the process in its tracks, as a machine that does not answer, and lets it go on. */
  pause() {
    this.#child.kill("SIGSTOP");
  }
  resume() {
    this.#child.kill("SIGCONT");
  }

  async remove() {
    this.#child?.kill("SIGCONT");
    await this.stop("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

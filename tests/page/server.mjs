// Starts and stops the real server on a free port with a data directory of its own: the Rust program, or another one with the same interface,
// whose command AUTHKERNEL_SERVER_COMMAND holds, such as `node ../../bindings-js/examples/server/server.js`.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BINARY = process.env.AUTHKERNEL_BIN ?? join(ROOT, "target/debug/authkernel");
const [PROGRAM, ...BEFORE] = process.env.AUTHKERNEL_SERVER_COMMAND?.trim().split(/\s+/) ?? [BINARY];

/** How long the server may take until it is ready: its first start compiles the component. */
const READY_WITHIN = 120_000;

/** Throws what to do when there is no server to test. */
export function checkBinary() {
  if (PROGRAM !== BINARY || existsSync(BINARY)) return;
  throw new Error(`${BINARY} is not there: run \`cargo build -p authkernel-wasmtime\`, or name it in AUTHKERNEL_BIN`);
}

/** A server under test. */
export class Server {
  #child;
  #log = [];

  constructor(data) {
    this.data = data;
    this.port = 0;
  }

  /** Starts one with a data directory of its own; `policy(given)` may change the server's own policy. */
  static async start({ policy } = {}) {
    const server = new Server(await mkdtemp(join(tmpdir(), "authkernel-page-")));
    if (policy) {
      const given = JSON.parse(execFileSync(PROGRAM, [...BEFORE, "policy"], { encoding: "utf8" }));
      server.policy = join(server.data, "policy.json");
      await writeFile(server.policy, JSON.stringify(policy(given)));
    }
    await server.up();
    return server;
  }

  /** `http://127.0.0.1:PORT` */
  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What it wrote to its log. */
  get log() {
    return this.#log.join("\n");
  }

  /** Starts it, on the port that it had before if it had one. */
  async up() {
    const flags = ["--listen", `127.0.0.1:${this.port}`, "--data", this.data];
    if (this.policy) flags.push("--policy", this.policy);
    const child = spawn(PROGRAM, [...BEFORE, "serve", ...flags], {
      env: {
        ...process.env,
        AUTHKERNEL_PASSWORD_MEMORY_KIB: "64",
        AUTHKERNEL_TRIES_PER_ACCOUNT: "10000",
        AUTHKERNEL_TRIES_PER_ADDRESS: "10000",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    createInterface({ input: child.stderr }).on("line", (line) => this.#log.push(line));
    this.port = await this.#ready(child);
  }

  async #ready(child) {
    const lines = createInterface({ input: child.stdout });
    let timer;
    const failed = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("it was not ready in time")), READY_WITHIN);
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
    });
    const ready = new Promise((resolve) => {
      lines.on("line", (line) => {
        const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
        if (port) resolve(Number(port));
      });
    });
    try {
      return await Promise.race([ready, failed]);
    } catch (error) {
      child.kill("SIGKILL");
      throw new Error(`the server did not start: ${error.message}\n${this.log}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Stops it and keeps its data. */
  async down() {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }

  /** Stops it and removes its data. */
  async remove() {
    await this.down();
    await rm(this.data, { recursive: true, force: true });
  }

  /** A request from outside the browser; answers `{ status, headers, body }`. */
  ask(method, path, { token, body, headers = {} } = {}) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const all = { ...headers };
    if (token) all.authorization = `Bearer ${token}`;
    if (text !== undefined) all["content-type"] = "application/json";
    return new Promise((resolve, reject) => {
      const sent = request(`${this.origin}${path}`, { method, headers: all, agent: false }, (response) => {
        const parts = [];
        response.on("data", (part) => parts.push(part));
        response.on("end", () => {
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() });
        });
      });
      sent.on("upgrade", (response, socket) => {
        socket.destroy();
        resolve({ status: response.statusCode, headers: response.headers, body: "" });
      });
      sent.on("error", reject);
      sent.end(text);
    });
  }

  /** Asks for a WebSocket on `/live` with this token; answers the status of the upgrade, 101 when it was accepted. */
  async upgrade(token) {
    const { status } = await this.ask("GET", "/live", {
      token,
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      },
    });
    return status;
  }
}

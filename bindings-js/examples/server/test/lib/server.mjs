// Starts the real server as a process of its own, on a free port with a folder of its own, and asks it over HTTP and WebSocket.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";

const SERVER = fileURLToPath(new URL("../../server.js", import.meta.url));
export const PASSWORD = "correct horse battery staple";
export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** Status and code of a refusal. */
export const refused = ({ status, body }) => [status, body?.error?.code];

/** A folder that goes with the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "authkernel-node-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Starts a server; `command` is another program with the same interface. */
export async function start(t, { data = folder(t), flags = [], env = {}, command = [process.execPath, SERVER] } = {}) {
  const [program, ...before] = command;
  const common = ["--listen", "127.0.0.1:0", "--data", data, "--password-memory-kib", "8", "--log", "debug"];
  const child = spawn(program, [...before, "serve", ...common, ...flags], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const server = new Server(child, data);
  t.after(() => child.kill("SIGKILL"));
  server.origin = await server.ready();
  return server;
}

/** Runs a server until it ends by itself: exit code, standard output and standard error. */
export async function run(args, env = {}) {
  const child = spawn(process.execPath, [SERVER, ...args], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const [out, error] = [[], []];
  child.stdout.on("data", (part) => out.push(part));
  child.stderr.on("data", (part) => error.push(part));
  const [code] = await once(child, "close");
  return { code, out: Buffer.concat(out).toString(), error: Buffer.concat(error).toString() };
}

export class Server {
  #child;
  #log = [];
  #out = [];

  constructor(child, data) {
    this.#child = child;
    this.data = data;
    createInterface({ input: child.stderr }).on("line", (line) => this.#log.push(line));
  }

  async ready() {
    const lines = createInterface({ input: this.#child.stdout });
    lines.on("line", (line) => this.#out.push(line));
    const first = once(lines, "line").then(([line]) => line);
    const ended = once(this.#child, "exit").then(([code]) => Promise.reject(new Error(`it ended with ${code}\n${this.log}`)));
    ended.catch(() => undefined);
    const origin = /^authkernel is ready on (http:\/\/[\w.:[\]]+)$/.exec(await Promise.race([first, ended]))?.[1];
    if (origin === undefined) throw new Error(`not ready, but: ${this.#out}`);
    return origin;
  }

  /** Everything that it wrote to standard error. */
  get log() {
    return this.#log.join("\n");
  }
  get out() {
    return this.#out.join("\n");
  }
  get port() {
    return Number(new URL(this.origin).port);
  }

  /** Ends it; answers its exit code. */
  async stop(signal = "SIGTERM") {
    const ended = once(this.#child, "close");
    this.#child.kill(signal);
    return (await ended)[0];
  }

  /** A request: `{status, headers, body, text}`. `headers` may be a list of pairs, so that one may be there twice. */
  ask(method, path, { token, body, headers = [], raw } = {}) {
    const all = [["host", new URL(this.origin).host], ...(Array.isArray(headers) ? headers : Object.entries(headers))];
    if (token !== undefined) all.push(["authorization", `Bearer ${token}`]);
    if (body !== undefined) all.push(["content-type", "application/json"]);
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    if (content !== undefined) all.push(["content-length", String(Buffer.byteLength(content))]);
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.port, method, path, headers: all.flat(), agent: false };
      const sent = request(options, async (response) => {
        const parts = [];
        for await (const part of response) parts.push(part);
        const text = Buffer.concat(parts).toString();
        let parsed;
        try {
          parsed = JSON.parse(text);
        } catch {
          // It is no JSON.
        }
        resolve({ status: response.statusCode, headers: response.headers, text, body: parsed });
      });
      sent.on("error", reject);
      sent.end(content);
    });
  }

  async register(email) {
    const { status, text, body } = await this.ask("POST", "/api/register", { body: { email, password: PASSWORD } });
    if (status !== 201) throw new Error(`not registered: ${status} ${text}`);
    return body.subject;
  }

  /** A session of an account that exists: what the sign-in answered. */
  async signIn(email, more = {}) {
    const { status, text, body } = await this.ask("POST", "/api/sign-in", {
      body: { email, password: PASSWORD, device: "test", cookie: false, ...more },
    });
    if (status !== 200) throw new Error(`not signed in: ${status} ${text}`);
    return body;
  }

  async newcomer(email) {
    await this.register(email);
    return this.signIn(email);
  }

  /** Opens a WebSocket; rejects with `{status, body}` when the upgrade is refused. */
  connect(token, { path = "/live", headers = {} } = {}) {
    const all = token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
    const socket = new WebSocket(`${this.origin.replace("http", "ws")}${path}`, { headers: all, perMessageDeflate: false });
    const heard = [];
    socket.on("message", (text) => heard.push(JSON.parse(text)));
    const closed = new Promise((resolve) =>
      socket.on("close", (code, reason) => resolve({ code, reason: String(reason), at: performance.now() })),
    );
    /** The first message that fits, now or later. */
    const until = async (fits) => {
      for (let tries = 0; tries < 1_000; tries++) {
        const found = heard.find(fits);
        if (found) return found;
        await sleep(10);
      }
      throw new Error(`never heard, but: ${JSON.stringify(heard)}`);
    };
    return new Promise((resolve, reject) => {
      socket.on("open", () => resolve({ socket, heard, closed, until }));
      socket.on("unexpected-response", async (_, response) => {
        const parts = [];
        for await (const part of response) parts.push(part);
        const { statusCode: status, headers } = response;
        reject(Object.assign(new Error(`refused: ${status}`), { status, headers, body: JSON.parse(Buffer.concat(parts)) }));
      });
      socket.on("error", reject);
    });
  }

  /** How an upgrade was refused: `[status, code]`; `accepted` when it was not. */
  async refusedUpgrade(token, options) {
    try {
      const { socket } = await this.connect(token, options);
      socket.terminate();
      return "accepted";
    } catch (error) {
      if (error.status === undefined) throw error;
      return refused(error);
    }
  }
}

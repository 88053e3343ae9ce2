import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { folder, freePort, program, Server, unprivileged } from "./process.mjs";

function binary(name) {
  let versions = [];
  try {
    versions = readdirSync("/usr/lib/postgresql").sort((a, b) => b - a);
  } catch {}
  return program(name, versions.map((version) => `/usr/lib/postgresql/${version}/bin/${name}`));
}

export const postgres = binary("postgres");

/** A new cluster, and the options of a connection to it. */
export async function startPostgres(settings = []) {
  const user = unprivileged("postgres");
  const home = folder(user);
  const data = join(home, "data");
  const made = spawnSync(binary("initdb"), ["-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], {
    ...user,
    cwd: home,
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`initdb failed:\n${made.stderr}`);
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), "-k", home, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", ...settings];
  // SIGINT: disconnects everybody and ends, where SIGTERM would wait for them.
  const server = new Server({ command: postgres, args, port, folder: home, user, stopSignal: "SIGINT" });
  server.options = { host: "127.0.0.1", port, user: "test", database: "postgres" };
  server.answers = async () => {
    const client = new pg.Client(server.options);
    client.on("error", () => {});
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return false;
    }
  };
  return server.start();
}

/** A patient pool (the machine may be busy) that a lost idle connection does not end the process of. */
export function pool(server, options = {}) {
  const made = new pg.Pool({ ...server.options, max: 10, connectionTimeoutMillis: 30_000, query_timeout: 60_000, ...options });
  made.on("error", () => {});
  return made;
}

import { folder, freePort, program, Server } from "./process.mjs";

export const nats = program("nats-server");

export async function startNats() {
  const port = await freePort();
  return new Server({ command: nats, args: ["-a", "127.0.0.1", "-p", String(port)], port, folder: folder() }).start();
}

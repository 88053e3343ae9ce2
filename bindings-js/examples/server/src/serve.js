// From settings to a server that answers, and to its end.

import { once } from "node:events";
import { openApp } from "./app.js";
import { StartError } from "./errors.js";
import { application } from "./http/application.js";
import { createListener } from "./http/listener.js";
import { routes } from "./routes/index.js";
import { payIntents, startUpkeep } from "./upkeep.js";

/**
 * Runs the server until the process is told to stop (Ctrl-C, SIGTERM), then ends it in order: live connections are closed, requests and
 * writes finish. A second signal ends the process at once.
 */
export async function serve(settings) {
  const told = signals();
  const app = await openApp(settings);
  const server = createListener(app, application(app, routes()));
  try {
    // What a crash left undone comes before the first request.
    await payIntents(app, Number.MAX_SAFE_INTEGER);
    await listen(server, settings.listen);
  } catch (error) {
    await app.live.close();
    await app.close();
    throw error;
  }
  const upkeep = startUpkeep(app);
  const { address, port, family } = server.address();
  process.stdout.write(`authkernel is ready on http://${family === "IPv6" ? `[${address}]` : address}:${port}\n`);

  await told;
  app.log.info("stopping");
  app.isStopping = true;
  await end(app, server);
  await upkeep.stop();
  await app.close();
}

async function listen(server, { host, port, text }) {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    throw new StartError(`cannot listen on ${text}: ${error.message}`, { cause: error });
  }
}

/** Ends live connections and requests, within the limit. */
async function end(app, server) {
  const limit = app.settings.shutdownSeconds * 1000;
  const closed = new Promise((resolve) => server.close(resolve));
  // Nobody is waited for who has not asked for anything.
  for (const [socket, { requests, upgraded }] of app.connections) if (requests === 0 && !upgraded) socket.destroy();
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, limit, true)));
  const work = Promise.all([app.live.close(), closed]).then(() => false);
  if (await Promise.race([work, late])) {
    app.log.warn("connections were cut: they did not end in time", { open: app.connections.size });
    for (const socket of app.connections.keys()) socket.destroy();
  }
  clearTimeout(timer);
}

/** Completes when the process is told to stop. Told once more, it ends at once. */
function signals() {
  return new Promise((resolve) => {
    let told = 0;
    const hear = () => (told++ === 0 ? resolve() : process.exit(1));
    process.on("SIGINT", hear).on("SIGTERM", hear);
  });
}

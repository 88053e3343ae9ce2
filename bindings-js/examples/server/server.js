// The reference server on Node: `node server.js --listen 127.0.0.1:4000 --data ./authkernel-data`.

import { StartError } from "./src/errors.js";
import { newClient } from "./src/oauth/clients.js";
import { DEFAULT_POLICY } from "./src/policy.js";
import { serve } from "./src/serve.js";
import { readSettings, USAGE } from "./src/settings.js";

async function run([command, ...rest]) {
  if (command === "--help" || command === "-h") return void process.stdout.write(`${USAGE}\n`);
  if (command === "policy" && rest.length === 0) return void process.stdout.write(DEFAULT_POLICY);
  if (command === "client" && rest.length === 2) {
    const made = newClient(rest[0], rest[1].split(","));
    return void process.stdout.write(`${JSON.stringify(made, undefined, 2)}\n`);
  }
  const flags = command === "serve" ? rest : process.argv.slice(2);
  return serve(readSettings(flags, process.env));
}

try {
  await run(process.argv.slice(2));
  process.exitCode = 0;
} catch (error) {
  // What is not foreseen shows where it comes from.
  process.stderr.write(`authkernel: ${error instanceof StartError ? error.message : error.stack}\n`);
  process.exitCode = error instanceof StartError ? error.exitCode : 1;
}
// Nothing is left to do; what a library may have left open is not waited for.
process.exit();

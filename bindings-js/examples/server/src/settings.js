// What an operator can set: the flags of `authkernel serve`, each with its environment variable and a default that runs at once.

import { isIP } from "node:net";
import { parseArgs } from "node:util";
import { publicOrigin } from "authkernel/middleware/origin";
import { StartError } from "./errors.js";
import { LEVELS } from "./observe/log.js";

const text = (value) => value;
const whole = (least, most) => (value) => {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most) throw new Error(`must be a whole number from ${least} to ${most}`);
  return number;
};

/** Memory of one hash in KiB, as OWASP recommends it together with two passes and one lane. */
export const RECOMMENDED_MEMORY_KIB = 19 * 1024;

/** Name, how its text is read, and the default. */
const FLAGS = {
  listen: [address, "127.0.0.1:4000"],
  data: [text, "./authkernel-data"],
  policy: [text],
  keys: [text],
  clients: [text],
  "public-url": [publicUrl],
  "client-address-header": [header],
  log: [level, "info"],
  "log-format": [oneOf("text", "json"), "text"],
  "audit-log": [text],
  "max-connections": [whole(0, 2 ** 32 - 1), "16384"],
  "tries-per-account": [whole(1, 2 ** 32 - 1), "10"],
  "tries-per-address": [whole(1, 2 ** 32 - 1), "100"],
  "password-memory-kib": [whole(8, 1_048_576), String(RECOMMENDED_MEMORY_KIB)],
  "request-seconds": [whole(1, 3600), "30"],
  "idle-seconds": [whole(1, 3600), "15"],
  "shutdown-seconds": [whole(0, 3600), "10"],
};

export const USAGE = `usage: node server.js [serve] [flags]   run the server
       node server.js policy            print the default policy
       node server.js client ID PERMISSION[,PERMISSION]
                                        make a client for --clients; permissions: revoke, introspect, sign-out
flags, each also as an environment variable such as AUTHKERNEL_MAX_CONNECTIONS:
${Object.entries(FLAGS)
  .map(([name, [, otherwise]]) => `  --${name}${otherwise === undefined ? "" : ` (default ${otherwise})`}`)
  .join("\n")}`;

/** The settings: names in camelCase. A flag wins over the environment. */
export function readSettings(args, environment) {
  let values;
  try {
    const options = Object.fromEntries(Object.keys(FLAGS).map((name) => [name, { type: "string" }]));
    ({ values } = parseArgs({ args, options, strict: true, allowPositionals: false }));
  } catch (error) {
    throw new StartError(`${error.message}\n${USAGE}`, { configuration: true });
  }
  const settings = {};
  for (const [name, [read, otherwise]] of Object.entries(FLAGS)) {
    const given = values[name] ?? environment[`AUTHKERNEL_${name.toUpperCase().replaceAll("-", "_")}`] ?? otherwise;
    const key = name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
    try {
      settings[key] = given === undefined ? undefined : read(given);
    } catch (error) {
      throw new StartError(`--${name} ${JSON.stringify(given)}: ${error.message}`, { configuration: true });
    }
  }
  return settings;
}

function address(value) {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || isIP(host) === 0 || Number(port) > 65_535) throw new Error("must be an ip address and a port");
  return { host, port: Number(port), text: value };
}

/** What browsers call the server, as they write it. */
function publicUrl(value) {
  return publicOrigin(value);
}

function header(value) {
  if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(value)) throw new Error("must be the name of a header");
  return value.toLowerCase();
}

/** A level; filters for single parts, as the Rust server has them, are taken and make no difference. */
function level(value) {
  const parts = value.split(",").map((part) => part.trim());
  const fits = (part) => part.toLowerCase() in LEVELS || /^[\w:]+=(?:off|error|warn|info|debug|trace)$/i.test(part);
  if (!parts.every(fits)) throw new Error("must be error, warn, info, debug or trace");
  return parts.find((part) => part.toLowerCase() in LEVELS)?.toLowerCase() ?? "info";
}

function oneOf(...names) {
  return (value) => {
    if (!names.includes(value)) throw new Error(`must be one of ${names.join(", ")}`);
    return value;
  };
}

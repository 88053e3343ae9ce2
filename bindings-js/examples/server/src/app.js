// What every request shares, put together from the settings.

import { localBroadcast } from "authkernel/broadcast/local";
import { createSockets } from "authkernel/sockets";
import { openAccounts } from "./accounts/accounts.js";
import { createPasswords } from "./accounts/passwords.js";
import { Acts } from "./acts.js";
import { openAuthenticator } from "./authenticator.js";
import { createCloses } from "./closes.js";
import { openData } from "./data.js";
import { openDatabase } from "./database.js";
import { StartError } from "./errors.js";
import { loadKeys, loadOrGenerateKeys } from "./keys/file.js";
import { watchKeys } from "./keys/live.js";
import { loadClients } from "./oauth/clients.js";
import { openAudit } from "./observe/audit.js";
import { createLog } from "./observe/log.js";
import { createMetrics } from "./observe/metrics.js";
import { timedStorage } from "./observe/timed-storage.js";
import { describePolicy, ENDPOINT, loadPolicy, wrong } from "./policy.js";
import { Pushes, SESSIONS } from "./pushes.js";
import { RECOMMENDED_MEMORY_KIB } from "./settings.js";
import { createTickets } from "./tickets.js";
import { createTries } from "./tries.js";

/** Opens everything; `close` ends it in order. */
export async function openApp(settings) {
  const log = createLog({ level: settings.log, format: settings.logFormat });
  const audit = openAudit(settings.auditLog);
  warn(settings, log);
  const clients = settings.clients === undefined ? undefined : loadClients(settings.clients);
  const policyText = loadPolicy(settings.policy);
  const data = openData(settings.data, log);
  const keyFile = settings.keys ?? data.keys;
  const keyText = settings.keys === undefined ? loadOrGenerateKeys(keyFile, log) : loadKeys(keyFile, log);
  const database = await openDatabase(data.database);
  const metrics = createMetrics();
  const broadcast = localBroadcast();
  const kernel = await openAuthenticator({
    policy: policyText,
    keys: keyText,
    storage: timedStorage(database.storage, metrics.storageCall),
    broadcast,
    observe: metrics.operation,
  }).catch((error) => {
    throw named(error, settings.policy, keyFile);
  });
  const { auth } = kernel;
  const policy = describePolicy(policyText, settings.policy);
  const accounts = openAccounts(database);
  const [pushes, acts, tasks] = [new Pushes(), new Acts(), new Set()];
  const closes = createCloses({ pushes, acts });
  const live = createSockets({
    authenticator: auth,
    broadcast,
    endpoint: ENDPOINT,
    onEvent: closes.note,
    onProblem: ({ kind, error }) => log.warn("live connections", { kind, error }),
  });
  const keys = watchKeys({ file: keyFile, text: keyText, auth, audit, log, replace: takeOver });

  async function takeOver(text, objection) {
    const objected = await kernel.replace(text, objection);
    if (objected === undefined) live.verifyAll();
    return objected;
  }

  return {
    settings,
    log,
    audit,
    metrics,
    auth,
    live,
    keys,
    policy,
    clients,
    accounts,
    database,
    pushes,
    acts,
    passwords: createPasswords({ memoryKib: settings.passwordMemoryKib }),
    tries: createTries({ perAccount: settings.triesPerAccount, perAddress: settings.triesPerAddress }),
    tickets: createTickets(),
    /** All TCP connections, live or not. */
    connections: new Map(),
    isStopping: false,
    /** Whether browsers reach it over TLS. */
    isSecure: settings.publicUrl?.startsWith("https://") ?? false,
    /** What time it is, in seconds since 1970. */
    now: () => Math.floor(Date.now() / 1000),

    /** Work that goes on whatever becomes of the client, and that the server's end waits for. */
    toTheEnd(work) {
      const task = work.finally(() => tasks.delete(task));
      tasks.add(task);
      return task;
    },

    /** Tells the live connections of an account what one of its sessions did. */
    tell({ subject, sid }, action, { revoked }) {
      pushes.send(subject, { type: "event", action, sid, revoked });
      pushes.send(subject, SESSIONS);
    },

    /** Removes an intent that was executed. When that fails it is executed once more, which is harmless. */
    forgetIntent(id) {
      try {
        accounts.removeIntent(id);
      } catch (error) {
        log.warn("an intent that was executed could not be removed", { error });
      }
    },

    /** Requests and writes that have begun come to their end; then the files are closed. */
    async close() {
      await Promise.allSettled(tasks);
      keys.stop();
      closes.stop();
      kernel.close();
      await broadcast.close();
      database.close();
      data.close();
    },
  };
}

/** Which file the kernel does not take. */
function named(error, policyFile, keyFile) {
  if (error.code === "keys_invalid") return new StartError(`keys ${keyFile}: ${error.message}`, { configuration: true, cause: error });
  if (error.code === "policy_invalid" || error.code === "policy_not_supported") return wrong(policyFile, error.message);
  return error;
}

function warn({ passwordMemoryKib, listen, publicUrl }, log) {
  if (passwordMemoryKib < RECOMMENDED_MEMORY_KIB) log.warn("passwords are hashed with less memory than is recommended: for tests only");
  if (!/^(?:127\.|::1$)/.test(listen.host) && !publicUrl?.startsWith("https://")) {
    log.warn("tokens and passwords cross the network in clear: put a tls proxy in front and set --public-url");
  }
}

// The host under a vector: a storage in memory, a broker in memory, a clock that stands, seeded randomness; every call of storage and
// broadcast is written down, and any of them can be made to fail.

import { messageJson, storageCalls } from "./port_shapes.mjs";
import { seededRandom, seedOf } from "./random.mjs";

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const reason = "the vector says so";

/** What happened at the ports, and what is to fail there. */
class Log {
  faults = [];
  #calls = [];
  #messages = [];

  /** Writes a call down; answers the fault that it is to have. */
  call(name, json) {
    this.#calls.push({ name, json });
    const [port] = name.split(".");
    return this.faults.find((fault) => fault.call === name || fault.call === port);
  }

  taken(message) {
    this.#messages.push(message);
  }

  /** The calls since the last time, and the messages that the broker took. */
  take() {
    const taken = { calls: this.#calls, messages: this.#messages };
    this.#calls = [];
    this.#messages = [];
    return taken;
  }
}

/**
 * A new host with empty storage. With `later`, every answer of a port is a promise that is fulfilled later; without it none is one, and
 * with `sync` storage says so.
 */
export function vectorHost(library, { now, id, later, sync }) {
  const log = new Log();
  const inner = library.memoryStorage();
  const answer = later ? deferred : (work) => work();
  const storage = sync ? { sync } : {};
  for (const [name, shape] of Object.entries(storageCalls)) {
    const method = camel(name);
    storage[method] = (argument, ...more) =>
      answer(() => {
        if (more.length > 0) throw new Error(`storage.${name} takes one argument`);
        const fault = log.call(`storage.${name}`, shape.toJson(argument, `storage.${name}`, true));
        if (fault) throw storageError(library, fault.error);
        return inner[method](argument);
      });
  }
  const random = seededRandom(seedOf(id));
  const clock = { now };
  return {
    log,
    inner,
    clock,
    options: {
      storage,
      broadcast: { publish: (messages) => answer(() => publish(log, messages)) },
      now: () => clock.now,
      random: (bytes) => {
        if (log.faults.some((fault) => fault.call === "random.fill")) throw new Error(reason);
        random(bytes);
      },
    },
  };
}

async function deferred(work) {
  await undefined;
  return work();
}

function storageError({ StorageError }, error) {
  switch (error) {
    case "guard_epoch":
      return new StorageError("guard_failed", reason, { guard: "epoch" });
    case "guard_session":
      return new StorageError("guard_failed", reason, { guard: "session" });
    case "unavailable":
    case "conflict":
      return new StorageError(error, reason);
    default:
      return new StorageError("other", reason);
  }
}

/** A broker that takes every message, unless it is made to fail, and remembers what it took. */
function publish(log, messages) {
  const all = messages.map((message, index) => messageJson(message, `broadcast.publish[${index}]`));
  const fault = log.call("broadcast.publish", { messages: all });
  return all.map((message) => {
    const topic = message.kind === "disconnect" ? message.topic : undefined;
    if (fault && (fault.topic === undefined || topic?.includes(fault.topic))) {
      return fault.error === "unavailable" ? { unavailable: reason } : { other: reason };
    }
    log.taken(message);
    return "taken";
  });
}

// The messages of the Phoenix channel protocol, and the rooms that one client is in.
//
// Any topic `room:…` can be joined. A room hears nothing here: this server has no messages of its own for it, and what a client pushes is
// answered with an error.

/** How messages are written: as objects, or as lists. */
export const VERSIONS = ["1.0.0", "2.0.0"];
const [OBJECTS] = VERSIONS;

/** How many rooms one connection may be in. */
const MAX_ROOMS = 100;
/** The longest name of a topic, in bytes. */
const LONGEST_TOPIC = 200;

/** What a client sends: `{joinRef, ref, topic, event}`; nothing when it is no message. */
export function read(version, text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof message !== "object" || message === null) return undefined;
  if (version !== OBJECTS && !(Array.isArray(message) && message.length === 5)) return undefined;
  const [joinRef, ref, topic, event] =
    version === OBJECTS ? [message.join_ref ?? null, message.ref ?? null, message.topic, message.event] : message;
  const isPlain = (value) => value === null || ["string", "number"].includes(typeof value);
  const fits = isPlain(joinRef) && isPlain(ref) && typeof topic === "string" && typeof event === "string";
  return fits ? { joinRef, ref, topic, event } : undefined;
}

/** One client and the rooms that it is in. */
export class Channel {
  #rooms = new Set();

  constructor(version) {
    this.version = version;
  }

  /** The answer to a message, as text. */
  answer(push) {
    const reason = this.#refusal(push);
    return reason === undefined ? this.#reply(push, "ok", {}) : this.#reply(push, "error", { reason });
  }

  /** Does what was asked for; answers why not. */
  #refusal({ topic, event }) {
    if (topic === "phoenix" && event === "heartbeat") return undefined;
    if (event === "phx_join") {
      if (!isRoom(topic)) return "unmatched topic";
      if (this.#rooms.size >= MAX_ROOMS) return "too many rooms";
      this.#rooms.add(topic);
      return undefined;
    }
    if (event === "phx_leave") {
      this.#rooms.delete(topic);
      return undefined;
    }
    return this.#rooms.has(topic) ? "unknown event" : "unmatched topic";
  }

  #reply({ joinRef, ref, topic }, status, response) {
    const payload = { status, response };
    const event = "phx_reply";
    return JSON.stringify(this.version === OBJECTS ? { topic, event, payload, ref } : [joinRef, ref, topic, event, payload]);
  }
}

function isRoom(topic) {
  return topic.startsWith("room:") && topic.length > "room:".length && Buffer.byteLength(topic) <= LONGEST_TOPIC;
}

// What the live connections of an account are told beside their disconnect: `{"type": …}`.
//
// - `hello {socket_id, sid, deadline}`: the first message of every connection
// - `close {code, reason}`: the last message of a stream of events; on a WebSocket the close frame says it
// - `sessions`: the account's sessions, or their connections, are not what they were: ask for them again
// - `event {action, sid, revoked}`: a session did something to the account
// - `closed {sockets: [{sid, socket_id, reason, after_ms?}], count}`: connections of the account were closed

/** The hello of a connection that was admitted. */
export function hello({ socketId = "", sid, deadline }) {
  return { type: "hello", socket_id: socketId, sid, deadline };
}

export const SESSIONS = { type: "sessions" };

/** Hands pushes to the live connections of this process, account by account. Best effort. */
export class Pushes {
  #subjects = new Map();
  /** How many connections each session has. */
  #sessions = new Map();

  /**
   * Tells a connection of this session what its account is told from now on; answers what ends that. `send(text)` answers false where the
   * peer is too slow: what it has missed is made up for by one hint to ask again.
   */
  subscribe({ subject, sid }, send) {
    const listener = { send, missed: false };
    const listeners = this.#subjects.get(subject) ?? new Set();
    this.#subjects.set(subject, listeners.add(listener));
    this.#sessions.set(sid, this.connections(sid) + 1);
    return () => {
      if (!listeners.delete(listener)) return;
      if (listeners.size === 0) this.#subjects.delete(subject);
      const left = this.connections(sid) - 1;
      if (left > 0) this.#sessions.set(sid, left);
      else this.#sessions.delete(sid);
    };
  }

  /** Tells an account's connections. */
  send(subject, push) {
    const text = JSON.stringify(push);
    for (const listener of this.#subjects.get(subject) ?? []) {
      listener.missed = !listener.send(listener.missed ? JSON.stringify(SESSIONS) : text);
    }
  }

  /** How many connections listen for an account. */
  listeners(subject) {
    return this.#subjects.get(subject)?.size ?? 0;
  }

  /** How many connections a session has in this process. */
  connections(sid) {
    return this.#sessions.get(sid) ?? 0;
  }
}

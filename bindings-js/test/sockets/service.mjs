// What every test of live connections stands on: the real authenticator over memory storage, and a broadcast that can be made to fail.

import { createAuthenticator } from "authkernel";
import { localBroadcast } from "authkernel/broadcast/local";
import { createSockets } from "authkernel/sockets";
import { memoryStorage } from "authkernel/storage/memory";

export const POLICY = {
  issuer: "https://app.example",
  audience: ["app"],
  leeway_seconds: 0,
  purposes: {
    user: { lifetime: "14d", store: true, presence: "required", opens_sockets: true },
    api: { lifetime: "1h", store: true, presence: "required" },
  },
  live_socket_id_template: "users_sessions:{sid}",
  endpoints: ["web"],
};

export const KEYS = { keys: [{ kty: "oct", kid: "k1", alg: "HS256", k: "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE" }] };

/** The local broadcast, which a test can make lose messages; and it says so or does not. */
export function broker() {
  const inner = localBroadcast();
  const heard = new Set();
  return {
    deaf: false,
    published: [],
    publish(messages) {
      this.published.push(...messages);
      return this.deaf ? messages.map(() => "taken") : inner.publish(messages);
    },
    subscribe(listener, events) {
      const end = inner.subscribe(listener, events);
      heard.add(events);
      return () => (heard.delete(events), end());
    },
    lose() {
      this.deaf = true;
      for (const events of heard) events.lost();
    },
    restore() {
      this.deaf = false;
      for (const events of heard) events.restored();
    },
    get listeners() {
      return heard.size;
    },
  };
}

/** A service of one process. `options` go to `createSockets`. */
export async function service(options = {}, { now, storage = memoryStorage(), policy = POLICY, wrap = (auth) => auth } = {}) {
  const broadcast = broker();
  const auth = await createAuthenticator({ policy, keys: KEYS, storage, broadcast, now });
  const events = [];
  const problems = [];
  const sockets = createSockets({
    authenticator: wrap(auth),
    broadcast,
    endpoint: "web",
    redeliverEvery: false,
    expungeEvery: false,
    now,
    onEvent: (event) => events.push(event),
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
  const issue = (subject = "alice", more = {}) => auth.issue({ subject, purpose: "user", ...more });
  return { auth, broadcast, storage, sockets, events, problems, issue };
}

/** What the registry asks of an authenticator, to be put together with something that goes wrong. */
export function operations(auth) {
  const names = ["authenticate", "admit", "sweep", "redeliver", "expunge"];
  return Object.fromEntries(names.map((name) => [name, (...given) => auth[name](...given)]));
}

/** A connection that only notes what is done to it. */
export function connection() {
  const noted = { closes: [], terminated: 0 };
  return { noted, close: (code, reason) => noted.closes.push([code, reason]), terminate: () => noted.terminated++ };
}

export const USER = { purposes: ["user"] };
export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Everything that was published before is heard and done. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Waits until something is so. */
export async function until(what, condition, milliseconds = 5_000) {
  const end = performance.now() + milliseconds;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await sleep(5);
  }
}

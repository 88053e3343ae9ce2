// A host of the portable component: the imports that WIT asks for, over the interfaces of the npm package, and its exports as the
// package's `createAuthenticator`. It converts and calls; every decision is the component's.

import { fromComponent, toComponent, toVariant } from "./convert.mjs";

/** A refusal: the component's code, with underscores. */
export class AuthError extends Error {
  constructor({ code, message }) {
    super(message);
    this.name = "AuthError";
    this.code = code.replaceAll("-", "_");
  }
}

/**
 * Makes `createAuthenticator`. `instantiate` and `getCoreModule` are of the module that jco wrote.
 *
 * One instance serves all authenticators: it keeps nothing between calls but their policies and keys, and serves one call at a time.
 * Its imports are therefore those of whoever calls now.
 */
export function componentLibrary({ instantiate, getCoreModule, StorageError }) {
  let current;
  let instance;
  const run = (host, work) => {
    current = host;
    try {
      return work();
    } catch (error) {
      // jco's command wraps what a function refuses with, its library does not.
      const refusal = error?.payload ?? error;
      if (!(refusal instanceof Error) && typeof refusal?.code === "string") throw new AuthError(refusal);
      instance = undefined; // It trapped: nobody calls it again.
      throw error;
    } finally {
      current = undefined;
    }
  };
  return async function createAuthenticator({ policy, keys, ...given }) {
    const host = { ...usual, ...given };
    instance ??= instantiate(getCoreModule, imports(() => current, StorageError));
    const { Authenticator } = instance.tokens;
    const inner = run(host, () => Authenticator.create(text(policy), text(keys)));
    return authenticator((method, ...given) => run(host, () => inner[method](...given)));
  };
}

/** What an application need not supply. */
const usual = {
  broadcast: { publish: (messages) => messages.map(() => "taken") },
  now: () => Math.floor(Date.now() / 1000),
  random: (bytes) => void crypto.getRandomValues(bytes),
};

const text = (document) => (typeof document === "string" ? document : JSON.stringify(document));

function imports(host, StorageError) {
  const call = (method, ...given) => {
    try {
      return host().storage[method](...given.map(fromComponent));
    } catch (error) {
      throw storageError(error, StorageError);
    }
  };
  return {
    "auth:kernel/types": {},
    "auth:kernel/storage": {
      find: (query) => toComponent(call("find", query)),
      findMany: (queries) => toComponent(call("findMany", queries)),
      insert: (insertion) => BigInt(call("insert", insertion)),
      revoke: (revocation) => {
        const { outcome, ...revoked } = call("revoke", revocation);
        return { ...toComponent({ ...revoked, pending: undefined }), pending: toComponent(revoked.pending), outcome: outcome.replace("_", "-") };
      },
      revokeMatching: (revocation) => toComponent(call("revokeMatching", revocation)),
      consume: (consumption) => toVariant(call("consume", consumption)),
      touch: (tenant, sid, at) => void call("touch", { tenant, sid, at }),
      list: (query) => toComponent(call("list", query)),
      undelivered: (claim) => toComponent(call("undelivered", claim)),
      delivered: (records) => void call("delivered", records),
      deleteExpired: (before, limit) => toComponent(call("deleteExpired", { before, limit })),
      raiseCutOff: (cutOff) => void call("raiseCutOff", cutOff),
    },
    "auth:kernel/broadcast": {
      publish: (messages) => host().broadcast.publish(messages.map(message)).map(taken),
    },
    "wasi:clocks/wall-clock": {
      now: () => ({ seconds: BigInt(host().now()), nanoseconds: 0 }),
    },
    "wasi:random/random": {
      // WASI has no error here; the component takes less than it asked for as one.
      getRandomBytes(length) {
        const bytes = new Uint8Array(Number(length));
        try {
          host().random(bytes);
        } catch {
          return new Uint8Array();
        }
        return bytes;
      },
    },
  };
}

function storageError(error, StorageError) {
  if (!(error instanceof StorageError)) return { tag: "other", val: String(error) };
  switch (error.kind) {
    case "conflict":
      return { tag: "conflict" };
    case "guard_failed":
      return { tag: "guard-failed", val: error.guard };
    default:
      return { tag: error.kind, val: error.message };
  }
}

function message({ tag, val }) {
  const fields = { kind: tag, ...fromComponent(val) };
  return tag === "disconnect" ? { ...fields, event: "disconnect", payload: {} } : fields;
}

function taken(answer) {
  return answer === "taken" ? { tag: "ok" } : { tag: "err", val: toVariant(answer) };
}

function authenticator(call) {
  const claims = (object) => (object === undefined ? undefined : JSON.stringify(object));
  const identity = ({ claims, ...fields }) => ({ ...fromComponent(fields), claims: JSON.parse(claims) });
  const authenticate = (token, options) => identity(call("authenticate", { token, ...options }));
  const selection = (scope, options) => ({ keep: [], disconnectSelf: true, ...toComponent(options), scope: scopeOf(scope) });
  return {
    beginSignIn: async (request) => fromComponent(call("beginSignIn", request)),
    issue: async ({ hostClaims, claims: own, guard, ...request }) => {
      const issued = call("issue", {
        ...toComponent(request),
        hostClaims: claims(hostClaims),
        claims: claims(own),
        guard: toComponent(guard),
      });
      return { token: issued.token, ...identity(issued.identity) };
    },
    authenticate: async (token, options) => authenticate(token, options),
    authenticateSync: authenticate,
    admit: async (token, options) => identity(call("admit", { token, ...options })),
    revoke: async (target, { scope = "session", ...options } = {}) =>
      fromComponent(call("revoke", { ...options, scope, target: targetOf(target) })),
    signOutEverywhere: async (scope, options) => fromComponent(call("signOutEverywhere", selection(scope, options))),
    preview: async (scope, options) => fromComponent(call("preview", selection(scope, options))),
    sessions: async (query) => fromComponent(call("sessions", query)),
    credentialsChanged: async (request) =>
      fromComponent(call("credentialsChanged", { disconnectSelf: true, ...toComponent(request) })),
    sweep: async (sockets) => {
      const { verdicts, error } = call("sweep", toComponent(sockets));
      return { verdicts: verdicts.map(verdict), error: error && new AuthError(error) };
    },
    redeliver: async () => fromComponent(call("redeliver")),
    expunge: async (limit) => fromComponent(call("expunge", limit)),
    close: () => call(Symbol.dispose),
  };
}

function targetOf(target) {
  if (typeof target === "string") return { tag: "token", val: target };
  const { sid, ...owner } = target;
  return sid === undefined ? toVariant(target) : { tag: "sid", val: { sid, ...owner } };
}

function scopeOf(scope) {
  if (typeof scope === "string") return { tag: "subject", val: { subject: scope } };
  if (scope.subject) return { tag: "subject", val: scope.subject };
  return scope.key ? { tag: "key", val: scope.key.kid } : { tag: "tenant", val: scope.tenant.tenant };
}

function verdict({ tag, val }) {
  return val === undefined ? tag : { [tag]: val.replaceAll("-", "_") };
}

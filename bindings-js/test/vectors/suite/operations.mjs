// A step's arguments → the library's call, and its answer → what vectors say of answers. The names are those of WIT, with underscores.

import { session } from "./port_shapes.mjs";
import { anything, flag, free, list, optional, record, text, variant, whole } from "./shapes.mjs";

const identity = record({
  tenant: optional(text),
  subject: text,
  jti: text,
  sid: text,
  purpose: text,
  act: optional(text),
  kid: text,
  issued_at: whole,
  expires_at: whole,
  deadline: whole,
  epoch: whole,
  claims: free,
  socket_id: optional(text),
});

const report = record({
  revoked: whole,
  disconnected: whole,
  undelivered: list(record({ endpoint: text, topic: text })),
  already: flag,
});

const verdict = variant({ keep: null, mute: null, unverified: null, close: text });

const signOutOptions = {
  include_purposes: anything,
  exclude_purposes: anything,
  keep: anything,
  issued_before: anything,
  acting_sid: anything,
  disconnect_self: anything,
  reason: anything,
};

const subject = { tenant: anything, subject: anything };
const scope = variant({ subject: record(subject), tenant: record({ tenant: anything }), key: record({ kid: anything }) });
const signOut = record({ scope, ...signOutOptions });

function signOutArguments(json, way) {
  const { scope, ...options } = signOut.toLibrary(json);
  const short = way.short && scope.subject && scope.subject.tenant === undefined;
  return [short ? scope.subject.subject : scope, options];
}

const revocation = record({
  token: anything,
  jti: anything,
  sid: anything,
  subject: anything,
  scope: anything,
  tenant: anything,
  reason: anything,
});

function revokeArguments(json, way) {
  const { token, jti, sid, subject: owner, ...options } = revocation.toLibrary(json);
  const named = [token, jti, sid].filter((it) => it !== undefined);
  if (named.length !== 1 || (owner !== undefined && sid === undefined)) throw new Error("name one of token, jti and sid; subject goes with sid");
  if (token !== undefined) return [way.short ? token : { token }, options];
  return [jti !== undefined ? { jti } : { sid, ...(owner === undefined ? {} : { subject: owner }) }, options];
}

const socketFields = {
  tenant: anything,
  jti: anything,
  sid: anything,
  subject: anything,
  purpose: anything,
  kid: anything,
  issued_at: anything,
  expires_at: anything,
  epoch: anything,
  verified_at: anything,
};

/** A socket: the identity that an operation answered, and what is different. */
function socketState({ identity: from, verified_at, with: different = {} }) {
  const fields = { ...from, ...different, verified_at };
  const known = Object.entries(fields).filter(([name]) => Object.hasOwn(socketFields, name));
  return record(socketFields).toLibrary(Object.fromEntries(known));
}

/** A request of one argument. */
const request = (members) => {
  const shape = record(members);
  return (json) => [shape.toLibrary(json)];
};

/** A token, and options. */
const withToken = (members) => {
  const shape = record({ token: anything, ...members });
  return (json) => {
    const { token, ...options } = shape.toLibrary(json);
    return [token, options];
  };
};

const authenticate = { purposes: anything, tenant: anything };

const operations = {
  begin_sign_in: { method: "beginSignIn", read: request(subject), answer: record({ epoch: whole }) },
  issue: {
    method: "issue",
    read: request({
      ...subject,
      purpose: anything,
      host_claims: anything,
      claims: anything,
      sid: anything,
      device: anything,
      lifetime: anything,
      act: anything,
      guard: anything,
    }),
    answer: {
      toJson: (value, path) => ({ token: text.toJson(value?.token, `${path}.token`), identity: identity.toJson(value, path) }),
    },
  },
  authenticate: { method: "authenticate", sync: "authenticateSync", read: withToken(authenticate), answer: identity },
  admit: { method: "admit", read: withToken({ ...authenticate, socket: record({ ...subject, sid: anything }) }), answer: identity },
  revoke: { method: "revoke", read: revokeArguments, answer: report },
  sign_out_everywhere: { method: "signOutEverywhere", read: signOutArguments, answer: report },
  preview: { method: "preview", read: signOutArguments, answer: report },
  sessions: {
    method: "sessions",
    read: request({ ...subject, after: anything, limit: anything }),
    answer: record({ sessions: list(session), next: optional(text) }),
  },
  credentials_changed: {
    method: "credentialsChanged",
    read: request({ ...subject, trigger: anything, acting_sid: anything, changed_at: anything, disconnect_self: anything }),
    answer: report,
  },
  sweep: {
    method: "sweep",
    read: ({ sockets, ...others }) => {
      if (Object.keys(others).length > 0) throw new Error("sweep takes sockets");
      return [sockets.map(socketState)];
    },
    answer: {
      toJson: (value, path) => ({
        verdicts: list(verdict).toJson(value?.verdicts, `${path}.verdicts`),
        error: value.error === undefined ? null : text.toJson(value.error.code, `${path}.error.code`),
      }),
    },
  },
  redeliver: { method: "redeliver", read: () => [], answer: record({ delivered: whole, undelivered: whole, more: flag }) },
  expunge: {
    method: "expunge",
    read: ({ limit }) => [limit],
    answer: record({ records: whole, sessions: whole, cut_offs: whole, more: flag }),
  },
};

/**
 * A call that is ready to be made: `run` makes it, `json` reads what it answered. `way.short` calls with the shorthands that the library
 * has, `way.sync` without promises where it can.
 */
export function prepare(name, json, way) {
  const operation = operations[name];
  if (!operation) throw new Error(`there is no operation ${name}`);
  const given = operation.read(json, way);
  const atOnce = way.sync === true && operation.sync !== undefined;
  return {
    async run(authenticator) {
      if (atOnce) return authenticator[operation.sync](...given);
      const promise = authenticator[operation.method](...given);
      if (typeof promise?.then !== "function") throw new Error(`${operation.method} answered no promise`);
      return promise;
    },
    json: (answer) => operation.answer.toJson(answer, "answer"),
  };
}

// What passes through the ports: `wit/types.wit`, `wit/storage.wit`, `wit/broadcast.wit` as shapes.

import { flag, free, jsonText, list, optional, record, text, variant, whole } from "./shapes.mjs";

const ending = record({ at: whole, reason: text });

export const tokenRecord = record({
  tenant: optional(text),
  jti: text,
  sid: text,
  subject: text,
  purpose: text,
  act: optional(text),
  kid: text,
  issued_at: whole,
  expires_at: whole,
  epoch: whole,
  extra_data: optional(jsonText),
  created_at: whole,
  status: variant({ live: null, revoked: ending, consumed: record({ at: whole, request: optional(text) }) }),
  successors: list(text),
  notify: variant({ nothing: null, pending: whole }),
});

export const session = record({
  tenant: optional(text),
  sid: text,
  subject: text,
  device: optional(text),
  created_at: whole,
  last_seen: whole,
  ends_at: whole,
  status: variant({ live: null, ended: ending }),
});

const findQuery = record({
  tenant: optional(text),
  jti: optional(text),
  sid: optional(text),
  subject: optional(text),
  purpose: optional(text),
  kid: optional(text),
});

export const insertion = record({ record: tokenRecord, session, open: flag, guard: optional(whole) });

export const revocation = record({
  tenant: optional(text),
  target: variant({ token: text, session: text }),
  subject: optional(text),
  at: whole,
  reason: text,
  tombstone: optional(tokenRecord),
  session_tombstone: optional(session),
  notify_purposes: list(text),
  due: whole,
  limit: whole,
});

const matchingRevocation = record({
  tenant: optional(text),
  subject: text,
  include_purposes: optional(list(text)),
  exclude_purposes: list(text),
  keep: list(text),
  issued_before: optional(whole),
  unexpired_after: whole,
  end_sessions: flag,
  cut_offs: variant({ nothing: null, subject: null, purposes: list(text) }),
  forget_at: whole,
  at: whole,
  reason: text,
  notify_purposes: list(text),
  delay: optional(record({ sid: text, due: whole })),
  limit: whole,
  dry_run: flag,
});

export const consumption = record({
  tenant: optional(text),
  jti: text,
  sid: text,
  subject: text,
  at: whole,
  request: optional(text),
  successors: list(insertion),
});

const subjectId = record({ tenant: optional(text), subject: text });

export const cutOff = variant({
  subject: record({
    tenant: optional(text),
    subject: text,
    purpose: optional(text),
    below: whole,
    spared: list(text),
    forget_at: whole,
  }),
  tenant: record({ tenant: optional(text), at: whole, forget_at: whole }),
  key: record({ kid: text, at: whole, forget_at: whole }),
});

/** What each method of storage is given; those that are given a list show it as the one member of an object. */
export const storageCalls = {
  find: findQuery,
  find_many: listAs("queries", findQuery),
  insert: insertion,
  revoke: revocation,
  revoke_matching: matchingRevocation,
  consume: consumption,
  touch: record({ tenant: optional(text), sid: text, at: whole }),
  list: record({
    tenant: optional(text),
    subject: text,
    at: whole,
    with_record: flag,
    after: optional(record({ created_at: whole, sid: text })),
    limit: whole,
  }),
  undelivered: record({ at: whole, lease_until: whole, limit: whole, only: optional(subjectId) }),
  delivered: listAs("records", record({ tenant: optional(text), jti: text })),
  delete_expired: record({ before: whole, limit: whole }),
  raise_cut_off: cutOff,
};

function listAs(name, shape) {
  const elements = list(shape);
  return { toJson: (value, path, strict) => ({ [name]: elements.toJson(value, path, strict) }) };
}

const messages = {
  disconnect: record({ kind: text, endpoint: text, topic: text, event: text, payload: free }),
  recheck: record({
    kind: text,
    tenant: optional(text),
    subject: optional(text),
    purpose: optional(text),
    sid: optional(text),
    kid: optional(text),
  }),
};

/** A message of the broker; what a recheck does not name is not there. */
export function messageJson(message, path) {
  const shape = messages[message?.kind];
  if (!shape) throw new Error(`${path}: there is no message of the kind ${message?.kind}`);
  const json = shape.toJson(message, path, true);
  return Object.fromEntries(Object.entries(json).filter(([, member]) => member !== null));
}

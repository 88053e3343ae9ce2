// What the tests are made of: the same moment and the same shapes as in the contract suite's fixtures.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const NOW = 1_700_000_000;
export const HOUR = 3_600;

export const record = (subject, sid, jti, changes = {}) => ({
  jti,
  sid,
  subject,
  purpose: "user",
  kid: "k1",
  issuedAt: NOW,
  expiresAt: NOW + HOUR,
  epoch: 0,
  extraData: '{"role":"admin"}',
  createdAt: NOW,
  status: "live",
  successors: [],
  notify: "nothing",
  ...changes,
});

export const sessionOf = (of, changes = {}) => ({
  tenant: of.tenant,
  sid: of.sid,
  subject: of.subject,
  device: "a phone",
  createdAt: of.createdAt,
  lastSeen: of.createdAt,
  endsAt: of.expiresAt,
  status: "live",
  ...changes,
});

export const opening = (of, changes = {}) => ({ record: of, session: sessionOf(of), open: true, ...changes });
export const joining = (of, changes = {}) => ({ ...opening(of), open: false, ...changes });

export const everything = (subject, changes = {}) => ({
  subject,
  excludePurposes: [],
  keep: [],
  unexpiredAfter: NOW,
  endSessions: true,
  cutOffs: "nothing",
  forgetAt: NOW + HOUR,
  at: NOW,
  reason: "signed_out_everywhere",
  notifyPurposes: ["user"],
  limit: 100,
  dryRun: false,
  ...changes,
});

export const revocation = (target, changes = {}) => ({
  target,
  at: NOW,
  reason: "signed_out",
  notifyPurposes: ["user"],
  due: NOW,
  limit: 100,
  ...changes,
});

/** An answer without what is absent, so that `undefined`, `null` and "left out" are one. */
export const plain = (answer) => (answer === undefined ? undefined : JSON.parse(JSON.stringify(answer, (_, value) => value ?? undefined)));

/** A folder that goes with the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "authkernel-sqlite-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

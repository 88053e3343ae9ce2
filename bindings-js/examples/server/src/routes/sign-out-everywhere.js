// `POST /api/sign-out-everywhere`

import { Refusal } from "../errors.js";
import { flag, optional, readJson, texts } from "../http/body.js";
import { callerOf } from "../http/credential.js";
import { counts, ended } from "./report.js";

const MEMBERS = "any of keep_current, disconnect_self, dry_run (true or false), include_purposes and exclude_purposes (lists of text)";
const SHAPE = {
  keep_current: [flag, false],
  disconnect_self: [flag, true],
  include_purposes: [optional(texts), undefined],
  exclude_purposes: [optional(texts), undefined],
  dry_run: [flag, false],
};

/** Signs out all sessions of the caller, or all others; or says what that would do. */
export async function signOutEverywhere({ app, incoming, client }) {
  const caller = await callerOf(app, incoming);
  const request = await readJson(incoming, MEMBERS, SHAPE);
  const { subject, sid } = caller.identity;
  const selection = {
    includePurposes: request.include_purposes,
    excludePurposes: request.exclude_purposes,
    keep: request.keep_current ? [sid] : [],
    actingSid: sid,
    disconnectSelf: request.disconnect_self,
  };
  if (request.dry_run) return Response.json(counts(await app.auth.preview(subject, selection)));
  const event = {
    action: "sign_out_everywhere",
    actor: subject,
    actor_sid: sid,
    subject,
    selector: selector(request.keep_current ? "others" : "all", selection),
    reason: "signed_out_everywhere",
    address: client.address,
  };
  app.acts.begin(subject);
  try {
    const done = await app.auth.signOutEverywhere(subject, selection);
    app.audit.report(event, done);
    app.tell(caller.identity, event.action, done);
    return ended(app, caller, done);
  } catch (error) {
    const refusal = Refusal.of(error);
    app.audit.refused(event, refusal);
    throw refusal;
  }
}

/** The selection in words, for the audit log. */
export function selector(whom, { includePurposes, excludePurposes }) {
  const words = [whom];
  if (includePurposes !== undefined) words.push("including", JSON.stringify(includePurposes));
  if (excludePurposes !== undefined) words.push("excluding", JSON.stringify(excludePurposes));
  return words.join(" ");
}

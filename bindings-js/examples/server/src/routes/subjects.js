// `POST /admin/subjects/{subject}/sign-out`

import { Refusal } from "../errors.js";
import { flag, optional, readJson, text, texts, whole } from "../http/body.js";
import { OAuthError } from "../oauth/error.js";
import { serviceOf } from "../oauth/service.js";
import { SESSIONS } from "../pushes.js";
import { counts } from "./report.js";
import { selector } from "./sign-out-everywhere.js";

const MEMBERS =
  "any of include_purposes, exclude_purposes and keep (lists of text), issued_before (seconds since 1970), reason (text), dry_run (true or false)";
const SHAPE = {
  include_purposes: [optional(texts), undefined],
  exclude_purposes: [optional(texts), undefined],
  keep: [texts, []],
  issued_before: [optional(whole), undefined],
  reason: [optional(text), undefined],
  dry_run: [flag, false],
};

/** Signs a subject out, for a service in any language; the tenant is the client's. Its answer is that of the subject's own sign-out. */
export async function signOut({ app, incoming, client, rawParameter }) {
  const service = await caller(app, client, incoming);
  const subject = decoded(rawParameter("subject"));
  const request = await readJson(incoming, MEMBERS, SHAPE);
  const scope = { subject: { tenant: service.tenant, subject } };
  const selection = {
    includePurposes: request.include_purposes,
    excludePurposes: request.exclude_purposes,
    keep: request.keep,
    issuedBefore: request.issued_before,
    reason: request.reason,
  };
  if (request.dry_run) return Response.json(counts(await app.auth.preview(scope, selection)));
  const event = {
    action: "admin_sign_out",
    actor: service.id,
    subject,
    selector: inWords(selection),
    reason: request.reason ?? "signed_out_everywhere",
    address: client.address,
  };
  app.acts.begin(subject);
  try {
    const done = await app.auth.signOutEverywhere(scope, selection);
    app.audit.report(event, done);
    app.pushes.send(subject, SESSIONS);
    return Response.json(counts(done));
  } catch (error) {
    const refusal = Refusal.of(error);
    app.audit.refused(event, refusal);
    throw refusal;
  }
}

/** The service that asks. Who it is is refused in OAuth's format, everything after it in the server's own. */
async function caller(app, client, incoming) {
  try {
    const { service } = await serviceOf(app, { client, incoming, permission: "sign-out", form: () => new Map() });
    return service;
  } catch (error) {
    throw OAuthError.of(error);
  }
}

function decoded(subject) {
  try {
    return decodeURIComponent(subject);
  } catch {
    throw Refusal.because("not_found");
  }
}

/** The selection in words, for the audit log. */
function inWords(selection) {
  const words = [selector("all", selection)];
  if (selection.keep.length > 0) words.push("keeping", JSON.stringify(selection.keep));
  if (selection.issuedBefore !== undefined) words.push("issued before", selection.issuedBefore);
  return words.join(" ");
}

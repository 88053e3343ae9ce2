// `DELETE /api/session`

import { Refusal } from "../errors.js";
import { clearing } from "../http/cookie.js";
import { credentialOf, PURPOSES } from "../http/credential.js";
import { SESSIONS } from "../pushes.js";
import { counts } from "./report.js";

/**
 * Signs out the session of the credential, and clears the cookie: whoever is done is told so, also with a token that is dead. A forged token
 * ends nothing. Only when it is not known whether the session was ended is it an error.
 */
export async function end({ app, incoming, client }) {
  const credential = await credentialOf(app, incoming).catch((error) => {
    const refusal = Refusal.of(error);
    // Another site must not sign anybody out.
    if (refusal.code === "origin_refused") throw refusal;
    return undefined;
  });
  const done = credential === undefined ? undefined : await revoke(app, client, credential.token);
  const response = Response.json(counts(done));
  response.headers.append("set-cookie", clearing(app.isSecure));
  return response;
}

async function revoke(app, client, token) {
  // Only for the log and the other connections: what is revoked the kernel reads from the token itself.
  const who = await app.auth.authenticate(token, { purposes: PURPOSES }).catch(() => undefined);
  const { subject = "", sid = "" } = who ?? {};
  const event = {
    action: "sign_out",
    actor: subject,
    actor_sid: sid,
    subject,
    selector: "this",
    reason: "signed_out",
    address: client.address,
  };
  if (subject !== "") app.acts.begin(subject);
  try {
    const done = await app.auth.revoke({ token }, { scope: "session" });
    app.audit.report(event, done);
    if (subject !== "") app.pushes.send(subject, SESSIONS);
    return done;
  } catch (error) {
    const refusal = Refusal.of(error);
    app.audit.refused(event, refusal);
    if (refusal.kind === "denied" || refusal.kind === "not_found") return undefined;
    throw refusal;
  }
}

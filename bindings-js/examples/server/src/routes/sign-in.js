// `POST /api/sign-in`

import { AuthError } from "authkernel";
import { parseEmail } from "../accounts/email.js";
import { Refusal } from "../errors.js";
import { flag, optional, readJson, text } from "../http/body.js";
import { holding } from "../http/cookie.js";
import { sameOrigin } from "../http/credential.js";
import { SESSION_PURPOSE } from "../policy.js";
import { SESSIONS } from "../pushes.js";

const MEMBERS = "email (text), password (text), and perhaps device (text) and cookie (true or false)";
const SHAPE = { email: [text], password: [text], device: [optional(text), undefined], cookie: [optional(flag), undefined] };

/** Checks e-mail address and password and opens a session. */
export async function signIn({ app, incoming, client }) {
  const request = await readJson(incoming, MEMBERS, SHAPE);
  sameOrigin(app, incoming);
  const issued = await app.toTheEnd(open(app, client, request));
  const { token, jti, sid, subject, socketId, expiresAt } = issued;
  const response = Response.json({ token, jti, sid, subject, socket_id: socketId, expires_at: expiresAt });
  if (request.cookie ?? true) {
    const seconds = Math.max(0, expiresAt - app.now());
    response.headers.append("set-cookie", holding(token, seconds, app.isSecure));
  }
  return response;
}

/** The session, with everything that is written and told about it. */
async function open(app, client, request) {
  const found = { subject: "" };
  const event = { action: "sign_in", address: client.address };
  try {
    const issued = await checkAndIssue(app, client, request, found);
    const { subject, sid } = issued;
    app.audit.done({ ...event, subject, actor: subject, actor_sid: sid, selector: "this" });
    app.pushes.send(subject, { type: "event", action: "sign_in", sid, revoked: 0 });
    app.pushes.send(subject, SESSIONS);
    return issued;
  } catch (error) {
    const refusal = Refusal.of(error);
    app.audit.refused({ ...event, subject: found.subject }, refusal);
    throw refusal;
  }
}

/** One answer for an unknown account and a wrong password, and both take the time of one hash. */
async function checkAndIssue(app, client, { email: given, password, device }, found) {
  const email = parseEmail(given);
  const giveBack = app.tries.signIn(client, given);
  const account = email === undefined ? undefined : app.accounts.byEmail(email);
  if (account === undefined) {
    await app.passwords.verify(password, undefined);
    throw Refusal.because("credentials_invalid");
  }
  const { subject, passwordHash, version } = account;
  found.subject = subject;
  // Before the password is checked: a sign-in that a change of it overtakes must fail.
  const guard = await app.auth.beginSignIn({ subject });
  if (!(await app.passwords.verify(password, passwordHash))) throw Refusal.because("credentials_invalid");
  giveBack();
  const issued = await app.auth.issue({ subject, purpose: SESSION_PURPOSE, device, guard });
  // A change may have been committed whose sign-out has not begun, so that the guard could not see it.
  if (app.accounts.bySubject(subject)?.version === version) return issued;
  // The session should not have begun. Its token was given to nobody.
  await app.auth.revoke({ sid: issued.sid, subject }, { reason: "sign_in_superseded" });
  throw new AuthError("sign_in_superseded", "conflict", "the credentials changed during the sign-in: start again");
}

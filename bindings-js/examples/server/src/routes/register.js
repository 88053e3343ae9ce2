// `POST /api/register`

import { randomBytes } from "node:crypto";
import { requireEmail } from "../accounts/email.js";
import { checkPassword } from "../accounts/passwords.js";
import { Refusal } from "../errors.js";
import { readJson, text } from "../http/body.js";
import { sameOrigin } from "../http/credential.js";

/** Adds an account. It does not sign in. */
export async function register({ app, incoming, client }) {
  const request = await readJson(incoming, "email (text) and password (text)", { email: [text], password: [text] });
  sameOrigin(app, incoming);
  const event = { action: "register", address: client.address };
  try {
    const subject = await add(app, client, request);
    app.audit.done({ ...event, actor: subject, subject });
    return Response.json({ subject }, { status: 201 });
  } catch (error) {
    const refusal = Refusal.of(error);
    app.audit.refused(event, refusal);
    throw refusal;
  }
}

async function add(app, client, request) {
  const email = requireEmail(request.email);
  checkPassword(request.password, email);
  app.tries.address(client);
  // A name for the account that never changes and says nothing: 128 random bits.
  const subject = `user?id=${randomBytes(16).toString("base64url")}`;
  const passwordHash = await app.passwords.hash(request.password);
  if (!app.accounts.create({ subject, email, passwordHash }, app.now())) throw Refusal.because("email_taken");
  return subject;
}

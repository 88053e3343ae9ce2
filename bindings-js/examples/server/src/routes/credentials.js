// `POST /api/password` and `POST /api/email`

import { requireEmail } from "../accounts/email.js";
import { now } from "../accounts/intents.js";
import { checkPassword } from "../accounts/passwords.js";
import { Refusal } from "../errors.js";
import { readJson, text } from "../http/body.js";
import { callerOf } from "../http/credential.js";
import { ended, pending } from "./report.js";

/** Changes the password and signs out whom the policy says. */
export async function password({ app, incoming, client }) {
  const caller = await callerOf(app, incoming);
  const request = await readJson(incoming, "current (text) and new (text)", { current: [text], new: [text] });
  return app.toTheEnd(
    carryOut(app, client, caller, "password", request.current, {
      check: (account) => checkPassword(request.new, account.email),
      prepare: () => app.passwords.hash(request.new),
      commit: (account, hash, intent) => app.accounts.changePassword(account, hash, intent),
    }),
  );
}

/** Changes the e-mail address and signs out whom the policy says. */
export async function email({ app, incoming, client }) {
  const caller = await callerOf(app, incoming);
  const request = await readJson(incoming, "current (text) and email (text)", { current: [text], email: [text] });
  const address = requireEmail(request.email);
  return app.toTheEnd(
    carryOut(app, client, caller, "email", request.current, {
      check: () => undefined,
      prepare: () => address,
      commit: (account, to, intent) => app.accounts.changeEmail(account, to, intent),
    }),
  );
}

/** The whole change, which goes on when its client goes away: it must not be left half done. */
async function carryOut(app, client, caller, trigger, current, change) {
  const { subject, sid } = caller.identity;
  const event = { action: trigger, actor: subject, actor_sid: sid, subject, selector: "policy", reason: trigger, address: client.address };
  let committed;
  try {
    committed = await commit(app, client, caller, trigger, current, change);
  } catch (error) {
    const refusal = Refusal.of(error);
    app.audit.refused(event, refusal);
    throw refusal;
  }
  app.acts.begin(subject);
  try {
    const done = await app.auth.credentialsChanged(now(committed.intent));
    app.forgetIntent(committed.id);
    app.audit.report(event, done);
    app.tell(caller.identity, trigger, done);
    return ended(app, caller, done);
  } catch (error) {
    // The credential is changed, and the sign-out is owed: it is tried again until it is done.
    app.audit.pending(event, Refusal.of(error).code);
    return pending(app, caller);
  }
}

/** Verifies the current password and commits the change together with the intent to sign out. */
async function commit(app, client, { identity }, trigger, current, { check, prepare, commit }) {
  const { subject, sid } = identity;
  const account = app.accounts.bySubject(subject);
  if (account === undefined) throw Refusal.because("account_changed");
  check(account);
  const giveBack = app.tries.signIn(client, account.email);
  if (!(await app.passwords.verify(current, account.passwordHash))) throw Refusal.because("password_wrong");
  giveBack();
  const prepared = await prepare();
  const intent = { subject, trigger, actingSid: sid, changedAt: app.now() };
  const changed = commit(account, prepared, intent);
  if (changed.refused !== undefined) throw Refusal.because(changed.refused);
  return { id: changed.intent, intent };
}

// What has to be done from time to time, whoever asks or not: the sign-outs that are owed, and old tickets.

import { later } from "./accounts/intents.js";
import { Refusal } from "./errors.js";

/** How often intents that were left over are looked for, in milliseconds. */
const EVERY = 1_000;
/** How old an intent is, in seconds, before it counts as left over: the request that wrote it may be at it still. */
const LEFT_OVER = 3;

/** Does it once a second until it is stopped. */
export function startUpkeep(app) {
  let running = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    app.tickets.forgetExpired();
    if (busy) return;
    busy = true;
    running = payIntents(app, app.now() - LEFT_OVER).finally(() => (busy = false));
  }, EVERY).unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

/** Executes the intents that were committed until a moment. One that fails is tried again next time, and holds up no other. */
export async function payIntents(app, until) {
  let after = 0;
  for (;;) {
    let intents;
    try {
      intents = app.accounts.intentsUntil(until, after);
    } catch (error) {
      app.log.error("intents to sign out cannot be read: trying again", { error });
      return;
    }
    if (intents.length === 0) return;
    after = intents.at(-1).id;
    for (const intent of intents) await pay(app, intent);
  }
}

async function pay(app, intent) {
  const { id, subject, actingSid, trigger } = intent;
  const event = { action: "intent", actor: subject, actor_sid: actingSid, subject, selector: "policy", reason: trigger };
  try {
    const done = await app.auth.credentialsChanged(later(intent));
    app.forgetIntent(id);
    app.audit.report(event, done);
  } catch (error) {
    app.log.error("a sign-out that is owed failed: trying again", { error });
    app.audit.pending(event, Refusal.of(error).code);
  }
}

// The Worker: register, sign in, who am I, sign out everywhere. It decides with the kernel over the object's storage; the object holds the
// connections, and closes them when the kernel's broadcast says so.

import { AuthError, createAuthenticator } from "authkernel";
import { Refusal } from "authkernel/middleware";
import { fetchHead } from "authkernel/middleware/credential";
import { guard } from "authkernel/middleware/hono";
import { requireSameOrigin } from "authkernel/middleware/origin";
import { durableObjectBroadcast, durableObjectClient } from "authkernel/storage/durable-object";
import { Hono } from "hono";
import { hashPassword, verifyPassword } from "./passwords.js";
import { POLICY } from "./policy.js";

export { Auth } from "./auth-object.js";

const PURPOSES = ["user"];
const EMAIL = /^[^@\s]{1,64}@[^@\s]{1,189}$/;
const app = new Hono();

/** What is refused before the kernel is asked. */
const refuse = (context, status, code, message, headers = {}) => context.json({ error: { code, message } }, status, headers);

// A stub belongs to the request that made it, so that an authenticator over it does too.
app.use("/api/*", async (context, next) => {
  const { env } = context;
  const object = env.AUTH.getByName("auth");
  const auth = await createAuthenticator({
    policy: POLICY,
    keys: env.KEYS,
    storage: durableObjectClient(object),
    broadcast: durableObjectBroadcast(object),
  });
  context.set("object", object);
  context.set("auth", auth);
  context.header("cache-control", "no-store");
  try {
    await next();
  } finally {
    auth.close();
  }
});

/** Only who may. */
const signedIn = (context, next) => guard(context.get("auth"), { purposes: PURPOSES })(context, next);

/** E-mail address and password of a body that has both, sent from this origin as far as a browser says. */
async function credentials(context) {
  requireSameOrigin(fetchHead(context.req.raw));
  const isJson = /^application\/json\b/i.test(context.req.header("content-type") ?? "");
  const { email, password } = (isJson && (await context.req.json().catch(() => undefined))) || {};
  const fits = typeof email === "string" && EMAIL.test(email) && typeof password === "string" && password.length <= 1024;
  return fits ? { email: email.toLowerCase(), password } : undefined;
}

app.post("/api/register", async (context) => {
  const given = await credentials(context);
  if (given === undefined)
    return refuse(context, 400, "body_invalid", "the body must be a json object with email (text) and password (text)");
  if (given.password.length < 8) return refuse(context, 422, "password_weak", "choose a password of at least 8 characters");
  // Says nothing, and stays when the e-mail address changes.
  const subject = `user?id=${crypto.randomUUID()}`;
  const added = await context.get("object").addAccount(subject, given.email, await hashPassword(given.password));
  if (!added) return refuse(context, 409, "email_taken", "there is an account with this e-mail address: sign in");
  return context.json({ subject }, 201);
});

app.post("/api/sign-in", async (context) => {
  const given = await credentials(context);
  if (given === undefined)
    return refuse(context, 400, "body_invalid", "the body must be a json object with email (text) and password (text)");
  const [auth, object] = [context.get("auth"), context.get("object")];
  const { subject, passwordHash, wait } = await object.takeTry(given.email);
  if (wait !== undefined)
    return refuse(context, 429, "rate_limited", "too many tries: wait as the header retry-after says", { "retry-after": String(wait) });
  // Before the password is checked: a sign-in that a sign-out overtakes must fail.
  const guarded = subject === undefined ? undefined : await auth.beginSignIn({ subject });
  if (!(await verifyPassword(given.password, passwordHash))) {
    return refuse(context, 401, "credentials_invalid", "the e-mail or the password is wrong");
  }
  await object.giveBack(given.email);
  const { token, sid, socketId, expiresAt } = await auth.issue({ subject, purpose: "user", guard: guarded });
  return context.json({ token, sid, subject, socket_id: socketId, expires_at: expiresAt });
});

app.get("/api/me", signedIn, (context) => {
  const { subject, sid, jti, expiresAt, claims } = context.get("identity");
  return context.json({ subject, sid, jti, expires_at: expiresAt, claims });
});

app.post("/api/sign-out-everywhere", signedIn, async (context) => {
  const { revoked, disconnected, undelivered } = await context.get("auth").signOutEverywhere(context.get("identity").subject);
  return context.json({ revoked, disconnected, undelivered: undelivered.length });
});

app.get("/live", (context) => context.env.AUTH.getByName("auth").fetch(context.req.raw));

app.notFound((context) => refuse(context, 404, "not_found", "no such route"));
app.onError((error) => {
  if (!(error instanceof AuthError) && !(error instanceof Refusal)) console.error(error);
  return Refusal.of(error).toResponse();
});

export default app;

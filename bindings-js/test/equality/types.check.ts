// What the types promise an application; compiled, never run. A line below `@ts-expect-error` must not compile.

import { AuthError, CODES, createAuthenticator, StorageError } from "../../js/index.js";
import type {
  Authenticator,
  Broadcast,
  Code,
  ExtraClaims,
  Identity,
  Issued,
  MaybePromise,
  Report,
  SessionPage,
  Storage,
  SweepReport,
  TokenRecord,
  Verdict,
} from "../../js/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T | undefined => undefined;

interface AppClaims extends ExtraClaims {
  role: "admin" | "member";
  appVersion: string;
}

declare const storage: Storage;
declare const broadcast: Broadcast;

export async function claims(): Promise<void> {
  const auth = await createAuthenticator<AppClaims>({ policy: {}, keys: "{}", storage, broadcast });
  is<Equal<typeof auth, Authenticator<AppClaims>>>();

  // Claims that go in are some of the application's, of the right type.
  const issued = await auth.issue({ subject: "1", purpose: "user", claims: { role: "admin" } });
  is<Equal<typeof issued, Issued<AppClaims>>>();
  // @ts-expect-error: no such role
  await auth.issue({ subject: "1", purpose: "user", claims: { role: "owner" } });
  // @ts-expect-error: a text is wanted
  await auth.issue({ subject: "1", purpose: "user", claims: { appVersion: 1 } });

  // Claims that come out are the application's, everywhere.
  const who = await auth.authenticate(issued.token, { purposes: ["user"] });
  is<Equal<typeof who.claims.role, "admin" | "member">>();
  is<Equal<(typeof issued)["claims"], AppClaims>>();
  is<Equal<ReturnType<typeof auth.authenticateSync>, Identity<AppClaims>>>();
  is<Equal<Awaited<ReturnType<typeof auth.admit>>, Identity<AppClaims>>>();
  is<Equal<typeof who.tenant, string | undefined>>();
  // @ts-expect-error: an identity is not changed
  who.subject = "2";

  // A token is minted without a word about claims.
  await auth.issue({ subject: "1", purpose: "user" });
}

export async function withoutClaims(): Promise<void> {
  const auth = await createAuthenticator({ policy: "{}", keys: { keys: [] }, storage });
  const who = await auth.authenticate("t", { purposes: ["user"] });
  is<Equal<typeof who.claims, ExtraClaims>>();
  is<Equal<(typeof who.claims)["anything"], unknown>>();
  await auth.issue({ subject: "1", purpose: "user", claims: { anything: [1, { at: "all" }] } });

  // @ts-expect-error: purposes are required
  await auth.authenticate("t");
  // @ts-expect-error: purposes are required
  await auth.authenticate("t", {});
  // @ts-expect-error: a subject is required
  await auth.issue({ purpose: "user" });
  // @ts-expect-error: storage is required
  await createAuthenticator({ policy: {}, keys: {} });
}

export async function answers(auth: Authenticator): Promise<void> {
  is<Equal<Awaited<ReturnType<typeof auth.revoke>>, Report>>();
  is<Equal<Awaited<ReturnType<typeof auth.sessions>>, SessionPage>>();
  is<Equal<Awaited<ReturnType<typeof auth.sweep>>, SweepReport>>();
  await auth.revoke("token");
  await auth.revoke({ sid: "s", subject: "1" }, { scope: "token", reason: "lost" });
  await auth.signOutEverywhere("1", { keep: ["s"] as const });
  await auth.signOutEverywhere({ tenant: {} });
  await auth.credentialsChanged({ subject: "1", trigger: "password" });
  // @ts-expect-error: no such trigger
  await auth.credentialsChanged({ subject: "1", trigger: "haircut" });
  // @ts-expect-error: one of token, jti and sid
  await auth.revoke({});
  // @ts-expect-error: no such scope
  await auth.revoke("token", { scope: "everything" });

  // An identity is what a sweep is asked about.
  const who = await auth.admit("token", { purposes: ["user"] });
  const { verdicts } = await auth.sweep([{ ...who, verifiedAt: 1 }]);
  const [verdict] = verdicts;
  is<Equal<typeof verdict, Verdict | undefined>>();
  if (verdict !== undefined && typeof verdict === "object") is<Equal<typeof verdict.close, Code>>();

  using again = auth;
  again.close();
}

export function errors(error: unknown): string {
  if (error instanceof AuthError) {
    is<Equal<typeof error.code, Code>>();
    if (error.code === "token_revoked") return error.message;
    // @ts-expect-error: no such code
    if (error.code === "token_forgotten") return "";
    return error.kind;
  }
  is<Equal<(typeof CODES)[number], Code>>();
  // @ts-expect-error: no such kind
  new StorageError("broken");
  return new StorageError("guard_failed", "no longer", { guard: "epoch" }).kind;
}

// A storage may answer values or promises, method by method.
export const mixed: Pick<Storage, "find" | "insert" | "touch" | "delivered"> = {
  find: () => ({ cutOffs: [], epoch: 0, record: null }),
  insert: async () => 0,
  touch: () => {},
  async delivered() {},
};
// @ts-expect-error: a number is no answer
export const wrong: Pick<Storage, "find"> = { find: () => 1 };

// What was absent in a database may be null in an answer.
export const answered: Pick<TokenRecord, "tenant" | "act" | "extraData"> = { tenant: null, act: undefined };

// A broker may answer nothing at all.
export const silent: Broadcast = { publish: () => {} };
export const told: Broadcast = { publish: async (messages) => messages.map(() => "taken" as const) };

is<Equal<MaybePromise<number>, number | PromiseLike<number>>>();

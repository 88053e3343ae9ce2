// An application in TypeScript: it compiles against the package's types, and runs.

import { AuthError, createAuthenticator, type Code, type ExtraClaims, type Identity, type Storage } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";

interface Claims extends ExtraClaims {
  role: "admin" | "member";
}

const storage: Storage = memoryStorage();

async function story(): Promise<string> {
  const auth = await createAuthenticator<Claims>({
    policy: { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d" } } },
    keys: { keys: [{ kty: "oct", kid: "k", alg: "HS256", k: "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA" }] },
    storage,
  });
  const { token } = await auth.issue({ subject: "user?id=42", purpose: "user", claims: { role: "admin" } });
  const who: Identity<Claims> = await auth.authenticate(token, { purposes: ["user"] });
  const role: "admin" | "member" = who.claims.role;
  // @ts-expect-error: no such role
  if (role === "owner") return role;
  await auth.revoke(token);
  try {
    await auth.authenticate(token, { purposes: ["user"] });
    return "still alive";
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    const code: Code = error.code;
    return `${who.subject} ${role} ${code}`;
  }
}

story().then(console.log);

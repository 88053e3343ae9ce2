import { createAuthenticator } from "authkernel";

export const authenticatorOf = (ports, env) => createAuthenticator({ policy: env.POLICY, keys: env.KEYS, ...ports });

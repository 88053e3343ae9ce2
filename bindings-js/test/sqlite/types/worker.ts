// The runtime's own types are what the object takes and is.

import { DurableObject } from "cloudflare:workers";
import { createAuthenticator } from "authkernel";
import {
  authDurableObject,
  durableObjectBroadcast,
  durableObjectClient,
  durableObjectStorage,
  type SyncStorage,
} from "authkernel/storage/durable-object";

interface Env {
  AUTH: DurableObjectNamespace<Auth>;
  KEYS: string;
}

const policy = { issuer: "https://app.example", audience: ["app"], purposes: { user: { lifetime: "14d" } } };

export class Auth extends authDurableObject(DurableObject<Env>, {
  authenticator: (ports, env: Env) => createAuthenticator({ policy, keys: env.KEYS, ...ports }),
  purposes: ["user"],
  message: (socket, message, { state }) => socket.send(`${state.subject}: ${message}`),
}) {
  override async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === "/live") return super.fetch(request);
    return new Response("not here", { status: 404 });
  }
}

export class Accounts extends DurableObject<Env> {
  storage: SyncStorage = durableObjectStorage(this.ctx.storage);
}

export default {
  async fetch(request, env) {
    const stub = env.AUTH.get(env.AUTH.idFromName("auth"));
    const ports = { storage: durableObjectClient(stub), broadcast: durableObjectBroadcast(stub) };
    using auth = await createAuthenticator({ policy, keys: env.KEYS, ...ports });
    await auth.signOutEverywhere("anna");
    return stub.fetch(request);
  },
} satisfies ExportedHandler<Env>;

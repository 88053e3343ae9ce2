// What the tests run in workerd: objects with the storage and the connections, and a Worker that uses them over RPC.

import { DurableObject } from "cloudflare:workers";
import { createAuthenticator } from "authkernel";
import { authDurableObject, durableObjectBroadcast, durableObjectClient, durableObjectStorage } from "authkernel/storage/durable-object";

/** Counts how often the class was made: more than once means that the object had hibernated. */
let loaded = 0;

/** How many messages were acted on. */
let acted = 0;

const options = {
  authenticator: (ports, env) => createAuthenticator({ policy: env.POLICY, keys: env.KEYS, ...ports }),
  purposes: ["user"],
  sweepEvery: 3_600,
  message: (socket, message, { state }) => {
    acted++;
    socket.send(`${state.subject}: ${message}`);
  },
  opened: (socket, { topic }) => socket.send(`hello ${topic}`),
};

export class Auth extends authDurableObject(DurableObject, options) {
  number = ++loaded;

  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/loaded") return Response.json(loaded);
    if (pathname === "/acted") return Response.json(acted);
    if (pathname === "/sockets") return Response.json(this.ctx.getWebSockets().map((socket) => socket.deserializeAttachment()));
    if (pathname === "/sql") return Response.json(this.ctx.storage.sql.exec(await request.text()).toArray());
    if (pathname === "/prolong") {
      const token = await request.text();
      try {
        for (const socket of this.ctx.getWebSockets()) await this.prolong(socket, token);
        return new Response("ok");
      } catch (error) {
        return new Response(error.code ?? String(error), { status: 409 });
      }
    }
    return super.fetch(request);
  }
}

/** The same, looked after often. */
export class Swept extends authDurableObject(DurableObject, { ...options, sweepEvery: 1 }) {}

/** An object that uses the storage itself, without connections or an alarm. */
export class Plain extends DurableObject {
  #storage = durableObjectStorage(this.ctx.storage);

  calls(calls) {
    return calls.map(({ method, input }) => {
      try {
        return { answer: this.#storage[method](input) };
      } catch ({ name, kind, guard, message }) {
        return { name, refused: kind, guard, message };
      }
    });
  }
}

/** A service in a Worker: `POST /worker/<method of the authenticator>` with its arguments, over the object that the query names. */
async function service(request, env, stub) {
  const { pathname, searchParams } = new URL(request.url);
  const broadcast = searchParams.has("mute") ? { publish: () => Promise.reject(new Error("nobody there")) } : durableObjectBroadcast(stub);
  const auth = await createAuthenticator({ policy: env.POLICY, keys: env.KEYS, storage: durableObjectClient(stub), broadcast });
  try {
    return Response.json(await auth[pathname.slice("/worker/".length)](...(await request.json())));
  } catch (error) {
    return Response.json({ code: error.code, message: error.message }, { status: 400 });
  } finally {
    auth.close();
  }
}

export default {
  fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const namespace = searchParams.get("object") === "swept" ? env.SWEPT : env.AUTH;
    const stub = namespace.get(namespace.idFromName("auth"));
    return pathname.startsWith("/worker/") ? service(request, env, stub) : stub.fetch(request);
  },
};

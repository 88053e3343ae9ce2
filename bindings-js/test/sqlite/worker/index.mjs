// The Worker that the tests run: one object with the storage and the connections, and a Worker that uses both over RPC.

import { DurableObject } from "cloudflare:workers";
import { authDurableObject, durableObjectStorage } from "authkernel/storage/durable-object";
import { authenticatorOf } from "./authenticator.mjs";

/** Counts how often the object was loaded: more than once means that it had hibernated. */
let loaded = 0;

export class Auth extends authDurableObject(DurableObject, {
  authenticator: (ports, env) => authenticatorOf(ports, env),
  purposes: ["user"],
  sweepEvery: 3_600,
  message: (socket, message, { state }) => socket.send(`${state.subject}: ${message}`),
  opened: (socket, { topic }) => socket.send(`hello ${topic}`),
}) {
  number = ++loaded;

  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/loaded") return Response.json(loaded);
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

export default {
  fetch(request, env) {
    return env.AUTH.get(env.AUTH.idFromName("auth")).fetch(request);
  },
};

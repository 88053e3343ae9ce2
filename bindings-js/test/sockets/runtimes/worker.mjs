// A service in a Worker, without a Durable Object: one isolate, memory storage, sockets by WebSocketPair.

import { createAuthenticator } from "authkernel";
import { localBroadcast } from "authkernel/broadcast/local";
import { createGuard } from "authkernel/middleware";
import { createSockets } from "authkernel/sockets";
import { liveEvents } from "authkernel/sockets/events";
import { liveWebSocket } from "authkernel/sockets/workers";
import { memoryStorage } from "authkernel/storage/memory";

const PURPOSES = { purposes: ["user"] };
const policy = {
  issuer: "https://app.example",
  audience: ["app"],
  leeway_seconds: 0,
  purposes: { user: { lifetime: "14d", store: true, presence: "required", opens_sockets: true } },
  live_socket_id_template: "users_sessions:{sid}",
  endpoints: ["web"],
};
const keys = { keys: [{ kty: "oct", kid: "k1", alg: "HS256", k: "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE" }] };

let made;
async function make() {
  const local = localBroadcast();
  const broadcast = {
    deaf: false,
    subscribe: local.subscribe,
    publish: (messages) => (broadcast.deaf ? undefined : local.publish(messages)),
  };
  const auth = await createAuthenticator({ policy, keys, storage: memoryStorage(), broadcast });
  const problems = [];
  const sockets = createSockets({
    authenticator: auth,
    broadcast,
    endpoint: "web",
    timers: false,
    onProblem: ({ kind, error }) => problems.push(`${kind} ${error}`),
  });
  const heard = [];
  const ended = [];
  const live = liveWebSocket({
    sockets,
    ...PURPOSES,
    subprotocol: true,
    verifyEvery: 4_000,
    connected: (socket, live) => socket.send(`hello ${live.identity.subject}`),
    message: (data, socket) => {
      heard.push(data);
      socket.send(data);
    },
    closed: (live) => ended.push(live.closing?.reason ?? "by itself"),
  });
  const events = liveEvents({
    sockets,
    ...PURPOSES,
    verifyEvery: 4_000,
    connected(stream, live) {
      stream.send(`hello ${live.identity.subject}`);
      return () => ended.push(live.closing?.reason ?? "by itself");
    },
  });
  return { auth, sockets, broadcast, live, events, guard: createGuard(auth, PURPOSES), heard, ended, problems };
}

export default {
  async fetch(request) {
    const { auth, sockets, broadcast, live, events, guard, heard, ended, problems } = await (made ??= make());
    const { pathname, searchParams } = new URL(request.url);
    switch (pathname) {
      case "/issue":
        return Response.json(
          await auth.issue({ subject: "alice", purpose: "user", lifetime: Number(searchParams.get("lifetime") ?? 600) }),
        );
      case "/revoke":
        broadcast.deaf = searchParams.has("deaf");
        return Response.json(await auth.revoke(await request.text()));
      case "/state":
        return Response.json({ heard, ended, problems, ...sockets.counts() });
      case "/me": {
        const who = await guard(request);
        return who.ok ? Response.json({ subject: who.identity.subject }) : who.response;
      }
      case "/live":
        return live(request);
      case "/events":
        return events(request);
      default:
        return new Response(null, { status: 404 });
    }
  },
};

// The same requests over real HTTP to every framework: each decides the same.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { getRequestListener, serve } from "@hono/node-server";
import express5 from "express";
import express4 from "express4";
import Fastify from "fastify";
import { Hono } from "hono";
import { createGuard } from "authkernel/middleware";
import { guard as expressGuard } from "authkernel/middleware/express";
import { guard as fastifyGuard, identityOf } from "authkernel/middleware/fastify";
import { guard as honoGuard } from "authkernel/middleware/hono";
import { authenticator, bearer, cases, get, listen } from "./auth.mjs";

const OPTIONS = { purposes: ["user"] };
let reached = 0;

function withExpress(express) {
  return async (auth) => {
    const app = express();
    app.use("/api", expressGuard(auth, OPTIONS));
    app.get("/api/me", (_request, response) => {
      reached++;
      response.json({ subject: response.locals.identity.subject });
    });
    return listen(app);
  };
}

const FRAMEWORKS = {
  "fetch-standard": async (auth) => {
    const guard = createGuard(auth, OPTIONS);
    const fetch = async (request) => {
      const who = await guard(request);
      if (!who.ok) return who.response;
      reached++;
      return Response.json({ subject: who.identity.subject });
    };
    return listen(getRequestListener(fetch));
  },
  Hono: async (auth) => {
    const app = new Hono();
    app.use("/api/*", honoGuard(auth, OPTIONS));
    app.get("/api/me", (context) => {
      reached++;
      return context.json({ subject: context.get("identity").subject });
    });
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
    if (!server.listening) await once(server, "listening");
    return { server, origin: `http://127.0.0.1:${server.address().port}`, stop: () => (server.close(), server.closeAllConnections()) };
  },
  "Express 4": withExpress(express4),
  "Express 5": withExpress(express5),
  "Fastify 5": async (auth) => {
    const app = Fastify();
    app.register(async (api) => {
      api.addHook("onRequest", fastifyGuard(auth, OPTIONS));
      api.get("/api/me", async (request) => {
        reached++;
        return { subject: identityOf(request).subject };
      });
    });
    app.get("/open", async (request) => ({ subject: identityOf(request).subject }));
    const origin = await app.listen({ port: 0, host: "127.0.0.1" });
    return { server: app.server, origin, stop: () => app.close() };
  },
};

for (const [name, start] of Object.entries(FRAMEWORKS)) {
  test(`${name}: every request is decided as everywhere`, async () => {
    const given = await authenticator();
    const service = await start(given.auth);
    try {
      for (const [what, headers, status, code] of cases(given, service.origin)) {
        const before = reached;
        const answer = await get(`${service.origin}/api/me`, headers);
        assert.equal(answer.status, status, what);
        assert.equal(reached - before, status === 200 ? 1 : 0, what);
        if (status === 200) {
          assert.equal(answer.body.subject, "alice", what);
          continue;
        }
        assert.deepEqual(Object.keys(answer.body), ["error"], what);
        assert.deepEqual(Object.keys(answer.body.error), ["code", "message"], what);
        assert.equal(answer.body.error.code, code, what);
        assert.match(answer.headers["content-type"], /^application\/json/, what);
        assert.equal(answer.headers["cache-control"], "no-store", what);
        const challenge = code === "credential_missing" ? "Bearer" : 'Bearer error="invalid_token"';
        assert.equal(answer.headers["www-authenticate"], status === 401 ? challenge : undefined, what);
        for (const token of [given.good, given.dead, given.api]) assert.ok(!JSON.stringify(answer.body).includes(token), what);
      }
      // Two headers, which Node would otherwise make one of.
      const stream = connect(new URL(service.origin).port, "127.0.0.1");
      const twice = `authorization: Bearer ${given.good}\r\nauthorization: Bearer ${given.dead}\r\n`;
      stream.write(`GET /api/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${twice}\r\n`);
      let text = "";
      for await (const part of stream) text += part;
      assert.match(text, /^HTTP\/1\.1 401 [^]*"credential_ambiguous"/);
    } finally {
      await service.stop();
    }
  });

  test(`${name}: storage that is away is 503, a defect 500 without its text`, async () => {
    const { AuthError } = await import("authkernel");
    const { good } = await authenticator();
    let thrown = new AuthError("storage_unavailable", "unavailable", "storage is not reachable now: try again");
    const service = await start({ authenticate: () => Promise.reject(thrown) });
    try {
      const away = await get(`${service.origin}/api/me`, bearer(good));
      assert.deepEqual([away.status, away.body.error.code, away.headers["retry-after"]], [503, "storage_unavailable", "1"]);
      thrown = new Error("the secret of the defect");
      const defect = await get(`${service.origin}/api/me`, bearer(good));
      assert.deepEqual([defect.status, defect.body.error.code], [500, "internal"]);
      assert.ok(!JSON.stringify(defect.body).includes("secret"));
    } finally {
      await service.stop();
    }
  });
}

test("Fastify: a route without a guard takes nobody for somebody", async () => {
  const { auth } = await authenticator();
  const service = await FRAMEWORKS["Fastify 5"](auth);
  assert.equal((await get(`${service.origin}/open`, {})).status, 500);
  await service.stop();
});

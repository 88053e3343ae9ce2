// Compiled, never run: the real libraries satisfy the structural types, and the examples of the documentation hold.

import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import type { Authenticator } from "authkernel";
import { Refusal, createGuard } from "authkernel/middleware";
import { fetchHead, nodeHead, readCredential } from "authkernel/middleware/credential";
import { requireSameOrigin } from "authkernel/middleware/origin";
import { guard as expressGuard } from "authkernel/middleware/express";
import { guard as fastifyGuard, identityOf } from "authkernel/middleware/fastify";
import { guard as honoGuard, type GuardEnv } from "authkernel/middleware/hono";

type Claims = { role: string };
declare const auth: Authenticator<Claims>;

const guard = createGuard(auth, { purposes: ["user"], tenant: "t", cookie: "sid", publicUrl: "https://app.example" });

export async function fetch(request: Request): Promise<Response> {
  const who = await guard(request);
  // @ts-expect-error: not before `ok` was looked at
  who.identity;
  if (!who.ok) return who.refusal.code === "token_expired" ? Response.redirect("/sign-in") : who.response;
  const role: string = who.identity.claims.role;
  try {
    requireSameOrigin(fetchHead(request), "https://app.example");
    return Response.json({ role, token: (await readCredential(fetchHead(request), { cookie: false })).kind });
  } catch (error) {
    return Refusal.of(error).toResponse();
  }
}

const app = new Hono<GuardEnv<Claims>>();
app.use("/api/*", honoGuard(auth, { purposes: ["user"] }));
app.get("/api/me", (context) => context.json({ subject: context.get("identity").subject, role: context.get("identity").claims.role }));

const server = express();
server.use("/api", expressGuard(auth, { purposes: ["user"] }));
server.get("/raw", (request, response) => void readCredential(nodeHead(request)).then(() => response.end()));

const fastify = Fastify();
fastify.addHook("onRequest", fastifyGuard(auth, { purposes: ["user"] }));
fastify.get("/me", async (request) => ({ subject: identityOf(request).subject }));

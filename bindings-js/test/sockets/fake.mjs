// TEMPORARY: stands in until the real authenticator is there.
import { randomBytes } from "node:crypto";
import { AuthError } from "authkernel";

const id = () => randomBytes(13).toString("hex");
export function memoryStorage() { return { tokens: new Map(), ended: new Set() }; }
export async function createAuthenticator({ storage, broadcast, policy, now = () => Math.floor(Date.now() / 1000) }) {
  const leeway = policy.leeway_seconds ?? 5;
  const denied = (code) => new AuthError(code, "denied", code);
  const find = (token, purposes) => {
    const found = storage.tokens.get(token);
    if (!found) throw denied("token_malformed");
    if (now() >= found.deadline) throw denied("token_expired");
    if (!purposes.includes(found.purpose)) throw denied("purpose_not_allowed");
    if (storage.ended.has(found.sid)) throw denied("token_revoked");
    return found;
  };
  const down = () => { if (storage.down) throw new AuthError("storage_unavailable", "unavailable", "down"); };
  const end = async (sids) => {
    for (const sid of sids) storage.ended.add(sid);
    const messages = [...sids].map((sid) => ({ kind: "disconnect", endpoint: "web", topic: `users_sessions:${sid}`, event: "disconnect", payload: {} }));
    await broadcast?.publish(messages);
    return { revoked: sids.length, disconnected: sids.length, undelivered: [], already: false };
  };
  const tick = () => new Promise((r) => setImmediate(r));
  return {
    async issue({ subject, purpose, sid = id(), lifetime = 3600, claims = {} }) {
      const token = `${id()}.${id()}.${id()}`;
      const t = now();
      const identity = { tenant: undefined, subject, jti: id(), sid, purpose, act: undefined, kid: "k1", issuedAt: t, expiresAt: t + lifetime, deadline: t + lifetime + leeway, epoch: 0, claims, socketId: purpose === "user" ? `users_sessions:${sid}` : undefined };
      storage.tokens.set(token, identity);
      return { ...identity, token };
    },
    async authenticate(token, { purposes }) { await tick(); down(); return { ...find(token, purposes) }; },
    async admit(token, { purposes, socket }) {
      await tick(); down();
      const found = find(token, purposes);
      if (socket && (socket.sid !== found.sid || socket.subject !== found.subject)) throw denied("socket_mismatch");
      return { ...found };
    },
    async revoke(target) { const found = typeof target === "string" ? storage.tokens.get(target) : target; return end([found.sid]); },
    async signOutEverywhere(subject) {
      const sids = new Set([...storage.tokens.values()].filter((t) => t.subject === subject && !storage.ended.has(t.sid)).map((t) => t.sid));
      return end([...sids]);
    },
    async sweep(sockets) {
      await tick();
      if (storage.down) return { verdicts: sockets.map(() => "unverified"), error: new AuthError("storage_unavailable", "unavailable", "down") };
      return { verdicts: sockets.map((s) => storage.ended.has(s.sid) ? { close: "token_revoked" } : now() >= s.expiresAt + leeway ? { close: "token_expired" } : "keep"), error: undefined };
    },
    async redeliver() { return { delivered: 0, undelivered: 0, more: false }; },
    async expunge() { return { records: 0, sessions: 0, cutOffs: 0, more: false }; },
    close() {},
  };
}

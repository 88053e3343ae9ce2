/** Why a connection has to close, what its peer is told, and how an upgrade is refused. */

import { AuthError, type Code, type Kind } from "../../errors.js";

/** Why a connection has to close. */
export type CloseReason = "revoked" | "expired" | "unverified";

/** The WebSocket close code: 4001 means "sign in again", 1013 "connect again". */
export function closeCode(reason: CloseReason): number {
  return reason === "unverified" ? 1013 : 4001;
}

/** What the kernel's decision to close means for the peer. */
export function reasonOf(code: Code): CloseReason {
  if (code === "token_expired") return "expired";
  return code === "storage_unavailable" || code === "storage_failed" ? "unverified" : "revoked";
}

const STATUS: Record<Kind, number> = {
  denied: 401,
  input: 422,
  not_found: 404,
  conflict: 409,
  unavailable: 503,
  internal: 500,
  configuration: 500,
};

/** The answer to a request that is refused: the kernel's code and message, and nothing of any other error. */
export function refusal(error: unknown): Response {
  if (error instanceof AuthError) return answer(STATUS[error.kind] ?? 500, error.code, error.message);
  console.error("a live connection could not be opened", error);
  return answer(500, "internal", "the server failed: see its log");
}

/** An error as JSON. */
export function answer(status: number, code: string, message: string): Response {
  const headers: Record<string, string> = { "content-type": "application/json", "cache-control": "no-store" };
  if (status === 401) headers["www-authenticate"] = code === "credential_missing" ? "Bearer" : 'Bearer error="invalid_token"';
  if (status === 503) headers["retry-after"] = "1";
  if (status === 426) headers["upgrade"] = "websocket";
  return new Response(JSON.stringify({ error: { code, message } }), { status, headers });
}

// The Durable Object: tokens and accounts in its SQLite, and the WebSockets, which hibernate.

import { DurableObject } from "cloudflare:workers";
import { createAuthenticator } from "authkernel";
import { Refusal } from "authkernel/middleware";
import { fetchHead, readCredential } from "authkernel/middleware/credential";
import { authDurableObject } from "authkernel/storage/durable-object";
import { POLICY } from "./policy.js";

/** How often an account's password may be wrong, and how long one try takes to come back, in milliseconds. */
const TRIES = 10;
const REFILL = 30_000;

export class Auth extends authDurableObject(DurableObject, {
  authenticator: (ports, env) => createAuthenticator({ policy: POLICY, keys: env.KEYS, ...ports }),
  purposes: ["user"],
  opened: (socket, { state, topic }) => socket.send(JSON.stringify({ type: "hello", sid: state.sid, socket_id: topic })),
  // Only called while the connection may act.
  message: (socket, message, { state }) => socket.send(JSON.stringify({ type: "echo", subject: state.subject, message })),
}) {
  #sql = this.ctx.storage.sql;

  constructor(ctx, env) {
    super(ctx, env);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS accounts (
      subject TEXT NOT NULL PRIMARY KEY, email TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, tries REAL NOT NULL, tried_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`);
  }

  /** `GET /live`: the token is where the package's rule finds it, so that a page's cookie counts from its own origin only. */
  async fetch(request) {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return super.fetch(request);
    try {
      const { token } = await readCredential(fetchHead(request));
      return await this.openSocket({ token });
    } catch (error) {
      return Refusal.of(error).toResponse();
    }
  }

  /** Adds an account; false when its e-mail address is taken. */
  addAccount(subject, email, passwordHash) {
    const insert = "INSERT INTO accounts VALUES (?, ?, ?, ?, ?) ON CONFLICT (email) DO NOTHING RETURNING 1";
    return this.#sql.exec(insert, subject, email, passwordHash, TRIES, Date.now()).toArray().length === 1;
  }

  /** An account, after a try was taken from it; `wait` says in how many seconds there will be one when there is none. */
  takeTry(email) {
    const [row] = this.#sql.exec("SELECT subject, password_hash, tries, tried_at FROM accounts WHERE email = ?", email).toArray();
    if (row === undefined) return {};
    const tries = Math.min(TRIES, row.tries + (Date.now() - row.tried_at) / REFILL);
    if (tries < 1) return { wait: Math.ceil(((1 - tries) * REFILL) / 1000) };
    this.#setTries(email, tries - 1);
    return { subject: row.subject, passwordHash: row.password_hash };
  }

  /** The try turned out well. */
  giveBack(email) {
    const [row] = this.#sql.exec("SELECT tries FROM accounts WHERE email = ?", email).toArray();
    if (row !== undefined) this.#setTries(email, Math.min(TRIES, row.tries + 1));
  }

  #setTries(email, tries) {
    this.#sql.exec("UPDATE accounts SET tries = ?, tried_at = ? WHERE email = ?", tries, Date.now(), email);
  }
}

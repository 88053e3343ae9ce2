import type { CutOff, Session, TokenRecord } from "../../host.js";
import { cutOff, type CutOffRow, record, type RecordRow, session, type SessionRow } from "../servers/rows.js";

// What the scripts answer: hashes as they are stored. Every value is a text, absent ones have no field, lists are JSON.

type Hash = Record<string, string | undefined>;

function number(text: string | undefined): number {
  return Number(text);
}

function optionalNumber(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

/** An empty list comes as `{}`: Lua has but one kind of table. */
export function list(value: unknown): any[] {
  return Array.isArray(value) ? value : [];
}

function texts(json: string | undefined): string[] | null {
  return json === undefined ? null : list(JSON.parse(json));
}

export function recordOf(hash: Hash): TokenRecord {
  const row: RecordRow = {
    tenant: hash["tenant"] ?? "",
    jti: hash["jti"] ?? "",
    sid: hash["sid"] ?? "",
    subject: hash["subject"] ?? "",
    purpose: hash["purpose"] ?? "",
    act: hash["act"] ?? null,
    kid: hash["kid"] ?? "",
    issued_at: number(hash["issued_at"]),
    expires_at: number(hash["expires_at"]),
    epoch: number(hash["epoch"]),
    extra_data: hash["extra_data"] ?? null,
    created_at: number(hash["created_at"]),
    status: number(hash["status"]),
    status_at: optionalNumber(hash["status_at"]),
    status_text: hash["status_text"] ?? null,
    successors: texts(hash["successors"]),
    notify_due: optionalNumber(hash["notify_due"]),
  };
  return record(row);
}

export function sessionOf(hash: Hash): Session {
  const row: SessionRow = {
    tenant: hash["tenant"] ?? "",
    sid: hash["sid"] ?? "",
    subject: hash["subject"] ?? "",
    device: hash["device"] ?? null,
    created_at: number(hash["created_at"]),
    last_seen: number(hash["last_seen"]),
    ends_at: number(hash["ends_at"]),
    ended_at: optionalNumber(hash["ended_at"]),
    ended_reason: hash["ended_reason"] ?? null,
  };
  return session(row);
}

export function cutOffOf(hash: Hash): CutOff {
  const row: CutOffRow = {
    kind: number(hash["kind"]),
    tenant: hash["tenant"] ?? "",
    name: hash["name"] ?? "",
    purpose: hash["purpose"] ?? "",
    value: number(hash["value"]),
    spared: texts(hash["spared"]),
    forget_at: number(hash["forget_at"]),
  };
  return cutOff(row);
}

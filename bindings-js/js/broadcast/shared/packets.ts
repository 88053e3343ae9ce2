import type { Message, Recheck } from "../../host.js";

// The wire format that every adapter speaks, in every language: a packet is the UTF-8 text of one JSON object (a message) or of a JSON
// array of them, in order. `docs/wire.md` has it for those who write another reader.

/** A packet, and which of the messages are in it: from `first`, `count` of them. */
export interface Packet {
  text: string;
  first: number;
  count: number;
}

/** What was read from a packet. */
export interface Unpacked {
  messages: Message[];
  /** Entries that are no message. */
  ignored: number;
}

/** Enough for thousands of messages, and below what every broker takes. */
export const MAX_PACKET_BYTES = 256 * 1024;

const utf8 = new TextEncoder();
const texts = new TextDecoder("utf-8", { fatal: true });

/**
 * Packs messages into as few packets as the limit allows, in order. A message that is too large for any packet is in none: its index is
 * missing from all of them.
 */
export function pack(messages: readonly Message[], maxBytes: number = MAX_PACKET_BYTES): Packet[] {
  const packets: Packet[] = [];
  let parts: string[] = [];
  let bytes = 0;
  let first = 0;
  const close = (next: number): void => {
    if (parts.length > 0) packets.push({ text: `[${parts.join(",")}]`, first, count: parts.length });
    parts = [];
    // The brackets.
    bytes = 2;
    first = next;
  };
  close(0);
  for (const [index, message] of messages.entries()) {
    const part = JSON.stringify(message);
    const size = utf8.encode(part).length;
    if (size + 2 > maxBytes) {
      close(index + 1);
      continue;
    }
    const separator = parts.length === 0 ? 0 : 1;
    if (bytes + separator + size > maxBytes) close(index);
    bytes += size + (parts.length === 0 ? 0 : 1);
    parts.push(part);
  }
  close(messages.length);
  return packets;
}

/** Reads a packet of whatever origin: what is no message is counted and left out, and nothing is thrown. */
export function unpack(packet: unknown): Unpacked {
  let read: unknown;
  try {
    if (typeof packet === "string") read = JSON.parse(packet);
    else if (packet instanceof Uint8Array) read = JSON.parse(texts.decode(packet));
    else return { messages: [], ignored: 1 };
  } catch {
    return { messages: [], ignored: 1 };
  }
  const messages: Message[] = [];
  let ignored = 0;
  for (const entry of Array.isArray(read) ? read : [read]) {
    const known = message(entry);
    if (known === undefined) ignored += 1;
    else messages.push(known);
  }
  return { messages, ignored };
}

/** A message of its own, with nothing in it that is not known here. */
function message(entry: unknown): Message | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const fields = entry as Record<string, unknown>;
  if (fields["kind"] === "disconnect") {
    const { endpoint, topic } = fields;
    if (typeof endpoint !== "string" || typeof topic !== "string") return undefined;
    return { kind: "disconnect", endpoint, topic, event: "disconnect", payload: {} };
  }
  return fields["kind"] === "recheck" ? recheck(fields) : undefined;
}

function recheck(fields: Record<string, unknown>): Recheck | undefined {
  const known: Recheck = { kind: "recheck" };
  for (const name of ["tenant", "subject", "purpose", "sid", "kid"] as const) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== "string") return undefined;
    known[name] = value;
  }
  return known;
}

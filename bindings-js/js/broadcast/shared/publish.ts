import type { Message, PublishAnswer } from "../../host.js";
import { pack, type Packet } from "./packets.js";

/** How long a broker may take to say that it has a packet. */
export const PUBLISH_TIMEOUT_MS = 2_000;

const tooLarge: PublishAnswer = { other: "the message is larger than the broker takes" };

/** An error as a text for logs. */
export function text(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

/** Fails when the answer takes longer; what was asked for may still happen. */
export async function within<T>(milliseconds: number, answer: PromiseLike<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Publishes messages in packets, in order. `send` hands over packets and answers one error or nothing for each; throwing means that none
 * was taken. Whatever was wrong is `unavailable`: the kernel sends the message again later.
 */
export async function publishPackets(
  messages: readonly Message[],
  maxBytes: number | undefined,
  send: (packets: Packet[]) => Promise<readonly unknown[]>,
): Promise<PublishAnswer[]> {
  const answers: PublishAnswer[] = messages.map(() => tooLarge);
  if (messages.length === 0) return answers;
  const packets = pack(messages, maxBytes);
  let errors: readonly unknown[];
  try {
    errors = packets.length === 0 ? [] : await send(packets);
  } catch (error) {
    errors = packets.map(() => error ?? new Error("not taken"));
  }
  for (const [index, packet] of packets.entries()) {
    const error = errors[index];
    const answer: PublishAnswer = error === undefined || error === null ? "taken" : { unavailable: text(error) };
    answers.fill(answer, packet.first, packet.first + packet.count);
  }
  return answers;
}

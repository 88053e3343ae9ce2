import type { OpenSocketOptions, SignedOutReason, Sink, SocketData } from "./options.js";

/** A connection that was open for so long was a good one: the next failure is a first one. */
const STABLE = 5_000;

/** How long a probe may take. */
const PROBE_WITHIN = 10_000;

/** A WebSocket that is opened again, until it makes no sense any more. */
export class Connection {
  readonly #url: URL;
  readonly #options: OpenSocketOptions;
  readonly #sink: Sink;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #stopped = false;

  constructor(url: URL, options: OpenSocketOptions, sink: Sink) {
    this.#url = url;
    this.#options = options;
    this.#sink = sink;
    globalThis.addEventListener?.("online", this.#online);
    // Not before the listeners are there.
    queueMicrotask(() => void this.#try());
  }

  /** False: it is not open, and the data is lost. */
  send(data: SocketData): boolean {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(data);
    return true;
  }

  /** Nothing is told from here on. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.("online", this.#online);
    this.#socket?.close(1000);
  }

  /** The network is back: no use in waiting. */
  readonly #online = () => {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    void this.#try();
  };

  async #try(): Promise<void> {
    this.#timer = undefined;
    if (this.#stopped) return;
    this.#sink.connecting();
    const { token, ticket, protocols = [] } = this.#options;
    const url = new URL(this.#url);
    const offers = [...protocols];
    try {
      if (token) {
        const value = await token();
        if (!value) return this.#signOut("refused");
        if (offers.length === 0) offers.push("authkernel");
        offers.push(`authkernel.bearer.${value}`);
      }
      if (ticket) {
        const value = await ticket();
        if (!value) return this.#signOut("refused");
        url.searchParams.set("ticket", value);
      }
    } catch {
      return this.#retry(1006, "");
    }
    if (!this.#stopped) this.#open(new WebSocket(url, offers));
  }

  #open(socket: WebSocket): void {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    let openedAt: number | undefined;
    socket.onopen = () => {
      openedAt = performance.now();
      if (!this.#stopped) this.#sink.opened();
    };
    socket.onmessage = ({ data }) => {
      if (!this.#stopped) this.#sink.message(data);
    };
    socket.onclose = ({ code, reason }) => {
      this.#socket = undefined;
      if (this.#stopped) return;
      const { signedOutCodes = [4001] } = this.#options;
      if (signedOutCodes.includes(code)) return this.#signOut(reason === "expired" ? "expired" : "revoked", code, reason);
      if (openedAt === undefined) return void this.#refused(code, reason);
      if (performance.now() - openedAt >= STABLE) this.#tries = 0;
      this.#retry(code, reason);
    };
  }

  /** It never opened. A browser does not tell a refusal from a server that is away. */
  async #refused(code: number, reason: string): Promise<void> {
    const over = await probe(this.#options.probe);
    if (over) this.#signOut(over, code, reason);
    else this.#retry(code, reason);
  }

  #retry(code: number, reason: string): void {
    if (this.#stopped) return;
    const { retryAfter = 500, retryAtMost = 30_000 } = this.#options;
    const longest = Math.min(retryAtMost, retryAfter * 2 ** Math.min(this.#tries++, 30));
    // By chance, so that those whom a restart of the server has cut off do not all come back at the same moment.
    const retryIn = longest * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => void this.#try(), retryIn);
    this.#sink.closed({ code, reason, retryIn });
  }

  #signOut(why: SignedOutReason, code = 1006, reason = ""): void {
    if (this.#stopped) return;
    this.stop();
    this.#sink.closed({ code, reason, retryIn: undefined });
    this.#sink.signedOut(why);
  }
}

/** Whether the session is over, as far as the server says so. */
async function probe(given: OpenSocketOptions["probe"]): Promise<SignedOutReason | undefined> {
  if (given === undefined) return undefined;
  try {
    const answer =
      typeof given === "string"
        ? await fetch(given, { cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(PROBE_WITHIN) })
        : await given();
    if (typeof answer === "number") return answer === 401 ? "refused" : undefined;
    return answer.status === 401 ? reasonOf(await answer.json().catch(() => undefined)) : undefined;
  } catch {
    // It cannot be reached either.
    return undefined;
  }
}

const REVOKED = ["token_revoked", "session_ended", "token_cut_off", "key_revoked"];

function reasonOf(body: { error?: { code?: string } } | undefined): SignedOutReason {
  const code = body?.error?.code ?? "";
  if (code === "token_expired") return "expired";
  return REVOKED.includes(code) ? "revoked" : "refused";
}

import type { Touch } from "../../host.js";
import { tenantKey } from "./rows.js";

/** How long a note may wait for others. */
const PATIENCE_MS = 250;

/** More sessions than this are not remembered at a time: the notes are best effort. */
const LIMIT = 65_536;

interface Note {
  tenant: string;
  sid: string;
  at: number;
}

/** Notes of sessions that were used: collected, merged, and written together, so that authenticating waits for no write. */
export class Touches {
  #notes = new Map<string, Note>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly write: (notes: Note[]) => Promise<unknown>) {}

  add({ tenant, sid, at }: Touch): void {
    const note = { tenant: tenantKey(tenant), sid, at };
    const key = `${note.tenant.length}:${note.tenant}${sid}`;
    const known = this.#notes.get(key);
    if (known !== undefined) known.at = Math.max(known.at, at);
    else if (this.#notes.size < LIMIT) this.#notes.set(key, note);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.flush(), PATIENCE_MS);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** Writes what waits. What cannot be written is forgotten. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const notes = [...this.#notes.values()];
    this.#notes.clear();
    if (notes.length > 0) await this.write(notes).catch(() => undefined);
  }
}

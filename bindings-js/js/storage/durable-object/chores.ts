/** What has to be done later: one alarm for all of it, which also wakes a hibernating object. */

import type { Driver } from "../sql/driver.js";
import type { DurableObjectStateLike } from "./runtime.js";

/** What is done by the alarm. */
export type Chore = "deadlines" | "sweep" | "redeliver" | "expunge";

const TABLE = "CREATE TABLE IF NOT EXISTS authkernel_chores (name TEXT PRIMARY KEY, due INTEGER NOT NULL) STRICT";
const LOWER = `INSERT INTO authkernel_chores (name, due) VALUES (?, ?)
  ON CONFLICT (name) DO UPDATE SET due = excluded.due WHERE excluded.due < due`;
const NEXT = "SELECT min(due) FROM authkernel_chores";
const TAKE = "UPDATE authkernel_chores SET due = ? WHERE due <= ? RETURNING name";
/** Both leave a chore alone that was said to be due earlier than the lease's end meanwhile. */
const DONE = "DELETE FROM authkernel_chores WHERE name = ? AND due = ?";
const LATER = "UPDATE authkernel_chores SET due = ? WHERE name = ? AND due = ?";

/** If the object is lost in the middle of a chore, the chore is due again after this, in milliseconds. */
const LEASE = 30_000;

/** When each chore is due, in milliseconds, kept with the object. */
export class Chores {
  readonly #sql: Driver;
  readonly #ctx: DurableObjectStateLike;
  /** What the alarm was set to by this instance. */
  #alarm: number | undefined;

  constructor(sql: Driver, ctx: DurableObjectStateLike) {
    this.#sql = sql;
    this.#ctx = ctx;
    sql.run(TABLE, []);
  }

  /** The chore is due at this moment, or before if that was said already. */
  by(chore: Chore, moment: number): void {
    this.#sql.run(LOWER, [chore, Math.max(0, Math.ceil(moment))]);
    this.#setAlarm();
  }

  /**
   * Does what is due, each chore on its own. The work answers when it is due next, if it is: that moment must take in all that was said to
   * be due while it was done. What fails is logged and done again after `again` milliseconds.
   */
  async run(now: number, again: number, work: (chore: Chore) => Promise<number | undefined>): Promise<void> {
    // This alarm is spent.
    this.#alarm = undefined;
    const lease = now + LEASE;
    const due = this.#sql.rows(TAKE, [lease, now]).map(([name]) => name as Chore);
    this.#setAlarm();
    for (const chore of due) {
      try {
        const next = await work(chore);
        if (next === undefined) this.#sql.run(DONE, [chore, lease]);
        else this.#sql.run(LATER, [Math.ceil(next), chore, lease]);
      } catch (error) {
        console.error(`the chore "${chore}" failed and is repeated`, error);
        this.#sql.run(LOWER, [chore, now + again]);
      }
    }
    this.#setAlarm();
  }

  #setAlarm(): void {
    const next = this.#sql.rows(NEXT, [])[0]?.[0];
    if (typeof next !== "number" || next === this.#alarm) return;
    this.#alarm = next;
    void this.#ctx.storage.setAlarm(next);
  }
}

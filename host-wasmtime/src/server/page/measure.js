// One sign-out and what came of it, device by device: the model behind the table of times.

/** What a press of a button did. Times are in milliseconds of the one clock of the page. */
export class Report {
  /**
   * `rows`: the devices concerned, each `{ sid, device, self, watched, elsewhere }`. `watched`: a tab of this browser
   * holds a live connection of it, so that its closing can be seen; `elsewhere`: only another browser does.
   */
  constructor({ label, pressedAt, rows, answer = null, answeredAt = null }) {
    Object.assign(this, { label, pressedAt, rows, answer, answeredAt });
  }

  /** A report that was kept as JSON; `null` when it is none. */
  static from(data) {
    return Array.isArray(data?.rows) ? new Report(data) : null;
  }

  /** The server answered: `{ revoked, disconnected, undelivered }`, as far as the request has them. */
  answered(answer, at) {
    this.answer = answer ?? {};
    this.answeredAt = at;
  }

  /**
   * The connection of `sid` was closed at `at`, which was learned at `heardAt`. Answers the milliseconds since the
   * press, or `null` when it is not part of this report or is known. Two tabs may disagree a little about the
   * time; what this tab saw itself is then the limit on both sides.
   */
  closed(sid, at, heardAt) {
    const row = this.#row(sid);
    if (!row || row.after !== undefined || row.left) return null;
    row.after = (at >= this.pressedAt ? Math.min(at, heardAt) : heardAt) - this.pressedAt;
    return row.after;
  }

  /** The server closed it that many milliseconds after the request had come. Answers whether that was news. */
  closedByServer(sid, afterMs) {
    const row = this.#row(sid);
    if (!row || row.left || row.server !== undefined) return false;
    row.server = afterMs;
    return true;
  }

  /** `sid` tried to come back: `{ refused, status, code }`. Answers whether that was news. */
  cameBack(sid, { refused, status, code }) {
    const row = this.#row(sid);
    if (!row || row.back) return false;
    row.back = { refused, status, code };
    return true;
  }

  /** This tab leaves by itself, its connection is not cut. */
  leave(sid) {
    const row = this.#row(sid);
    if (row) row.left = true;
  }

  /** The devices whose closing can be seen from this browser. */
  get watched() {
    return this.rows.filter((row) => (row.watched || row.after !== undefined) && !row.left);
  }

  /** Everything that can be seen has been seen. */
  get complete() {
    return this.answer !== null && this.watched.every((row) => row.after !== undefined && row.back);
  }

  /** Milliseconds until the last connection was closed; `null` while one is open or when there was none. */
  get slowest() {
    const { watched } = this;
    if (!watched.length || watched.some((row) => row.after === undefined)) return null;
    return Math.max(...watched.map((row) => row.after));
  }

  #row(sid) {
    return this.rows.find((row) => row.sid === sid);
  }
}

/** What a SQLite must offer: better-sqlite3, `node:sqlite` and a Durable Object's database alike. */

/** What is bound to a parameter. Parameters are plain `?`, in order: the three understand no other form alike. */
export type Param = string | number | null | undefined;

/** One row: its columns in order. */
export type Row = readonly unknown[];

/** One database, with synchronous statements. Every failure of SQLite is thrown as a `StorageError`. */
export interface Driver {
  /** The rows that a statement answers. */
  rows(text: string, params: readonly Param[]): Row[];
  /** Runs a statement that answers no rows. */
  run(text: string, params: readonly Param[]): void;
  /** Runs all statements of a look-up on one snapshot of what was committed before. */
  read<T>(job: () => T): T;
  /**
   * Runs all statements of a job as one transaction that no other process's write comes between, and answers when it is durable; undoes
   * everything when the job throws, and throws the same.
   */
  write<T>(job: () => T): T;
}

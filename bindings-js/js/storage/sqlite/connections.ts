/** The two libraries, by what is used of them, and what they have in common. */

import type { Row } from "../sql/driver.js";
import { bound } from "../sql/errors.js";

/** What is used of a better-sqlite3 `Database`. */
export interface BetterSqlite3Database {
  readonly open: boolean;
  readonly inTransaction: boolean;
  pragma(source: string): unknown;
  prepare(source: string): {
    readonly reader: boolean;
    all(...params: unknown[]): unknown[];
    run(...params: unknown[]): unknown;
    raw(toggle?: boolean): unknown;
    safeIntegers(toggle?: boolean): unknown;
  };
  exec(source: string): unknown;
}

/** What is used of a `DatabaseSync` of `node:sqlite`. */
export interface NodeSqliteDatabase {
  readonly isOpen?: boolean;
  readonly isTransaction?: boolean;
  prepare(source: string): {
    all(...params: (string | number | null)[]): unknown[];
    run(...params: (string | number | null)[]): unknown;
    setReadBigInts(enabled: boolean): void;
    setReturnArrays?(enabled: boolean): void;
  };
  exec(source: string): void;
}

/** One connection, whichever library opened it. */
export interface Connection {
  /** The rows of a statement, which is compiled once. */
  rows(text: string, params: Parameters<typeof bound>[0]): Row[];
  /** Runs a statement that answers no rows. */
  run(text: string, params: Parameters<typeof bound>[0]): void;
  /** Runs a script. */
  exec(text: string): void;
  /** Whether a transaction is open; `undefined` where the library does not say. */
  isInTransaction(): boolean | undefined;
  /** Whether it was not closed; true where the library does not say. */
  isOpen(): boolean;
}

/** The connection of a database of either library. */
export function connectionOf(database: BetterSqlite3Database | NodeSqliteDatabase): Connection {
  return "pragma" in database ? betterSqlite3(database) : nodeSqlite(database);
}

function cached<Statement>(prepare: (text: string) => Statement): (text: string) => Statement {
  const statements = new Map<string, Statement>();
  return (text) => {
    let statement = statements.get(text);
    if (statement === undefined) statements.set(text, (statement = prepare(text)));
    return statement;
  };
}

function betterSqlite3(database: BetterSqlite3Database): Connection {
  const statement = cached((text) => {
    const prepared = database.prepare(text);
    // The application may have made big integers or objects the default.
    if (prepared.reader) {
      prepared.raw(true);
      prepared.safeIntegers(false);
    }
    return prepared;
  });
  return {
    rows: (text, params) => statement(text).all(bound(params)) as Row[],
    run: (text, params) => void statement(text).run(bound(params)),
    exec: (text) => void database.exec(text),
    isInTransaction: () => database.inTransaction,
    isOpen: () => database.open,
  };
}

function nodeSqlite(database: NodeSqliteDatabase): Connection {
  const statement = cached((text) => {
    const prepared = database.prepare(text);
    prepared.setReadBigInts(false);
    prepared.setReturnArrays?.(true);
    return prepared;
  });
  return {
    rows: (text, params) =>
      // Older versions only have objects, whose fields are in the order of the columns; no statement names two of them alike.
      statement(text)
        .all(...bound(params))
        .map((row) => (Array.isArray(row) ? row : Object.values(row as object))),
    run: (text, params) => void statement(text).run(...bound(params)),
    exec: (text) => database.exec(text),
    isInTransaction: () => database.isTransaction,
    isOpen: () => database.isOpen ?? true,
  };
}

// The databases of both libraries are what the storage takes.

import { DatabaseSync } from "node:sqlite";
import Database from "better-sqlite3";
import type { Storage } from "authkernel";
import { type SyncStorage, memoryStorage } from "authkernel/storage/memory";
import { sqliteStorage } from "authkernel/storage/sqlite";

const storages = [
  memoryStorage(),
  sqliteStorage({ database: new Database("authkernel.db") }),
  sqliteStorage({ database: new DatabaseSync("authkernel.db"), busyTimeout: 100 }),
] satisfies [SyncStorage, SyncStorage, SyncStorage];

// A synchronous storage is a storage, and its answers are no promises.
export const any: Storage[] = storages;
export const sync: true = memoryStorage().sync;
export const epoch: number = memoryStorage().find({ jti: "j" }).epoch;
export const sessions: number = memoryStorage().list({ subject: "anna", at: 0, withRecord: false, limit: 1 }).sessions.length;

// @ts-expect-error a path is no database
sqliteStorage({ database: "authkernel.db" });

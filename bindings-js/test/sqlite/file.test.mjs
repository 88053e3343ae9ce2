// What only shows on a file: settings that are read back, whose file it is, locks, full disks, rows that somebody else wrote.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { StorageError } from "authkernel";
import { sqliteStorage } from "authkernel/storage/sqlite";
import { everything, folder, NOW, opening, plain, record, revocation, sessionOf } from "./lib/fixtures.mjs";
import { libraries } from "./lib/libraries.mjs";

const pragma = (database, name) => Object.values(database.prepare(`PRAGMA ${name}`).get())[0];

for (const { name, open } of libraries) {
  const path = (t) => join(folder(t), "authkernel.db");
  const make = (t, file = path(t), options = {}) => {
    const database = open(file);
    t.after(() => {
      try {
        database.close();
      } catch {
        // The test has closed it.
      }
    });
    return { database, file, storage: sqliteStorage({ database, ...options }) };
  };
  const refuses = (call, kind, message) => {
    assert.throws(call, (error) => error instanceof StorageError && error.kind === kind && message.test(error.message));
  };

  test(`${name}: the settings that promises depend on are read back`, (t) => {
    const { database, storage } = make(t);
    assert.equal(storage.sync, true);
    assert.equal(pragma(database, "journal_mode"), "wal");
    assert.equal(pragma(database, "synchronous"), 2);
    assert.equal(pragma(database, "busy_timeout"), 5000);
    assert.equal(pragma(database, "application_id"), 0x61757468);
    assert.equal(pragma(database, "user_version"), 1);
  });

  test(`${name}: a file is opened again as it was left`, (t) => {
    const { storage, database, file } = make(t);
    storage.insert(opening(record("anna", "s1", "j1")));
    storage.close();
    refuses(() => storage.find({}), "unavailable", /closed/);
    refuses(() => storage.touch({ sid: "s1", at: NOW }), "unavailable", /closed/);
    refuses(() => storage.delivered([{ jti: "j1" }]), "unavailable", /closed/);
    database.close();
    const again = make(t, file);
    assert.equal(again.storage.find({ jti: "j1" }).record.subject, "anna");
  });

  test(`${name}: other applications' files and newer schemas are refused and left alone`, (t) => {
    const foreign = open(path(t));
    foreign.exec("PRAGMA user_version = 7; CREATE TABLE theirs (a)");
    refuses(() => sqliteStorage({ database: foreign }), "other", /another application/);
    assert.equal(pragma(foreign, "journal_mode"), "delete");
    foreign.close();
    const { database, file } = make(t);
    database.exec("PRAGMA user_version = 99");
    refuses(() => make(t, file), "other", /schema version 99/);
    const collision = open(path(t));
    collision.exec("CREATE TABLE sessions (id TEXT PRIMARY KEY)");
    refuses(() => sqliteStorage({ database: collision }), "other", /sessions/);
    assert.deepEqual(
      collision.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all().map((row) => row.name),
      ["sessions"],
    );
    assert.equal(pragma(collision, "user_version"), 0);
    collision.close();
  });

  test(`${name}: a file that is no database is refused`, (t) => {
    const database = open(createRequire(import.meta.url).resolve("./package.json"), { readonly: true });
    t.after(() => database.close());
    refuses(() => sqliteStorage({ database }), "other", /not a database/);
  });

  test(`${name}: a database that another connection keeps locked is unavailable, and serves again after`, (t) => {
    const { storage, file } = make(t, path(t), { busyTimeout: 50 });
    storage.insert(opening(record("anna", "s1", "j1")));
    const other = open(file);
    other.exec("BEGIN IMMEDIATE");
    const began = Date.now();
    refuses(() => storage.revoke(revocation({ token: "j1" })), "unavailable", /locked/);
    assert.ok(Date.now() - began < 2_000);
    // Reading goes on.
    assert.equal(storage.find({ jti: "j1" }).record.status, "live");
    refuses(() => make(t, file, { busyTimeout: 20 }), "unavailable", /locked/);
    other.exec("ROLLBACK");
    assert.equal(storage.revoke(revocation({ token: "j1" })).outcome, "revoked");
    other.close();
  });

  test(`${name}: a full disk is unavailable, and nothing of the call is left`, (t) => {
    const { database, storage } = make(t);
    storage.insert(opening(record("anna", "s0", "j0")));
    // As many pages as there are: SQLite says "full", as on a full disk.
    database.exec(`PRAGMA max_page_count = ${pragma(database, "page_count")}`);
    const large = "x".repeat(200_000);
    const insertion = opening(record("anna", "s1", "j1", { extraData: large }));
    refuses(() => storage.insert(insertion), "unavailable", /full/);
    assert.deepEqual(plain(storage.find({ jti: "j1", sid: "s1", subject: "anna" })), { cutOffs: [], epoch: 0 });
    database.exec("PRAGMA max_page_count = 1000000");
    assert.equal(storage.insert(insertion), 0);
    assert.equal(storage.find({ jti: "j1" }).record.extraData, large);
  });

  test(`${name}: inside a transaction of the application every call is refused, and that transaction goes on`, (t) => {
    const { database, storage } = make(t);
    database.exec("BEGIN; CREATE TABLE own (a)");
    refuses(() => storage.find({ jti: "j1" }), "other", /transaction/);
    refuses(() => storage.insert(opening(record("anna", "s1", "j1"))), "other", /transaction/);
    database.exec("COMMIT");
    assert.equal(database.prepare("SELECT count(*) AS n FROM own").get().n, 0);
    assert.equal(storage.insert(opening(record("anna", "s1", "j1"))), 0);
  });

  test(`${name}: any text and every time is stored exactly; half a surrogate pair is refused`, (t) => {
    const { storage } = make(t);
    const far = Number.MAX_SAFE_INTEGER;
    const texts = ["a\0b", "a\0c", "a", "ä", "a\u0308", "\u{1f980}\uffff", " spaces ", "%_*?:/.#", "x".repeat(255)];
    for (const text of texts) {
      const texts = { tenant: text, purpose: text, kid: text, act: text, extraData: text };
      const of = record(text, text, text, { ...texts, expiresAt: far, createdAt: 0 });
      const given = { ...opening(of), session: sessionOf(of, { device: text }) };
      storage.insert(given);
      const found = storage.find({ tenant: text, jti: text, sid: text, subject: text });
      assert.deepEqual(plain(found.record), plain(of));
      assert.deepEqual(plain(found.session), plain(given.session));
    }
    refuses(() => storage.insert(opening(record("\ud800", "s", "j"))), "other", /surrogate/);
    refuses(() => storage.find({ jti: "\udc00" }), "other", /surrogate/);
    refuses(() => storage.find({ tenant: "", jti: "a" }), "other", /never empty/);
    refuses(() => storage.insert(opening(record("anna", "s", "j", { issuedAt: 1.5 }))), "other", /whole number/);
    refuses(() => storage.insert(opening(record("anna", "s", "j", { issuedAt: -1 }))), "other", /whole number/);
  });

  test(`${name}: numbers that Rust writes for "for ever" are read as the greatest exact number`, (t) => {
    const { database, storage } = make(t);
    database.exec("INSERT INTO subjects VALUES ('', 'anna', 9223372036854775806)");
    database.exec("INSERT INTO cut_offs VALUES (2, '', 'k1', '', 5, NULL, 9223372036854775807)");
    const found = storage.find({ subject: "anna", kid: "k1" });
    assert.equal(found.epoch, Number.MAX_SAFE_INTEGER);
    assert.deepEqual(found.cutOffs, [{ key: { kid: "k1", at: 5, forgetAt: Number.MAX_SAFE_INTEGER } }]);
    // What is greater is not lowered.
    storage.raiseCutOff({ key: { kid: "k1", at: 6, forgetAt: Number.MAX_SAFE_INTEGER } });
    assert.equal(storage.revokeMatching(everything("anna")).epoch, Number.MAX_SAFE_INTEGER);
    const left = database.prepare("SELECT CAST(forget_at AS TEXT) AS n FROM cut_offs").get();
    assert.equal(left.n, "9223372036854775807");
  });

  test(`${name}: a row that makes no sense is an error, never "not found"`, (t) => {
    const { database, storage } = make(t);
    storage.insert(opening(record("anna", "s1", "j1")));
    for (const damage of ["status = 9", "expires_at = -1", "successors = '{'", "successors = '[1]'"]) {
      database.exec(`UPDATE records SET ${damage}`);
      refuses(() => storage.find({ jti: "j1" }), "other", /row cannot be read/);
      database.exec("UPDATE records SET status = 0, expires_at = 5, successors = NULL");
    }
    assert.equal(storage.find({ jti: "j1" }).record.expiresAt, 5);
  });

  test(`${name}: notes of use are written with the next commit, or soon, or on close`, async (t) => {
    const { storage, file } = make(t);
    storage.insert(opening(record("anna", "s1", "j1")));
    const other = make(t, file).storage;
    const seen = () => other.find({ sid: "s1" }).session.lastSeen;
    storage.touch({ sid: "s1", at: NOW + 5 });
    storage.touch({ sid: "s1", at: NOW + 3 });
    assert.equal(seen(), NOW);
    storage.delivered([{ jti: "j1" }]);
    assert.equal(seen(), NOW + 5);
    storage.touch({ sid: "s1", at: NOW + 9 });
    const giveUp = Date.now() + 5_000;
    while (seen() !== NOW + 9 && Date.now() < giveUp) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(seen(), NOW + 9);
    storage.touch({ sid: "s1", at: NOW + 11 });
    // A note that cannot be written does no harm to the call that takes it along.
    storage.touch({ sid: "\ud800", at: NOW });
    storage.close();
    assert.equal(seen(), NOW + 11);
  });

  test(`${name}: the application's own defaults for integers and rows change nothing`, (t) => {
    const { database, file } = make(t);
    database.close();
    const strange = name === "better-sqlite3" ? open(file) : open(file, { readBigInts: true, returnArrays: true });
    strange.defaultSafeIntegers?.(true);
    const storage = sqliteStorage({ database: strange });
    storage.insert(opening(record("anna", "s1", "j1")));
    assert.deepEqual(plain(storage.find({ jti: "j1" }).record), plain(record("anna", "s1", "j1")));
    strange.close();
    refuses(() => storage.find({ jti: "j1" }), "unavailable", /closed/);
  });
}

// The SQLite libraries that this Node has. What is not there is said loudly, never passed over in silence.

export const libraries = [];

/** Said once, by the test file and not by the processes that it starts. */
const say = (text) => process.argv[1]?.endsWith(".test.mjs") && console.warn(`SKIPPED HERE: ${text}`);

try {
  const { default: Database } = await import("better-sqlite3");
  // It is compiled for the Node that installed it.
  new Database(":memory:").close();
  libraries.push({ name: "better-sqlite3", open: (path, options = {}) => new Database(path, options) });
} catch (error) {
  say(`better-sqlite3 does not load in Node ${process.versions.node}: ${error.message.split("\n")[0]}`);
}

try {
  const { DatabaseSync } = await import("node:sqlite");
  libraries.push({
    name: "node:sqlite",
    open: (path, { readonly, ...options } = {}) => new DatabaseSync(path, { ...options, readOnly: readonly ?? false }),
  });
} catch {
  say(`Node ${process.versions.node} has no node:sqlite; its cases run in the Node of the npm package "node"`);
}

if (libraries.length === 0) throw new Error("no SQLite library at all");

// The package's CommonJS build in Node: `node runtimes/node.cjs data.json`.

const { readFileSync } = require("node:fs");
const { AuthError, createAuthenticator, StorageError } = require("authkernel");
const { memoryStorage } = require("authkernel/storage/memory");

const data = JSON.parse(readFileSync(process.argv[2], "utf8"));
import("../suite/index.mjs")
  .then(({ runVectors }) => runVectors({ createAuthenticator, AuthError, StorageError, memoryStorage }, data))
  .then((counts) => console.log(JSON.stringify(counts)));

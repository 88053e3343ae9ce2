// The package's ESM build in Node: `node runtimes/node.mjs data.json`.

import { readFile } from "node:fs/promises";
import { AuthError, createAuthenticator, StorageError } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";
import { runVectors } from "../suite/index.mjs";

const data = JSON.parse(await readFile(process.argv[2], "utf8"));
console.log(JSON.stringify(await runVectors({ createAuthenticator, AuthError, StorageError, memoryStorage }, data)));

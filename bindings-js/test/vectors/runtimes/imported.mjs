// Deno and Bun: everything is imported, so that no permission is needed. The vectors are put beside it as `data.json`.

import { AuthError, createAuthenticator, StorageError } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";
import { runVectors } from "../suite/index.mjs";
import data from "./data.json" with { type: "json" };

console.log(JSON.stringify(await runVectors({ createAuthenticator, AuthError, StorageError, memoryStorage }, data)));

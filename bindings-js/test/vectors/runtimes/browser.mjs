// A page: whoever drives it hands in the vectors and is answered the counts.

import { AuthError, createAuthenticator, StorageError } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";
import { runVectors } from "../suite/index.mjs";

globalThis.runAll = (data) => runVectors({ createAuthenticator, AuthError, StorageError, memoryStorage }, data);

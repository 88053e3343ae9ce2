// A Worker: the vectors are the request's body, the counts are the answer's.

import { AuthError, createAuthenticator, StorageError } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";
import { runVectors } from "../suite/index.mjs";

export default {
  async fetch(request) {
    return Response.json(await runVectors({ createAuthenticator, AuthError, StorageError, memoryStorage }, await request.json()));
  },
};

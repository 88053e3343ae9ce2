/** What every entrypoint exports. */
export { AuthError, CODES, StorageError } from "./errors.js";
export type { Code, Guard, Kind } from "./errors.js";
export type * from "./host.js";
export type * from "./requests.js";
export { createAuthenticator } from "./create.js";
export type { AuthenticatorOptions } from "./create.js";
export { generateKeys } from "./keys.js";
export type { GeneratedKeys, KeyAlgorithm } from "./keys.js";

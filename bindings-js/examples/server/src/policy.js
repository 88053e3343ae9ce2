// The policy of the server: built in, or a file of the operator's.

import { readFileSync } from "node:fs";
import { StartError } from "./errors.js";

/** The purpose of the tokens that the server issues at sign-in. Each session is one such token. */
export const SESSION_PURPOSE = "user";
/** The endpoint that the live connections of this server belong to. */
export const ENDPOINT = "web";

/** The policy that is enforced when no other is given: that of the Rust server. */
export const DEFAULT_POLICY = `{
  "issuer": "authkernel",
  "audience": ["authkernel"],
  "purposes": {
    "user": { "lifetime": "14d", "store": true, "presence": "required", "opens_sockets": true }
  },
  "live_socket_id_template": "users_sessions:{sid}",
  "endpoints": ["web"],
  "sign_out_everywhere": { "include_purposes": null, "exclude_purposes": ["revocation"] },
  "on_credentials_changed": { "password": "others", "email": "everywhere" }
}
`;

/** The text of the policy to enforce. Whether it is one is for the kernel to say. */
export function loadPolicy(file) {
  if (file === undefined) return DEFAULT_POLICY;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw wrong(file, error.message);
  }
}

/** What the server itself needs of a policy that the kernel has accepted: refused when it is not there. */
export function describePolicy(text, file) {
  const { issuer, purposes, endpoints = [ENDPOINT] } = JSON.parse(text);
  if (purposes[SESSION_PURPOSE]?.opens_sockets !== true) {
    const problem = "the server signs in with tokens of this purpose: declare it, with opens_sockets";
    throw wrong(file, `purposes.${SESSION_PURPOSE}: ${problem}`);
  }
  if (!endpoints.includes(ENDPOINT)) throw wrong(file, `endpoints: the live connections of this server are called ${ENDPOINT}: name it`);
  return { issuer, purposes: Object.keys(purposes) };
}

/** That a policy is no good, with the name of its file. */
export function wrong(file, problem) {
  return new StartError(`policy ${file ?? "built in"}: ${problem}`, { configuration: true });
}

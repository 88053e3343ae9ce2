/**
 * The texts of the last look-up, which both sides have: answers name them instead of writing them once more. `src/known.rs` is the other half
 * and says how the two stay equal.
 */

import type { FindQuery } from "../host.js";

/** The places of the texts. The numbers are those of `src/known.rs`. */
export const TENANT = 0;
export const JTI = 1;
export const SID = 2;
export const SUBJECT = 3;
export const PURPOSE = 4;
export const KID = 5;

/** What is known; never changed, only replaced as a whole. */
export interface Known {
  /** The number of the look-up. */
  readonly lookup: number;
  readonly tenant: string | undefined;
  readonly jti: string | undefined;
  readonly sid: string | undefined;
  readonly subject: string | undefined;
  readonly purpose: string | undefined;
  readonly kid: string | undefined;
}

/** Nothing. */
export const NOTHING: Known = {
  lookup: 0,
  tenant: undefined,
  jti: undefined,
  sid: undefined,
  subject: undefined,
  purpose: undefined,
  kid: undefined,
};

// How often somebody may be wrong: failed sign-ins per account and per address, registrations per address.

import { createHash } from "node:crypto";
import { Refusal } from "./errors.js";
import { RateLimit } from "./rate-limit.js";

/** How long an account's try takes to come back, in seconds. */
const ACCOUNT_REFILL = 30;
/** How long an address's try takes to come back, in seconds. */
const ADDRESS_REFILL = 6;

/** The tries that are left: that many at once. */
export function createTries({ perAccount, perAddress }) {
  // By the hash of what names the account: memory should not fill with e-mail addresses.
  const accounts = new RateLimit(perAccount, ACCOUNT_REFILL);
  const addresses = new RateLimit(perAddress, ADDRESS_REFILL);
  const tries = {
    /** Takes a try of this address. */
    address: (client) => take(addresses, client.key),
    /** Takes a try of this address and of this account, known or not; answers what gives it back when it turns out well. */
    signIn(client, account) {
      tries.address(client);
      const name = createHash("sha256").update(account.trim().toLowerCase()).digest("base64");
      take(accounts, name);
      return () => {
        addresses.giveBack(client.key);
        accounts.giveBack(name);
      };
    },
  };
  return tries;
}

function take(limit, key) {
  const seconds = limit.take(key);
  if (seconds > 0) throw Refusal.because("rate_limited", undefined, { retryAfter: seconds });
}

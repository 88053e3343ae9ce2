// E-mail addresses as the names of accounts.

import { Refusal } from "../errors.js";

/** The `dot-atom` of RFC 5322; quoted names are not taken. */
const NAME = /^[a-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[a-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/;
/** Letters, digits and inner hyphens. One label is enough: `localhost`. */
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/**
 * An e-mail address in the one form in which it is stored and compared, or nothing when it is none.
 *
 * Blanks around it are dropped, and all of it is in lower case: two accounts for addresses that differ in case only would be a trap. ASCII
 * only, because what looks equal must be equal; an international domain is written in its `xn--` form.
 */
export function parseEmail(text) {
  const email = text.replace(/^ +| +$/g, "").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const at = email.lastIndexOf("@");
  const [name, domain] = [email.slice(0, at), email.slice(at + 1)];
  const fits = at > 0 && email.length <= 254 && name.length <= 64 && NAME.test(name);
  return fits && domain.split(".").every((label) => LABEL.test(label)) ? email : undefined;
}

/** The same, refused when it is none. */
export function requireEmail(text) {
  const email = parseEmail(text);
  if (email === undefined) throw Refusal.because("email_invalid");
  return email;
}

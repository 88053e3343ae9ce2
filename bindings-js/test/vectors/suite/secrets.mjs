// What must never leave: tokens and the private parts of keys.

/** Parts shorter than this occur by chance, or are no secret. */
const shortest = 16;

export class Secrets {
  #texts = [];

  /** The private parts of every key of the fixtures. */
  constructor(fixtures) {
    for (const key of Object.values(fixtures.keys)) {
      for (const member of ["k", "d"]) this.#add(key[member]);
    }
  }

  /** A token: its payload and its signature are secrets each. One that only repeats a text has no secret in it. */
  addToken(token) {
    for (const segment of token.split(".").slice(1, 3)) {
      if (segment.length < 10_000) this.#add(segment);
    }
  }

  #add(text) {
    if (typeof text === "string" && text.length >= shortest) this.#texts.push(text);
  }

  /** Fails when a text contains one of them. */
  check(what, text) {
    if (this.#texts.some((secret) => text.includes(secret))) throw new Error(`${what} contains a token or a key: ${text}`);
  }
}

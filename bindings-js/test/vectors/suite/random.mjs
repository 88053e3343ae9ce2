// Randomness that is the same in every run and in every host: SplitMix64, each number as eight bytes, big end first, the unused bytes of
// a number thrown away. A vector's seed is FNV-1a of its id.

const mask = (1n << 64n) - 1n;

export function seedOf(id) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(id)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & mask;
  return hash;
}

export function seededRandom(seed) {
  let state = seed;
  return (bytes) => {
    for (let start = 0; start < bytes.length; start += 8) {
      state = (state + 0x9e3779b97f4a7c15n) & mask;
      let number = state;
      number = ((number ^ (number >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
      number = ((number ^ (number >> 27n)) * 0x94d049bb133111ebn) & mask;
      number ^= number >> 31n;
      for (let index = 0; index < 8 && start + index < bytes.length; index++) {
        bytes[start + index] = Number((number >> BigInt(56 - 8 * index)) & 0xffn);
      }
    }
  };
}

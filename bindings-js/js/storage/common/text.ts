/** The order of texts. */

/** Below 0, 0 or above 0, by the bytes of the UTF-8 form, as SQLite and Rust compare: not what `<` does beyond U+FFFF. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return weight(x) - weight(y);
  }
  return a.length - b.length;
}

/** UTF-16 puts the halves of a pair (U+D800 to U+DFFF) before U+E000 to U+FFFF, although what they stand for comes after. */
function weight(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/**
 * The one place of the WebAssembly memory through which everything crosses; `src/wire.rs` is the other half.
 *
 * What is written is read by the other side at once, so it needs no owner. Numbers are 64-bit floats, texts are UTF-8 with their length in
 * front, an option is a byte and perhaps the value, a list is its length and the values, a variant is a byte and its payload. A text that both
 * sides have from the last look-up is not written once more: in the place of its length stands which one it is (`known.ts`).
 */

const encoder = new TextEncoder();
/** A text may begin with what other documents have as a byte order mark. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Lengths from here on are none: the text is one that is known. */
const KNOWN = 0xffff_ff00;

/** Longer texts are left to the runtime's coders; for shorter ones a loop is quicker. */
const SHORT = 40;

/** How long the identifiers of tokens and sessions are. */
const ID = 26;

/** A value that cannot be sent, because it is not what its place asks for. */
export class Unfit extends Error {
  constructor(path: string, wanted: string, found: unknown) {
    super(`${path} must be ${wanted}, not ${kindOf(found)}`);
  }
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  switch (typeof value) {
    case "undefined":
      return "absent";
    case "number":
      return Number.isSafeInteger(value) && (value as number) >= 0 ? "a number" : "a number that is negative, too large or has a fraction";
    case "object":
      return "an object";
    case "string":
      return "a text";
    default:
      return `a ${typeof value}`;
  }
}

/** Where the buffer is, once it is at least so long. */
export interface Reserve {
  reserve(length: number): number;
}

/** Reads and writes one after the other. */
export class Buffer {
  #memory: WebAssembly.Memory;
  #bytes: Uint8Array;
  #view: DataView;
  #owner: Reserve | undefined;
  #base = 0;
  #end = 0;
  #at = 0;
  /** What is being written or read, for messages. */
  #path: string[] = [];
  #depth = 0;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
  }

  /** Begins to write into the buffer of this kernel. `what` is the first part of the path in messages. */
  begin(owner: Reserve, what: string): void {
    this.#owner = owner;
    this.#path[0] = what;
    this.#depth = 1;
    this.#base = owner.reserve(4096);
    this.#look();
    this.#end = this.#base + 4096;
    this.#at = this.#base;
  }

  /** How large the memory of WebAssembly is, in bytes. */
  get size(): number {
    return this.#memory.buffer.byteLength;
  }

  /** How much was written. */
  get length(): number {
    return this.#at - this.#base;
  }

  /** Begins to read at this place. */
  open(at: number): void {
    this.#look();
    this.#at = at;
  }

  /** The memory's bytes themselves. */
  bytes(at: number, length: number): Uint8Array {
    this.#look();
    return this.#bytes.subarray(at, at + length);
  }

  /** The memory may have grown, which leaves the views without bytes. */
  #look(): void {
    if (this.#bytes.byteLength === 0) {
      this.#bytes = new Uint8Array(this.#memory.buffer);
      this.#view = new DataView(this.#memory.buffer);
    }
  }

  #room(length: number): void {
    if (this.#at + length <= this.#end) return;
    const written = this.length;
    const wanted = Math.max(2 * (this.#end - this.#base), written + length);
    this.#base = this.#owner!.reserve(wanted);
    this.#look();
    this.#end = this.#base + wanted;
    this.#at = this.#base + written;
  }

  /** Refuses a value. */
  unfit(name: string, wanted: string, found: unknown): never {
    const path = this.#path.slice(0, this.#depth).join(".");
    throw new Unfit(name === "" ? path : `${path}.${name}`, wanted, found);
  }

  /** Goes into a part. */
  enter(name: string): void {
    this.#path[this.#depth++] = name;
  }

  /** Comes back from it. */
  leave(): void {
    this.#depth--;
  }

  // Writing.

  case(number: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = number;
  }

  flag(value: unknown, name: string): void {
    if (typeof value !== "boolean") this.unfit(name, "true or false", value);
    this.case(value ? 1 : 0);
  }

  /** A whole number from 0 to 2^53 - 1. */
  whole(value: unknown, name: string): void {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
      this.unfit(name, "a whole number from 0 to 2^53 - 1", value);
    }
    this.#room(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /**
   * A whole number of any size that may be absent, for what the kernel has a limit and a code of its own: what is above 2^53 - 1 crosses
   * as that number, which is above the limit as well.
   */
  optionalLarge(value: unknown, name: string): void {
    const there = value !== undefined && value !== null;
    this.case(there ? 1 : 0);
    if (!there) return;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0) this.unfit(name, "a whole number, 0 or more", value);
    this.#room(8);
    this.#view.setFloat64(this.#at, Math.min(value, Number.MAX_SAFE_INTEGER), true);
    this.#at += 8;
  }

  /** {@link Buffer.whole} with 32 bits. */
  small(value: unknown, name: string): void {
    if (typeof value === "number" && value > 0xffff_ffff) this.unfit(name, "a whole number below 2^32", value);
    this.whole(value, name);
  }

  /** A length, or a number that counts something. */
  count(number: number): void {
    this.#room(4);
    this.#view.setUint32(this.#at, number, true);
    this.#at += 4;
  }

  text(value: unknown, name: string): void {
    if (typeof value !== "string") this.unfit(name, "a text", value);
    const length = value.length;
    this.#room(4 + 3 * length);
    const bytes = this.#bytes;
    const start = this.#at + 4;
    let done = 0;
    if (length <= SHORT) {
      for (; done < length; done++) {
        const unit = value.charCodeAt(done);
        if (unit > 127) break;
        bytes[start + done] = unit;
      }
    }
    if (done < length) {
      const target = bytes.subarray(start, start + 3 * length);
      const { written } = encoder.encodeInto(value, target);
      // A lone surrogate has no UTF-8: the encoder would put another character there, and two texts would become one.
      if (written !== length && !wellFormed(value)) this.unfit(name, "well-formed Unicode", value);
      done = written;
    }
    this.#view.setUint32(this.#at, done, true);
    this.#at = start + done;
  }

  /** A text that is probably the one that is known, in this slot. */
  probably(value: unknown, name: string, known: string | undefined, slot: number): void {
    if (value === known && known !== undefined) this.count(KNOWN + slot);
    else this.text(value, name);
  }

  optionalProbably(value: unknown, name: string, known: string | undefined, slot: number): void {
    const there = value !== undefined && value !== null;
    this.case(there ? 1 : 0);
    if (there) this.probably(value, name, known, slot);
  }

  option<T>(value: T | null | undefined, write: (value: T) => void): void {
    const there = value !== undefined && value !== null;
    this.case(there ? 1 : 0);
    if (there) write(value);
  }

  optionalText(value: unknown, name: string): void {
    const there = value !== undefined && value !== null;
    this.case(there ? 1 : 0);
    if (there) this.text(value, name);
  }

  optionalWhole(value: unknown, name: string): void {
    const there = value !== undefined && value !== null;
    this.case(there ? 1 : 0);
    if (there) this.whole(value, name);
  }

  list<T>(values: unknown, name: string, write: (value: T, name: string) => void): void {
    if (!Array.isArray(values)) this.unfit(name, "an array", values);
    this.count(values.length);
    for (let i = 0; i < values.length; i++) write(values[i] as T, `${name}[${i}]`);
  }

  texts(values: unknown, name: string): void {
    if (!Array.isArray(values)) this.unfit(name, "an array of texts", values);
    this.count(values.length);
    for (let i = 0; i < values.length; i++) {
      if (typeof values[i] !== "string") this.unfit(`${name}[${i}]`, "a text", values[i]);
      this.text(values[i], name);
    }
  }

  /** An object, whatever is in it; anything else is refused. */
  object(value: unknown, name: string): Record<string, unknown> {
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.unfit(name, "an object", value);
    return value as Record<string, unknown>;
  }

  // Reading.

  readCase(): number {
    return this.#bytes[this.#at++]!;
  }

  readFlag(): boolean {
    return this.#bytes[this.#at++] === 1;
  }

  readWhole(): number {
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  readCount(): number {
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  readText(): string {
    const length = this.#view.getUint32(this.#at, true);
    const start = this.#at + 4;
    this.#at = start + length;
    return this.#text(start, length);
  }

  /** A text that may be the known one. */
  readProbably(known: string | undefined): string {
    const length = this.#view.getUint32(this.#at, true);
    const start = this.#at + 4;
    if (length >= KNOWN) {
      this.#at = start;
      if (known === undefined) throw new Error("the kernel named a text that is not known");
      return known;
    }
    this.#at = start + length;
    return this.#text(start, length);
  }

  #text(start: number, length: number): string {
    const bytes = this.#bytes;
    const end = start + length;
    if (length === ID) return this.#id(start);
    if (length > SHORT) return decoder.decode(bytes.subarray(start, end));
    let text = "";
    let i = start;
    for (; i + 8 <= end; i += 8) {
      const [a, b, c, d] = [bytes[i]!, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!];
      const [e, f, g, h] = [bytes[i + 4]!, bytes[i + 5]!, bytes[i + 6]!, bytes[i + 7]!];
      if ((a | b | c | d | e | f | g | h) > 127) return decoder.decode(bytes.subarray(start, end));
      text += String.fromCharCode(a, b, c, d, e, f, g, h);
    }
    for (; i < end; i++) {
      const unit = bytes[i]!;
      if (unit > 127) return decoder.decode(bytes.subarray(start, end));
      text += String.fromCharCode(unit);
    }
    return text;
  }

  /** A text as long as the identifiers of tokens and sessions: made in one piece, because they are looked up and compared. */
  #id(i: number): string {
    const b = this.#bytes;
    const [c0, c1, c2, c3, c4] = [b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!];
    const [c5, c6, c7, c8, c9] = [b[i + 5]!, b[i + 6]!, b[i + 7]!, b[i + 8]!, b[i + 9]!];
    const [d0, d1, d2, d3, d4] = [b[i + 10]!, b[i + 11]!, b[i + 12]!, b[i + 13]!, b[i + 14]!];
    const [d5, d6, d7, d8, d9] = [b[i + 15]!, b[i + 16]!, b[i + 17]!, b[i + 18]!, b[i + 19]!];
    const [e0, e1, e2, e3, e4, e5] = [b[i + 20]!, b[i + 21]!, b[i + 22]!, b[i + 23]!, b[i + 24]!, b[i + 25]!];
    const c = c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9;
    const d = d0 | d1 | d2 | d3 | d4 | d5 | d6 | d7 | d8 | d9;
    if ((c | d | e0 | e1 | e2 | e3 | e4 | e5) > 127) return decoder.decode(b.subarray(i, i + ID));
    return String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, e0, e1, e2, e3, e4, e5);
  }

  readOptionalText(): string | undefined {
    return this.readCase() === 0 ? undefined : this.readText();
  }

  readOptionalProbably(known: string | undefined): string | undefined {
    return this.readCase() === 0 ? undefined : this.readProbably(known);
  }

  readOptionalWhole(): number | undefined {
    return this.readCase() === 0 ? undefined : this.readWhole();
  }

  readOption<T>(read: (from: this) => T): T | undefined {
    return this.readCase() === 0 ? undefined : read(this);
  }

  readList<T>(read: (from: this) => T): T[] {
    const length = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    const values = new Array<T>(length);
    for (let i = 0; i < length; i++) values[i] = read(this);
    return values;
  }

  readTexts(): string[] {
    return this.readList((from) => from.readText());
  }
}

function wellFormed(text: string): boolean {
  // One half of a pair without the other.
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);
}

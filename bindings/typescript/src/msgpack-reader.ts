/** Unpacks msgpack: any width of integer and length, nothing converted, nothing made for a length before the bytes are there. */

import { BadBytes } from "./errors.js";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes after the first byte of extension formats of fixed size: the type and the data. */
const FIXED_EXTENSIONS = new Map([
  [0xd4, 2],
  [0xd5, 3],
  [0xd6, 5],
  [0xd7, 9],
  [0xd8, 17],
]);

/** Reads one value after the other. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The bytes from the next value on; shares the buffer. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  /** Refuses what follows a complete value. */
  end(what: string): void {
    if (this.#at !== this.#bytes.length) throw new BadBytes(`${what}: ${this.#bytes.length - this.#at} bytes follow it`);
  }

  /** The next value's first byte, not taken. */
  peek(): number {
    const first = this.#bytes[this.#at];
    if (first === undefined) throw truncated();
    return first;
  }

  /** Takes a nil if one is next. */
  nil(): boolean {
    if (this.peek() !== 0xc0) return false;
    this.#at += 1;
    return true;
  }

  bool(field: string): boolean {
    const first = this.peek();
    if (first !== 0xc2 && first !== 0xc3) throw wrong(field, "a bool", first);
    this.#at += 1;
    return first === 0xc3;
  }

  u8(field: string): number {
    return this.#uint(0xff, field);
  }

  u16(field: string): number {
    return this.#uint(0xffff, field);
  }

  u32(field: string): number {
    return this.#uint(0xffff_ffff, field);
  }

  u64(field: string): bigint {
    const value = this.#integer();
    if (value === undefined) throw wrong(field, "an integer", this.peek());
    if (value < 0) throw new BadBytes(`${field}: ${value} is below 0`);
    return BigInt(value);
  }

  f64(field: string): number {
    const first = this.peek();
    if (first === 0xcb) return this.#view.getFloat64(this.#take(9) + 1);
    if (first === 0xca) return this.#view.getFloat32(this.#take(5) + 1);
    const value = this.#integer();
    if (value === undefined) throw wrong(field, "a number", first);
    return Number(value);
  }

  /** A string of at most `most` bytes. */
  string(field: string, most = Number.POSITIVE_INFINITY): string {
    const size = this.#stringHead();
    if (size === undefined) throw wrong(field, "a string", this.peek());
    if (size > most) throw new BadBytes(`${field}: longer than ${most} bytes`);
    return this.#text(this.#take(size), size, field);
  }

  /** A copy of the bytes. */
  binary(field: string): Uint8Array {
    return new Uint8Array(this.#binary(field));
  }

  fixed(size: number, field: string): Uint8Array {
    const bytes = this.#binary(field);
    if (bytes.length !== size) throw new BadBytes(`${field}: ${bytes.length} bytes, not ${size}`);
    return new Uint8Array(bytes);
  }

  /** Opens an array and returns how many items follow. */
  array(field: string): number {
    const first = this.peek();
    let count: number;
    if ((first & 0xf0) === 0x90) {
      count = first & 0x0f;
      this.#at += 1;
    } else if (first === 0xdc) count = this.#view.getUint16(this.#take(3) + 1);
    else if (first === 0xdd) count = this.#view.getUint32(this.#take(5) + 1);
    else throw wrong(field, "an array", first);
    return count;
  }

  /** Opens an array whose number of items the contract fixes. */
  exactly(count: number, field: string): void {
    const found = this.array(field);
    if (found !== count) throw new BadBytes(`${field}: ${found} items, not ${count}`);
  }

  /** A tuple: `read` reads its items, one after the other. */
  tuple<T>(count: number, field: string, read: () => T): T {
    this.exactly(count, field);
    return read();
  }

  /** An array of any number of items. */
  list<T>(field: string, item: () => T): T[] {
    const count = this.array(field);
    const items: T[] = [];
    for (let index = 0; index < count; index += 1) items.push(item());
    return items;
  }

  /** An array whose number of items the contract fixes. */
  fixedList<T>(size: number, field: string, item: () => T): T[] {
    this.exactly(size, field);
    return Array.from({ length: size }, item);
  }

  /** A map with integer keys. */
  entries<K, V>(field: string, key: () => K, value: () => V): Map<K, V> {
    const entries = new Map<K, V>();
    for (let left = this.map(field); left > 0; left -= 1) {
      const at = key();
      entries.set(at, value());
    }
    return entries;
  }

  /** Opens a map and returns how many pairs follow. */
  map(field: string): number {
    const first = this.peek();
    let count: number;
    if ((first & 0xf0) === 0x80) {
      count = first & 0x0f;
      this.#at += 1;
    } else if (first === 0xde) count = this.#view.getUint16(this.#take(3) + 1);
    else if (first === 0xdf) count = this.#view.getUint32(this.#take(5) + 1);
    else throw wrong(field, "a map", first);
    return count;
  }

  /** A key of a struct. */
  key(struct: string): string {
    return this.string(`a key of ${struct}`);
  }

  /** A value packed by itself into binary. */
  packed<T>(field: string, read: (inner: Reader) => T): T {
    const inner = new Reader(this.#binary(field));
    const value = read(inner);
    inner.end(field);
    return value;
  }

  /** Steps over one value; counts instead of recursing, so that deep nesting costs nothing. */
  skip(): void {
    for (let left = 1; left > 0; left -= 1) left += this.#skipOne();
  }

  /** Steps over one value's head and bytes and returns how many values it holds. */
  #skipOne(): number {
    const first = this.peek();
    if ((first & 0xf0) === 0x90 || first === 0xdc || first === 0xdd) return this.array("an array");
    if ((first & 0xf0) === 0x80 || first === 0xde || first === 0xdf) return 2 * this.map("a map");
    const text = this.#stringHead() ?? this.#binaryHead() ?? this.#extensionHead();
    if (text !== undefined) {
      this.#take(text);
    } else if (first === 0xca) this.#take(5);
    else if (first === 0xcb) this.#take(9);
    else if (first === 0xc0 || first === 0xc2 || first === 0xc3) this.#take(1);
    else if (this.#integer() === undefined) throw new BadBytes("the byte c1 starts no value");
    return 0;
  }

  #uint(most: number, field: string): number {
    const value = this.#integer();
    if (value === undefined) throw wrong(field, "an integer", this.peek());
    if (value < 0 || value > most) throw new BadBytes(`${field}: ${value} is not from 0 to ${most}`);
    return Number(value);
  }

  /** Takes an integer of any width; undefined, and nothing taken, if the next value is none. */
  #integer(): number | bigint | undefined {
    const first = this.peek();
    if (first < 0x80) {
      this.#at += 1;
      return first;
    }
    if (first >= 0xe0) {
      this.#at += 1;
      return first - 0x100;
    }
    switch (first) {
      case 0xcc:
        return this.#view.getUint8(this.#take(2) + 1);
      case 0xcd:
        return this.#view.getUint16(this.#take(3) + 1);
      case 0xce:
        return this.#view.getUint32(this.#take(5) + 1);
      case 0xcf:
        return this.#view.getBigUint64(this.#take(9) + 1);
      case 0xd0:
        return this.#view.getInt8(this.#take(2) + 1);
      case 0xd1:
        return this.#view.getInt16(this.#take(3) + 1);
      case 0xd2:
        return this.#view.getInt32(this.#take(5) + 1);
      case 0xd3:
        return this.#view.getBigInt64(this.#take(9) + 1);
      default:
        return undefined;
    }
  }

  #stringHead(): number | undefined {
    const first = this.peek();
    if ((first & 0xe0) === 0xa0) {
      this.#at += 1;
      return first & 0x1f;
    }
    return this.#sizeAfter(first, 0xd9);
  }

  #binaryHead(): number | undefined {
    return this.#sizeAfter(this.peek(), 0xc4);
  }

  /** Bytes after an extension's head, its type included. */
  #extensionHead(): number | undefined {
    const first = this.peek();
    const fixed = FIXED_EXTENSIONS.get(first);
    if (fixed !== undefined) {
      this.#at += 1;
      return fixed;
    }
    const size = this.#sizeAfter(first, 0xc7);
    return size === undefined ? undefined : size + 1;
  }

  /** The size behind one of three first bytes for 8, 16 and 32 bits. */
  #sizeAfter(first: number, smallest: number): number | undefined {
    if (first === smallest) return this.#view.getUint8(this.#take(2) + 1);
    if (first === smallest + 1) return this.#view.getUint16(this.#take(3) + 1);
    if (first === smallest + 2) return this.#view.getUint32(this.#take(5) + 1);
    return undefined;
  }

  #binary(field: string): Uint8Array {
    const size = this.#binaryHead();
    if (size === undefined) throw wrong(field, "bytes", this.peek());
    const at = this.#take(size);
    return this.#bytes.subarray(at, at + size);
  }

  #text(at: number, size: number, field: string): string {
    try {
      return utf8.decode(this.#bytes.subarray(at, at + size));
    } catch {
      throw new BadBytes(`${field}: not UTF-8`);
    }
  }

  /** Takes so many bytes and returns where they start. */
  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) throw truncated();
    this.#at = at + count;
    return at;
  }
}

/** A struct came without one of its fields. */
export function missing(field: string): BadBytes {
  return new BadBytes(`${field} is missing`);
}

function truncated(): BadBytes {
  return new BadBytes("the bytes end inside a value");
}

function wrong(field: string, expected: string, first: number): BadBytes {
  return new BadBytes(`${field}: expected ${expected}, found a value that starts with 0x${first.toString(16).padStart(2, "0")}`);
}

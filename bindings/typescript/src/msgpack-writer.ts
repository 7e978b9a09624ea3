/** Packs values into msgpack, each in its smallest form. */

import { CallerMistake } from "./errors.js";

/** Bytes of a new writer's buffer: most requests are smaller. */
const START_BYTES = 256;

const utf8 = new TextEncoder();

/** Writes one value after the other into a buffer that grows. */
export class Writer {
  #bytes = new Uint8Array(START_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** What has been written so far; shares the buffer. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at;
  }

  nil(): void {
    this.#byte(0xc0);
  }

  bool(value: boolean): void {
    this.#byte(value ? 0xc3 : 0xc2);
  }

  u8(value: number): void {
    this.#uint(value, 0xff, "u8");
  }

  u16(value: number): void {
    this.#uint(value, 0xffff, "u16");
  }

  u32(value: number): void {
    this.#uint(value, 0xffff_ffff, "u32");
  }

  u64(value: bigint): void {
    if (typeof value !== "bigint" || value < 0n || value > 0xffff_ffff_ffff_ffffn) {
      throw new CallerMistake(`${String(value)} is no u64: give a bigint from 0 to 2^64 - 1`);
    }
    if (value <= 0xffff_ffffn) {
      this.#uint(Number(value), 0xffff_ffff, "u64");
      return;
    }
    const at = this.#room(9);
    this.#bytes[at] = 0xcf;
    this.#view.setBigUint64(at + 1, value);
  }

  f64(value: number): void {
    const at = this.#room(9);
    this.#bytes[at] = 0xcb;
    this.#view.setFloat64(at + 1, value);
  }

  string(value: string): void {
    const packed = utf8.encode(value);
    const size = packed.length;
    if (size < 32) this.#byte(0xa0 | size);
    else if (size < 0x100) this.#head8(0xd9, size);
    else if (size < 0x1_0000) this.#head16(0xda, size);
    else this.#head32(0xdb, size);
    this.raw(packed);
  }

  binary(value: Uint8Array): void {
    const size = value.length;
    if (size < 0x100) this.#head8(0xc4, size);
    else if (size < 0x1_0000) this.#head16(0xc5, size);
    else this.#head32(0xc6, size);
    this.raw(value);
  }

  /** Bytes whose size the contract fixes; a wrong size is refused here, because real servers read past a short field element. */
  fixed(value: Uint8Array, size: number, field: string): void {
    if (value.length !== size) throw new CallerMistake(`${field} must have ${size} bytes, not ${value.length}`);
    this.binary(value);
  }

  /** Opens an array of so many items; write them next. */
  array(count: number): void {
    if (count < 16) this.#byte(0x90 | count);
    else if (count < 0x1_0000) this.#head16(0xdc, count);
    else this.#head32(0xdd, count);
  }

  /** Opens an array whose number of items the contract fixes. */
  exactly(value: readonly unknown[], count: number, field: string): void {
    if (value.length !== count) throw new CallerMistake(`${field} must have ${count} items, not ${value.length}`);
    this.array(count);
  }

  /** Opens a map of so many pairs; write key, value, key, value next. */
  map(count: number): void {
    if (count < 16) this.#byte(0x80 | count);
    else if (count < 0x1_0000) this.#head16(0xde, count);
    else this.#head32(0xdf, count);
  }

  /** A value packed by itself, as binary. */
  packed(write: (inner: Writer) => void): void {
    const inner = new Writer();
    write(inner);
    this.binary(inner.bytes());
  }

  /** Bytes that are msgpack already. */
  raw(value: Uint8Array): void {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
  }

  #uint(value: number, most: number, kind: string): void {
    if (!Number.isInteger(value) || value < 0 || value > most) {
      throw new CallerMistake(`${value} is no ${kind}: give an integer from 0 to ${most}`);
    }
    if (value < 0x80) this.#byte(value);
    else if (value < 0x100) this.#head8(0xcc, value);
    else if (value < 0x1_0000) this.#head16(0xcd, value);
    else this.#head32(0xce, value);
  }

  #byte(value: number): void {
    const at = this.#room(1); // may replace the buffer
    this.#bytes[at] = value;
  }

  #head8(kind: number, value: number): void {
    const at = this.#room(2);
    this.#bytes[at] = kind;
    this.#bytes[at + 1] = value;
  }

  #head16(kind: number, value: number): void {
    const at = this.#room(3);
    this.#bytes[at] = kind;
    this.#view.setUint16(at + 1, value);
  }

  #head32(kind: number, value: number): void {
    const at = this.#room(5);
    this.#bytes[at] = kind;
    this.#view.setUint32(at + 1, value);
  }

  /** Makes room for so many bytes and returns where they start. */
  #room(count: number): number {
    const at = this.#at;
    const end = at + count;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#at = end;
    return at;
  }
}

/** The entries of a map in the order of the wire. */
export function ascending<K extends number | bigint, V>(map: ReadonlyMap<K, V>): [K, V][] {
  return [...map].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}

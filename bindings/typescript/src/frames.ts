/** Frames: a u32 little-endian body length, then the body; taken apart as bytes come in, and no length believed beyond the limit. */

import { BadBytes } from "./errors.js";

/** Bytes of the length prefix. */
export const PREFIX_BYTES = 4;

const NOTHING = new Uint8Array(0);

/** Puts the length before a body. */
export function frame(body: Uint8Array): Uint8Array {
  const framed = new Uint8Array(PREFIX_BYTES + body.length);
  new DataView(framed.buffer).setUint32(0, body.length, true);
  framed.set(body, PREFIX_BYTES);
  return framed;
}

/**
 * Collects chunks and gives whole bodies.
 *
 * A chunk that comes when nothing is left of earlier ones is not copied. Otherwise it is put behind them in one buffer that at most doubles, so
 * that memory follows what has come, however small the chunks are and whatever a prefix announces. Bytes that were given out are never
 * written again.
 */
export class FrameReader {
  readonly #maxFrame: number;
  /** What has come and was not taken lies in it from `start` to `end`. */
  #buffer: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;
  #need = PREFIX_BYTES;
  #inBody = false;

  /** `maxFrame`: the largest body taken, bytes. */
  constructor(maxFrame: number) {
    this.#maxFrame = maxFrame;
  }

  /** Adds what has come. */
  push(chunk: Uint8Array): void {
    const have = this.#end - this.#start;
    if (have === 0) {
      this.#buffer = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    // An adopted chunk may be part of somebody's larger buffer; its own length is all that is ours, and that is full.
    if (this.#end + chunk.length > this.#buffer.length) this.#grow(have, have + chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next whole body, or undefined until more has come; throws `BadBytes` at a length over the limit, after which the stream is lost. */
  next(): Uint8Array | undefined {
    if (!this.#inBody) {
      const prefix = this.#take(PREFIX_BYTES);
      if (prefix === undefined) return undefined;
      const length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(0, true);
      if (length > this.#maxFrame) throw new BadBytes(`a frame of ${length} bytes is over the limit of ${this.#maxFrame}`);
      this.#need = length;
      this.#inBody = true;
    }
    const body = this.#take(this.#need);
    if (body !== undefined) this.#inBody = false;
    return body;
  }

  /** Bytes of memory held. */
  get held(): number {
    return this.#buffer.length;
  }

  /** Moves the `have` bytes to a buffer for `least` bytes or, while their frame has further to go, for up to twice as many as there are. */
  #grow(have: number, least: number): void {
    const buffer = Buffer.allocUnsafe(Math.max(least, Math.min(2 * have, this.#need)));
    buffer.set(this.#buffer.subarray(this.#start, this.#end));
    this.#buffer = buffer;
    this.#start = 0;
    this.#end = have;
  }

  /** Takes so many bytes, if they are there. */
  #take(count: number): Uint8Array | undefined {
    if (this.#end - this.#start < count) return undefined;
    const taken = this.#buffer.subarray(this.#start, this.#start + count);
    this.#start += count;
    if (this.#start === this.#end) {
      this.#buffer = NOTHING;
      this.#start = 0;
      this.#end = 0;
    }
    return taken;
  }
}

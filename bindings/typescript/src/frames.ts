/** Frames: a u32 little-endian body length, then the body; taken apart as bytes come in, and no length believed beyond the limit. */

import { BadBytes } from "./errors.js";

/** Bytes of the length prefix. */
export const PREFIX_BYTES = 4;

/** Puts the length before a body. */
export function frame(body: Uint8Array): Uint8Array {
  const framed = new Uint8Array(PREFIX_BYTES + body.length);
  new DataView(framed.buffer).setUint32(0, body.length, true);
  framed.set(body, PREFIX_BYTES);
  return framed;
}

/** Collects chunks and gives whole bodies. It holds what has come and no more, whatever a prefix announces. */
export class FrameReader {
  readonly #maxFrame: number;
  #chunks: Uint8Array[] = [];
  #have = 0;
  #need = PREFIX_BYTES;
  #inBody = false;

  /** `maxFrame`: the largest body taken, bytes. */
  constructor(maxFrame: number) {
    this.#maxFrame = maxFrame;
  }

  /** Adds what has come. */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#have += chunk.length;
  }

  /** The next whole body, or undefined until more has come; throws `BadBytes` at a length over the limit, after which the stream is lost. */
  next(): Uint8Array | undefined {
    if (!this.#inBody) {
      if (this.#have < PREFIX_BYTES) return undefined;
      const prefix = this.#take(PREFIX_BYTES);
      const length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(0, true);
      if (length > this.#maxFrame) throw new BadBytes(`a frame of ${length} bytes is over the limit of ${this.#maxFrame}`);
      this.#need = length;
      this.#inBody = true;
    }
    if (this.#have < this.#need) return undefined;
    this.#inBody = false;
    return this.#take(this.#need);
  }

  /** Takes so many of the bytes that are there; copies only if they lie in more than one chunk. */
  #take(count: number): Uint8Array {
    this.#have -= count;
    const first = this.#chunks[0];
    if (first !== undefined && first.length > count) {
      this.#chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    if (first !== undefined && first.length === count) {
      this.#chunks.shift();
      return first;
    }
    const taken = new Uint8Array(count);
    let at = 0;
    let used = 0;
    for (const chunk of this.#chunks) {
      const part = chunk.subarray(0, count - at);
      taken.set(part, at);
      at += part.length;
      if (part.length < chunk.length) {
        this.#chunks[used] = chunk.subarray(part.length);
        break;
      }
      used += 1;
      if (at === count) break;
    }
    this.#chunks.splice(0, used);
    return taken;
  }
}

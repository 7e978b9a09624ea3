/** What is around a payload: requests `[[Name, {..}]]` and `[id, [Name, {..}]]`, replies `[Name, {..}]` and `[id, that]`. */

import { BadBytes } from "./errors.js";
import { Reader } from "./msgpack-reader.js";
import type { Writer } from "./msgpack-writer.js";

/** Longest name of a command or reply, bytes; the largest known has 42. */
const MAX_NAME_BYTES = 255;

/** A request or a reply, its payload unread. */
export interface Envelope {
  /** The correlation number, if it carries one (> 0). */
  readonly id: bigint | undefined;
  readonly name: string;
  /** The packed fields; shares the frame's buffer. */
  readonly payload: Uint8Array;
}

/** Reads a request's envelope; throws `BadBytes`. */
export function readRequestEnvelope(body: Uint8Array): Envelope {
  const reader = open(body);
  const count = reader.array("the envelope");
  if (count !== 1 && count !== 2) throw new BadBytes(`the envelope has ${count} elements, not 1 or 2`);
  const id = count === 2 ? readId(reader) : undefined;
  reader.exactly(2, "the envelope's pair");
  return { id, ...pair(reader) };
}

/** The id of a request whose envelope may be bad otherwise, so that the error can be answered under it; undefined if there is none to read. */
export function readRequestId(body: Uint8Array): bigint | undefined {
  try {
    const reader = open(body);
    return reader.array("the envelope") === 2 ? readId(reader) : undefined;
  } catch (error) {
    if (!(error instanceof BadBytes)) throw error;
    return undefined;
  }
}

/** Reads a reply's envelope; throws `BadBytes`. */
export function readReplyEnvelope(body: Uint8Array): Envelope {
  const reader = open(body);
  reader.exactly(2, "the envelope");
  const first = reader.peek();
  if ((first & 0xe0) === 0xa0 || (first >= 0xd9 && first <= 0xdb)) return { id: undefined, ...pair(reader) };
  const id = readId(reader);
  reader.exactly(2, "the envelope's pair");
  return { id, ...pair(reader) };
}

/** Opens a request's envelope; the packed fields are written next. */
export function writeRequestEnvelope(writer: Writer, id: bigint | undefined, name: string): void {
  if (id === undefined) {
    writer.array(1);
  } else {
    writer.array(2);
    writer.u64(id);
  }
  writer.array(2);
  writer.string(name);
}

/** Opens a reply's envelope; the packed fields are written next. */
export function writeReplyEnvelope(writer: Writer, id: bigint | undefined, name: string): void {
  if (id !== undefined) {
    writer.array(2);
    writer.u64(id);
  }
  writer.array(2);
  writer.string(name);
}

function open(body: Uint8Array): Reader {
  if (body.length === 0) throw new BadBytes("an empty frame");
  return new Reader(body);
}

function readId(reader: Reader): bigint {
  const id = reader.u64("the request id");
  if (id === 0n) throw new BadBytes("the request id is 0");
  return id;
}

function pair(reader: Reader): { name: string; payload: Uint8Array } {
  const name = reader.string("the name", MAX_NAME_BYTES);
  const payload = reader.rest();
  if (payload.length === 0) throw new BadBytes("the bytes end before the payload");
  return { name, payload };
}

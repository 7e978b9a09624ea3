/** What generated code tells the runtime about a service: names on the wire, the contract's hash, and how values are packed. */

import { BadBytes } from "./errors.js";
import { type Reader, missing } from "./msgpack-reader.js";
import type { Writer } from "./msgpack-writer.js";

/** One command. */
export interface Method<Request, Response> {
  /** Its name in a request. */
  readonly name: string;
  /** Its name in a reply. */
  readonly responseName: string;
  readonly writeRequest: (writer: Writer, request: Request) => void;
  readonly readRequest: (reader: Reader) => Request;
  readonly writeResponse: (writer: Writer, response: Response) => void;
  readonly readResponse: (reader: Reader) => Response;
}

/** A method of unknown types, as lists of methods hold it. */
// A method takes what it writes and gives what it reads, so only `any` holds every one
export type AnyMethod = Method<any, any>;

/** A service. */
export interface Contract {
  readonly service: string;
  /** SHA-256 of the contract's canonical form, 32 bytes; all zero: none. */
  readonly schemaHash: Uint8Array;
  readonly methods: readonly AnyMethod[];
  /** Name of the error reply. */
  readonly errorName: string;
}

/** Writes the fields of an error reply; a message of more than `most` bytes is cut between two characters. */
export function writeError(writer: Writer, message: string, most = Number.POSITIVE_INFINITY): void {
  writer.map(1);
  writer.string("message");
  writer.string(Buffer.byteLength(message) > most ? cut(Buffer.from(message), most) : message);
}

/** At most `most` bytes of a text in UTF-8. */
function cut(text: Buffer, most: number): string {
  let end = Math.max(most, 0);
  while (end > 0 && ((text[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return text.toString("utf8", 0, end);
}

/** Reads the message of an error reply. */
export function readError(reader: Reader): string {
  let message: string | undefined;
  for (let left = reader.map("the error"); left > 0; left -= 1) {
    if (reader.key("the error") === "message") message = reader.string("the error's message");
    else reader.skip();
  }
  if (message === undefined) throw missing("the error's message");
  return message;
}

/** What each end says about itself before anything else. */
export const HELLO = "Hello";
export const HELLO_RESPONSE = "HelloResponse";

/** Bytes of a contract's hash. */
const HASH_BYTES = 32;

export interface Hello {
  readonly schemaHash: Uint8Array;
}

export interface HelloResponse {
  readonly schemaHash: Uint8Array;
  /** Whether requests may carry ids. */
  readonly ids: boolean;
  /** The largest frame body the server accepts, bytes. */
  readonly maxFrame: number;
}

/** The command that the runtime answers itself, on every server of ours. */
export const hello: Method<Hello, HelloResponse> = {
  name: HELLO,
  responseName: HELLO_RESPONSE,
  writeRequest(writer, request) {
    writer.map(1);
    writer.string("schema_hash");
    writer.fixed(request.schemaHash, HASH_BYTES, "Hello.schema_hash");
  },
  readRequest(reader) {
    let schemaHash: Uint8Array | undefined;
    for (let left = reader.map(HELLO); left > 0; left -= 1) {
      if (reader.key(HELLO) === "schema_hash") schemaHash = reader.fixed(HASH_BYTES, "Hello.schema_hash");
      else reader.skip();
    }
    if (schemaHash === undefined) throw missing("Hello.schema_hash");
    return { schemaHash };
  },
  writeResponse(writer, response) {
    writer.map(3);
    writer.string("schema_hash");
    writer.fixed(response.schemaHash, HASH_BYTES, "HelloResponse.schema_hash");
    writer.string("ids");
    writer.bool(response.ids);
    writer.string("max_frame");
    writer.u32(response.maxFrame);
  },
  readResponse(reader) {
    let schemaHash: Uint8Array | undefined;
    let ids: boolean | undefined;
    let maxFrame: number | undefined;
    for (let left = reader.map(HELLO_RESPONSE); left > 0; left -= 1) {
      const key = reader.key(HELLO_RESPONSE);
      if (key === "schema_hash") schemaHash = reader.fixed(HASH_BYTES, "HelloResponse.schema_hash");
      else if (key === "ids") ids = reader.bool("HelloResponse.ids");
      else if (key === "max_frame") maxFrame = reader.u32("HelloResponse.max_frame");
      else reader.skip();
    }
    if (schemaHash === undefined || ids === undefined || maxFrame === undefined) throw new BadBytes("HelloResponse lacks a field");
    return { schemaHash, ids, maxFrame };
  },
};

/** Tells whether two ends may talk: equal hashes, or one of them has no contract. */
export function sameSchema(ours: Uint8Array, theirs: Uint8Array): boolean {
  const none = (hash: Uint8Array): boolean => hash.every((byte) => byte === 0);
  return none(ours) || none(theirs) || (ours.length === theirs.length && ours.every((byte, index) => byte === theirs[index]));
}

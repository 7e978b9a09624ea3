/** The runtime of generated clients and servers. */

export { Client, connect } from "./client.js";
export type { CallOptions, Caller, ConnectOptions } from "./client.js";
export { hello, readError, sameSchema, writeError } from "./contract.js";
export type { AnyMethod, Contract, Hello, HelloResponse, Method } from "./contract.js";
export { readReplyEnvelope, readRequestEnvelope, writeReplyEnvelope, writeRequestEnvelope } from "./envelopes.js";
export type { Envelope } from "./envelopes.js";
export {
  BadBytes,
  CallerMistake,
  Closed,
  CommandFailed,
  Ended,
  RemoteError,
  RpcError,
  SchemaMismatch,
  TimedOut,
  TryAgain,
  WouldBlock,
} from "./errors.js";
export { FrameReader, frame } from "./frames.js";
export { DEFAULT_LIMITS } from "./limits.js";
export type { Limits } from "./limits.js";
export { Reader, missing } from "./msgpack-reader.js";
export { Writer, ascending } from "./msgpack-writer.js";
export { serve } from "./server.js";
export type { ServeOptions, Server } from "./server.js";
export type { Handler, OnError } from "./handlers.js";

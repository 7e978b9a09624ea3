/** The addon: shared memory for Node. It is optional, because a Unix socket needs none. */

import { createRequire } from "node:module";

import { CallerMistake } from "./errors.js";
import type { Limits } from "./limits.js";

/** One attempt to connect: connected if `wait` is 0, else to be repeated after so many milliseconds. */
export interface NativeAttempt {
  readonly wait: number;
}

export interface NativeConnector {
  attempt(): NativeAttempt;
}

export interface NativeReply {
  readonly call: number;
  readonly name: string;
  readonly payload: Uint8Array;
}

export interface NativeConnection {
  /** Throws errors whose `code` is "TooLarge", "WouldBlock" or "Lost". */
  submit(name: string, payload: Uint8Array): number;
  turn(): { readonly replies: readonly NativeReply[]; readonly lost?: string | null };
  wantsWrite(): boolean;
  arm(): void;
  useIds(): void;
  limitRequests(most: number): void;
  close(): void;
}

export interface NativeContract {
  readonly schemaHash: Buffer;
  readonly methods: readonly { readonly name: string; readonly responseName: string }[];
  readonly errorName: string;
}

export interface NativeServer {
  turn(): readonly { readonly ticket: bigint; readonly method: number; readonly payload: Uint8Array }[];
  complete(ticket: bigint, payload: Uint8Array): void;
  fail(ticket: bigint, message: string): void;
  arm(): void;
  readonly open: number;
  drain(): boolean;
  abort(): void;
}

export interface Addon {
  readonly NativeConnector: new (address: string, limits: Limits, slot?: number) => NativeConnector;
  readonly NativeConnection: new (attempt: NativeAttempt, readable: () => void) => NativeConnection;
  readonly NativeServer: new (
    address: string,
    contract: NativeContract,
    limits: Limits,
    slots: number | undefined,
    readable: () => void,
  ) => NativeServer;
}

/** Where `npm run build:native` puts it. */
const PLACE = new URL("../native/proofplane.node", import.meta.url);

/** Loads the addon for an address; throws `CallerMistake` if it is not built. */
export function addon(address: string): Addon {
  try {
    return createRequire(import.meta.url)(PLACE.pathname) as Addon;
  } catch (error) {
    throw new CallerMistake(`${address}: shared memory needs the addon; build it by \`npm run build:native\``, { cause: error });
  }
}

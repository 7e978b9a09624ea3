/** Every bound of a server and of a client, with its default and its reason. */

import { CallerMistake } from "./errors.js";

/** The bounds of one server (per connection unless said) or of one client. */
export interface Limits {
  /** Largest frame body accepted or sent, bytes. 64 MiB: the largest that `bb` was measured with. A server needs 512 at least. */
  readonly maxFrame: number;
  /** Requests in flight; a server at it does not read the connection until it is at half of it, and a client's call fails. */
  readonly maxInFlight: number;
  /**
   * Bytes queued for one connection; a server over it does not read the connection until it is at half of it, and a client's call fails.
   * One frame always goes into an empty queue.
   */
  readonly maxQueued: number;
  /** Connections served at once (whole server); further ones wait, unread, until one of these ends. */
  readonly maxConnections: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxFrame: 64 << 20,
  maxInFlight: 1024,
  maxQueued: 16 << 20,
  maxConnections: 1024,
};

/** Smallest `maxFrame` of a server, bytes: any name and a message that says what is wrong must fit an error reply. */
const LEAST_FRAME = 512;

/** Refuses bounds under which a server could serve nothing; throws `CallerMistake`. */
export function checkServerLimits(limits: Limits): void {
  const least = { maxFrame: LEAST_FRAME, maxInFlight: 1, maxQueued: 0, maxConnections: 1 };
  for (const name of Object.keys(least) as (keyof Limits)[]) {
    if (!(limits[name] >= least[name])) throw new CallerMistake(`${name} is ${limits[name]}: a server needs ${least[name]} at least`);
  }
}

/** Every bound of a server and of a client, with its default and its reason. */

/** The bounds of one server (per connection unless said) or of one client. */
export interface Limits {
  /** Largest frame body accepted or sent, bytes. 64 MiB: the largest that `bb` was measured with. */
  readonly maxFrame: number;
  /** Requests in flight; beyond it a server does not read the connection, and a client's call fails. */
  readonly maxInFlight: number;
  /** Bytes queued for one connection; beyond it a server does not read it, and a client's call fails. One frame always goes into an empty queue. */
  readonly maxQueued: number;
  /** Connections served at once (whole server); further ones are closed as they come. */
  readonly maxConnections: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxFrame: 64 << 20,
  maxInFlight: 1024,
  maxQueued: 16 << 20,
  maxConnections: 1024,
};

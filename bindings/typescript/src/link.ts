/** A connection beneath a client: it carries requests and finds out which reply answers which, whatever the transport. */

/** Names one call of one link; never reused. */
export type CallId = number;

/** What a link tells its client. */
export interface LinkEvents {
  /** A reply came; the payload is on loan until the function returns. */
  reply(call: CallId, name: string, payload: Uint8Array): void;
  /** The connection is over, and every call in flight with it. Told once. */
  lost(reason: Error): void;
}

/** One connection to one server. */
export interface Link {
  /** Sends a request; throws `CallerMistake` if the frame is over the limit, `WouldBlock` if too much is queued. */
  submit(name: string, payload: Uint8Array): CallId;
  /** From now on requests carry ids. */
  useIds(): void;
  /** The largest frame body that the server takes. */
  limitRequests(most: number): void;
  /** Closes at once; nothing is told any more. */
  close(): void;
}

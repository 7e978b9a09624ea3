/** How long closing a server waits for what is in flight. */

/** Milliseconds, unless `close` is told otherwise. */
export const GRACE_MS = 5_000;

/** Addresses: the suffix chooses the transport, as users of `bb` know it. */

import { CallerMistake } from "./errors.js";

/** Longest path that the system can bind, bytes. */
export const MAX_PATH_BYTES = 107;

export type Address = { readonly kind: "socket"; readonly path: string } | { readonly kind: "shared-memory"; readonly name: string };

/** Reads `PATH.sock` or `NAME.shm`; throws `CallerMistake`. */
export function parseAddress(text: string): Address {
  if (text.endsWith(".sock")) {
    if (Buffer.byteLength(text) > MAX_PATH_BYTES) {
      throw new CallerMistake(`the socket path ${text} is longer than ${MAX_PATH_BYTES} bytes: use a shorter directory`);
    }
    return { kind: "socket", path: text };
  }
  if (text.endsWith(".shm")) {
    const name = text.slice(0, -".shm".length);
    if (name === "" || name.includes("/")) throw new CallerMistake(`${text}: a shared-memory name is not empty and has no slash`);
    return { kind: "shared-memory", name };
  }
  throw new CallerMistake(`${text} is no address: it ends in .sock (Unix socket) or .shm (shared memory)`);
}

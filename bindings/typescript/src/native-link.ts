/** A link over shared memory, through the addon. */

import { CallerMistake, Ended, TryAgain, WouldBlock } from "./errors.js";
import type { Limits } from "./limits.js";
import type { CallId, Link, LinkEvents } from "./link.js";
import { type Addon, type NativeAttempt, type NativeConnection, addon } from "./native-addon.js";

/** How soon a foreign server's full ring is tried again, ms: such a server tells nobody when it makes room. */
const RING_RETRY_MS = 1;

/**
 * The link. Node's thread turns the connection: after requests of one turn of its loop, and when it is told that something has come.
 * A turn without replies ends the spinning; from then on the addon watches.
 */
export class NativeLink implements Link {
  readonly #connection: NativeConnection;
  readonly #events: LinkEvents;
  #scheduled = false;
  #armed = false;
  /** A look at a full ring is due. */
  #retrying = false;
  #over = false;

  /** Takes over a successful attempt; `connect` makes them. */
  constructor(native: Addon, attempt: NativeAttempt, events: LinkEvents) {
    this.#events = events;
    this.#connection = new native.NativeConnection(attempt, () => {
      this.#armed = false;
      this.#turn();
    });
    this.#schedule();
  }

  /** Connects, patiently, as the addon says; throws `CallerMistake` or `TryAgain`. */
  static async connect(address: string, limits: Limits, slot: number | undefined, events: LinkEvents): Promise<NativeLink> {
    const native = addon(address);
    const connector = new native.NativeConnector(address, limits, slot);
    for (;;) {
      let attempt: NativeAttempt;
      try {
        attempt = connector.attempt();
      } catch (error) {
        throw new TryAgain(`cannot connect to ${address}: ${(error as Error).message}`, { cause: error });
      }
      if (attempt.wait === 0) return new NativeLink(native, attempt, events);
      await new Promise((resolve) => setTimeout(resolve, attempt.wait));
    }
  }

  submit(name: string, payload: Uint8Array): CallId {
    try {
      const call = this.#connection.submit(name, payload);
      this.#schedule();
      return call;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "TooLarge") throw new CallerMistake(`${name}: ${message}`, { cause: error });
      if (code === "WouldBlock") throw new WouldBlock(`${name}: ${message}`, { cause: error });
      throw new Ended(message, { cause: error });
    }
  }

  useIds(): void {
    this.#connection.useIds();
  }

  limitRequests(most: number): void {
    this.#connection.limitRequests(most);
  }

  close(): void {
    this.#over = true;
    this.#connection.close();
  }

  /** Requests of one turn of the loop go out together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#over) return;
    const { replies, lost } = this.#connection.turn();
    for (const { call, name, payload } of replies) {
      if (this.#over) return;
      this.#events.reply(call, name, payload);
    }
    if (this.#over) return;
    if (lost !== undefined && lost !== null) {
      this.close();
      this.#events.lost(new Ended(lost));
    } else if (replies.length > 0) {
      this.#schedule();
    } else {
      this.#retry();
      if (!this.#armed) {
        this.#armed = true;
        this.#connection.arm();
      }
    }
  }

  /** Looks at a full ring again soon; one timer at a time, however many turns find it full. */
  #retry(): void {
    if (this.#retrying || !this.#connection.wantsWrite()) return;
    this.#retrying = true;
    setTimeout(() => {
      this.#retrying = false;
      this.#turn();
    }, RING_RETRY_MS);
  }
}

/** A server over shared memory, through the addon: envelopes, order and slots are the reactor's. */

import type { Contract } from "./contract.js";
import { CallerMistake } from "./errors.js";
import { GRACE_MS } from "./grace.js";
import type { Handlers } from "./handlers.js";
import type { Limits } from "./limits.js";
import { type NativeServer, addon } from "./native-addon.js";
import type { Server } from "./server.js";

/** How often a drain looks whether everything is sent, ms. */
const DRAIN_MS = 1;

/** A running server; its objects are unlinked when it closes and when the process exits by itself. */
export class SharedMemoryServer implements Server {
  readonly #native: NativeServer;
  readonly #handlers: Handlers;
  readonly #abort = (): void => this.#native.abort();
  #armed = false;
  #scheduled = false;
  #over = false;

  constructor(address: string, contract: Contract, handlers: Handlers, limits: Limits, slots: number | undefined) {
    const native = addon(address);
    const methods = contract.methods.map(({ name, responseName }) => ({ name, responseName }));
    const known = { schemaHash: Buffer.from(contract.schemaHash), methods, errorName: contract.errorName };
    this.#handlers = handlers;
    try {
      this.#native = new native.NativeServer(address, known, limits, slots, () => {
        this.#armed = false;
        this.#turn();
      });
    } catch (error) {
      throw new CallerMistake((error as Error).message, { cause: error });
    }
    process.once("exit", this.#abort);
    this.#schedule();
  }

  get open(): number {
    return this.#native.open;
  }

  async close(grace: number = GRACE_MS): Promise<void> {
    if (this.#over) return;
    const end = performance.now() + grace;
    while (!this.#native.drain() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
    this.#over = true;
    process.off("exit", this.#abort);
    this.#native.abort();
  }

  /** What was answered in one turn of the loop leaves together. */
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
    const requests = this.#native.turn();
    for (const { ticket, method, payload } of requests) {
      void this.#handlers.run(method, payload).then((outcome) => {
        if (this.#over) return;
        if ("error" in outcome) this.#native.fail(ticket, outcome.error);
        else this.#native.complete(ticket, outcome.payload);
        this.#schedule();
      });
    }
    if (requests.length > 0) {
      this.#schedule();
    } else if (!this.#armed) {
      this.#armed = true;
      this.#native.arm();
    }
  }
}

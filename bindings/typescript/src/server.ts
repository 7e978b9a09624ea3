/** Servers: what a service is served by, whatever the transport. */

import { parseAddress } from "./address.js";
import type { Contract } from "./contract.js";
import { type Handler, Handlers, type OnError } from "./handlers.js";
import { DEFAULT_LIMITS, type Limits, checkServerLimits } from "./limits.js";
import { SharedMemoryServer } from "./shared-memory-server.js";
import { SocketServer } from "./socket-server.js";

/** How a server is set up. */
export interface ServeOptions {
  readonly limits?: Partial<Limits>;
  /** Told of errors that handlers did not throw on purpose; by default they are written to the console. */
  readonly onError?: OnError;
  /** Client slots of a shared-memory server; 8 by default. */
  readonly slots?: number;
}

/** A running server. */
export interface Server {
  /** Connections open now. */
  readonly open: number;
  /** Stops accepting, lets requests in flight finish for at most `grace` ms, answers errors to the rest, closes and unlinks everything. */
  close(grace?: number): Promise<void>;
}

/** Serves a contract; `handlers` stand in the order of its methods. When the promise resolves, clients can connect. */
export async function serve(
  address: string,
  contract: Contract,
  handlers: readonly Handler[],
  options: ServeOptions = {},
): Promise<Server> {
  const parsed = parseAddress(address);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  checkServerLimits(limits);
  const table = new Handlers(contract, handlers, options.onError ?? report);
  if (parsed.kind === "shared-memory") return new SharedMemoryServer(address, contract, table, limits, options.slots);
  const server = new SocketServer(parsed.path, contract, table, limits);
  await server.listen();
  return server;
}

function report(method: string, error: unknown): void {
  console.error(`the handler of ${method} failed:`, error);
}

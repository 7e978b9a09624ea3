/** A server over a Unix socket: listens, accepts, and lets connections over its bound wait. */

import net from "node:net";

import type { Contract } from "./contract.js";
import { GRACE_MS } from "./grace.js";
import type { Handlers } from "./handlers.js";
import type { Limits } from "./limits.js";
import type { Server } from "./server.js";
import { ServerConnection } from "./server-connection.js";
import { SocketPlace } from "./socket-place.js";

/** Connections that the system may keep for us until we accept them: as the reactor's; the system cuts it to its own bound. */
const BACKLOG = 4096;

/** Connections over the bound that wait for their turn, each a descriptor; further ones are closed. Node cannot leave them to the system. */
const MOST_WAITING = 4096;

/** A running server over a Unix socket. It is unlinked when it closes and when the process exits by itself; one that a signal ends must close it. */
export class SocketServer implements Server {
  readonly #place: string;
  readonly #server: net.Server;
  readonly #serve: (socket: net.Socket) => ServerConnection;
  readonly #connections = new Set<ServerConnection>();
  /** Accepted and not read, the longest-waiting first. */
  readonly #waiting: net.Socket[] = [];
  readonly #limits: Limits;
  readonly #unlink = (): void => this.#shown?.remove();
  #shown: SocketPlace | undefined;

  constructor(place: string, contract: Contract, handlers: Handlers, limits: Limits) {
    this.#place = place;
    this.#limits = limits;
    this.#serve = (socket) => {
      const connection = new ServerConnection(socket, contract, handlers, limits, () => {
        this.#connections.delete(connection);
        this.#admit();
      });
      return connection;
    };
    this.#server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      socket.on("error", () => socket.destroy()); // also while it waits
      this.#waiting.push(socket);
      this.#admit();
    });
    this.#server.maxConnections = limits.maxConnections + MOST_WAITING;
  }

  /** Connections served now. */
  get open(): number {
    return this.#connections.size;
  }

  /** Binds, listens, and shows itself; to be called once, by `serve`. */
  async listen(): Promise<void> {
    const place = new SocketPlace(this.#place);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen({ path: place.hidden, backlog: BACKLOG }, () => {
          this.#server.off("error", reject);
          resolve();
        });
      });
      await place.show();
    } catch (error) {
      this.#server.close();
      throw error;
    } finally {
      place.tidy();
    }
    this.#shown = place;
    process.once("exit", this.#unlink);
  }

  /** Stops accepting, lets requests in flight finish for at most `grace` ms, answers errors to the rest, closes and unlinks everything. */
  async close(grace: number = GRACE_MS): Promise<void> {
    this.#unlink();
    process.off("exit", this.#unlink);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    await Promise.all([...this.#connections].map((connection) => connection.drain(grace)));
    await closed;
  }

  /** Serves those who wait as far as the bound goes. */
  #admit(): void {
    while (this.#connections.size < this.#limits.maxConnections) {
      const socket = this.#waiting.shift();
      if (socket === undefined) return;
      this.#connections.add(this.#serve(socket));
    }
  }
}

/** A server over a Unix socket: binds, shows itself, accepts. */

import { chmodSync, mkdtempSync, renameSync, rmSync, statSync, unlinkSync } from "node:fs";
import net from "node:net";
import path from "node:path";

import type { Contract } from "./contract.js";
import { CallerMistake, TryAgain } from "./errors.js";
import { GRACE_MS } from "./grace.js";
import type { Handlers } from "./handlers.js";
import type { Limits } from "./limits.js";
import type { Server } from "./server.js";
import { ServerConnection } from "./server-connection.js";

/** Longest queue of connections not yet accepted: more than clients that start together, fewer than the system's own bound. */
const BACKLOG = 511;

/**
 * A running server over a Unix socket.
 *
 * The socket is bound in a directory that only we can enter and then renamed to its place, so that whoever sees it can connect and nobody else
 * ever could. It is unlinked when the server closes and when the process exits by itself; a process that a signal ends must close it.
 */
export class SocketServer implements Server {
  readonly #path: string;
  readonly #server: net.Server;
  readonly #connections = new Set<ServerConnection>();
  readonly #unlink = (): void => this.#remove();
  #inode: bigint | undefined;

  constructor(place: string, contract: Contract, handlers: Handlers, limits: Limits) {
    this.#path = place;
    this.#server = net.createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new ServerConnection(socket, contract, handlers, limits, () => this.#connections.delete(connection));
      this.#connections.add(connection);
    });
    this.#server.maxConnections = limits.maxConnections;
  }

  /** Connections open now. */
  get open(): number {
    return this.#connections.size;
  }

  /** Binds, listens, and shows itself; to be called once, by `serve`. */
  async listen(): Promise<void> {
    await this.#refuseLiving();
    const aside = mkdtempSync(path.join(path.dirname(this.#path), ".s"));
    try {
      const hidden = path.join(aside, "s");
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen({ path: hidden, backlog: BACKLOG }, () => {
          this.#server.off("error", reject);
          resolve();
        });
      });
      chmodSync(hidden, 0o600);
      this.#inode = statSync(hidden, { bigint: true }).ino;
      renameSync(hidden, this.#path);
      process.once("exit", this.#unlink);
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
  }

  /** Stops accepting, lets requests in flight finish for at most `grace` ms, answers errors to the rest, closes and unlinks everything. */
  async close(grace: number = GRACE_MS): Promise<void> {
    this.#remove();
    process.off("exit", this.#unlink);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([...this.#connections].map((connection) => connection.drain(grace)));
    await closed;
  }

  /** A living server has this address: `TryAgain`; a dead one's socket is replaced by the rename; anything else is not ours to replace. */
  async #refuseLiving(): Promise<void> {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (!found.isSocket()) throw new CallerMistake(`${this.#path} exists and is no socket: choose another address`);
    const lives = await new Promise<boolean>((resolve) => {
      const probe = net.connect({ path: this.#path });
      probe.once("connect", () => {
        probe.destroy();
        resolve(true);
      });
      probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EAGAIN"));
    });
    if (lives) throw new TryAgain(`somebody serves ${this.#path} already`);
  }

  /** Unlinks our socket, unless somebody else's has taken its place. */
  #remove(): void {
    try {
      if (this.#inode !== undefined && statSync(this.#path, { bigint: true }).ino === this.#inode) unlinkSync(this.#path);
    } catch {
      // Gone already.
    }
    this.#inode = undefined;
  }
}

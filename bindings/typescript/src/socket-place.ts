/** A server's socket in the file system: bound where only we can see it, shown under its path when it listens, removed by its owner only. */

import { randomBytes } from "node:crypto";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  type BigIntStats,
} from "node:fs";
import net from "node:net";
import path from "node:path";

import { MAX_PATH_BYTES } from "./address.js";
import { CallerMistake, TryAgain } from "./errors.js";

/** Our directories beside a path: process id and 8 hexadecimal digits, as other servers of this project name what they bind. */
const ASIDE = /^\.pp-(\d{1,7})-[0-9a-f]{8}$/;
/** Longest path in such a directory, bytes. */
const ASIDE_BYTES = ".pp-4194304-00000000/s".length;
/** Entries of the directory that are looked at for leftovers: a giant directory must not delay the start. */
const MOST_ENTRIES = 10_000;
/** How often a path is tried that was free or dead a moment ago; every time somebody else must have been faster. */
const ATTEMPTS = 3;

/**
 * The place of one server.
 *
 * The socket is bound in a directory that only we can enter, listens, and is then linked to its path, which fails if anything is there: whoever
 * sees it can connect, nobody else ever could, and of servers that start together one gets the path. A dead server's socket is moved away
 * first; if what was moved is not what was found dead, somebody was faster, and it is put back. Node cannot lock a directory, so two cases stay:
 * a server of another language that replaces the same dead socket at that moment, and a third server that takes the path between the move and
 * the putting back.
 */
export class SocketPlace {
  readonly #path: string;
  readonly #aside: string;
  #inode: bigint | undefined;

  /** Makes the directory; throws `CallerMistake` if the path of the bound socket would be too long for the system. */
  constructor(place: string) {
    const directory = path.dirname(place);
    const longest = Buffer.byteLength(path.join(directory, "/")) + ASIDE_BYTES;
    if (longest > MAX_PATH_BYTES) {
      throw new CallerMistake(`the directory ${directory} is ${longest - MAX_PATH_BYTES} bytes too long to bind a socket in`);
    }
    this.#path = place;
    removeLeftovers(directory);
    this.#aside = path.join(directory, `.pp-${process.pid}-${randomBytes(4).toString("hex")}`);
    mkdirSync(this.#aside, { mode: 0o700 });
  }

  /** Where to bind. */
  get hidden(): string {
    return path.join(this.#aside, "s");
  }

  /** Shows the socket, which listens; throws `TryAgain` if somebody serves the path, `CallerMistake` if something else is there. */
  async show(): Promise<void> {
    chmodSync(this.hidden, 0o600);
    for (let attempt = 1; !this.#link(this.hidden); attempt += 1) {
      if (attempt === ATTEMPTS) throw new TryAgain(`other servers take ${this.#path} at the same time`);
      await this.#clear();
    }
    this.#inode = statSync(this.hidden, { bigint: true }).ino;
  }

  /** Removes the directory; the path, if shown, stays. */
  tidy(): void {
    rmSync(this.#aside, { recursive: true, force: true });
  }

  /** Unlinks our socket, unless somebody else's has taken its place. */
  remove(): void {
    if (this.#inode !== undefined && look(this.#path)?.ino === this.#inode) rmSync(this.#path, { force: true });
    this.#inode = undefined;
  }

  /** Links a socket to the path; false if something is there. */
  #link(from: string): boolean {
    try {
      linkSync(from, this.#path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  }

  /** Moves a dead server's socket out of the way. */
  async #clear(): Promise<void> {
    const found = look(this.#path);
    if (found === undefined) return;
    if (!found.isSocket()) throw new CallerMistake(`${this.#path} exists and is no socket: choose another address`);
    const taken = new TryAgain(`somebody serves ${this.#path} already`);
    if (await lives(this.#path)) throw taken;
    const moved = path.join(this.#aside, "dead");
    try {
      renameSync(this.#path, moved);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return; // somebody else moved it
      throw error;
    }
    const came = look(moved);
    // The number of a removed socket may be given to a new one, but not with the old one's time.
    const wasDead = came?.ino === found.ino && came.mtimeNs === found.mtimeNs;
    if (!wasDead) this.#link(moved);
    unlinkSync(moved);
    if (!wasDead) throw taken;
  }
}

function look(place: string): BigIntStats | undefined {
  return lstatSync(place, { bigint: true, throwIfNoEntry: false });
}

/** Whether somebody listens there; a full backlog is somebody too. */
function lives(place: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect({ path: place });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"));
  });
}

/** Removes what servers of our user left that were killed between binding and showing. */
function removeLeftovers(directory: string): void {
  const entries = opendirSync(directory);
  try {
    for (let count = 0; count < MOST_ENTRIES; count += 1) {
      const entry = entries.readSync();
      if (entry === null) return;
      const pid = ASIDE.exec(entry.name)?.[1];
      if (pid === undefined || isAlive(Number(pid))) continue;
      const place = path.join(directory, entry.name);
      if (look(place)?.uid === BigInt(process.getuid?.() ?? -1)) rmSync(place, { recursive: true, force: true });
    }
  } finally {
    entries.closeSync();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

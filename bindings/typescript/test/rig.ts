/** What the tests share: a served echo whose handlers the test steps by hand, and a raw socket that says what it likes. */

import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";

import { CommandFailed, FrameReader, type ServeOptions, type Server, Writer, frame, writeRequestEnvelope } from "@proofplane/rpc";

import { type EchoService, serveEcho } from "../examples/generated/echo.js";

/** A short directory that is gone after the test. */
export function directory(test: TestContext): string {
  const made = mkdtempSync(path.join(os.tmpdir(), "rpc-"));
  test.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Sleep requests that wait for the test to answer them, by token. */
export class Sleepers {
  readonly #waiting = new Map<bigint, () => void>();
  #seen: (() => void)[] = [];

  sleep(token: bigint): Promise<void> {
    const done = new Promise<void>((resolve) => this.#waiting.set(token, resolve));
    for (const look of this.#seen.splice(0)) look();
    return done;
  }

  /** How many wait. */
  get count(): number {
    return this.#waiting.size;
  }

  /** Resolves once so many wait. */
  async until(count: number): Promise<void> {
    while (this.#waiting.size < count) await new Promise<void>((resolve) => this.#seen.push(resolve));
  }

  /** Answers one. */
  wake(token: bigint): void {
    this.#waiting.get(token)?.();
    this.#waiting.delete(token);
  }
}

export function service(sleepers: Sleepers): EchoService {
  return {
    echoBytes: async ({ data }) => ({ data }),
    echoEverything: async ({ value }) => ({ value }),
    measure: async ({ name, number, digest }) => ({ name, number, digest, tag: BigInt(number) + 1n }),
    sleep: async ({ token }) => {
      await sleepers.sleep(token);
      return { token };
    },
    fail: async ({ message }) => {
      throw message.startsWith("!") ? new TypeError(message) : new CommandFailed(message);
    },
    forget: async () => undefined as never,
  };
}

export interface Rig {
  readonly address: string;
  readonly server: Server;
  readonly sleepers: Sleepers;
  readonly errors: unknown[];
}

/** Serves echo for the time of a test. */
export async function serveRig(test: TestContext, options: ServeOptions = {}): Promise<Rig> {
  const address = path.join(directory(test), "echo.sock");
  const sleepers = new Sleepers();
  const errors: unknown[] = [];
  const server = await serveEcho(address, service(sleepers), { onError: (_, error) => errors.push(error), ...options });
  test.after(() => server.close(0));
  return { address, server, sleepers, errors };
}

/** A socket that sends any bytes and collects reply bodies. */
export class Raw {
  readonly socket: net.Socket;
  readonly ended: Promise<void>;
  readonly #frames = new FrameReader(1 << 26);
  readonly #bodies: string[] = [];
  #more: (() => void)[] = [];

  constructor(test: TestContext, address: string) {
    this.socket = net.connect({ path: address, allowHalfOpen: true });
    this.socket.on("error", () => undefined);
    this.socket.on("data", (chunk) => {
      this.#frames.push(chunk);
      for (let body = this.#frames.next(); body !== undefined; body = this.#frames.next())
        this.#bodies.push(Buffer.from(body).toString("latin1"));
      for (const look of this.#more.splice(0)) look();
    });
    this.ended = new Promise((resolve) => this.socket.on("end", resolve).on("close", resolve));
    test.after(() => this.socket.destroy());
  }

  send(...parts: Uint8Array[]): void {
    for (const part of parts) this.socket.write(part);
  }

  /** The next reply's body, as latin1 so that its names can be read. */
  async reply(): Promise<string> {
    while (this.#bodies.length === 0) await new Promise<void>((resolve) => this.#more.push(resolve));
    return this.#bodies.shift() as string;
  }
}

/** A framed request. */
export function request(name: string, id: bigint | undefined, write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  writeRequestEnvelope(writer, id, name);
  write(writer);
  return frame(writer.bytes());
}

export function sleep(token: bigint, id?: bigint): Uint8Array {
  return request("Sleep", id, (writer) => {
    writer.map(2);
    writer.string("milliseconds");
    writer.u32(0);
    writer.string("token");
    writer.u64(token);
  });
}

export function echoBytes(size: number, id?: bigint): Uint8Array {
  return request("EchoBytes", id, (writer) => {
    writer.map(1);
    writer.string("data");
    writer.binary(new Uint8Array(size));
  });
}

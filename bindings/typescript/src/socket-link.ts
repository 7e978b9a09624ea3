/** A link over a Unix socket: replies are matched by id, or by their place in the order. */

import net from "node:net";

import { readReplyEnvelope, writeRequestEnvelope } from "./envelopes.js";
import { BadBytes, CallerMistake, Ended, RpcError, TryAgain, WouldBlock } from "./errors.js";
import { FrameReader, frame } from "./frames.js";
import type { Limits } from "./limits.js";
import type { CallId, Link, LinkEvents } from "./link.js";
import { Writer } from "./msgpack-writer.js";

/** First, largest and total time between attempts to connect, ms: servers that bind before they listen refuse for that long at most. */
const FIRST_WAIT_MS = 1;
const LARGEST_WAIT_MS = 50;
const CONNECT_MS = 5_000;

/** The server is absent, not yet listening, or its backlog is full. */
const RETRIED = new Set(["ENOENT", "ECONNREFUSED", "EAGAIN"]);

/** Connects to a socket, patiently; throws `TryAgain` when the time is over, `CallerMistake` for what no waiting heals. */
export async function connectSocket(path: string): Promise<net.Socket> {
  const end = performance.now() + CONNECT_MS;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LARGEST_WAIT_MS)) {
    try {
      return await attempt(path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (!RETRIED.has(code)) throw new CallerMistake(`cannot connect to ${path}: ${(error as Error).message}`, { cause: error });
      if (performance.now() + wait > end) {
        throw new TryAgain(`nobody serves ${path} (${code}, asked for ${CONNECT_MS / 1000} s)`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

function attempt(path: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ path });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** The link; the socket is connected and nobody else's. */
export class SocketLink implements Link {
  readonly #socket: net.Socket;
  readonly #limits: Limits;
  readonly #events: LinkEvents;
  readonly #frames: FrameReader;
  /** Plain calls in the order of their requests. */
  readonly #order: CallId[] = [];
  /** Calls with ids that are unanswered. */
  readonly #byId = new Set<CallId>();
  #maxRequest: number;
  #ids = false;
  #last: CallId = 0;
  #over = false;

  constructor(socket: net.Socket, limits: Limits, events: LinkEvents) {
    this.#socket = socket;
    this.#limits = limits;
    this.#events = events;
    this.#maxRequest = limits.maxFrame;
    this.#frames = new FrameReader(limits.maxFrame);
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) => this.#lose(new Ended(`the connection broke: ${error.message}`, { cause: error })));
    socket.on("close", () => this.#lose(new Ended("the server closed the connection")));
  }

  useIds(): void {
    this.#ids = true;
  }

  limitRequests(most: number): void {
    this.#maxRequest = Math.min(most, this.#limits.maxFrame);
  }

  submit(name: string, payload: Uint8Array): CallId {
    const call = this.#last + 1;
    const writer = new Writer();
    writeRequestEnvelope(writer, this.#ids ? BigInt(call) : undefined, name);
    writer.raw(payload);
    if (writer.length > this.#maxRequest) {
      throw new CallerMistake(`the request ${name} has ${writer.length} bytes, and ${this.#maxRequest} is the most`);
    }
    if (this.#socket.writableLength > 0 && this.#socket.writableLength + writer.length > this.#limits.maxQueued) {
      throw new WouldBlock(`${this.#socket.writableLength} bytes of requests are unsent: await some replies first`);
    }
    this.#last = call;
    if (this.#ids) this.#byId.add(call);
    else this.#order.push(call);
    this.#socket.write(frame(writer.bytes()));
    return call;
  }

  close(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#frames.push(chunk);
    try {
      for (let body = this.#frames.next(); body !== undefined && !this.#over; body = this.#frames.next()) this.#reply(body);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.#lose(error);
    }
  }

  #reply(body: Uint8Array): void {
    const { id, name, payload } = readReplyEnvelope(body);
    let call: CallId | undefined;
    if (id === undefined) {
      call = this.#order.shift();
    } else if (this.#byId.delete(Number(id))) {
      call = Number(id);
    }
    if (call === undefined) throw new BadBytes(`a reply ${name} that answers no request`);
    this.#events.reply(call, name, payload);
  }

  #lose(reason: Error): void {
    if (this.#over) return;
    this.close();
    this.#events.lost(reason);
  }
}

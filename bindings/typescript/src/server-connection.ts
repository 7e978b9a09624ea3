/** One connection of a server: requests in, replies out, plain ones in the order of their requests, those with ids as soon as they are done. */

import type net from "node:net";

import { type Contract, HELLO, hello, writeError } from "./contract.js";
import { type Envelope, readRequestEnvelope, readRequestId, writeReplyEnvelope } from "./envelopes.js";
import { BadBytes } from "./errors.js";
import { FrameReader, frame } from "./frames.js";
import type { Handlers } from "./handlers.js";
import type { Limits } from "./limits.js";
import { Writer } from "./msgpack-writer.js";
import { type Place, ReplyOrder } from "./reply-order.js";

/** How a reply goes: under its request's id, or at its request's place in the order. */
type Way = bigint | Place;

/** Bytes of an error reply besides its name and message: two arrays and an id, the name's header, map, key, the message's header. */
const AROUND_ERROR = 1 + 9 + 1 + 5 + 1 + 8 + 5;

/**
 * The rules are those of the reactor (docs/design/reactor.md):
 *
 * 1. Every frame gets exactly one reply, an error included. A bad envelope whose id can be read is answered under it.
 * 2. Plain replies leave in the order of their requests; one with an id leaves when it is done. An id in flight cannot be taken again.
 * 3. At `maxInFlight` unanswered requests, or over `maxQueued` unsent bytes, nothing is read until both are at half.
 * 4. A reply that does not fit becomes an error in its place; an error's message is cut until it fits.
 * 5. When the client has said that it sends no more, the connection ends after the last reply.
 */
export class ServerConnection {
  readonly #socket: net.Socket;
  readonly #contract: Contract;
  readonly #handlers: Handlers;
  readonly #limits: Limits;
  readonly #frames: FrameReader;
  readonly #order = new ReplyOrder();
  /** Ids of requests that are unanswered. */
  readonly #ids = new Set<bigint>();
  /** Requests that are with their handlers. */
  readonly #handled = new Set<Way>();
  /** Bytes that the system has not taken yet. */
  #unsent = 0;
  /** Over a bound, and not yet at half of both. */
  #paused = false;
  /** The client has said that it sends no more. */
  #ended = false;
  /** We take no more, whatever comes: a drain, or a length over the limit. */
  #deaf = false;
  #over = false;
  #corked = false;
  #drained: (() => void) | undefined;

  /** `gone` is called when the connection is over. The socket may be paused; whoever accepted it destroys it when it fails. */
  constructor(socket: net.Socket, contract: Contract, handlers: Handlers, limits: Limits, gone: () => void) {
    this.#socket = socket;
    this.#contract = contract;
    this.#handlers = handlers;
    this.#limits = limits;
    this.#frames = new FrameReader(limits.maxFrame);
    socket.on("data", (chunk: Buffer) => {
      if (this.#deaf) return;
      this.#frames.push(chunk);
      this.#work();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#finish();
    });
    socket.on("close", () => {
      this.#over = true;
      this.#handled.clear();
      this.#drained?.();
      gone();
    });
    socket.resume();
  }

  /** Reads no more; resolves once everything is answered and sent, with errors for what is unanswered after `grace` ms. */
  async drain(grace: number): Promise<void> {
    if (this.#over) return;
    this.#deaf = true;
    this.#socket.pause();
    const done = new Promise<void>((resolve) => (this.#drained = resolve));
    const timer = setTimeout(() => {
      for (const way of [...this.#handled]) {
        this.#handled.delete(way);
        this.#fail(way, "the server is shutting down");
      }
      setImmediate(() => this.#socket.destroy()); // what the client has no room for by then is lost
    }, grace);
    this.#finish();
    await done;
    clearTimeout(timer);
  }

  /** Whether a further frame may be taken. */
  #mayTake(): boolean {
    const { maxInFlight, maxQueued } = this.#limits;
    const inFlight = this.#order.length + this.#ids.size;
    const queued = this.#unsent + this.#order.held;
    this.#paused = this.#paused ? inFlight > maxInFlight / 2 || queued > maxQueued / 2 : inFlight >= maxInFlight || queued > maxQueued;
    return !this.#paused && !this.#deaf;
  }

  /** Takes frames while there is room for their replies; stops or goes on reading accordingly. */
  #work(): void {
    if (this.#over) return;
    try {
      while (this.#mayTake()) {
        const body = this.#frames.next();
        if (body === undefined) break;
        this.#take(body);
      }
    } catch (error) {
      if (!(error instanceof BadBytes)) throw error;
      // A length over the limit: an error in its place, and the end once everything before it is answered. What still comes is thrown away.
      this.#fail(this.#order.take(), error.message);
      this.#deaf = true;
      this.#paused = false;
    }
    if (this.#paused) this.#socket.pause();
    else if (this.#drained === undefined) this.#socket.resume();
    this.#finish();
  }

  #take(body: Uint8Array): void {
    let envelope: Envelope;
    try {
      envelope = readRequestEnvelope(body);
    } catch (error) {
      if (!(error instanceof BadBytes)) throw error;
      this.#fail(readRequestId(body) ?? this.#order.take(), error.message);
      return;
    }
    const { id, name, payload } = envelope;
    if (id !== undefined && this.#ids.has(id)) {
      this.#fail(id, `request id ${id} is in flight already: the earlier request keeps it`);
      return;
    }
    const way = id ?? this.#order.take();
    const number = this.#handlers.find(name);
    // Whatever its payload is, so that any probe of an unknown server recognises one of ours.
    if (name === HELLO) this.#greet(way);
    else if (number === undefined) this.#fail(way, `unknown command ${name}`);
    else this.#handle(way, number, payload);
  }

  #greet(way: Way): void {
    const response = { schemaHash: this.#contract.schemaHash, ids: true, maxFrame: this.#limits.maxFrame };
    this.#answer(way, hello.responseName, (writer) => hello.writeResponse(writer, response));
  }

  #handle(way: Way, number: number, payload: Uint8Array): void {
    if (typeof way === "bigint") this.#ids.add(way);
    this.#handled.add(way);
    void this.#handlers.run(number, payload).then((outcome) => {
      if (!this.#handled.delete(way)) return; // the connection is over, or was drained without waiting any longer
      if (typeof way === "bigint") this.#ids.delete(way);
      if ("error" in outcome) this.#fail(way, outcome.error);
      else this.#answer(way, this.#handlers.method(number).responseName, (writer) => writer.raw(outcome.payload));
      this.#work();
    });
  }

  #fail(way: Way, message: string): void {
    const room = this.#limits.maxFrame - AROUND_ERROR - Buffer.byteLength(this.#contract.errorName);
    this.#answer(way, this.#contract.errorName, (writer) => writeError(writer, message, room));
  }

  /** Packs a reply, and sends it or keeps it for its turn. */
  #answer(way: Way, name: string, write: (writer: Writer) => void): void {
    const writer = new Writer();
    writeReplyEnvelope(writer, typeof way === "bigint" ? way : undefined, name);
    write(writer);
    if (writer.length > this.#limits.maxFrame && name !== this.#contract.errorName) {
      this.#fail(way, `the reply of ${writer.length} bytes is over the limit of ${this.#limits.maxFrame}`);
      return;
    }
    const framed = frame(writer.bytes());
    if (typeof way === "bigint") this.#send(framed);
    else for (const reply of this.#order.fill(way, framed)) this.#send(reply);
  }

  /** Sends; what is sent in one turn leaves together. */
  #send(framed: Uint8Array): void {
    if (this.#over || !this.#socket.writable) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#unsent += framed.length;
    // Not `drain`: that comes only after a write that went over the stream's own mark, which is not ours.
    this.#socket.write(framed, () => {
      this.#unsent -= framed.length;
      if (this.#paused) this.#work();
    });
  }

  /** Ends the connection if nothing comes any more and everything is answered. */
  #finish(): void {
    const nothingComes = this.#deaf || (this.#ended && !this.#paused);
    if (nothingComes && !this.#over && this.#handled.size === 0 && !this.#socket.writableEnded) {
      this.#socket.end(() => this.#socket.destroySoon());
    }
  }
}

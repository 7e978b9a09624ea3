/** One connection of a server: requests in, replies out, plain ones in the order of their requests, those with ids as soon as they are done. */

import type net from "node:net";

import { type Contract, hello, writeError } from "./contract.js";
import { type Envelope, readRequestEnvelope, writeReplyEnvelope } from "./envelopes.js";
import { BadBytes } from "./errors.js";
import { FrameReader, frame } from "./frames.js";
import type { Handlers } from "./handlers.js";
import type { Limits } from "./limits.js";
import { Reader } from "./msgpack-reader.js";
import { Writer } from "./msgpack-writer.js";

/** A request's place in the order of plain replies; the frame is there once it is answered. */
interface Place {
  reply: Uint8Array | undefined;
}

/** Packs and sends one reply, or keeps it for its turn; false, and nothing done, if a reply that is no error is over the limit. */
type Answer = (name: string, write: (writer: Writer) => void) => boolean;

/**
 * Rules:
 *
 * 1. Every frame gets exactly one reply, an error included.
 * 2. Plain replies leave in the order of their requests; one with an id leaves when it is done.
 * 3. While `maxInFlight` requests are unanswered, or `maxQueued` bytes are unsent, nothing is read.
 * 4. When the client has said that it sends no more, the connection ends after the last reply.
 */
export class ServerConnection {
  readonly #socket: net.Socket;
  readonly #contract: Contract;
  readonly #handlers: Handlers;
  readonly #limits: Limits;
  readonly #frames: FrameReader;
  readonly #order: Place[] = [];
  /** Requests that are with their handlers, each with what answers it an error instead. */
  readonly #unanswered = new Map<object, (message: string) => void>();
  /** Bytes of plain replies that wait for an earlier one. */
  #held = 0;
  /** The client has said that it sends no more. */
  #ended = false;
  /** We take no more, whatever comes: a drain, or a length over the limit. */
  #deaf = false;
  #over = false;
  #corked = false;
  #drained: (() => void) | undefined;

  /** `gone` is called when the connection is over. */
  constructor(socket: net.Socket, contract: Contract, handlers: Handlers, limits: Limits, gone: () => void) {
    this.#socket = socket;
    this.#contract = contract;
    this.#handlers = handlers;
    this.#limits = limits;
    this.#frames = new FrameReader(limits.maxFrame);
    socket.on("data", (chunk: Buffer) => {
      this.#frames.push(chunk);
      this.#work();
    });
    socket.on("drain", () => this.#work());
    socket.on("end", () => {
      this.#ended = true;
      this.#finish();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#over = true;
      this.#unanswered.clear();
      this.#drained?.();
      gone();
    });
  }

  /** Reads no more; resolves once everything is answered and sent, with errors for what is unanswered after `grace` ms. */
  async drain(grace: number): Promise<void> {
    if (this.#over) return;
    this.#deaf = true;
    this.#socket.pause();
    const done = new Promise<void>((resolve) => (this.#drained = resolve));
    const timer = setTimeout(() => {
      for (const fail of [...this.#unanswered.values()]) fail("the server is shutting down");
      setImmediate(() => this.#socket.destroy()); // what the client has no room for by then is lost
    }, grace);
    this.#finish();
    await done;
    clearTimeout(timer);
  }

  get #full(): boolean {
    return this.#unanswered.size >= this.#limits.maxInFlight || this.#socket.writableLength + this.#held > this.#limits.maxQueued;
  }

  /** Takes frames while there is room for their replies; stops or goes on reading accordingly. */
  #work(): void {
    if (this.#over) return;
    try {
      while (!this.#full && !this.#deaf) {
        const body = this.#frames.next();
        if (body === undefined) break;
        this.#take(body);
      }
    } catch (error) {
      if (!(error instanceof BadBytes)) throw error;
      this.#refuseStream(error.message);
    }
    if (this.#full) this.#socket.pause();
    else if (this.#drained === undefined) this.#socket.resume();
    this.#finish();
  }

  /** A frame over the limit: an error in its place, and the end once everything before it is answered. What still comes is thrown away. */
  #refuseStream(message: string): void {
    this.#fail(this.#answerer(undefined), message);
    this.#deaf = true;
    this.#socket.removeAllListeners("data");
    this.#socket.on("data", () => undefined);
  }

  #take(body: Uint8Array): void {
    let envelope: Envelope;
    try {
      envelope = readRequestEnvelope(body);
    } catch (error) {
      if (!(error instanceof BadBytes)) throw error;
      this.#fail(this.#answerer(undefined), error.message);
      return;
    }
    const answer = this.#answerer(envelope.id);
    if (envelope.name === hello.name) {
      this.#greet(answer, envelope.payload);
      return;
    }
    const number = this.#handlers.find(envelope.name);
    if (number === undefined) this.#fail(answer, `unknown command ${envelope.name}`);
    else this.#handle(answer, number, envelope.payload);
  }

  #greet(answer: Answer, payload: Uint8Array): void {
    try {
      hello.readRequest(new Reader(payload));
    } catch (error) {
      this.#fail(answer, (error as Error).message);
      return;
    }
    const response = { schemaHash: this.#contract.schemaHash, ids: true, maxFrame: this.#limits.maxFrame };
    answer(hello.responseName, (writer) => hello.writeResponse(writer, response));
  }

  #handle(answer: Answer, number: number, payload: Uint8Array): void {
    const token = {};
    this.#unanswered.set(token, (message) => {
      if (this.#unanswered.delete(token)) this.#fail(answer, message);
    });
    void this.#handlers.run(number, payload).then((outcome) => {
      if (!this.#unanswered.delete(token)) return; // the connection is over, or was drained without waiting any longer
      if ("error" in outcome) this.#fail(answer, outcome.error);
      else if (!answer(this.#handlers.method(number).responseName, (writer) => writer.raw(outcome.payload))) {
        this.#fail(answer, `the reply of ${outcome.payload.length} bytes is over the limit of ${this.#limits.maxFrame}`);
      }
      this.#work();
    });
  }

  #fail(answer: Answer, message: string): void {
    answer(this.#contract.errorName, (writer) => writeError(writer, message));
  }

  /** Takes the request's place now, and returns what answers it. */
  #answerer(id: bigint | undefined): Answer {
    const place: Place | undefined = id === undefined ? { reply: undefined } : undefined;
    if (place !== undefined) this.#order.push(place);
    return (name, write) => {
      const writer = new Writer();
      writeReplyEnvelope(writer, id, name);
      write(writer);
      if (writer.length > this.#limits.maxFrame && name !== this.#contract.errorName) return false;
      const framed = frame(writer.bytes());
      if (place === undefined) {
        this.#send(framed);
        return true;
      }
      place.reply = framed;
      this.#held += framed.length;
      this.#release();
      return true;
    };
  }

  /** Sends what is at the head of the order and answered. */
  #release(): void {
    let sent = 0;
    for (const { reply } of this.#order) {
      if (reply === undefined) break;
      this.#held -= reply.length;
      this.#send(reply);
      sent += 1;
    }
    this.#order.splice(0, sent);
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
    this.#socket.write(framed);
  }

  /** Ends the connection if nothing comes any more and everything is answered. */
  #finish(): void {
    const nothingComes = this.#deaf || (this.#ended && !this.#full);
    if (nothingComes && !this.#over && this.#unanswered.size === 0 && !this.#socket.writableEnded) {
      this.#socket.end(() => this.#socket.destroySoon());
    }
  }
}

/** The client: typed calls as promises, with deadlines, over any link. */

import { parseAddress } from "./address.js";
import { type Contract, type Method, hello, readError, sameSchema } from "./contract.js";
import { BadBytes, CallerMistake, Closed, RemoteError, RpcError, SchemaMismatch, TimedOut, WouldBlock } from "./errors.js";
import { DEFAULT_LIMITS, type Limits } from "./limits.js";
import type { CallId, Link, LinkEvents } from "./link.js";
import { Reader } from "./msgpack-reader.js";
import { Writer } from "./msgpack-writer.js";
import { NativeLink } from "./native-link.js";
import { SocketLink, connectSocket } from "./socket-link.js";

/** How long a call may take unless it says otherwise, ms: a server that answers nothing must not hold its callers for ever. */
const CALL_MS = 60_000;

/** The longest that a timer of Node can wait, ms (24 days); it takes a longer one for 1 ms. */
const LONGEST_MS = 2 ** 31 - 1;

/** How one call is made. */
export interface CallOptions {
  /** Milliseconds until the promise fails with `TimedOut`; more than 24 days, or Infinity: no deadline. */
  readonly timeout?: number;
  /** Gives the promise up. The request is not taken back, and its reply is dropped when it comes. */
  readonly signal?: AbortSignal;
}

/** What a generated client needs beneath it. */
export interface Caller {
  call<Request, Response>(method: Method<Request, Response>, request: Request, options?: CallOptions): Promise<Response>;
}

/** How to connect. */
export interface ConnectOptions {
  /** "auto" asks the server by `Hello` and uses ids if it knows them; "ids" fails without them; "plain" never asks. */
  readonly mode?: "auto" | "ids" | "plain";
  readonly limits?: Partial<Limits>;
  /** Default of `CallOptions.timeout`, ms. */
  readonly timeout?: number;
  /** Slot of a many-client shared-memory server; needed with a server that is not ours. */
  readonly slot?: number;
}

interface Pending {
  readonly method: Method<unknown, unknown>;
  readonly resolve: (response: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly release: () => void;
}

/** Connects to `PATH.sock` or `NAME.shm` and finds out whether the server knows ids. */
export async function connect(address: string, contract: Contract, options: ConnectOptions = {}): Promise<Client> {
  const client = new Client(contract, options);
  await client.open(address);
  return client;
}

/**
 * One connection.
 *
 * A call that is given up (deadline, signal) leaves its request in flight until the reply comes: only the promise is dropped, so that the
 * replies of a plain connection keep their places.
 */
export class Client implements Caller, LinkEvents {
  readonly #contract: Contract;
  readonly #limits: Limits;
  readonly #options: ConnectOptions;
  /** Calls by number; undefined stands for one that was given up. */
  readonly #pending = new Map<CallId, Pending | undefined>();
  #link: Link | undefined;
  #over: Error | undefined;

  constructor(contract: Contract, options: ConnectOptions = {}) {
    this.#contract = contract;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#options = options;
  }

  /** Calls in flight, those included that were given up. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** Connects; to be called once, by `connect`. */
  async open(text: string): Promise<void> {
    const address = parseAddress(text);
    this.#link =
      address.kind === "socket"
        ? new SocketLink(await connectSocket(address.path), this.#limits, this)
        : await NativeLink.connect(text, this.#limits, this.#options.slot, this);
    if (this.#options.mode === "plain") return;
    try {
      await this.#greet(this.#link);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #greet(link: Link): Promise<void> {
    try {
      const reply = await this.call(hello, { schemaHash: this.#contract.schemaHash });
      if (!sameSchema(this.#contract.schemaHash, reply.schemaHash)) {
        throw new SchemaMismatch(`the server's contract is not our ${this.#contract.service}: generate both from the same one`);
      }
      link.limitRequests(reply.maxFrame);
      if (reply.ids) link.useIds();
      else if (this.#options.mode === "ids") throw new CallerMistake("the server knows no request ids");
    } catch (error) {
      // A server that does not know Hello answers an error: it is FIFO only.
      if (!(error instanceof RemoteError)) throw error;
      if (this.#options.mode === "ids") throw new CallerMistake(`the server knows no request ids: ${error.message}`, { cause: error });
    }
  }

  call<Request, Response>(method: Method<Request, Response>, request: Request, options: CallOptions = {}): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      const link = this.#link;
      const timeout = options.timeout ?? this.#options.timeout ?? CALL_MS;
      if (!(timeout >= 0)) throw new CallerMistake(`a timeout of ${timeout} ms: give 0 or more, or Infinity`);
      if (this.#over !== undefined || link === undefined) throw this.#over ?? new Closed("the client is not connected");
      options.signal?.throwIfAborted();
      if (this.#pending.size >= this.#limits.maxInFlight) {
        throw new WouldBlock(`${this.#pending.size} calls are in flight: await some replies first`);
      }
      const writer = new Writer();
      method.writeRequest(writer, request);
      const call = link.submit(method.name, writer.bytes());
      this.#pending.set(call, {
        method: method as Method<unknown, unknown>,
        resolve: resolve as (response: unknown) => void,
        reject,
        release: this.#watch(call, timeout, options.signal, reject),
      });
    });
  }

  /** Closes at once; calls in flight fail with `Closed`. */
  close(): void {
    this.#end(new Closed("the client was closed"));
  }

  /** @internal */
  reply(call: CallId, name: string, payload: Uint8Array): void {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    if (pending === undefined) return; // given up
    pending.release();
    try {
      pending.resolve(this.#read(pending.method, name, payload));
    } catch (error) {
      pending.reject(error);
    }
  }

  /** @internal */
  lost(reason: Error): void {
    this.#end(reason);
  }

  #read(method: Method<unknown, unknown>, name: string, payload: Uint8Array): unknown {
    const reader = new Reader(payload);
    if (name === method.responseName) {
      const response = method.readResponse(reader);
      reader.end(name);
      return response;
    }
    if (name === this.#contract.errorName || method.name === hello.name) {
      throw new RemoteError(readError(reader));
    }
    throw new BadBytes(`${method.name} was answered by ${name}, not ${method.responseName}`);
  }

  /** Sets the deadline and the signal of a call; returns what takes them back. */
  #watch(call: CallId, timeout: number, signal: AbortSignal | undefined, reject: (reason: unknown) => void): () => void {
    const giveUp = (reason: unknown): void => {
      release();
      this.#pending.set(call, undefined);
      reject(reason);
    };
    const expire = (): void => giveUp(new TimedOut(`no reply within ${timeout} ms`));
    const timer = timeout <= LONGEST_MS ? setTimeout(expire, timeout) : undefined;
    const aborted = (): void => giveUp(signal?.reason);
    signal?.addEventListener("abort", aborted, { once: true });
    const release = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
    };
    return release;
  }

  #end(reason: Error): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    this.#link?.close();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const one of pending) {
      one?.release();
      one?.reject(reason instanceof RpcError ? reason : new RpcError(reason.message, { cause: reason }));
    }
  }
}

/** From a request's packed fields to its response's, through the handler; every request has exactly one outcome. */

import type { AnyMethod, Contract } from "./contract.js";
import { RpcError } from "./errors.js";
import { Reader } from "./msgpack-reader.js";
import { Writer } from "./msgpack-writer.js";

/** Answers one request, already decoded; throws or rejects with `CommandFailed` to answer an error with that message. */
export type Handler = (request: never) => unknown;

/** Hears of an error that a handler did not throw on purpose. */
export type OnError = (method: string, error: unknown) => void;

/** The packed fields of the response, or the message of the error. */
export type Outcome = { readonly payload: Uint8Array } | { readonly error: string };

/** The handlers of one contract, by the numbers of its methods. */
export class Handlers {
  readonly #entries: readonly (readonly [AnyMethod, Handler])[];
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #onError: OnError;

  constructor(contract: Contract, handlers: readonly Handler[], onError: OnError) {
    this.#entries = contract.methods.map((method, number) => {
      const handler = handlers[number];
      if (handler === undefined) throw new RangeError(`no handler for ${method.name}`);
      return [method, handler];
    });
    this.#numbers = new Map(contract.methods.map((method, number) => [method.name, number]));
    this.#onError = onError;
  }

  /** A method's number by its name on the wire. */
  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** A method by its number. */
  method(number: number): AnyMethod {
    return this.#entry(number)[0];
  }

  /** Runs the handler; resolves always. The payload is read before this returns. */
  run(number: number, payload: Uint8Array): Promise<Outcome> {
    const [method, handler] = this.#entry(number);
    const failed = (error: unknown): Outcome => ({ error: this.#text(method, error) });
    try {
      const reader = new Reader(payload);
      const request: unknown = method.readRequest(reader);
      reader.end(method.name);
      return Promise.resolve(handler(request as never))
        .then((response) => pack(method, response))
        .catch(failed);
    } catch (error) {
      return Promise.resolve(failed(error));
    }
  }

  #entry(number: number): readonly [AnyMethod, Handler] {
    const entry = this.#entries[number];
    if (entry === undefined) throw new RangeError(`no method has the number ${number}`);
    return entry;
  }

  /** What the client is told of an error: the message of one thrown on purpose, of any other only its name. */
  #text(method: AnyMethod, error: unknown): string {
    if (error instanceof RpcError) return error.message;
    this.#onError(method.name, error);
    return `internal error: ${error instanceof Error ? error.name : typeof error}`;
  }
}

function pack(method: AnyMethod, response: unknown): Outcome {
  if (response === undefined) return { error: `the handler of ${method.name} left without a reply` };
  const writer = new Writer();
  method.writeResponse(writer, response);
  return { payload: writer.bytes() };
}

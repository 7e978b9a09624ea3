/**
 * The echo program: `serve ADDRESS`, `call ADDRESS plain|ids`, and `golden`, as in every language.
 *
 * `serve` prints `ready` and serves until its input ends or SIGTERM comes. `call` runs the script of calls, prints the order in which pipelined
 * replies came, and `ok`. `golden` reads lines `request|reply HEX`, decodes each, and prints it encoded anew.
 */

import { createInterface } from "node:readline";

import {
  type AnyMethod,
  CommandFailed,
  type ConnectOptions,
  Reader,
  RemoteError,
  Writer,
  connect,
  hello,
  readError,
  readReplyEnvelope,
  readRequestEnvelope,
  writeError,
  writeReplyEnvelope,
  writeRequestEnvelope,
} from "@proofplane/rpc";

import { EchoClient, type EchoService, type Everything, type ForgetResponse, echoContract, serveEcho } from "./generated/echo.js";

const SIZES = [0, 1, 31, 32, 255, 256, 65535, 65536, 100000];
const U64_MAX = 2n ** 64n - 1n;

const service: EchoService = {
  async echoBytes({ data }) {
    return { data };
  },
  async echoEverything({ value }) {
    return { value };
  },
  async measure({ name, number, digest }) {
    return { name, number, digest, tag: BigInt(number) + 1n };
  },
  async sleep({ milliseconds, token }) {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return { token };
  },
  async fail({ message }) {
    throw new CommandFailed(message);
  },
  async forget() {
    return undefined as unknown as ForgetResponse; // what a handler in JavaScript does that forgets its reply
  },
};

async function serveUntilEnd(address: string): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    process.stdin.on("end", resolve).on("close", resolve).resume();
    process.on("SIGTERM", resolve);
    process.on("SIGINT", resolve);
  });
  const server = await serveEcho(address, service);
  console.log("ready");
  await stopped;
  await server.close();
  process.exit(0);
}

const field = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

const LOWER: Everything = {
  small: 0,
  medium: 0,
  word: 0,
  large: 0n,
  ratio: -1.5,
  flag: false,
  text: "",
  blob: new Uint8Array(),
  field: field(0),
  maybe: null,
  numbers: [],
  pair: [field(0), field(1)],
  state: new Map(),
  nested: { x: field(0), y: field(0) },
  points: [],
  maybePoint: null,
};

const UPPER: Everything = {
  small: 255,
  medium: 65535,
  word: 4294967295,
  large: U64_MAX,
  ratio: 1.7976931348623157e308,
  flag: true,
  text: "Grüße, 世界 🌍",
  blob: new Uint8Array(300).fill(7),
  field: field(255),
  maybe: 4294967295,
  numbers: [0n, 127n, 128n, 255n, 256n, 65535n, 65536n, 4294967295n, 4294967296n, U64_MAX],
  pair: [field(254), field(255)],
  state: new Map([
    [0, [field(2), 0n]],
    [300, [field(3), 4294967296n]],
    [4294967295, [field(4), U64_MAX]],
  ]),
  nested: { x: field(5), y: field(6) },
  points: [
    { x: field(7), y: field(8) },
    { x: field(9), y: field(10) },
  ],
  maybePoint: { x: field(11), y: field(12) },
};

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** Compares values of any shape by their text. */
function same(left: unknown, right: unknown): boolean {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, part: unknown) => {
      if (typeof part === "bigint") return `${part}n`;
      if (part instanceof Uint8Array) return Buffer.from(part).toString("hex");
      return part instanceof Map ? [...part] : part;
    });
  return text(left) === text(right);
}

async function messageOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof RemoteError) return error.message;
    throw error;
  }
  throw new Error("an error was expected, and a reply came");
}

async function callAll(address: string, mode: NonNullable<ConnectOptions["mode"]>): Promise<void> {
  const connection = await connect(address, echoContract, { mode });
  const echo = new EchoClient(connection);
  for (const size of SIZES) {
    const data = Uint8Array.from({ length: size }, (_, index) => index % 251);
    expect(same((await echo.echoBytes({ data })).data, data), `EchoBytes of ${size} bytes came back different`);
  }
  for (const value of [LOWER, UPPER]) {
    expect(same((await echo.echoEverything({ value })).value, value), "EchoEverything came back different");
  }
  const measured = await echo.measure({ name: "measure", number: 4294967295, digest: field(9) });
  expect(same(measured, { name: "measure", number: 4294967295, digest: field(9), tag: 4294967296n }), "Measure is wrong");
  expect((await messageOf(echo.fail({ message: "as asked" }))) === "as asked", "Fail gave another message");
  expect((await messageOf(echo.forget())) !== "", "Forget gave no message");
  const order: bigint[] = [];
  const sleeps = [150, 100, 50, 0].map((milliseconds, index) => echo.sleep({ milliseconds, token: BigInt(index + 1) }));
  await Promise.all(sleeps.map((sleep) => sleep.then(({ token }) => order.push(token))));
  console.log(`order: ${order.join(" ")}`);
  connection.close();
  console.log("ok");
}

/** Decodes one frame's body and encodes it anew. */
function again(kind: string, body: Uint8Array): Uint8Array {
  const methods: readonly AnyMethod[] = [hello, ...echoContract.methods];
  const { id, name, payload } = kind === "request" ? readRequestEnvelope(body) : readReplyEnvelope(body);
  const reader = new Reader(payload);
  const writer = new Writer();
  if (kind === "request") {
    const method = methods.find((one) => one.name === name);
    if (method === undefined) throw new Error(`unknown command ${name}`);
    const request: unknown = method.readRequest(reader);
    writeRequestEnvelope(writer, id, name);
    method.writeRequest(writer, request);
  } else if (name === echoContract.errorName) {
    const message = readError(reader);
    writeReplyEnvelope(writer, id, name);
    writeError(writer, message);
  } else {
    const method = methods.find((one) => one.responseName === name);
    if (method === undefined) throw new Error(`unknown reply ${name}`);
    const response: unknown = method.readResponse(reader);
    writeReplyEnvelope(writer, id, name);
    method.writeResponse(writer, response);
  }
  reader.end(name);
  return writer.bytes();
}

async function golden(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const [kind = "", hex = ""] = line.trim().split(" ");
    try {
      console.log(Buffer.from(again(kind, Buffer.from(hex, "hex"))).toString("hex"));
    } catch (error) {
      console.log(`error ${(error as Error).message}`);
    }
  }
}

async function main(): Promise<void> {
  const [mode, address = "", how] = process.argv.slice(2);
  if (mode === "serve" && address !== "") await serveUntilEnd(address);
  else if (mode === "call" && (how === "plain" || how === "ids")) await callAll(address, how);
  else if (mode === "golden") await golden();
  else throw new Error("use: serve ADDRESS | call ADDRESS plain|ids | golden");
}

main().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exit(1);
});

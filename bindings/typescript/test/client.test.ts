/** The client: deadlines and signals drop promises and nothing else; everything in flight fails when the connection is over. */

import assert from "node:assert/strict";
import net from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";

import {
  CallerMistake,
  Closed,
  Ended,
  FrameReader,
  SchemaMismatch,
  TimedOut,
  WouldBlock,
  Writer,
  connect,
  frame,
  writeReplyEnvelope,
} from "@proofplane/rpc";

import { EchoClient, echoContract } from "../examples/generated/echo.js";
import { directory, serveRig } from "./rig.js";

/** A server that answers each request by what `answer` gives. */
async function fake(context: TestContext, answer: (body: Uint8Array, socket: net.Socket) => Uint8Array | undefined): Promise<string> {
  const address = path.join(directory(context), "fake.sock");
  const server = net.createServer((socket) => {
    const frames = new FrameReader(1 << 20);
    context.after(() => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      frames.push(chunk);
      for (let body = frames.next(); body !== undefined; body = frames.next()) {
        const reply = answer(body, socket);
        if (reply !== undefined) socket.write(frame(reply));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(address, resolve));
  context.after(() => void server.close());
  return address;
}

function reply(name: string, write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  writeReplyEnvelope(writer, undefined, name);
  write(writer);
  return writer.bytes();
}

const error = (message: string): Uint8Array =>
  reply("ErrorResponse", (writer) => {
    writer.map(1);
    writer.string("message");
    writer.string(message);
  });

test("with ids replies come when they are done, without them in order", async (context) => {
  const rig = await serveRig(context);
  for (const mode of ["ids", "plain"] as const) {
    const client = await connect(rig.address, echoContract, { mode });
    context.after(() => client.close());
    const echo = new EchoClient(client);
    const order: bigint[] = [];
    const calls = [1n, 2n].map((token) => echo.sleep({ milliseconds: 0, token }).then((done) => order.push(done.token)));
    await rig.sleepers.until(2);
    rig.sleepers.wake(2n);
    if (mode === "ids") await calls[1];
    rig.sleepers.wake(1n);
    await Promise.all(calls);
    assert.deepEqual(order, mode === "ids" ? [2n, 1n] : [1n, 2n]);
  }
});

test("a call given up loses its promise and keeps its place in the order", async (context) => {
  const rig = await serveRig(context);
  const client = await connect(rig.address, echoContract, { mode: "plain" });
  context.after(() => client.close());
  const echo = new EchoClient(client);
  const abort = new AbortController();
  const given = assert.rejects(echo.sleep({ milliseconds: 0, token: 1n }, { signal: abort.signal }), /enough/);
  const late = assert.rejects(echo.sleep({ milliseconds: 0, token: 2n }, { timeout: 1 }), TimedOut);
  const kept = echo.sleep({ milliseconds: 0, token: 3n });
  await rig.sleepers.until(3);
  abort.abort(new Error("enough"));
  await given;
  await late;
  assert.equal(client.inFlight, 3);
  for (const token of [1n, 2n, 3n]) rig.sleepers.wake(token);
  assert.equal((await kept).token, 3n);
  assert.equal(client.inFlight, 0);
});

test("calls beyond the bound fail at once", async (context) => {
  const rig = await serveRig(context);
  const client = await connect(rig.address, echoContract, { limits: { maxInFlight: 1 } });
  const echo = new EchoClient(client);
  const first = echo.sleep({ milliseconds: 0, token: 1n });
  await assert.rejects(echo.forget(), WouldBlock);
  client.close();
  await assert.rejects(first, Closed);
  await assert.rejects(echo.forget(), Closed);
});

test("a request over the server's limit, or a value of a wrong size, is the caller's mistake and costs nothing", async (context) => {
  const rig = await serveRig(context, { limits: { maxFrame: 1000 } });
  const client = await connect(rig.address, echoContract);
  context.after(() => client.close());
  const echo = new EchoClient(client);
  await assert.rejects(echo.echoBytes({ data: new Uint8Array(1000) }), CallerMistake);
  await assert.rejects(echo.echoBytes({ data: new Uint8Array(975) }), /the reply of 1005 bytes is over the limit/);
  await assert.rejects(echo.measure({ name: "", number: 0, digest: new Uint8Array(31) }), CallerMistake);
  await assert.rejects(echo.sleep({ milliseconds: 0, token: 0n }, { timeout: Number.NaN }), CallerMistake);
  assert.equal(client.inFlight, 0);
  assert.deepEqual((await echo.echoBytes({ data: new Uint8Array(900) })).data.length, 900);
});

test("a server that knows no Hello is spoken to plainly, and refused where ids are asked for", async (context) => {
  const address = await fake(context, () => error("Unknown type name"));
  const client = await connect(address, echoContract);
  await assert.rejects(new EchoClient(client).forget(), /Unknown type name/);
  client.close();
  await assert.rejects(connect(address, echoContract, { mode: "ids" }), CallerMistake);
});

test("a server with another contract is refused", async (context) => {
  const address = await fake(context, () =>
    reply("HelloResponse", (writer) => {
      writer.map(3);
      writer.string("schema_hash");
      writer.binary(new Uint8Array(32).fill(1));
      writer.string("ids");
      writer.bool(true);
      writer.string("max_frame");
      writer.u32(1000);
    }),
  );
  await assert.rejects(connect(address, echoContract), SchemaMismatch);
});

test("everything in flight fails at once when the server goes", async (context) => {
  let requests = 0;
  const address = await fake(context, (_, socket) => {
    requests += 1;
    if (requests === 2) socket.destroy();
    return undefined;
  });
  const client = await connect(address, echoContract, { mode: "plain" });
  const echo = new EchoClient(client);
  const calls = [echo.forget(), echo.forget()];
  for (const result of await Promise.allSettled(calls)) {
    assert.equal(result.status, "rejected");
    assert.ok((result as PromiseRejectedResult).reason instanceof Ended);
  }
  await assert.rejects(echo.forget(), Ended);
});

test("a reply under another name fails its call, a reply to nothing the connection", async (context) => {
  const address = await fake(context, (_, socket) => {
    socket.write(frame(reply("Wrong", (writer) => writer.map(0))));
    return reply("ForgetResponse", (writer) => writer.map(0));
  });
  const client = await connect(address, echoContract, { mode: "plain" });
  const echo = new EchoClient(client);
  await assert.rejects(echo.forget(), /answered by Wrong/);
  await assert.rejects(echo.forget(), /answers no request|closed/);
});

test("a server that starts late is waited for", async (context) => {
  const address = path.join(directory(context), "late.sock");
  const connecting = connect(address, echoContract, { mode: "plain" });
  const server = net.createServer();
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise<void>((resolve) => server.listen(address, resolve));
  (await connecting).close();
  server.close();
});

test("what is no address is refused", async () => {
  for (const address of ["", "plain", "a/b.shm", ".shm", `/${"x".repeat(110)}.sock`]) {
    await assert.rejects(connect(address, echoContract), CallerMistake, address);
  }
});

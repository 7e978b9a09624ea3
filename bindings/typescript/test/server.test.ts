/** The server: one reply a frame, in order or by id, whatever the client does. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { CallerMistake, Reader, connect, frame, readError, readReplyEnvelope, writeError } from "@proofplane/rpc";

import { EchoClient, echoContract } from "../examples/generated/echo.js";
import { Raw, echoBytes, request, serveRig, sleep } from "./rig.js";

test("plain replies come in the order of the requests, those with ids when they are done", async (context) => {
  const rig = await serveRig(context);
  const raw = new Raw(context, rig.address);
  raw.send(sleep(1n), sleep(2n), sleep(3n, 9n));
  await rig.sleepers.until(3);
  rig.sleepers.wake(3n);
  assert.equal(await raw.reply(), "\x92\x09\x92\xadSleepResponse\x81\xa5token\x03");
  rig.sleepers.wake(2n);
  rig.sleepers.wake(1n);
  assert.equal(await raw.reply(), "\x92\xadSleepResponse\x81\xa5token\x01");
  assert.equal(await raw.reply(), "\x92\xadSleepResponse\x81\xa5token\x02");
});

test("every odd envelope gets an error in its place, a zero-length frame too", async (context) => {
  const rig = await serveRig(context);
  const raw = new Raw(context, rig.address);
  const odd = [
    "",
    "c0",
    "c1",
    "80",
    "90",
    "93010203",
    "91",
    "9191a15a",
    "9192a15a",
    "92009292a15a80",
    "9192c4015a80",
    "92cb3ff000000000000092a15a80",
  ];
  for (const body of odd) raw.send(frame(Buffer.from(body, "hex")));
  raw.send(
    request("Unknown", undefined, (writer) => writer.map(0)),
    request("Sleep", 5n, (writer) => writer.nil()),
  );
  for (const body of odd) assert.match(await raw.reply(), /^\x92\xadErrorResponse\x81\xa7message/, body);
  const last = [await raw.reply(), await raw.reply()];
  assert.ok(last.some((reply) => reply.includes("unknown command Unknown")));
  assert.ok(last.some((reply) => reply.startsWith("\x92\x05\x92\xadErrorResponse")));
});

test("half a frame and silence on one connection holds up nobody else", async (context) => {
  const rig = await serveRig(context);
  new Raw(context, rig.address).send(Buffer.from("1000", "hex"));
  const client = await connect(rig.address, echoContract);
  context.after(() => client.close());
  assert.deepEqual((await new EchoClient(client).echoBytes({ data: Uint8Array.of(1) })).data, Uint8Array.of(1));
});

test("a frame over the limit gets an error after what was before it, and the end", async (context) => {
  const rig = await serveRig(context, { limits: { maxFrame: 600 } });
  const raw = new Raw(context, rig.address);
  raw.send(sleep(1n), Buffer.from("59020000", "hex"), Buffer.alloc(4096));
  await rig.sleepers.until(1);
  rig.sleepers.wake(1n);
  assert.match(await raw.reply(), /SleepResponse/);
  assert.match(await raw.reply(), /over the limit of 600/);
  await raw.ended;
});

test("a client that goes before its reply disturbs nobody", async (context) => {
  const rig = await serveRig(context);
  const raw = new Raw(context, rig.address);
  const other = new Raw(context, rig.address);
  raw.send(sleep(1n));
  other.send(sleep(2n));
  await rig.sleepers.until(2);
  raw.socket.destroy();
  rig.sleepers.wake(1n);
  rig.sleepers.wake(2n);
  assert.match(await other.reply(), /SleepResponse/);
});

test("what was asked before the client stopped sending is answered, then the connection ends", async (context) => {
  const rig = await serveRig(context);
  const raw = new Raw(context, rig.address);
  raw.send(sleep(1n));
  raw.socket.end();
  await rig.sleepers.until(1);
  rig.sleepers.wake(1n);
  assert.match(await raw.reply(), /SleepResponse/);
  await raw.ended;
});

test("no more requests are taken than the bound, and the rest when replies have gone", async (context) => {
  const rig = await serveRig(context, { limits: { maxInFlight: 2 } });
  const raw = new Raw(context, rig.address);
  raw.send(sleep(1n), sleep(2n), sleep(3n));
  await rig.sleepers.until(2);
  await new Promise(setImmediate);
  assert.equal(rig.sleepers.count, 2);
  rig.sleepers.wake(1n);
  await rig.sleepers.until(2);
  rig.sleepers.wake(2n);
  rig.sleepers.wake(3n);
  for (const token of [1, 2, 3]) assert.equal((await raw.reply()).at(-1), String.fromCharCode(token));
});

test("a queue bound far below the stream's own mark holds a connection up and never stops it", async (context) => {
  const rig = await serveRig(context, { limits: { maxQueued: 100 } });
  const raw = new Raw(context, rig.address);
  for (let number = 1; number <= 50; number += 1) raw.send(echoBytes(200, BigInt(number)));
  for (let number = 1; number <= 50; number += 1) assert.match(await raw.reply(), /EchoBytesResponse/);
});

test("a bad envelope is answered under its id if that can be read", async (context) => {
  const rig = await serveRig(context);
  const raw = new Raw(context, rig.address);
  for (const body of ["920791a15a", "920793a15a8080", "920792c40180", "9207c0", "9207"]) {
    raw.send(frame(Buffer.from(body, "hex")));
    assert.match(await raw.reply(), /^\x92\x07\x92\xadErrorResponse\x81\xa7message/, body);
  }
});

test("an id in flight is refused, and the earlier request keeps its answer", async (context) => {
  const rig = await serveRig(context);
  const raw = new Raw(context, rig.address);
  raw.send(sleep(1n, 7n), sleep(2n, 7n));
  assert.match(await raw.reply(), /^\x92\x07\x92\xadErrorResponse.*in flight/);
  rig.sleepers.wake(1n);
  assert.equal(await raw.reply(), "\x92\x07\x92\xadSleepResponse\x81\xa5token\x01");
  raw.send(sleep(3n, 7n));
  await rig.sleepers.until(1);
  rig.sleepers.wake(3n);
  assert.match(await raw.reply(), /SleepResponse/);
});

test("Hello is answered whatever its payload is", async (context) => {
  const rig = await serveRig(context);
  const raw = new Raw(context, rig.address);
  for (const payload of ["80", "c0", "81a178c3", "c1"]) {
    raw.send(frame(Buffer.concat([Buffer.from("9192a548656c6c6f", "hex"), Buffer.from(payload, "hex")])));
    assert.match(await raw.reply(), /^\x92\xadHelloResponse\x83\xabschema_hash/, payload);
  }
});

test("an error message longer than a frame is cut between two characters", async (context) => {
  const rig = await serveRig(context, { limits: { maxFrame: 600 } });
  const raw = new Raw(context, rig.address);
  for (const pad of ["", "x"]) {
    raw.send(request("Fail", undefined, (writer) => writeError(writer, pad + "\u00e9".repeat(280))));
    const reply = Buffer.from(await raw.reply(), "latin1");
    assert.ok(reply.length <= 600 && reply.length > 560, `${reply.length} bytes`);
    const message = readError(new Reader(readReplyEnvelope(reply).payload));
    assert.equal(message, pad + "\u00e9".repeat(message.length - pad.length));
  }
});

test("connections over the bound wait until another ends", async (context) => {
  const rig = await serveRig(context, { limits: { maxConnections: 1 } });
  const first = new Raw(context, rig.address);
  first.send(sleep(1n));
  await rig.sleepers.until(1);
  const second = new Raw(context, rig.address);
  const third = new Raw(context, rig.address);
  for (const [raw, token] of [
    [second, 2n],
    [third, 3n],
  ] as const) {
    await new Promise((resolve) => raw.socket.once("connect", resolve));
    raw.send(sleep(token));
  }
  // Round trips of the first: while they take place the others would have been read.
  for (let round = 1n; round <= 5n; round += 1n) {
    first.send(echoBytes(1, round));
    assert.match(await first.reply(), /EchoBytesResponse/);
  }
  assert.equal(rig.server.open, 1);
  assert.equal(rig.sleepers.count, 1);
  rig.sleepers.wake(1n);
  assert.match(await first.reply(), /SleepResponse/);
  first.socket.destroy();
  await rig.sleepers.until(1);
  second.socket.destroy();
  rig.sleepers.wake(2n);
  await rig.sleepers.until(1);
  rig.sleepers.wake(3n);
  assert.match(await third.reply(), /SleepResponse/);
});

test("a client that reads nothing is not read either, and others are served", async (context) => {
  const rig = await serveRig(context, { limits: { maxQueued: 1 << 16 } });
  const greedy = new Raw(context, rig.address);
  greedy.socket.pause();
  for (let count = 0; count < 64; count += 1) greedy.send(echoBytes(1 << 16));
  const client = await connect(rig.address, echoContract);
  context.after(() => client.close());
  assert.equal((await new EchoClient(client).measure({ name: "", number: 1, digest: new Uint8Array(32) })).tag, 2n);
  assert.ok(greedy.socket.writableLength > 0, "the server took it all");
  greedy.socket.resume();
  for (let count = 0; count < 64; count += 1) assert.match(await greedy.reply(), /EchoBytesResponse/);
});

test("an error thrown on purpose is told, any other only named", async (context) => {
  const rig = await serveRig(context);
  const client = await connect(rig.address, echoContract);
  context.after(() => client.close());
  const echo = new EchoClient(client);
  await assert.rejects(echo.fail({ message: "as asked" }), { name: "RemoteError", message: "as asked" });
  await assert.rejects(echo.fail({ message: "!secret" }), { name: "RemoteError", message: "internal error: TypeError" });
  assert.equal(rig.errors.length, 1);
  await assert.rejects(echo.forget(), /left without a reply/);
});

test("a drain finishes what is in flight, and answers errors to the rest when its time is over", async (context) => {
  const rig = await serveRig(context);
  const patient = new Raw(context, rig.address);
  patient.send(sleep(1n));
  await rig.sleepers.until(1);
  const closed = rig.server.close(60_000);
  rig.sleepers.wake(1n);
  assert.match(await patient.reply(), /SleepResponse/);
  await closed;

  const other = await serveRig(context);
  const hasty = new Raw(context, other.address);
  hasty.send(sleep(1n));
  await other.sleepers.until(1);
  await other.server.close(0);
  assert.match(await hasty.reply(), /the server is shutting down/);
});

test("bounds under which nothing could be served are refused", async (context) => {
  for (const limits of [{ maxFrame: 511 }, { maxInFlight: 0 }, { maxConnections: 0 }, { maxQueued: Number.NaN }]) {
    await assert.rejects(serveRig(context, { limits }), CallerMistake);
  }
});

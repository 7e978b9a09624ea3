/** The place of a server's socket: seen by whom it should be, taken by one, gone at the end. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";

import { CallerMistake, type Server, TryAgain, connect } from "@proofplane/rpc";

import { EchoClient, echoContract, serveEcho } from "../examples/generated/echo.js";
import { Sleepers, directory, serveRig, service } from "./rig.js";

/** A number that no process has: larger than the largest of Linux. */
const NO_PROCESS = 4_194_305;

/** A socket that nobody listens on any more. */
async function stale(context: TestContext): Promise<string> {
  const place = directory(context);
  const dead = net.createServer().listen(path.join(place, "x.sock"));
  await new Promise((resolve) => dead.once("listening", resolve));
  renameSync(path.join(place, "x.sock"), path.join(place, "stale.sock"));
  await new Promise((resolve) => dead.close(resolve));
  return path.join(place, "stale.sock");
}

test("the socket is ours alone from the start, and gone at the end", async (context) => {
  const rig = await serveRig(context);
  assert.equal(statSync(rig.address).mode & 0o777, 0o600);
  await rig.server.close(0);
  assert.equal(existsSync(rig.address), false);
  assert.deepEqual(readdirSync(path.dirname(rig.address)), []);
});

test("a living server's address is refused, a dead one's socket replaced, any other file left alone", async (context) => {
  const rig = await serveRig(context);
  await assert.rejects(serveEcho(rig.address, service(new Sleepers())), TryAgain);
  const dead = await stale(context);
  const server = await serveEcho(dead, service(new Sleepers()));
  await server.close(0);
  const file = path.join(directory(context), "file.sock");
  writeFileSync(file, "mine");
  await assert.rejects(serveEcho(file, service(new Sleepers())), CallerMistake);
});

test("of servers that start together one gets the address, whether it is free or a dead server's", async (context) => {
  for (const address of [path.join(directory(context), "free.sock"), await stale(context)]) {
    const started = await Promise.allSettled(Array.from({ length: 8 }, () => serveEcho(address, service(new Sleepers()))));
    const servers = started.filter((one): one is PromiseFulfilledResult<Server> => one.status === "fulfilled");
    context.after(() => Promise.all(servers.map((one) => one.value.close(0))));
    assert.equal(servers.length, 1);
    for (const one of started) assert.ok(one.status === "fulfilled" || one.reason instanceof TryAgain);
    const client = await connect(address, echoContract);
    assert.equal((await new EchoClient(client).measure({ name: "", number: 1, digest: new Uint8Array(32) })).tag, 2n);
    client.close();
    assert.deepEqual(readdirSync(path.dirname(address)), [path.basename(address)]);
  }
});

test("what a killed start left is removed, what a living one has there is not", async (context) => {
  const place = directory(context);
  const left = path.join(place, `.pp-${NO_PROCESS}-00000000`);
  const others = [`.pp-${process.pid}-00000000`, ".pp-notes", `.pp-${NO_PROCESS}-0000000g`];
  for (const made of [left, ...others.map((name) => path.join(place, name))]) {
    mkdirSync(made);
    writeFileSync(path.join(made, "s"), "");
  }
  const server = await serveEcho(path.join(place, "echo.sock"), service(new Sleepers()));
  await server.close(0);
  assert.deepEqual(readdirSync(place).sort(), others.sort());
});

test("a directory too long for the name that is bound first is refused, and nothing is left", async (context) => {
  const place = path.join(directory(context), "d".repeat(107));
  const short = place.slice(0, 107 - "/s.sock".length);
  mkdirSync(short);
  await assert.rejects(serveEcho(path.join(short, "s.sock"), service(new Sleepers())), CallerMistake);
  assert.deepEqual(readdirSync(short), []);
});

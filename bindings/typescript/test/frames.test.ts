/** Frames come out whole, however the bytes are cut. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BadBytes, FrameReader, frame } from "@proofplane/rpc";

const bodies = [0, 1, 3, 4, 5, 300].map((size) => Uint8Array.from({ length: size }, (_, index) => index % 256));
const stream = Buffer.concat(bodies.map(frame));

test("any cutting of a stream gives the same bodies", () => {
  for (let step = 1; step <= stream.length; step += 1) {
    const reader = new FrameReader(300);
    const found: number[][] = [];
    for (let at = 0; at < stream.length; at += step) {
      reader.push(stream.subarray(at, at + step));
      for (let body = reader.next(); body !== undefined; body = reader.next()) found.push([...body]);
    }
    assert.deepEqual(
      found,
      bodies.map((body) => [...body]),
    );
  }
});

test("a length over the limit is refused before its bytes have come", () => {
  const reader = new FrameReader(10);
  reader.push(Buffer.from("0b000000", "hex"));
  assert.throws(() => reader.next(), BadBytes);
});

test("a frame in single bytes is moved a few times and costs no more memory than twice what has come", () => {
  const size = 10_000;
  const reader = new FrameReader(size);
  reader.push(frame(new Uint8Array(size)).subarray(0, 4));
  assert.equal(reader.next(), undefined);
  let largest = 0;
  const buffers = new Set<number>();
  for (let come = 1; come < size; come += 1) {
    reader.push(Uint8Array.of(come % 256));
    largest = Math.max(largest, reader.held / come);
    buffers.add(reader.held);
    assert.equal(reader.next(), undefined);
  }
  assert.ok(largest <= 2, `${largest} times`);
  assert.ok(buffers.size <= 20, `${buffers.size} buffers`);
  reader.push(Uint8Array.of(size % 256));
  assert.deepEqual(
    [...(reader.next() ?? [])],
    Array.from({ length: size }, (_, index) => (index + 1) % 256),
  );
  assert.equal(reader.held, 0);
});

test("what was given out is not written again by what comes later", () => {
  const reader = new FrameReader(10);
  reader.push(Uint8Array.of(1, 0));
  reader.push(Uint8Array.of(0, 0, 7, 1, 0));
  const body = reader.next();
  reader.push(Uint8Array.of(0, 0, 8));
  assert.deepEqual([...(body ?? []), ...(reader.next() ?? [])], [7, 8]);
});

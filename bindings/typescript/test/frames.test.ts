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

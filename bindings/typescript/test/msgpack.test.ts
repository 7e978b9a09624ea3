/** msgpack: smallest forms out, every width in, nothing converted, nothing believed before it is there. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BadBytes, CallerMistake, Reader, Writer } from "@proofplane/rpc";

const hex = (write: (writer: Writer) => void): string => {
  const writer = new Writer();
  write(writer);
  return Buffer.from(writer.bytes()).toString("hex");
};
const from = (text: string): Reader => new Reader(Buffer.from(text, "hex"));

test("integers leave in their smallest form", () => {
  const forms: [bigint, string][] = [
    [0n, "00"],
    [127n, "7f"],
    [128n, "cc80"],
    [255n, "ccff"],
    [256n, "cd0100"],
    [65535n, "cdffff"],
    [65536n, "ce00010000"],
    [4294967295n, "ceffffffff"],
    [4294967296n, "cf0000000100000000"],
    [2n ** 64n - 1n, "cfffffffffffffffff"],
  ];
  for (const [value, form] of forms)
    assert.equal(
      hex((writer) => writer.u64(value)),
      form,
    );
});

test("integers of every width are read if their value is in range", () => {
  for (const form of ["05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005", "d10005", "d200000005", "d30000000000000005"]) {
    assert.equal(from(form).u8("n"), 5);
    assert.equal(from(form).u64("n"), 5n);
    assert.equal(from(form).f64("n"), 5);
  }
  assert.equal(from("cfffffffffffffffff").u64("n"), 2n ** 64n - 1n);
});

test("integers out of range and other types are refused", () => {
  for (const form of ["ff", "d0ff", "cd0100", "cf0000000100000000", "cb3ff0000000000000", "c3", "c0", "a135"]) {
    assert.throws(() => from(form).u8("n"), BadBytes, form);
  }
  assert.throws(() => hex((writer) => writer.u8(256)), CallerMistake);
  assert.throws(() => hex((writer) => writer.u32(1.5)), CallerMistake);
  assert.throws(() => hex((writer) => writer.u64(2n ** 64n)), CallerMistake);
});

test("an f64 always leaves as nine bytes", () =>
  assert.equal(
    hex((writer) => writer.f64(1)),
    "cb3ff0000000000000",
  ));

test("text and bytes are never taken for each other", () => {
  assert.throws(() => from("a161").binary("b"), BadBytes);
  assert.throws(() => from("c40161").string("s"), BadBytes);
  assert.throws(() => from("a1ff").string("s"), /not UTF-8/);
});

test("what is read is a copy, not a view of the frame", () => {
  const frame = Buffer.from("c40101", "hex");
  const read = new Reader(frame).binary("b");
  frame.fill(0xff);
  assert.deepEqual([...read], [1]);
});

test("fixed bytes of another size are refused both ways", () => {
  assert.throws(() => hex((writer) => writer.fixed(new Uint8Array(31), 32, "P.x")), /P\.x must have 32 bytes, not 31/);
  assert.throws(() => from("c40101").fixed(2, "P.x"), BadBytes);
});

test("a length or a count beyond the data is refused before anything is made for it", () => {
  for (const form of ["ddffffffff", "dfffffffff", "c6ffffffff00", "dbffffffff61", "c4", "cd00", ""])
    assert.throws(() => from(form).skip(), BadBytes, form);
});

test("every kind of value can be stepped over, however deep", () => {
  for (const form of [
    "c0",
    "05",
    "ff",
    "cb3ff0000000000000",
    "ca3f800000",
    "a161",
    "c40161",
    "d40100",
    "c7020100ff",
    "9205a161",
    "81a16105",
    "c8000101ff",
  ]) {
    const reader = from(`${form}c3`);
    reader.skip();
    assert.equal(reader.bool("end"), true, form);
  }
  const deep = from("91".repeat(100_000) + "c0");
  deep.skip();
  deep.end("deep");
  assert.throws(() => from("c1").skip(), BadBytes);
});

test("what a writer holds survives every size at which it grows", () => {
  for (let size = 0; size < 1100; size += 1) {
    const writer = new Writer();
    for (let index = 0; index < size; index += 1) writer.u8(index % 128);
    assert.deepEqual(
      [...writer.bytes()],
      Array.from({ length: size }, (_, index) => index % 128),
    );
  }
});

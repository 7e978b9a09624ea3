/**
 * Compiles a Noir package and runs it: `node program.mjs FOLDER OUT`, with a JSON list of its inputs on standard input.
 * Writes `{bytecode, witnesses}` to the file OUT, base64 of what `bb` takes: the bytes within the gzip of the compiler and the executor.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { Noir } from "@noir-lang/noir_js";
import { compile, createFileManager } from "@noir-lang/noir_wasm";

const within = (packed) => gunzipSync(packed).toString("base64");
const folder = resolve(process.argv[2]);
const { program } = await compile(createFileManager(folder), folder);
const noir = new Noir(program);
const witnesses = [];
for (const inputs of JSON.parse(readFileSync(0, "utf8"))) {
  witnesses.push(within((await noir.execute(inputs)).witness));
}
writeFileSync(process.argv[3], JSON.stringify({ bytecode: within(Buffer.from(program.bytecode, "base64")), witnesses }));

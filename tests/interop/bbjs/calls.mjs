/** Calls a server by Barretenberg's own client: `node calls.mjs BINARY`, where BINARY is started as `bb` is. Prints what came, as JSON. */

import { Barretenberg, BackendType } from "@aztec/bb.js";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const api = await Barretenberg.new({ backend: BackendType.NativeUnixSocket, bbPath: process.argv[2] });
const point = { x: new Uint8Array(32).fill(1), y: new Uint8Array(32).fill(2) };
const circuit = { name: "main", bytecode: new Uint8Array(1 << 20).fill(3), verificationKey: new Uint8Array() };
const settings = { ipaAccumulation: false, oracleHashType: "poseidon2", disableZk: true, optimizedSolidityVerifier: false };
const error = async (call) => {
  try {
    await call();
    return "no error";
  } catch (thrown) {
    return thrown.message;
  }
};
const hashes = await Promise.all(Array.from({ length: 64 }, (_, index) => api.blake2s({ data: new Uint8Array(index).fill(index) })));
const stats = await api.circuitStats({ circuit, includeGatesPerOpcode: true, settings });
console.log(
  JSON.stringify({
    hashes: hashes.map(({ hash }) => hex(hash)),
    sum: await api.grumpkinAdd({ pointA: point, pointB: point }).then(({ point: { x, y } }) => [hex(x), hex(y)]),
    permuted: await api.poseidon2Permutation({ inputs: [0, 1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) }).then(({ outputs }) => outputs.map(hex)),
    gates: [stats.numGates, stats.numGatesDyadic, [...stats.gatesPerOpcode]],
    failed: await error(() => api.blake2sToField({ data: new Uint8Array([1]) })),
    unserved: await error(() => api.pedersenHash({ inputs: [], hashIndex: 0 })),
    short: await error(() => api.poseidon2Hash({ inputs: [new Uint8Array(31)] })),
  }),
);
await api.destroy();

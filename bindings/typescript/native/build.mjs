/** Builds the addon with cargo and puts it where the runtime looks for it: `native/proofplane.node`. */

import { spawnSync } from "node:child_process";
import { copyFileSync, renameSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const arguments_ = ["build", "--release", "--quiet", "--package", "proofplane-node", "--message-format=json-render-diagnostics"];
const built = spawnSync("cargo", arguments_, { cwd: here, encoding: "utf8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "inherit"] });
if (built.error !== undefined) {
  console.error("cargo is missing: install Rust, or do without shared memory");
  process.exit(1);
}
if (built.status !== 0) process.exit(built.status ?? 1);
const library = built.stdout
  .split("\n")
  .filter((line) => line.startsWith("{"))
  .map((line) => JSON.parse(line))
  .filter((message) => message.reason === "compiler-artifact" && message.target.name === "proofplane_node")
  .flatMap((message) => message.filenames)
  .find((name) => name.endsWith(".so"));
if (library === undefined) {
  console.error("cargo built no addon");
  process.exit(1);
}
copyFileSync(library, `${here}proofplane.node.new`);
renameSync(`${here}proofplane.node.new`, `${here}proofplane.node`); // a process that has the old one open keeps it

"""Which generated code is committed where; `make generate` runs this file to write it anew."""

from __future__ import annotations

from pathlib import Path

from proofplane.codegen.generate import generate, language
from proofplane.codegen.language import Sides
from proofplane.wire.schema.model import Schema
from proofplane.wire.schema.parse import parse_contract

ROOT = Path(__file__).parents[2]

ECHO_FOLDERS = {
    "python": ROOT / "examples" / "echo_generated",
    "cpp": ROOT / "bindings" / "cpp" / "generated",
    "rust": ROOT / "bindings" / "rust" / "examples" / "echo" / "generated",
    "zig": ROOT / "bindings" / "zig" / "examples" / "echo" / "generated",
    "typescript": ROOT / "bindings" / "typescript" / "examples" / "generated",
}
"""Where the echo service of each language lies."""

BOTH = Sides(client=True, server=True)

WITHIN = ROOT / "src" / "proofplane" / "barretenberg" / "generated"
"""Where the Python of contracts lies that the package itself uses."""

USED = {"bb": Sides(client=True, server=False), "verifier": BOTH}
"""These contracts, and which sides of them: `bb` is the server of its own."""


def contract(name: str) -> Schema:
    """A contract of `schema/`, by its file's name without suffix."""
    return parse_contract((ROOT / "schema" / f"{name}.jsonc").read_text(encoding="utf-8"))


if __name__ == "__main__":
    for target, folder in ECHO_FOLDERS.items():
        for path in generate(contract("echo"), language(target), BOTH, folder):
            print(path.relative_to(ROOT))
    for name, sides in USED.items():
        for path in generate(contract(name), language("python"), sides, WITHIN):
            print(path.relative_to(ROOT))

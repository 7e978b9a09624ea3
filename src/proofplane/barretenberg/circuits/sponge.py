"""Poseidon2's sponge in a circuit, as `proofplane.crypto.poseidon2.hash_fields` has it."""

from __future__ import annotations

from collections.abc import Sequence

from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.expression import Expression
from proofplane.crypto.poseidon2 import RATE


def hashed(b: Builder, name: str, inputs: Sequence[Expression]) -> Expression:
    """The hash of one or more field elements; their number is part of what is hashed."""
    with b.part(name):
        length = b.fixed("length", len(inputs) << 64)
        zero = b.fixed("zero", 0)
        state = [zero, zero, zero, length]
        for block, start in enumerate(range(0, len(inputs), RATE)):
            with b.part(f"block {block}"):
                for place, value in enumerate(inputs[start : start + RATE]):
                    absorbed = value if block == 0 else state[place] + value
                    state[place] = (
                        b.fixed(f"input {place}", known) if (known := absorbed.known) is not None else b.define(f"input {place}", absorbed)
                    )
                state = b.permute("permutation", state)
        return state[0]

"""Proof of work in a circuit: the target that a header's bits stand for, and that its hash is not above it.

Compact bits are a size in bytes and a mantissa of 3 bytes whose top bit is a sign: target = mantissa * 256^(size - 3).
Sizes are 4 to 29 here, and hashes below 2^224. That covers the canonical form of every target from 2^23 up to mainnet's limit, and for any
other size there is no proof. Forms of these sizes that are not canonical mean what the plain rules mean by them, but `witness` makes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.expression import Expression, total
from proofplane.barretenberg.circuits.numbers import bounded, one_of
from proofplane.barretenberg.circuits.words import Word, reversed_bytes
from proofplane.bitcoin.target import bits_from_target, target_from_bits

LEAST_SIZE = 4
MOST_SIZE = 29

_TARGET_BITS = 224
"""Bits of the easiest target that mainnet allows, 0xffff * 256^26."""


def covers(bits: int) -> bool:
    """Whether the circuits state something about these bits (u32), which must be a target's: canonical, of a size of 4 to 29 bytes."""
    return LEAST_SIZE <= bits >> 24 <= MOST_SIZE and bits_from_target(target_from_bits(bits)) == bits


@dataclass(frozen=True, slots=True)
class Compact:
    """A compact target: its parts are integers, `mantissa` 0 to 0x7fffff and `size` 4 to 29."""

    mantissa: Expression
    size: Expression
    target: Expression
    """mantissa * 256^(size - 3), below 2^231."""


def compact(b: Builder, name: str, raw: Word) -> Compact:
    """The header's bits, from its bytes 72 to 75 as SHA-256 reads them: big-endian, where the bits are little-endian."""
    with b.part(name):
        size, high, middle, low = raw.chunks
        b.range("not negative", high, 7)
        mantissa = b.define("mantissa", low + 256 * middle + 256**2 * high)
        sizes = range(LEAST_SIZE, MOST_SIZE + 1)
        chosen = one_of(b, "size", len(sizes), lambda values: values(size) - LEAST_SIZE)
        b.assert_equal("size chosen", size, total([wire * number for wire, number in zip(chosen, sizes, strict=True)]))
        power = b.define("power", total([wire * 256 ** (number - 3) for wire, number in zip(chosen, sizes, strict=True)]))
        return Compact(mantissa, size, b.define("target", mantissa * power))


def assert_met(b: Builder, name: str, digest: Sequence[Word], target: Expression) -> None:
    """The digest, 8 words cut into bytes, read as a little-endian number, is at most `target`."""
    with b.part(name):
        *lower, top = digest
        b.assert_zero("top word", top.value)
        number = total([reversed_bytes(word) * 2 ** (32 * place) for place, word in enumerate(lower)])
        bounded(b, "target minus hash", target - number, _TARGET_BITS)

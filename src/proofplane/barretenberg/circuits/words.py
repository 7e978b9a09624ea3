"""Words: numbers of 32 bits that a circuit holds to their range, cut into chunks, rotated, combined bit by bit and added modulo 2^32.

Invariants:

1. Whoever has a `Word` has a number of 0 to 2^32 - 1: each is made by a function here that asserts it, or is a constant.
2. A word's chunks are the one way to write it as chunks of these widths: each is held to its width, and together they are the word.
   Every sum of chunks stays below 2^32, far below the field's modulus, so equality modulo r is equality of integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.expression import Expression, constant, total
from proofplane.barretenberg.acir.program import Values

BITS = 32
MODULUS_32 = 2**BITS
_MASK = MODULUS_32 - 1

Cuts = tuple[int, ...]
"""Where a word is cut: the lowest bit of each chunk, ascending from 0."""

PLAIN: Cuts = (0, 11, 22)
"""The cheapest way to hold a word to its range: chunks of at most 11 bits, beyond which `bb`'s lists of numbers grow large."""

BYTES: Cuts = (0, 8, 16, 24)


@dataclass(frozen=True, slots=True)
class Word:
    """A number of 0 to 2^32 - 1."""

    value: Expression
    """A wire or a constant."""
    cuts: Cuts
    chunks: tuple[Expression, ...]
    """The bits from each cut to the next, each as a number."""


def known_word(value: int, cuts: Cuts = PLAIN) -> Word:
    """The constant word `value`, 0 to 2^32 - 1."""
    return Word(constant(value), cuts, tuple(constant(value >> low & (1 << width) - 1) for low, width in _pieces(cuts)))


def held(b: Builder, name: str, value: Expression, cuts: Cuts = PLAIN) -> Word:
    """Asserts that a wire is a word; a constant is taken as it is."""
    if value.known is not None:
        return known_word(value.known, cuts)
    with b.part(name):
        return Word(value, cuts, tuple(_chunks(b, value, cuts)))


def recut(b: Builder, name: str, word: Word, cuts: Cuts) -> Word:
    """The same word cut elsewhere."""
    return word if word.cuts == cuts else held(b, name, word.value, cuts)


def reduced(b: Builder, name: str, terms: Sequence[Expression | int], summands: int, cuts: Cuts = PLAIN) -> Word:
    """The sum of the terms modulo 2^32.

    Args:
        b: The builder.
        name: Of the new word.
        terms: Whose sum is at least 0 and less than `summands` times 2^32; constants are taken as they are.
        summands: At least 2. A larger one than needed costs nothing in soundness: word and carry are quotient and remainder all the same.
        cuts: Of the new word.
    """
    full = total([term if isinstance(term, Expression) else constant(term) for term in terms])
    if full.known is not None:
        return known_word(full.known % MODULUS_32, cuts)
    with b.part(name):
        word = b.hint("word", lambda values: values(full) & _MASK)
        carry = b.hint("carry", lambda values: values(full) >> BITS & (1 << (summands - 1).bit_length()) - 1)
        b.range("carry", carry, (summands - 1).bit_length())
        b.assert_equal("sum", full, word + MODULUS_32 * carry)
    return held(b, name, word, cuts)


def rotated(word: Word, by: int) -> Expression:
    """The word rotated right by `by` bits, which must be one of its cuts."""
    return total([chunk * 2 ** ((low - by) % BITS) for low, chunk in zip(word.cuts, word.chunks, strict=True)])


def shifted(word: Word, by: int) -> Expression:
    """The word shifted right by `by` bits, which must be one of its cuts."""
    return total([chunk * 2 ** (low - by) for low, chunk in zip(word.cuts, word.chunks, strict=True) if low >= by])


def reversed_bytes(word: Word) -> Expression:
    """The number whose bytes are the word's in reverse; the word must be cut into bytes."""
    return total([chunk * 256 ** (3 - place) for place, chunk in enumerate(word.chunks)])


def xor(b: Builder, name: str, left: Expression, right: Expression) -> Expression:
    """The bitwise exclusive or of two numbers, each a wire or constant; both are held to 32 bits by the AND that it is made of."""
    return left + right - 2 * b.and32(name, left, right)


def xor3(b: Builder, name: str, first: Expression, second: Expression, third: Expression) -> Expression:
    """The bitwise exclusive or of three words."""
    with b.part(name):
        two = xor(b, "and of two", b.define("first", first), b.define("second", second))
        return xor(b, "and of three", b.define("two", two), b.define("third", third))


def _chunks(b: Builder, value: Expression, cuts: Cuts) -> list[Expression]:
    chunks = [_chunk(b, value, low, width) for low, width in _pieces(cuts)]
    b.assert_equal("chunks", value, total([chunk * 2**low for low, chunk in zip(cuts, chunks, strict=True)]))
    return chunks


def _chunk(b: Builder, value: Expression, low: int, width: int) -> Expression:
    def rule(values: Values) -> int:
        return values(value) >> low & (1 << width) - 1

    chunk = b.hint(f"chunk {low}", rule)
    b.range(f"chunk {low}", chunk, width)
    return chunk


def _pieces(cuts: Cuts) -> list[tuple[int, int]]:
    """Lowest bit and width of each chunk."""
    return [(low, high - low) for low, high in zip(cuts, (*cuts[1:], BITS), strict=True)]

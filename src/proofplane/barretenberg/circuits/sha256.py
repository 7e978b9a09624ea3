"""SHA-256 (FIPS 180-4) in a circuit, from AND, RANGE and AssertZero: the opcode's lookup tables alone have more rows than our points allow.

Exclusive or costs one AND: `x ^ y = x + y - 2 (x AND y)`. Rotations are free once a word is cut where they cut it.
Additions modulo 2^32 give the sum as a word and a small carry; what they add up are words and ANDs of words, so no sum comes near r.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.expression import Expression
from proofplane.barretenberg.circuits.words import (
    MODULUS_32,
    PLAIN,
    Cuts,
    Word,
    known_word,
    recut,
    reduced,
    rotated,
    shifted,
    xor3,
)

DIGEST_WORDS = 8
BLOCK_WORDS = 16
ROUNDS = 64

# Each function's rotations (or, last of the small ones, shift), and cuts for its argument: its rotations, and more where a chunk would
# be over 11 bits.
_BIG_0, _BIG_0_CUTS = (2, 13, 22), (0, 2, 13, 22)
_BIG_1, _BIG_1_CUTS = (6, 11, 25), (0, 6, 11, 18, 25)
_SMALL_0, _SMALL_0_CUTS = (7, 18, 3), (0, 3, 7, 18, 25)
_SMALL_1, _SMALL_1_CUTS = (17, 19, 10), (0, 10, 17, 19, 25)


def message_cuts(index: int) -> Cuts:
    """How the hash reads the word of this index of a message: words that come in so cut need no further range."""
    return _SMALL_0_CUTS if index % BLOCK_WORDS else PLAIN


def header_digest(b: Builder, words: Sequence[Word], cuts: Cuts = PLAIN) -> list[Word]:
    """SHA-256 of SHA-256 of 80 bytes: 8 words.

    Args:
        b: The builder.
        words: The 80 bytes as 20 words, big-endian as SHA-256 reads them.
        cuts: Of the words of the result.
    """
    with b.part("first block"):
        state = compressed(b, _initial_state(), words[:BLOCK_WORDS])
    with b.part("second block"):
        state = compressed(b, state, [*words[BLOCK_WORDS:], *_padding(80)])
    with b.part("digest of digest"):
        return compressed(b, _initial_state(), [*state, *_padding(32)], cuts)


def compressed(b: Builder, state: Sequence[Word], block: Sequence[Word], cuts: Cuts = PLAIN) -> list[Word]:
    """The compression function: the 8 words of the state after a block of 16 words; `cuts` are those of the result's words."""
    schedule = _schedule(b, block)
    first, second, third, fourth, fifth, sixth, seventh, eighth = state
    with b.part("before"):
        second_and_third = b.and32("second and third", second.value, third.value)
    for index, (constant, word) in enumerate(zip(_round_constants(), schedule, strict=True)):
        with b.part(f"round {index}"):
            chosen = _choice(b, fifth, sixth, seventh)
            first_and_second = b.and32("first and second", first.value, second.value)
            majority = _majority(b, first, second, third, second_and_third)
            mixed = (_big_sigma(b, "mixed 1", fifth, _BIG_1, _BIG_1_CUTS), _big_sigma(b, "mixed 0", first, _BIG_0, _BIG_0_CUTS))
            addends = (fourth.value, eighth.value, mixed[0], chosen, constant, word.value)
            new_fifth = reduced(b, "fifth", addends, len(addends), _BIG_1_CUTS)
            # FIPS's T1 is what was added to the fourth word; adding 2^32 keeps the sum positive.
            summands = (new_fifth.value, MODULUS_32 - fourth.value, mixed[1], majority)
            new_first = reduced(b, "first", summands, len(summands), _BIG_0_CUTS)
        first, second, third, fourth, fifth, sixth, seventh, eighth = new_first, first, second, third, new_fifth, fifth, sixth, seventh
        second_and_third = first_and_second
    after = (first, second, third, fourth, fifth, sixth, seventh, eighth)
    with b.part("after"):
        return [
            reduced(b, f"word {index}", (old.value, new.value), 2, cuts) for index, (old, new) in enumerate(zip(state, after, strict=True))
        ]


def _schedule(b: Builder, block: Sequence[Word]) -> list[Word]:
    words = list(block)
    for index in range(BLOCK_WORDS, ROUNDS):
        with b.part(f"schedule {index}"):
            early = _small_sigma(b, "mixed 0", words[index - 15], _SMALL_0, _SMALL_0_CUTS)
            late = _small_sigma(b, "mixed 1", words[index - 2], _SMALL_1, _SMALL_1_CUTS)
            addends = (words[index - 16].value, early, words[index - 7].value, late)
            words.append(reduced(b, "word", addends, len(addends), _cuts_of_scheduled(index)))
    return words


def _cuts_of_scheduled(index: int) -> Cuts:
    """How a word of the schedule is cut by those after it, the first of them deciding; the last two words are cut by none."""
    if index + 15 < ROUNDS:
        return _SMALL_0_CUTS
    return _SMALL_1_CUTS if index + 2 < ROUNDS else PLAIN


def _big_sigma(b: Builder, name: str, word: Word, rotations: tuple[int, int, int], cuts: Cuts) -> Expression:
    with b.part(name):
        cut = recut(b, "cut", word, cuts)
        return xor3(b, "xor", *(rotated(cut, by) for by in rotations))


def _small_sigma(b: Builder, name: str, word: Word, amounts: tuple[int, int, int], cuts: Cuts) -> Expression:
    first, second, shift = amounts
    with b.part(name):
        cut = recut(b, "cut", word, cuts)
        return xor3(b, "xor", rotated(cut, first), rotated(cut, second), shifted(cut, shift))


def _choice(b: Builder, chooser: Word, yes: Word, no: Word) -> Expression:
    """Bits of `yes` where the chooser has ones, of `no` where it has zeros."""
    return b.and32("chosen", chooser.value, yes.value) + no.value - b.and32("not chosen", chooser.value, no.value)


def _majority(b: Builder, first: Word, second: Word, third: Word, second_and_third: Expression) -> Expression:
    """Bits that at least two have: both the second and third, or the first and exactly one of them."""
    one = b.define("second xor third", second.value + third.value - 2 * second_and_third)
    return second_and_third + b.and32("first and one", first.value, one)


def _padding(size: int) -> list[Word]:
    """What follows a message of `size` bytes, a multiple of 4, in its last block: a one bit, zeros, the length in bits."""
    used = size // 4 % BLOCK_WORDS
    return [known_word(word) for word in (1 << 31, *(0,) * (BLOCK_WORDS - used - 2), 8 * size)]


def _initial_state() -> list[Word]:
    """First 32 bits of the fractional parts of the square roots of the first 8 primes."""
    return [known_word(isqrt(prime << 64) % MODULUS_32) for prime in _primes(DIGEST_WORDS)]


def _round_constants() -> list[int]:
    """First 32 bits of the fractional parts of the cube roots of the first 64 primes."""
    return [_cube_root(prime << 96) % MODULUS_32 for prime in _primes(ROUNDS)]


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _cube_root(number: int) -> int:
    """The largest integer whose cube is at most `number`."""
    root = 0
    for place in reversed(range(number.bit_length() // 3 + 1)):
        if (root | 1 << place) ** 3 <= number:
            root |= 1 << place
    return root

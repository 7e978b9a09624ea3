"""Bytes of Lean blocks, votes and states with something wrong in them: what a hostile peer can send."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from types import FrameType

MODULUS = 2**31 - 2**24 + 1
"""The smallest number that is no field element."""

NUMBERS = (0, 1, 3, 4, 83, 84, 128, 423, 425, MODULUS - 1, MODULUS, 2**31, 2**32 - 1)
"""What an offset, a length or a field element becomes."""

SLOTS = (0, 1, 255, 256, 2**18, 2**18 + 2, 2**32, 2**63, 2**64 - 1)
"""What a slot, an index or a count of slots becomes."""

MOST_INSERTED = 4_096
"""Bytes that one change adds at most, so that a mutant is hardly larger than what it was made of."""

BLOCK_AT = 8
"""Where the block begins in a SignedBlock whose offsets are right; its slot comes first, 84 bytes of fixed part in all."""

Mutation = Callable[[bytearray, Random, Sequence[bytes]], None]


def mutant(raw: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """`raw` with one to five changes; `others` are valid inputs to splice with."""
    changed = bytearray(raw)
    for _ in range(random.choice([1, 1, 1, 2, 5])):
        random.choice(MUTATIONS)(changed, random, others)
    return bytes(changed)


def _flip(raw: bytearray, random: Random, others: Sequence[bytes]) -> None:
    if raw:
        raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)


def _cut(raw: bytearray, random: Random, others: Sequence[bytes]) -> None:
    del raw[random.randrange(len(raw) + 1) :]


def _lose(raw: bytearray, random: Random, others: Sequence[bytes]) -> None:
    at = random.randrange(len(raw) + 1)
    del raw[at : at + random.choice([1, 4, 8, 32, 40, 128, 424])]


def _grow(raw: bytearray, random: Random, others: Sequence[bytes]) -> None:
    at = random.choice([random.randrange(len(raw) + 1), len(raw)])
    raw[at:at] = random.choice([b"\0", b"\x01", b"\xff", random.randbytes(1)]) * random.choice([1, 4, 32, 424, MOST_INSERTED])


def _offset(raw: bytearray, random: Random, others: Sequence[bytes]) -> None:
    """A four-byte number that is smaller than the input, so most likely an offset or a length, becomes another."""
    places = [at for at in range(min(len(raw) - 3, 400)) if 0 < struct.unpack_from("<I", raw, at)[0] <= len(raw)]
    if places:
        at = random.choice(places)
        (before,) = struct.unpack_from("<I", raw, at)
        value = random.choice([*NUMBERS, len(raw), len(raw) - 1, before + 1, before - 1, before + 4, before * 2])
        struct.pack_into("<I", raw, at, value % 2**32)


def _number(raw: bytearray, random: Random, others: Sequence[bytes]) -> None:
    """Any four bytes, aligned as the fields of a signature are."""
    if len(raw) >= 4:
        struct.pack_into("<I", raw, random.randrange(len(raw) - 3), random.choice(NUMBERS))


def _slot(raw: bytearray, random: Random, others: Sequence[bytes]) -> None:
    """Any eight bytes; the block's own slot and proposer more often than others."""
    if len(raw) >= 24:
        struct.pack_into("<Q", raw, random.choice([BLOCK_AT, BLOCK_AT + 8, random.randrange(len(raw) - 7)]), random.choice(SLOTS))


def _repeat(raw: bytearray, random: Random, others: Sequence[bytes]) -> None:
    """A piece comes several times: lists with more entries, the same attestation again."""
    at, size = random.randrange(len(raw) + 1), random.choice([4, 32, 128, 137, 480])
    raw[at:at] = (raw[at : at + size] * 64)[:MOST_INSERTED]


def _splice(raw: bytearray, random: Random, others: Sequence[bytes]) -> None:
    """The rest of another valid input, or a piece of it at its place."""
    other = random.choice(others)
    at = random.randrange(min(len(raw), len(other)) + 1)
    size = random.choice([8, 32, 128, 480, len(other)])
    raw[at : at + size] = other[at : at + size]


def _proof(raw: bytearray, random: Random, others: Sequence[bytes]) -> None:
    """The proof of another block, whole, behind this one."""
    ends = [struct.unpack_from("<I", one, 4)[0] for one in (raw, random.choice(others)) if len(one) >= 8]
    if len(ends) == 2 and ends[0] <= len(raw):
        raw[ends[0] :] = random.choice(others)[ends[1] :]


def _bits(raw: bytearray, random: Random, others: Sequence[bytes]) -> None:
    """Participation bits, which are the byte before the proof of a block with one attestation, or the last of a vote: more, or none."""
    end = struct.unpack_from("<I", raw, 4)[0] if len(raw) >= 8 else 0
    if 0 < end <= len(raw):
        raw[end - 1 : end] = random.choice([b"\0", b"\x01", b"\xff", b"\xff\x01", b"\xff" * 512 + b"\x01", b"\xff" * 513])


MUTATIONS: tuple[Mutation, ...] = (_flip, _flip, _cut, _lose, _grow, _offset, _offset, _number, _slot, _repeat, _splice, _proof, _bits)


@dataclass
class Steps:
    """How many functions were called."""

    taken: int = 0


@contextmanager
def counted() -> Iterator[Steps]:
    """Counts the calls of functions, Python's and C's, that this thread makes meanwhile: work that no slow machine changes."""
    steps, before = Steps(), sys.getprofile()

    def called(frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "c_call"):
            steps.taken += 1

    sys.setprofile(called)
    try:
        yield steps
    finally:
        sys.setprofile(before)

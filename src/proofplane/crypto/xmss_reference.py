"""XMSS in plain Python, a step of the specification a function: what `proofplane.crypto.xmss` is held against.

Slow (a sixth of a second for a signature of the production set) and never used by a node. Keys and signatures are made with the same
pseudo-random function as the native ones, so they are equal to the byte.
Source: eprint 2025/055, eprint 2026/016; parameters and encodings of leanSpec 43246bd6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice

from proofplane.crypto import koalabear
from proofplane.crypto.hashes import sha256
from proofplane.crypto.koalabear import ELEMENT_SIZE, P, limbs
from proofplane.crypto.poseidon1 import compress, permute
from proofplane.crypto.xmss import Claim, Scheme

BASE = 8
"""Values of a digit; a chain has as many, at positions 0 to 7."""

DIGEST, PARAMETER, RHO, TWEAK, MESSAGE, CAPACITY = 8, 5, 7, 2, 9, 9
"""Lengths in elements."""

_RATE = 24 - CAPACITY
_DIGITS_PER_ELEMENT = 8
_DIVISOR = 127
"""127 * 8^8 = P - 1: an element below P - 1 divided by it is uniform over 8 digits."""

_CHAIN_TWEAK, _TREE_TWEAK, _MESSAGE_TWEAK = 0, 1, 2
_PARAMETER_STREAM, _START_STREAM, _SIBLING_STREAM, _RHO_STREAM = 0, 1, 2, 3

Digest = tuple[int, ...]
"""Elements of the field, `DIGEST` of them unless said."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A decoded signature."""

    rho: Digest
    """`RHO` elements."""
    siblings: tuple[Digest, ...]
    """From the leaf's level upward."""
    hashes: tuple[Digest, ...]
    """The released value of each chain."""

    def encode(self) -> bytes:
        """The SSZ bytes."""
        siblings = b"".join(map(koalabear.encode, self.siblings))
        hashes = b"".join(map(koalabear.encode, self.hashes))
        path_at = 4 + RHO * ELEMENT_SIZE + 4
        return _u32(path_at) + koalabear.encode(self.rho) + _u32(path_at + 4 + len(siblings)) + _u32(4) + siblings + hashes

    @classmethod
    def decode(cls, scheme: Scheme, raw: bytes) -> Signature | None:
        """Reads `encode()`; None if the length, an offset or an element is not what it must be."""
        if len(raw) != scheme.signature_size:
            return None
        hashes_at = 40 + 32 * scheme.log_lifetime
        try:
            rho = koalabear.decode(raw[4:32])
            siblings, hashes = _digests(raw[40:hashes_at]), _digests(raw[hashes_at:])
        except koalabear.NotCanonical:
            return None
        found = cls(rho, siblings, hashes)
        return found if found.encode() == raw else None


def verify(scheme: Scheme, claim: Claim) -> bool:
    """Whether the claim is true."""
    signature = Signature.decode(scheme, claim.signature)
    if signature is None or claim.slot >= scheme.lifetime:
        return False
    try:
        root, parameter = _split_key(claim.key)
    except koalabear.NotCanonical:
        return False
    digits = digits_of(scheme, message_hash(scheme, parameter, claim.slot, claim.message, signature.rho))
    if digits is None:
        return False
    ends = [
        walk(parameter, claim.slot, chain, digit, BASE - 1, value)
        for chain, (digit, value) in enumerate(zip(digits, signature.hashes, strict=True))
    ]
    return climb(parameter, claim.slot, leaf(scheme, parameter, claim.slot, ends), signature.siblings) == root


def message_hash(scheme: Scheme, parameter: Digest, slot: int, message: bytes, rho: Digest) -> Digest:
    """The elements whose digits encode the message."""
    number = limbs(int.from_bytes(message, "little"), MESSAGE)
    tweak = limbs(slot << 8 | _MESSAGE_TWEAK, TWEAK)
    return compress(number + parameter + tweak + rho, 24, -(-scheme.dimension // _DIGITS_PER_ELEMENT))


def digits_of(scheme: Scheme, hashed: Digest) -> tuple[int, ...] | None:
    """The digit of each chain; None if an element is P - 1 or the sum misses the target."""
    if P - 1 in hashed:
        return None
    digits = [element // _DIVISOR >> 3 * place & 7 for element in hashed for place in range(_DIGITS_PER_ELEMENT)][: scheme.dimension]
    return tuple(digits) if sum(digits) == scheme.target_sum else None


def walk(parameter: Digest, slot: int, chain: int, start: int, end: int, value: Digest) -> Digest:
    """The chain's value at position `end`, from the one at `start`."""
    for step in range(start + 1, end + 1):
        tweak = limbs(slot << 24 | chain << 16 | step << 8 | _CHAIN_TWEAK, TWEAK)
        value = compress(value + parameter + tweak, 16, DIGEST)
    return value


def capacity(scheme: Scheme) -> Digest:
    """The `CAPACITY` elements with which a leaf's sponge begins."""
    lengths = (PARAMETER << 96) + (TWEAK << 64) + (scheme.dimension << 32) + DIGEST
    return compress(limbs(lengths, 24), 24, CAPACITY)


def leaf(scheme: Scheme, parameter: Digest, slot: int, ends: Sequence[Digest]) -> Digest:
    """The tree's leaf over the ends of all chains."""
    values = parameter + _tree_tweak(0, slot) + tuple([element for end in ends for element in end])
    state = [*capacity(scheme), *[0] * _RATE]
    for at in range(0, len(values), _RATE):
        block = values[at : at + _RATE]
        state = permute([*state[:CAPACITY], *block, *[0] * (_RATE - len(block))])
    return tuple(state[CAPACITY : CAPACITY + DIGEST])


def node(parameter: Digest, level: int, index: int, left: Digest, right: Digest) -> Digest:
    """The tree's node over two of the level below; leaves are level 0."""
    return compress(parameter + _tree_tweak(level, index) + left + right, 24, DIGEST)


def climb(parameter: Digest, index: int, value: Digest, siblings: Sequence[Digest], level: int = 0) -> Digest:
    """The node that stands `len(siblings)` levels above the one of `index` at `level`."""
    for sibling in siblings:
        pair = (sibling, value) if index & 1 else (value, sibling)
        level, index = level + 1, index >> 1
        value = node(parameter, level, index, *pair)
    return value


class ReferenceKey:
    """A sparse key; `proofplane.crypto.xmss.SigningKey` says what that is. Nothing stops it from signing twice in a slot."""

    def __init__(self, scheme: Scheme, seed: bytes, first_slot: int, slots: int) -> None:
        """Computes every leaf of the smallest aligned window of a power of two around the slots asked for."""
        self.scheme = scheme
        self._seed = seed
        height = (first_slot ^ (first_slot + slots - 1)).bit_length()
        self.slots = 1 << height
        self.first_slot = first_slot >> height << height
        self._parameter = tuple(islice(self._stream(_PARAMETER_STREAM, 0, 0), PARAMETER))
        self._levels = [[self._leaf(self.first_slot + offset) for offset in range(self.slots)]]
        for level in range(1, height + 1):
            below, index = self._levels[-1], self.first_slot >> level
            pairs = zip(below[::2], below[1::2], strict=True)
            self._levels.append([node(self._parameter, level, index + place, *pair) for place, pair in enumerate(pairs)])
        self._above = [
            tuple(islice(self._stream(_SIBLING_STREAM, level, self.first_slot >> level ^ 1), DIGEST))
            for level in range(height, scheme.log_lifetime)
        ]
        root = climb(self._parameter, self.first_slot >> height, self._levels[height][0], self._above, height)
        self.public = koalabear.encode(root + self._parameter)

    def sign(self, slot: int, message: bytes) -> bytes:
        """The signature over 32 bytes in a slot of the window."""
        rho, digits = self._encoding(slot, message)
        hashes = [walk(self._parameter, slot, chain, 0, digit, self._start(slot, chain)) for chain, digit in enumerate(digits)]
        offset = slot - self.first_slot
        inside = [nodes[offset >> level ^ 1] for level, nodes in enumerate(self._levels[:-1])]
        return Signature(rho, (*inside, *self._above), tuple(hashes)).encode()

    def _encoding(self, slot: int, message: bytes) -> tuple[Digest, tuple[int, ...]]:
        """The first randomness that encodes the message, and its digits: attempt 49 on average in the test set, 913 in the other."""
        drawn = (tuple(islice(self._stream(_RHO_STREAM, slot, attempt, message), RHO)) for attempt in count())
        tried = ((rho, digits_of(self.scheme, message_hash(self.scheme, self._parameter, slot, message, rho))) for rho in drawn)
        return next((rho, digits) for rho, digits in tried if digits is not None)

    def _leaf(self, slot: int) -> Digest:
        chains = range(self.scheme.dimension)
        ends = [walk(self._parameter, slot, chain, 0, BASE - 1, self._start(slot, chain)) for chain in chains]
        return leaf(self.scheme, self._parameter, slot, ends)

    def _start(self, slot: int, chain: int) -> Digest:
        return tuple(islice(self._stream(_START_STREAM, slot, chain), DIGEST))

    def _stream(self, label: int, first: int, second: int, tail: bytes = b"") -> Iterator[int]:
        """Uniform elements without end: SHA-256 of seed, label, two numbers, tail and a counter, cut into words of 31 bits below `P`."""
        head = self._seed + bytes([label]) + first.to_bytes(8, "little") + second.to_bytes(8, "little") + tail
        for counter in count():
            block = sha256(head + _u32(counter))
            words = (int.from_bytes(block[at : at + 4], "little") & 0x7FFFFFFF for at in range(0, len(block), 4))
            yield from (word for word in words if word < P)


def _tree_tweak(level: int, index: int) -> Digest:
    return limbs(level << 40 | index << 8 | _TREE_TWEAK, TWEAK)


def _split_key(key: bytes) -> tuple[Digest, Digest]:
    """Root and parameter; raises `NotCanonical`."""
    elements = koalabear.decode(key)
    return elements[:DIGEST], elements[DIGEST:]


def _digests(raw: bytes) -> tuple[Digest, ...]:
    elements = koalabear.decode(raw)
    return tuple([elements[at : at + DIGEST] for at in range(0, len(elements), DIGEST)])


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "little")

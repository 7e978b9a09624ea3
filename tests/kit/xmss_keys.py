"""Keys of the test parameter set, made once a process, their claims, and the claims of recorded chains."""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path

from proofplane import _native
from proofplane.crypto.hashes import sha256
from proofplane.crypto.xmss import TEST, Claim

SLOTS = 8
"""Every key signs in slots 0 to 7."""


def public(number: int) -> bytes:
    """The public key of this number."""
    return _key(number).public_key


@lru_cache(maxsize=512)
def signature(number: int, slot: int, message: bytes) -> bytes:
    """What the key of this number signs; any number of messages in a slot."""
    return _key(number).sign(slot, message)


def claim(number: int, slot: int = 1, message: bytes = bytes(32)) -> Claim:
    """A true claim."""
    return Claim(public(number), slot, message, signature(number, slot, message))


def recorded_claim(chain: Path) -> Claim:
    """The only signature of a recorded chain's first block, read by hand."""
    block = (chain / "block_000.ssz").read_bytes()
    (proof_at,) = struct.unpack_from("<I", block, 4)
    proof = block[proof_at + 4 :]  # "NV", one component of one entry
    (slot,) = struct.unpack_from("<Q", proof, 36)
    return Claim(proof[46:98], slot, proof[4:36], proof[102:])


@lru_cache(maxsize=64)
def _key(number: int) -> _native.XmssKey:
    """The bare key, which does not remember what it signed."""
    return _native.XmssKey(TEST.name, sha256(b"key %d" % number), 0, SLOTS)

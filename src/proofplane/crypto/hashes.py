"""SHA-256 in the three forms that the project uses: plain, double and tagged."""

from __future__ import annotations

import hashlib
from functools import lru_cache

_TAGS_KEPT = 32
"""Tags whose prefix is remembered; the project uses fewer than ten, more would only be hashed again."""


def sha256(data: bytes) -> bytes:
    """The 32-byte SHA-256 digest (FIPS 180-4) of `data`."""
    return hashlib.sha256(data).digest()


def sha256d(data: bytes) -> bytes:
    """SHA-256 of the SHA-256 of `data`, 32 bytes: Bitcoin's hash of headers, transactions and Merkle nodes."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def tagged_hash(tag: str, data: bytes) -> bytes:
    """sha256(sha256(tag) || sha256(tag) || data), 32 bytes, as BIP-340 defines it; the tag is hashed as UTF-8."""
    return hashlib.sha256(_prefix(tag) + data).digest()


@lru_cache(maxsize=_TAGS_KEPT)
def _prefix(tag: str) -> bytes:
    return sha256(tag.encode()) * 2

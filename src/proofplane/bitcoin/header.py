"""The 80-byte block header: its fields, its bytes and the block id that they hash to."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from proofplane.base.errors import Refused
from proofplane.base.ids import HASH_SIZE, BlockId, Hash32
from proofplane.bitcoin.encoding import Unencodable
from proofplane.crypto.hashes import sha256d

HEADER_SIZE = 80
"""Bytes of every header; fixed since the first block."""

_FIELDS = struct.Struct("<i32s32sIII")


class MalformedHeader(Refused):
    """Bytes that are not one header; only their number can be wrong, every 80 bytes are a header."""


@dataclass(frozen=True, slots=True)
class Header:
    """One block header; equality of encodings is equality of headers."""

    version: int
    """Signed 32 bits; not interpreted here."""
    previous: BlockId
    merkle_root: Hash32
    """Root over the transaction ids, internal byte order."""
    time: int
    """Seconds since 1970, u32, as the miner claims."""
    bits: int
    """Target in compact form, u32."""
    nonce: int

    def encode(self) -> bytes:
        """80 bytes, integers little-endian; raises `Unencodable` if a field is out of its range."""
        if len(self.merkle_root) != HASH_SIZE:
            raise Unencodable(f"a merkle root has {HASH_SIZE} bytes, not {len(self.merkle_root)}")
        try:
            return _FIELDS.pack(self.version, self.previous, self.merkle_root, self.time, self.bits, self.nonce)
        except struct.error as error:
            raise Unencodable(f"a header field is out of range ({error}): {self}") from None

    @classmethod
    def decode(cls, raw: bytes) -> Header:
        """Reads `encode()`; raises `MalformedHeader` unless `raw` is 80 bytes long."""
        if len(raw) != HEADER_SIZE:
            raise MalformedHeader(f"a block header has {HEADER_SIZE} bytes, not {len(raw)}")
        version, previous, merkle_root, time, bits, nonce = _FIELDS.unpack(raw)
        return cls(version, BlockId(previous), Hash32(merkle_root), time, bits, nonce)

    @property
    def block_id(self) -> BlockId:
        """sha256d of the 80 bytes; computed at each use (about 2 microseconds), so keep it if it is needed often."""
        return BlockId(sha256d(self.encode()))

"""Files of raw headers for the command line: regtest ones mined here, mainnet ones cut from the real file."""

from __future__ import annotations

from pathlib import Path

from proofplane.anchor.regtest import RegtestChain
from proofplane.bitcoin.header import HEADER_SIZE

MAINNET_NAME = "mainnet-headers-40000-49999.raw"
MAINNET_FIRST = 40_000


def regtest_headers(path: Path, count: int, seed: bytes = b"headers") -> Path:
    """Writes genesis and the headers after it, `count` in all; the same seed gives the same file."""
    chain = RegtestChain(seed)
    blocks = [chain.genesis, *chain.mine_many(chain.genesis, count - 1)]
    path.write_bytes(b"".join(chain.header(block).encode() for block in blocks))
    return path


def mainnet_headers(data_dir: Path, path: Path, first: int, count: int) -> Path:
    """Writes `count` mainnet headers from height `first` on."""
    with (data_dir / "bitcoin" / MAINNET_NAME).open("rb") as file:
        file.seek((first - MAINNET_FIRST) * HEADER_SIZE)
        path.write_bytes(file.read(count * HEADER_SIZE))
    return path


def flipped(source: Path, target: Path, offset: int, bit: int = 0) -> Path:
    """Writes a copy with one bit changed."""
    raw = bytearray(source.read_bytes())
    raw[offset] ^= 1 << bit
    target.write_bytes(raw)
    return target

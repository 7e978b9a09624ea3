"""Unit tests of `proofplane.bitcoin.header`."""

from dataclasses import replace

import pytest
from hypothesis import given

from proofplane.base.ids import BlockId, Hash32
from proofplane.bitcoin.encoding import Unencodable
from proofplane.bitcoin.header import Header, MalformedHeader
from unit.bitcoin.strategies import HEADERS

GENESIS = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa"
    "4b1e5e4a29ab5f49ffff001d1dac2b7c"
)


def test_the_genesis_header_is_read_field_by_field() -> None:
    assert Header.decode(GENESIS) == Header(
        version=1,
        previous=BlockId(bytes(32)),
        merkle_root=Hash32(bytes.fromhex("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b")[::-1]),
        time=1231006505,
        bits=0x1D00FFFF,
        nonce=2083236893,
    )


def test_the_genesis_header_hashes_to_the_genesis_block_id() -> None:
    assert Header.decode(GENESIS).block_id.display() == "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"


@given(HEADERS)
def test_a_header_is_read_as_it_was_written(header: Header) -> None:
    raw = header.encode()
    assert len(raw) == 80
    assert Header.decode(raw) == header


@pytest.mark.parametrize("raw", [b"", GENESIS[:-1], GENESIS + b"\0"])
def test_any_other_length_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedHeader, match=f"not {len(raw)}"):
        Header.decode(raw)


@pytest.mark.parametrize(
    "change", [{"version": 2**31}, {"time": -1}, {"bits": 2**32}, {"nonce": 2**32}, {"merkle_root": Hash32(bytes(31))}], ids=str
)
def test_a_field_out_of_its_range_cannot_be_encoded(change: dict[str, int]) -> None:
    with pytest.raises(Unencodable):
        replace(Header.decode(GENESIS), **change).encode()

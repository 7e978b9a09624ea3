"""Unit tests of `proofplane.base.ids`."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.ids import MAX_HEIGHT, BlockCommitment, BlockId, Height, MalformedId, hash32

HASHES = st.binary(min_size=32, max_size=32)
COMMITMENTS = st.builds(BlockCommitment, st.integers(0, MAX_HEIGHT).map(Height), HASHES.map(BlockId))
GENESIS = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"


def test_a_block_id_is_displayed_in_reverse() -> None:
    block_id = BlockId.from_display(GENESIS)
    assert bytes(block_id).hex() == "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"
    assert (block_id.display(), str(block_id), repr(block_id)) == (GENESIS, GENESIS, f"BlockId({GENESIS})")


def test_upper_case_digits_name_the_same_block() -> None:
    assert BlockId.from_display(GENESIS.upper()) == BlockId.from_display(GENESIS)


@pytest.mark.parametrize(
    "text", ["", GENESIS[:-1], GENESIS + "0", GENESIS[:-1] + "g", GENESIS + "\n", " " + GENESIS, GENESIS[:2] + " " + GENESIS[2:]]
)
def test_text_that_is_not_64_hex_digits_is_no_block_id(text: str) -> None:
    with pytest.raises(MalformedId):
        BlockId.from_display(text)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_other_lengths_than_32_are_no_hash(size: int) -> None:
    with pytest.raises(MalformedId):
        BlockId(bytes(size))
    with pytest.raises(MalformedId):
        hash32(bytes(size))


def test_a_mutable_buffer_becomes_an_immutable_hash() -> None:
    buffer = bytearray(32)
    digest = hash32(buffer)
    buffer[0] = 1
    assert digest == bytes(32)
    assert type(digest) is bytes


def test_a_block_id_survives_pickling_as_a_block_id() -> None:
    copy = pickle.loads(pickle.dumps(BlockId.from_display(GENESIS)))
    assert type(copy) is BlockId
    assert copy == BlockId.from_display(GENESIS)


@pytest.mark.parametrize("height", [-1, MAX_HEIGHT + 1])
def test_a_height_that_is_no_u32_is_refused(height: int) -> None:
    with pytest.raises(MalformedId):
        BlockCommitment(Height(height), BlockId(bytes(32)))


@given(COMMITMENTS)
def test_a_commitment_reads_back_from_its_key(block: BlockCommitment) -> None:
    assert BlockCommitment.from_key(block.key()) == block


@given(COMMITMENTS, COMMITMENTS)
def test_key_order_is_the_order_of_commitments(one: BlockCommitment, other: BlockCommitment) -> None:
    assert (one < other) == (one.key() < other.key()) == ((one.height, one.block_id) < (other.height, other.block_id))


@pytest.mark.parametrize("size", [0, 35, 37])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(MalformedId):
        BlockCommitment.from_key(bytes(size))


def test_a_commitment_prints_height_and_displayed_hash() -> None:
    assert str(BlockCommitment(Height(7), BlockId.from_display(GENESIS))) == f"7:{GENESIS}"

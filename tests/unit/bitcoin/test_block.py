"""Unit tests of `proofplane.bitcoin.block`."""

import pytest
from hypothesis import given

from proofplane.bitcoin.block import Block, MalformedBlock
from proofplane.bitcoin.encoding import compact_size
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.bitcoin.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut
from unit.bitcoin.strategies import BLOCKS

HEADER = rules_of(Network.REGTEST).genesis
PLAIN = Transaction(1, (TxIn(NULL_OUTPOINT, b"\x51\x51"),), (TxOut(1, b"\x51"),))
BLOCK = Block(HEADER, (PLAIN, PLAIN))


@given(BLOCKS)
def test_a_block_is_read_as_it_was_written(block: Block) -> None:
    assert Block.decode(block.encode()) == block


def test_a_block_is_its_header_a_count_and_its_transactions() -> None:
    assert BLOCK.encode() == HEADER.encode() + b"\x02" + PLAIN.encode() * 2
    assert BLOCK.block_id == HEADER.block_id


def test_every_cut_is_refused_and_so_is_a_byte_too_many() -> None:
    raw = BLOCK.encode()
    for size in range(len(raw)):
        with pytest.raises(MalformedBlock):
            Block.decode(raw[:size])
    with pytest.raises(MalformedBlock, match="1 bytes follow the block") as caught:
        Block.decode(raw + b"\0")
    assert caught.value.offset == len(raw)


def test_a_fault_names_its_transaction_and_its_place_in_the_block() -> None:
    raw = BLOCK.encode()[:-1]
    with pytest.raises(MalformedBlock) as caught:
        Block.decode(raw)
    assert caught.value.reason == "transaction 1: the lock time needs 4 bytes, 3 remain"
    assert caught.value.offset == len(raw) - 3


def test_a_hostile_number_of_transactions_is_refused_before_any_is_read() -> None:
    with pytest.raises(MalformedBlock, match=r"number of transactions .* does not fit") as caught:
        Block.decode(HEADER.encode() + compact_size(2**50) + PLAIN.encode())
    assert caught.value.offset == 80

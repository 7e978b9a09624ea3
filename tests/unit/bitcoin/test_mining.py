"""Unit tests of `proofplane.bitcoin.mining`."""

from dataclasses import replace

import pytest

from proofplane.base.errors import CallerMistake
from proofplane.base.ids import BlockCommitment, Hash32, Height
from proofplane.bitcoin.block import Block
from proofplane.bitcoin.body import CoinbaseInclusionProof, check_body, witness_commitment
from proofplane.bitcoin.coinbase import decode_height, is_coinbase
from proofplane.bitcoin.mining import OP_TRUE_SCRIPT, REGTEST_BITS, build_block, grind, subsidy_at
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.bitcoin.rules import accept, anchor_state
from proofplane.bitcoin.sps50 import TEST_MAGIC, Tag, parse_tag, tag_script
from proofplane.bitcoin.target import target_from_bits
from proofplane.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut

REGTEST = rules_of(Network.REGTEST)
GENESIS = BlockCommitment(Height(0), REGTEST.genesis.block_id)
TIME = 1_300_000_000


def test_mined_blocks_are_accepted_one_after_the_other() -> None:
    state = anchor_state(Network.REGTEST, GENESIS, REGTEST_BITS, REGTEST.genesis.time)
    for number in range(1, 21):
        block = build_block(state.last, TIME + number)
        check_body(block, None)
        assert decode_height(block.transactions[0].inputs[0].script) == number
        state = accept(state, block.header)
    assert (state.last.height, state.work) == (20, 40)


def test_the_coinbase_is_made_as_the_reference_says() -> None:
    tag = Tag(1, 2, b"aux")
    block = build_block(GENESIS, TIME, coinbase_tag=b"branch A", op_return=tag_script(TEST_MAGIC, tag))
    coinbase = block.transactions[0]
    assert is_coinbase(coinbase)
    assert coinbase.inputs[0].script == b"\x51\x08branch A"
    assert coinbase.outputs == (TxOut(0, tag_script(TEST_MAGIC, tag)), TxOut(50 * 10**8, OP_TRUE_SCRIPT))
    assert parse_tag(coinbase, TEST_MAGIC) == tag
    assert not coinbase.has_witness
    assert (block.header.version, block.header.bits, block.header.previous) == (0x20000000, 0x207FFFFF, GENESIS.block_id)


def test_without_a_tag_the_subsidy_is_the_first_output() -> None:
    assert build_block(GENESIS, TIME).transactions[0].outputs == (TxOut(50 * 10**8, OP_TRUE_SCRIPT),)


def test_the_same_call_gives_the_same_block_and_another_tag_another_one() -> None:
    first = build_block(GENESIS, TIME, coinbase_tag=b"A")
    assert build_block(GENESIS, TIME, coinbase_tag=b"A") == first
    assert build_block(GENESIS, TIME, coinbase_tag=b"B").block_id != first.block_id


def test_a_block_with_witnesses_commits_to_them_in_its_last_output() -> None:
    spent = OutPoint(Txid(Hash32(b"\x01" * 32)), 0)
    spending = Transaction(2, (TxIn(spent, witness=(b"signature",)),), (TxOut(1, OP_TRUE_SCRIPT),))
    block = build_block(GENESIS, TIME, transactions=[spending])
    coinbase = block.transactions[0]
    assert coinbase.inputs[0].witness == (bytes(32),)
    assert witness_commitment(replace(coinbase, outputs=coinbase.outputs[-1:])) is not None
    check_body(block, CoinbaseInclusionProof.make(block))
    assert Block.decode(block.encode()) == block


@pytest.mark.parametrize(
    ("height", "subsidy"), [(0, 50 * 10**8), (149, 50 * 10**8), (150, 25 * 10**8), (299, 25 * 10**8), (300, 125 * 10**7), (150 * 40, 0)]
)
def test_the_subsidy_halves_every_150_blocks(height: int, subsidy: int) -> None:
    assert subsidy_at(height) == subsidy
    if height:
        parent = replace(GENESIS, height=Height(height - 1))
        assert build_block(parent, TIME).transactions[0].outputs[0].value == subsidy


def test_grinding_finds_the_first_nonce_that_meets_the_target() -> None:
    target = target_from_bits(REGTEST_BITS)
    for time in range(20):
        header = replace(REGTEST.genesis, time=time, nonce=0)
        found = grind(header)
        meets = [int.from_bytes(replace(header, nonce=nonce).block_id, "little") <= target for nonce in range(found.nonce + 1)]
        assert meets == [False] * found.nonce + [True]
        assert replace(found, nonce=0) == header


def test_grinding_goes_on_at_zero_behind_the_last_nonce() -> None:
    found = [grind(replace(REGTEST.genesis, time=time, nonce=2**32 - 1)) for time in range(20)]
    assert any(header.nonce < 20 for header in found)


def test_bits_that_are_not_regtests_are_refused() -> None:
    with pytest.raises(CallerMistake, match="only regtest"):
        grind(rules_of(Network.MAINNET).genesis)
    with pytest.raises(CallerMistake, match="only regtest"):
        build_block(GENESIS, TIME, bits=0x1D00FFFF)


def test_a_tag_may_fill_the_coinbase_script_and_not_more() -> None:
    assert len(build_block(GENESIS, TIME, coinbase_tag=b"x" * 97).transactions[0].inputs[0].script) == 100
    with pytest.raises(CallerMistake, match="2 to 100 bytes"):
        build_block(GENESIS, TIME, coinbase_tag=b"x" * 98)

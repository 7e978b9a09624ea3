"""The Bitcoin rules on real mainnet data: 10,000 headers and block 702,861."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from proofplane.base.errors import Refused
from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.bitcoin.block import Block, MalformedBlock
from proofplane.bitcoin.body import (
    BodyRejected,
    CoinbaseInclusionProof,
    EmptyBlock,
    InvalidCoinbaseWitness,
    InvalidInclusionProof,
    MerkleRootMismatch,
    MissingInclusionProof,
    NotCoinbase,
    WitnessCommitmentMismatch,
    check_body,
    witness_commitment,
)
from proofplane.bitcoin.coinbase import decode_height, is_coinbase
from proofplane.bitcoin.encoding import compact_size
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.merkle import fold_tree
from proofplane.bitcoin.networks import KNOWN_BLOCKS, Network, known_block, known_epoch_start, rules_of
from proofplane.bitcoin.rules import (
    ContinuityError,
    HeaderState,
    PowMismatch,
    PowNotMet,
    TimestampError,
    accept,
    anchor_state,
    next_bits_after,
    retarget,
)
from proofplane.bitcoin.script import OP_RETURN
from proofplane.bitcoin.sps50 import Tag, parse_tag
from proofplane.bitcoin.transaction import Transaction

pytestmark = pytest.mark.data

FIRST = 40_000
EPOCH_START = 1265319794
RETARGETS = {40_320: 0x1C654657, 42_336: 0x1C43B3E5, 44_352: 0x1C387F6F, 46_368: 0x1C381375, 48_384: 0x1C2A1115}
BLOCK_HEIGHT = 702_861
HEADER_END, TRANSACTIONS_AT = 80, 83
"""Where block 702,861's header ends and, behind a count of 3 bytes, its first transaction begins."""


@pytest.fixture(scope="module")
def headers(data_dir: Path) -> list[Header]:
    raw = (data_dir / "bitcoin" / "mainnet-headers-40000-49999.raw").read_bytes()
    return [Header.decode(raw[at : at + 80]) for at in range(0, len(raw), 80)]


@pytest.fixture(scope="module")
def raw_block(data_dir: Path) -> bytes:
    return (data_dir / "bitcoin" / "mainnet-block-702861.raw").read_bytes()


@pytest.fixture(scope="module")
def block(raw_block: bytes) -> Block:
    return Block.decode(raw_block)


@pytest.fixture(scope="module")
def proof(block: Block) -> CoinbaseInclusionProof:
    return CoinbaseInclusionProof.make(block)


def anchor_at(headers: list[Header], height: int, epoch_start: int = EPOCH_START) -> HeaderState:
    header = headers[height - FIRST]
    next_bits = next_bits_after(header, height, epoch_start, Network.MAINNET)
    return anchor_state(Network.MAINNET, BlockCommitment(Height(height), header.block_id), next_bits, epoch_start)


@pytest.fixture(scope="module")
def states(headers: list[Header]) -> list[HeaderState]:
    """The state after each header, from the anchor at 40,000 on."""
    states = [anchor_at(headers, FIRST)]
    for header in headers[1:]:
        states.append(accept(states[-1], header))
    return states


@pytest.mark.checklist(36)
def test_all_9999_headers_are_accepted_from_the_anchor_at_40000_with_the_right_work(
    states: list[HeaderState], headers: list[Header]
) -> None:
    assert len(states) == 10_000
    end = states[-1]
    assert end == HeaderState(
        network=Network.MAINNET,
        last=BlockCommitment(Height(49_999), headers[-1].block_id),
        next_bits=0x1C2A1115,
        epoch_start=headers[48_384 - FIRST].time,
        window=end.window,
        head=9_999 % 11,
        work=0xA1FFB81EB48A,
    )
    assert sorted(end.window) == sorted(header.time for header in headers[-11:])


@pytest.mark.checklist(36)
def test_the_five_retargets_are_computed_exactly(states: list[HeaderState], headers: list[Header]) -> None:
    changes = {after.last.height + 1: after.next_bits for before, after in pairwise(states) if after.next_bits != before.next_bits}
    assert changes == RETARGETS
    starts = {height: EPOCH_START if height < 40_320 else headers[height - FIRST].time for height in (38_304, *RETARGETS)}
    assert {state.epoch_start for state in states} == set(starts.values())


def test_an_anchor_on_the_last_block_of_an_epoch_already_demands_the_new_bits(headers: list[Header]) -> None:
    state = anchor_at(headers, 40_319)
    assert state.next_bits == RETARGETS[40_320]
    assert accept(state, headers[320]).epoch_start == headers[320].time


def test_the_built_in_blocks_are_those_of_the_files(headers: list[Header], block: Block) -> None:
    inside = {height: block_id for height, block_id in KNOWN_BLOCKS[Network.MAINNET].items() if FIRST <= height < FIRST + 10_000}
    assert len(inside) == 4
    assert {height: headers[height - FIRST].block_id for height in inside} == inside
    assert block.block_id == known_block(Network.MAINNET, BLOCK_HEIGHT)
    assert known_epoch_start(Network.MAINNET, FIRST) == EPOCH_START


def test_103_headers_have_an_earlier_time_than_their_parent(headers: list[Header]) -> None:
    assert sum(child.time < parent.time for parent, child in pairwise(headers)) == 103


@pytest.mark.checklist(35)
def test_each_rule_is_checked_in_order_on_a_real_header(states: list[HeaderState], headers: list[Header]) -> None:
    # Given a header that breaks every rule, and one mend after the other
    state, good = states[5_000], headers[5_001]
    median = sorted(state.window)[5]
    bad = replace(good, previous=BlockId(bytes(32)), bits=0x1D00FFFF, time=median, nonce=0)
    expected: list[tuple[type[Refused], dict[str, object]]] = [
        (ContinuityError, {"previous": good.previous}),
        (PowMismatch, {"bits": good.bits}),
        (TimestampError, {"time": good.time}),
        (PowNotMet, {"nonce": good.nonce}),
    ]
    # When it is offered, then the first rule still broken is the one reported
    for error, mend in expected:
        with pytest.raises(error) as caught:
            accept(state, bad)
        assert type(caught.value) is error
        bad = replace(bad, **mend)
    assert accept(state, bad) == states[5_001]


@pytest.mark.checklist(36)
def test_bits_off_by_one_at_a_retarget_are_refused_with_both_values(states: list[HeaderState], headers: list[Header]) -> None:
    for height, bits in RETARGETS.items():
        with pytest.raises(PowMismatch) as caught:
            accept(states[height - 1 - FIRST], replace(headers[height - FIRST], bits=bits + 1))
        assert (caught.value.expected, caught.value.found) == (bits, bits + 1)


def test_a_wrong_epoch_start_shows_at_the_next_retarget(headers: list[Header]) -> None:
    state = anchor_at(headers, FIRST, epoch_start=EPOCH_START + 600)
    for header in headers[1:320]:
        state = accept(state, header)
    with pytest.raises(PowMismatch):
        accept(state, headers[320])


def test_defect_m_a_real_header_older_than_the_epoch_start_is_accepted_with_the_shortest_span(headers: list[Header]) -> None:
    # Given an anchor whose epoch begins after the time of the epoch's last block
    last = headers[319]
    state = anchor_at(headers, 40_318, epoch_start=last.time + 1)
    # When that last block is accepted, then the span counts as a quarter of two weeks
    after = accept(state, last)
    assert (
        after.next_bits
        == retarget(last.bits, 0, 1_209_600 // 4, rules_of(Network.MAINNET))
        == retarget(last.bits, 0, 0, rules_of(Network.MAINNET))
    )
    assert after.next_bits != RETARGETS[40_320]


def test_block_702861_has_the_measured_facts(block: Block, raw_block: bytes) -> None:
    header, coinbase = block.header, block.transactions[0]
    assert (header.version, header.time, header.bits) == (0x3FFFE004, 1633002641, 0x170ED0EB)
    assert header.merkle_root[::-1].hex() == "407d72768cec1a244b7599af79f554055c72d6b2356c890f8c25abf797679022"
    assert len(block.transactions) == 2_500
    assert sum(transaction.has_witness for transaction in block.transactions) == 2_065
    assert is_coinbase(coinbase)
    assert decode_height(coinbase.inputs[0].script) == BLOCK_HEIGHT
    returns = [
        at for transaction in block.transactions for at, out in enumerate(transaction.outputs) if out.script[:1] == bytes((OP_RETURN,))
    ]
    assert (len(returns), returns.count(0)) == (23, 14)
    assert block.encode() == raw_block


@pytest.mark.checklist(38)
def test_no_transaction_of_block_702861_carries_our_tag(block: Block) -> None:
    assert not any(parse_tag(transaction, b"ALPN") for transaction in block.transactions)


@pytest.mark.checklist(38)
def test_the_nine_tags_of_another_protocol_in_block_702861_are_read_under_their_own_magic(block: Block) -> None:
    # 80 bytes behind OP_PUSHDATA1 that begin with 58 32 5b: as long as a tag can be
    scripts = {transaction: transaction.outputs[0].script for transaction in block.transactions}
    theirs = {transaction: script for transaction, script in scripts.items() if script[:6] == bytes.fromhex("6a4c5058325b")}
    assert len(theirs) == 9
    for transaction, script in theirs.items():
        assert parse_tag(transaction, script[3:7]) == Tag(script[7], script[8], script[9:])


def test_the_body_of_block_702861_is_its_headers(block: Block, proof: CoinbaseInclusionProof) -> None:
    leaves = [Hash32(bytes(32)), *(transaction.wtxid for transaction in block.transactions[1:])]
    assert check_body(block, proof) == fold_tree(leaves).root
    assert len(proof.siblings) == 12
    assert accept(_parent(block), block.header).last == BlockCommitment(Height(BLOCK_HEIGHT), block.block_id)


def _parent(block: Block) -> HeaderState:
    parent = BlockCommitment(Height(BLOCK_HEIGHT - 1), block.header.previous)
    return anchor_state(Network.MAINNET, parent, 0x170ED0EB, 1631000000)


@pytest.mark.checklist(37)
def test_each_body_error_is_raised_by_a_damaged_copy_of_block_702861(block: Block, proof: CoinbaseInclusionProof) -> None:
    coinbase, *others = block.transactions
    bare = replace(
        coinbase, outputs=tuple(out for out in coinbase.outputs if witness_commitment(replace(coinbase, outputs=(out,))) is None)
    )
    unproved = replace(coinbase, inputs=(replace(coinbase.inputs[0], witness=()),))
    first = replace(others[0], lock_time=others[0].lock_time ^ 1)
    shortened = CoinbaseInclusionProof(proof.siblings[:-1])
    damaged: list[tuple[type[BodyRejected], tuple[Transaction, ...], CoinbaseInclusionProof | None]] = [
        (EmptyBlock, (), proof),
        (NotCoinbase, tuple(others), proof),
        (MissingInclusionProof, block.transactions, None),
        (InvalidCoinbaseWitness, (unproved, *others), proof),
        (WitnessCommitmentMismatch, (coinbase, first, *others[1:]), proof),
        (WitnessCommitmentMismatch, (coinbase, *others[:-1]), proof),
        (WitnessCommitmentMismatch, (coinbase, others[1], others[0], *others[2:]), proof),
        (InvalidInclusionProof, block.transactions, shortened),
        (InvalidInclusionProof, (replace(coinbase, lock_time=1), *others), proof),
        (MerkleRootMismatch, (bare, *others), proof),
    ]
    for error, transactions, given in damaged:
        with pytest.raises(error):
            check_body(replace(block, transactions=transactions), given)


def test_block_702861_with_its_last_four_transactions_repeated_is_refused(block: Block, proof: CoinbaseInclusionProof) -> None:
    # 2,500 leaves are 625 nodes two levels up, an odd number: repeating the last node's 4 leaves changes neither root (CVE-2012-2459)
    repeating = replace(block, transactions=block.transactions + block.transactions[-4:])
    with pytest.raises(MerkleRootMismatch, match="CVE-2012-2459"):
        check_body(repeating, proof)


# Flipped bytes. Each place of a block is in a region, and a flip there has one right error; where a flip moves what follows
# (counts, lengths, the witness marker), the bytes are no block any more, or one whose body is another.

Region = tuple[int, int, tuple[type[Refused], ...]]
SHIFTED = (MalformedBlock, WitnessCommitmentMismatch, InvalidInclusionProof, InvalidCoinbaseWitness, MerkleRootMismatch)

HEADER_REGIONS: list[Region] = [
    (0, 4, (PowNotMet,)),
    (4, 36, (ContinuityError,)),
    (36, 68, (InvalidInclusionProof,)),
    (68, 72, (PowNotMet,)),
    (72, 76, (PowMismatch,)),
    (76, HEADER_END, (PowNotMet,)),
]


def regions_of(transaction: Transaction, at: int, content: type[Refused]) -> Iterator[Region]:
    """The regions of one transaction that begins at byte `at`; a flip in plain content gives `content`."""

    def region(size: int, *errors: type[Refused]) -> Region:
        nonlocal at
        at += size
        return (at - size, at, errors)

    coinbase = is_coinbase(transaction)
    yield region(4, content)
    if transaction.has_witness:
        yield region(2, *SHIFTED)
    yield region(len(compact_size(len(transaction.inputs))), *SHIFTED)
    for txin in transaction.inputs:
        yield region(36, NotCoinbase if coinbase else content)
        yield region(len(compact_size(len(txin.script))), *SHIFTED)
        yield region(len(txin.script) + 4, content)
    yield region(len(compact_size(len(transaction.outputs))), *SHIFTED)
    for txout in transaction.outputs:
        yield region(8, content)
        yield region(len(compact_size(len(txout.script))), *SHIFTED)
        if coinbase and witness_commitment(replace(transaction, outputs=(txout,))) is not None:
            yield region(6, MerkleRootMismatch)
            yield region(32, WitnessCommitmentMismatch)
            yield region(len(txout.script) - 38, content)
        else:
            yield region(len(txout.script), content)
    if transaction.has_witness:
        for txin in transaction.inputs:
            yield region(len(compact_size(len(txin.witness))), *SHIFTED)
            for item in txin.witness:
                yield region(len(compact_size(len(item))), *SHIFTED)
                yield region(len(item), WitnessCommitmentMismatch)
    yield region(4, content)


@pytest.fixture(scope="module")
def regions(block: Block) -> list[Region]:
    found = [*HEADER_REGIONS, (HEADER_END, TRANSACTIONS_AT, SHIFTED)]
    for number, transaction in enumerate(block.transactions):
        found += regions_of(transaction, found[-1][1], WitnessCommitmentMismatch if number else InvalidInclusionProof)
    return [region for region in found if region[0] < region[1]]


def refuse_flip(raw: bytes, place: int, mask: int, state: HeaderState, proof: CoinbaseInclusionProof) -> Refused:
    """What the damaged block is refused with, in the transition's order: body, then header."""
    damaged = bytearray(raw)
    damaged[place] ^= mask
    with pytest.raises(Refused) as caught:
        _check(bytes(damaged), state, proof)
    return caught.value


def _check(raw: bytes, state: HeaderState, proof: CoinbaseInclusionProof) -> None:
    block = Block.decode(raw)
    check_body(block, proof)
    accept(state, block.header)


def test_the_regions_cover_block_702861_without_a_gap(regions: list[Region], raw_block: bytes) -> None:
    assert [start for start, _, _ in regions] == [0, *(end for _, end, _ in regions[:-1])]
    assert regions[-1][1] == len(raw_block)


@pytest.mark.checklist(37)
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_any_flipped_byte_of_the_header_and_the_count_is_refused_with_the_right_error(
    regions: list[Region], raw_block: bytes, block: Block, proof: CoinbaseInclusionProof, every: int
) -> None:
    dice = random.Random(37)
    state = _parent(block)
    _check(raw_block, state, proof)  # the undamaged copy is accepted
    for start, end, errors in regions:
        for place in range(start, min(end, TRANSACTIONS_AT), every):
            error = refuse_flip(raw_block, place, 1 << dice.randrange(8), state, proof)
            assert type(error) in errors, f"byte {place}: {error!r}"


@pytest.mark.checklist(37)
def test_any_flipped_byte_of_the_coinbase_is_refused_with_the_right_error(
    regions: list[Region], raw_block: bytes, block: Block, proof: CoinbaseInclusionProof
) -> None:
    dice = random.Random(702_861)
    state = _parent(block)
    coinbase_end = TRANSACTIONS_AT + len(block.transactions[0].encode())
    for start, end, errors in regions:
        if TRANSACTIONS_AT <= start < coinbase_end:
            # One byte of each region, and of the long ones every sixteenth
            for place in {start, end - 1, *range(start, end, 16)}:
                error = refuse_flip(raw_block, place, 1 << dice.randrange(8), state, proof)
                assert type(error) in errors, f"byte {place}: {error!r}"


@pytest.mark.checklist(37)
@pytest.mark.parametrize("count", [40, pytest.param(2_000, marks=pytest.mark.slow)])
def test_flipped_bytes_of_transactions_and_witnesses_anywhere_are_refused_with_the_right_error(
    regions: list[Region], raw_block: bytes, block: Block, proof: CoinbaseInclusionProof, count: int
) -> None:
    dice = random.Random(count)
    state = _parent(block)
    inside = [region for region in regions if region[0] >= TRANSACTIONS_AT + len(block.transactions[0].encode())]
    # Half by region, so that the short ones (counts, lengths) occur, half by byte, so that the long ones (witnesses) do
    chosen = dice.choices(inside, k=count // 2) + dice.choices(inside, weights=[end - start for start, end, _ in inside], k=count // 2)
    for start, end, errors in chosen:
        place = dice.randrange(start, end)
        error = refuse_flip(raw_block, place, dice.randrange(1, 256), state, proof)
        assert type(error) in errors, f"byte {place}: {error!r}"

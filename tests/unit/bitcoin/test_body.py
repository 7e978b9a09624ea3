"""Unit tests of `proofplane.bitcoin.body` on small blocks made here; the real block is in `tests/vectors`."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.ids import BlockCommitment, Hash32, Height
from proofplane.bitcoin.block import Block
from proofplane.bitcoin.body import (
    COMMITMENT_PREFIX,
    BodyRejected,
    BodyRule,
    CoinbaseInclusionProof,
    EmptyBlock,
    InvalidCoinbaseWitness,
    InvalidInclusionProof,
    MalformedInclusionProof,
    MerkleRootMismatch,
    MissingInclusionProof,
    NotCoinbase,
    WitnessCommitmentMismatch,
    check_body,
    witness_commitment,
    witness_root_of,
)
from proofplane.bitcoin.merkle import fold_tree
from proofplane.bitcoin.mining import build_block
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut

PARENT = BlockCommitment(Height(0), rules_of(Network.REGTEST).genesis.block_id)


def payment(number: int, witness: tuple[bytes, ...] = ()) -> Transaction:
    outpoint = OutPoint(Txid(Hash32(bytes([number]) * 32)), 0)
    return Transaction(2, (TxIn(outpoint, witness=witness),), (TxOut(number, b"\x51"),))


PLAIN = build_block(PARENT, 1_300_000_000, transactions=[payment(n) for n in (1, 2)])
WITNESSED = build_block(PARENT, 1_300_000_000, transactions=[payment(1, (b"one",)), payment(2)])
PROOF = CoinbaseInclusionProof.make(WITNESSED)


def with_transactions(block: Block, *transactions: Transaction) -> Block:
    return replace(block, transactions=transactions)


def with_coinbase(block: Block, coinbase: Transaction) -> Block:
    return with_transactions(block, coinbase, *block.transactions[1:])


def test_a_block_without_commitment_gives_its_merkle_root_and_needs_no_proof() -> None:
    assert check_body(PLAIN, None) == PLAIN.header.merkle_root
    assert check_body(PLAIN, PROOF) == PLAIN.header.merkle_root


def test_a_block_with_commitment_gives_the_root_over_its_witness_ids() -> None:
    leaves = [Hash32(bytes(32)), *(transaction.wtxid for transaction in WITNESSED.transactions[1:])]
    assert check_body(WITNESSED, PROOF) == fold_tree(leaves).root != WITNESSED.header.merkle_root


def test_an_empty_block_is_refused() -> None:
    with pytest.raises(EmptyBlock):
        check_body(with_transactions(PLAIN), None)
    with pytest.raises(EmptyBlock):
        CoinbaseInclusionProof.make(with_transactions(PLAIN))


def test_a_first_transaction_that_is_no_coinbase_is_refused() -> None:
    with pytest.raises(NotCoinbase):
        check_body(with_transactions(PLAIN, *PLAIN.transactions[1:]), None)


def test_a_commitment_without_inclusion_proof_is_refused() -> None:
    with pytest.raises(MissingInclusionProof):
        check_body(WITNESSED, None)


@pytest.mark.parametrize("witness", [(), (bytes(31),), (bytes(33),), (bytes(32), b"")], ids=["none", "31", "33", "two items"])
def test_a_coinbase_witness_that_is_not_one_item_of_32_bytes_is_refused(witness: tuple[bytes, ...]) -> None:
    coinbase = WITNESSED.transactions[0]
    damaged = replace(coinbase, inputs=(replace(coinbase.inputs[0], witness=witness),))
    with pytest.raises(InvalidCoinbaseWitness):
        check_body(with_coinbase(WITNESSED, damaged), PROOF)


def test_other_witnesses_than_the_coinbase_commits_to_are_refused() -> None:
    coinbase, _, last = WITNESSED.transactions
    for witness in ((), (b"two",), (b"one", b"")):
        with pytest.raises(WitnessCommitmentMismatch):
            check_body(with_transactions(WITNESSED, coinbase, payment(1, witness), last), PROOF)


def test_another_reserved_value_than_the_one_committed_with_is_refused() -> None:
    coinbase = WITNESSED.transactions[0]
    damaged = replace(coinbase, inputs=(replace(coinbase.inputs[0], witness=(b"\x01" * 32,)),))
    with pytest.raises(WitnessCommitmentMismatch):
        check_body(with_coinbase(WITNESSED, damaged), PROOF)


def test_a_coinbase_that_the_header_does_not_commit_to_is_refused() -> None:
    coinbase = WITNESSED.transactions[0]
    with pytest.raises(InvalidInclusionProof):
        check_body(with_coinbase(WITNESSED, replace(coinbase, lock_time=1)), PROOF)


@pytest.mark.parametrize(
    "siblings",
    [(), PROOF.siblings[:-1], (*PROOF.siblings, PROOF.siblings[0]), PROOF.siblings[::-1]],
    ids=["none", "one too few", "one too many", "reversed"],
)
def test_an_inclusion_proof_that_leads_elsewhere_is_refused(siblings: tuple[Hash32, ...]) -> None:
    with pytest.raises(InvalidInclusionProof):
        check_body(WITNESSED, CoinbaseInclusionProof(siblings))


def test_another_merkle_root_in_the_header_is_refused_in_both_kinds_of_block() -> None:
    other = Hash32(b"\x09" * 32)
    with pytest.raises(MerkleRootMismatch):
        check_body(replace(PLAIN, header=replace(PLAIN.header, merkle_root=other)), None)
    with pytest.raises(InvalidInclusionProof):
        check_body(replace(WITNESSED, header=replace(WITNESSED.header, merkle_root=other)), PROOF)


def test_transactions_that_only_the_witness_commitment_covers_are_refused() -> None:
    # Given a miner whose coinbase commits to the witnesses of other transactions than the header commits to
    coinbase = WITNESSED.transactions[0]
    under_header = (coinbase, payment(7), payment(8))
    tree = fold_tree([transaction.txid for transaction in under_header])
    block = replace(WITNESSED, header=replace(WITNESSED.header, merkle_root=tree.root))
    # When the witness commitment holds and the coinbase is included; then the body is still not the header's
    with pytest.raises(MerkleRootMismatch):
        check_body(block, CoinbaseInclusionProof(tree.first_branch))


@pytest.mark.parametrize(("block", "proof"), [(PLAIN, None), (WITNESSED, PROOF)], ids=["plain", "witnessed"])
def test_a_body_that_repeats_its_last_transaction_under_the_same_roots_is_refused(
    block: Block, proof: CoinbaseInclusionProof | None
) -> None:
    repeating = with_transactions(block, *block.transactions, block.transactions[-1])
    assert fold_tree([transaction.txid for transaction in repeating.transactions]).root == block.header.merkle_root
    assert witness_root_of(repeating.transactions) == witness_root_of(block.transactions)
    with pytest.raises(MerkleRootMismatch, match="CVE-2012-2459"):
        check_body(repeating, proof)


def test_witnesses_that_no_commitment_covers_are_refused() -> None:
    coinbase, first, second = PLAIN.transactions
    invented = replace(first, inputs=(replace(first.inputs[0], witness=(b"invented",)),))
    with pytest.raises(WitnessCommitmentMismatch, match="commits to none"):
        check_body(with_transactions(PLAIN, coinbase, invented, second), None)


def test_the_last_output_that_has_the_form_of_a_commitment_counts() -> None:
    def output(fill: bytes) -> TxOut:
        return TxOut(0, COMMITMENT_PREFIX + fill)

    outputs = (
        output(b"\x01" * 32),
        output(b"\x02" * 32 + b"more"),
        output(b"\x03" * 31),
        TxOut(0, b"\x6a\x24\xaa\x21\xa9\xee" + b"\x04" * 32),
    )
    assert witness_commitment(replace(PLAIN.transactions[0], outputs=outputs)) == b"\x02" * 32
    assert witness_commitment(PLAIN.transactions[0]) is None


@given(st.integers(0, 12))
def test_an_inclusion_proof_is_made_checked_written_and_read_for_any_number_of_transactions(count: int) -> None:
    block = build_block(PARENT, 1_300_000_000, transactions=[payment(n, (b"w",)) for n in range(1, count + 1)])
    proof = CoinbaseInclusionProof.make(block)
    proof.verify(block.transactions[0].txid, block.header.merkle_root)
    assert CoinbaseInclusionProof.decode(proof.encode()) == proof
    check_body(block, proof)


@pytest.mark.parametrize("size", [1, 31, 33, 18 * 32])
def test_bytes_that_are_no_inclusion_proof_are_refused(size: int) -> None:
    with pytest.raises(MalformedInclusionProof):
        CoinbaseInclusionProof.decode(bytes(size))


def test_the_deepest_inclusion_proof_is_read() -> None:
    assert len(CoinbaseInclusionProof.decode(bytes(17 * 32)).siblings) == 17


def test_every_body_rule_has_one_error() -> None:
    errors = BodyRejected.__subclasses__()
    assert [error.rule for error in errors] == list(BodyRule)
    assert [rule.value for rule in BodyRule] == [
        "empty block",
        "not a coinbase",
        "missing inclusion proof",
        "invalid coinbase witness",
        "witness commitment mismatch",
        "invalid inclusion proof",
        "merkle root mismatch",
    ]


def test_before_segwit_what_looks_like_a_commitment_means_nothing() -> None:
    coinbase = PLAIN.transactions[0]
    misleading = replace(coinbase, outputs=(*coinbase.outputs, TxOut(0, COMMITMENT_PREFIX + b"\x05" * 32)))
    body = (misleading, *PLAIN.transactions[1:])
    root = fold_tree([transaction.txid for transaction in body]).root
    block = replace(PLAIN, header=replace(PLAIN.header, merkle_root=root), transactions=body)
    assert check_body(block, None, segwit=False) == root
    with pytest.raises(InvalidCoinbaseWitness):
        check_body(block, CoinbaseInclusionProof.make(block))


def test_before_segwit_no_witness_is_taken_even_if_the_coinbase_commits_to_it() -> None:
    with pytest.raises(WitnessCommitmentMismatch, match="not active"):
        check_body(WITNESSED, PROOF, segwit=False)
    with pytest.raises(MerkleRootMismatch):
        check_body(with_transactions(WITNESSED, *WITNESSED.transactions[:2]), PROOF, segwit=False)

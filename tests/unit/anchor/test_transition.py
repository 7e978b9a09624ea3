"""Tests of the transition."""

import logging
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofplane.anchor.aux_data import AuxData, AuxFault, AuxRefused
from proofplane.anchor.logs import NewExport
from proofplane.anchor.subprotocols.carrier import carrier
from proofplane.anchor.subprotocols.export import export_tag, export_transaction, manifest_export_transaction
from proofplane.anchor.transition import apply, apply_stored, complete, inclusion_proof, prepare
from proofplane.anchor.types import Mode
from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.bitcoin.block import Block, MalformedBlock
from proofplane.bitcoin.body import (
    COMMITMENT_PREFIX,
    InvalidCoinbaseWitness,
    MerkleRootMismatch,
    MissingInclusionProof,
    WitnessCommitmentMismatch,
    check_body,
)
from proofplane.bitcoin.header import Header, MalformedHeader
from proofplane.bitcoin.merkle import fold_tree
from proofplane.bitcoin.mining import grind
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.rules import ContinuityError, PowMismatch, PowNotMet, TimestampError
from proofplane.bitcoin.sps50 import TEST_MAGIC, Tag, tag_script
from proofplane.bitcoin.transaction import TxOut
from proofplane.crypto.mmr import Mmr
from unit.anchor.chains import Chain, full_params, naive_peaks, regtest_params

ENTRY = Hash32(b"entry".ljust(32, b"\0"))
NO_AUX = AuxData()


@pytest.mark.checklist(40)
@settings(max_examples=15, deadline=None)
@given(mode=st.sampled_from(Mode), height=st.integers(0, 33), blocks=st.integers(1, 12))
def test_the_history_holds_each_manifests_root_at_its_height(mode: Mode, height: int, blocks: int) -> None:
    chain = Chain(regtest_params(mode, height))
    for _ in range(blocks):
        done = chain.extend()
        assert done.manifest_hash == done.manifest.root() == chain.leaves[done.manifest.height]
        assert done.manifest.block == done.state.block
    assert chain.state.history == Mmr(len(chain.leaves), naive_peaks(chain.leaves))
    for index in range(len(chain.leaves)):
        proof = chain.proof(index)
        chain.state.history.verify(proof.manifest_hash, index, proof.siblings)


def test_a_full_block_yields_the_root_of_its_body_and_its_logs() -> None:
    chain = Chain(full_params())
    block = chain.mine([export_transaction(TEST_MAGIC, 1, ENTRY, b"1")])
    done = apply(chain.state, block.encode(), NO_AUX, inclusion_proof(Mode.FULL_BLOCK, block.encode()))
    assert done.manifest.wtxids_root == check_body(block, None)
    assert done.manifest.logs == done.logs == (NewExport(1, ENTRY).encode(),)
    assert done.state.pow.last.block_id == block.block_id


def test_headers_only_yields_a_zero_root_and_no_logs_whatever_the_body_says() -> None:
    chain = Chain(regtest_params(Mode.HEADERS_ONLY))
    done = chain.extend(export_transaction(TEST_MAGIC, 1, ENTRY, b"1"), op_return=tag_script(TEST_MAGIC, export_tag(1, ENTRY)))
    assert (done.manifest.wtxids_root, done.manifest.logs, done.state.sections) == (bytes(32), (), ())
    assert inclusion_proof(Mode.HEADERS_ONLY, chain.payload(chain.mine())) is None


def test_a_payload_of_the_other_mode_is_refused() -> None:
    headers, full = Chain(regtest_params(Mode.HEADERS_ONLY)), Chain(regtest_params())
    block = full.mine()
    with pytest.raises(MalformedHeader):
        apply(headers.state, block.encode(), NO_AUX, None)
    with pytest.raises(MalformedBlock):
        apply(full.state, block.header.encode(), NO_AUX, None)


@pytest.mark.parametrize("mode", Mode)
def test_the_two_ways_through_a_block_lead_to_the_same(mode: Mode) -> None:
    chain = Chain(regtest_params(mode, exports=mode is Mode.FULL_BLOCK))
    chain.extend()
    payload = chain.payload(chain.mine([manifest_export_transaction(TEST_MAGIC, 1, Height(6), b"1")]))
    aux = chain.aux(payload)
    at_once = apply(chain.state, payload, aux, inclusion_proof(mode, payload))
    assert complete(prepare(chain.state, payload), aux) == at_once
    assert apply_stored(chain.state, payload, aux.encode()) == at_once


def _spoilt(block: Block, **changes: object) -> bytes:
    """A full block with other header fields; ground again unless the nonce or the bits are among them."""
    header: Header = replace(block.header, **changes)  # type: ignore[arg-type]  # the fields vary from case to case
    return replace(block, header=header if {"nonce", "bits"} & set(changes) else grind(header)).encode()


def test_each_header_rule_has_its_error_in_both_ways() -> None:
    chain = Chain(full_params())
    chain.extend()
    for _ in range(11):
        chain.extend()
    block = chain.mine()
    failing = next(nonce for nonce in range(100) if int.from_bytes(replace(block.header, nonce=nonce).block_id, "little") >> 255)
    cases = [
        (_spoilt(block, previous=BlockId(bytes(32))), ContinuityError),
        (_spoilt(block, bits=0x1D00FFFF), PowMismatch),
        (_spoilt(block, time=1), TimestampError),
        (_spoilt(block, nonce=failing), PowNotMet),
    ]
    for payload, error in cases:
        with pytest.raises(error):
            apply(chain.state, payload, NO_AUX, None)
        with pytest.raises(error):
            prepare(chain.state, payload)


def test_the_body_is_checked_before_the_header() -> None:
    chain = Chain(full_params())
    wrong_in_both = _spoilt(chain.mine(), merkle_root=Hash32(bytes(32)), previous=BlockId(bytes(32)))
    with pytest.raises(MerkleRootMismatch):
        apply(chain.state, wrong_in_both, NO_AUX, None)
    with pytest.raises(MerkleRootMismatch):
        apply_stored(chain.state, wrong_in_both, NO_AUX.encode())


def test_a_body_that_is_not_the_headers_is_refused_after_preparing() -> None:
    chain = Chain(full_params())
    block = chain.mine()
    other = replace(block, transactions=(*block.transactions, carrier(TEST_MAGIC, Tag(1, 1), b"1")))
    with pytest.raises(MerkleRootMismatch):
        complete(prepare(chain.state, other.encode()), NO_AUX)


def test_a_witness_block_needs_the_inclusion_proof_of_its_coinbase() -> None:
    chain = Chain(full_params())
    block = chain.mine([carrier(TEST_MAGIC, Tag(1, 1), b"1", (b"witness",))])
    with pytest.raises(MissingInclusionProof):
        apply(chain.state, block.encode(), NO_AUX, None)
    spoilt = replace(block, transactions=(block.transactions[0], carrier(TEST_MAGIC, Tag(1, 1), b"1", (b"another",))))
    with pytest.raises(WitnessCommitmentMismatch):
        apply_stored(chain.state, spoilt.encode(), NO_AUX.encode())


@pytest.mark.checklist(38)
def test_a_tag_counts_in_output_0_with_the_magic_only() -> None:
    chain = Chain(full_params())
    genuine = export_transaction(TEST_MAGIC, 1, ENTRY, b"1")
    second_output = replace(genuine, outputs=genuine.outputs[::-1])
    two_pushes = replace(genuine, outputs=(TxOut(0, genuine.outputs[0].script + b"\x01\x01"), *genuine.outputs[1:]))
    other_magic = export_transaction(b"NPLA", 1, ENTRY, b"2")
    assert chain.extend(second_output).logs == ()
    assert chain.extend(two_pushes).logs == ()
    assert chain.extend(other_magic).logs == ()
    assert chain.extend(genuine).logs == (NewExport(1, ENTRY).encode(),)


@pytest.mark.checklist(39)
def test_requests_out_of_range_are_dropped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    chain = Chain(full_params(height=5))
    chain.extend()
    heights = (7, 6, 2**32 - 1, 6)
    transactions = [manifest_export_transaction(TEST_MAGIC, 1, Height(height), bytes([at])) for at, height in enumerate(heights)]
    payload = chain.mine(transactions).encode()
    with caplog.at_level(logging.WARNING):
        prepared = prepare(chain.state, payload)
    assert (prepared.requests, prepared.dropped) == ((6,), (7, 2**32 - 1))
    assert "(7, 4294967295)" in caplog.text
    done = complete(prepared, AuxData((chain.proof(6),)))
    assert done.logs == (NewExport(1, chain.leaves[6]).encode(),) * 2


@pytest.mark.checklist(39)
def test_aux_data_is_verified_against_the_history_before_the_block() -> None:
    chain = Chain(full_params(height=5))
    chain.extend()
    payload = chain.mine([manifest_export_transaction(TEST_MAGIC, 1, Height(6), b"1")]).encode()
    good = chain.aux(payload)
    apply(chain.state, payload, good, None)
    older = Chain(full_params(height=5))
    older.extend()
    older.extend()
    newer = AuxData((older.proof(6),))
    for aux, fault in [(NO_AUX, AuxFault.NOT_AS_REQUESTED), (newer, AuxFault.WRONG_PROOF)]:
        with pytest.raises(AuxRefused) as caught:
            apply(chain.state, payload, aux, None)
        assert caught.value.fault is fault


def test_aux_data_that_nobody_asked_for_is_refused() -> None:
    chain = Chain(regtest_params(Mode.HEADERS_ONLY))
    chain.extend()
    with pytest.raises(AuxRefused):
        apply(chain.state, chain.payload(chain.mine()), AuxData((chain.proof(6),)), None)


@pytest.mark.parametrize(("height", "error"), [(481_823, ContinuityError), (481_824, InvalidCoinbaseWitness)])
def test_a_commitment_counts_from_the_height_at_which_segwit_is_active(height: int, error: type[Exception]) -> None:
    # Given a mainnet block whose coinbase has an output like a commitment, but no witness; its header does not follow either,
    # which is looked at after the body
    chain = Chain(regtest_params())
    block = chain.mine()
    coinbase = block.transactions[0]
    coinbase = replace(coinbase, outputs=(*coinbase.outputs, TxOut(0, COMMITMENT_PREFIX + bytes(32))))
    payload = replace(block, header=replace(block.header, merkle_root=fold_tree([coinbase.txid]).root), transactions=(coinbase,)).encode()
    parent = BlockCommitment(Height(height - 1), BlockId(bytes(32)))
    before = replace(chain.state, pow=replace(chain.state.pow, network=Network.MAINNET, last=parent))
    with pytest.raises(error):
        apply(before, payload, NO_AUX, inclusion_proof(Mode.FULL_BLOCK, payload))
    with pytest.raises(error):
        apply_stored(before, payload, NO_AUX.encode())


@pytest.mark.parametrize(("height", "accepted"), [(481_823, True), (481_824, False)])
def test_the_workers_way_through_a_block_goes_by_its_height_too(height: int, accepted: bool) -> None:
    chain = Chain(regtest_params())
    block = chain.mine()
    coinbase = block.transactions[0]
    coinbase = replace(coinbase, outputs=(*coinbase.outputs, TxOut(0, COMMITMENT_PREFIX + bytes(32))))
    misleading = replace(block, header=grind(replace(block.header, merkle_root=fold_tree([coinbase.txid]).root)), transactions=(coinbase,))
    prepared = prepare(chain.state, misleading.encode())
    parent = BlockCommitment(Height(height - 1), BlockId(bytes(32)))
    moved = replace(chain.state, pow=replace(chain.state.pow, network=Network.MAINNET, last=parent))
    if accepted:
        assert complete(replace(prepared, before=moved), NO_AUX).manifest.wtxids_root == misleading.header.merkle_root
    else:
        with pytest.raises(InvalidCoinbaseWitness):
            complete(replace(prepared, before=moved), NO_AUX)

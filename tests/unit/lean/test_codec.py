"""Tests of bytes and roots of Lean values, against `remerkleable`'s views of the same types."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.lean_chains import registry
from kit.ssz_oracle import values_of, view_of
from proofplane.crypto.koalabear import P
from proofplane.crypto.xmss import PROD, TEST, SigningKey
from proofplane.lean import ssz
from proofplane.lean.codec import (
    ATTESTATION_SIZE,
    aggregate_proof_bytes,
    attestation_data_root,
    data_of,
    decode_attestation_data,
    decode_block,
    decode_participants,
    decode_signed_aggregate,
    decode_signed_attestation,
    decode_signed_block,
    decode_state,
    encode_attestation_data,
    encode_block,
    encode_participants,
    encode_signed_aggregate,
    encode_signed_attestation,
    encode_signed_block,
    encode_state,
    make_block,
    state_root,
)
from proofplane.lean.config import VALIDATOR_REGISTRY_LIMIT
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.genesis import genesis_block, genesis_state
from proofplane.lean.types import Participants

SIGNATURE = SigningKey.generate(TEST, bytes(32), 0, 1).sign(0, bytes(32))

FORMS: dict[str, tuple[Any, Callable[[bytes], Any], Callable[[Any], bytes]]] = {
    "data": (ssz.AttestationData, decode_attestation_data, encode_attestation_data),
    "bits": (ssz.AggregationBits, decode_participants, encode_participants),
    "block": (ssz.Block, decode_block, encode_block),
    "signed block": (ssz.SignedBlock, decode_signed_block, encode_signed_block),
    "aggregate": (ssz.SignedAggregatedAttestation, decode_signed_aggregate, encode_signed_aggregate),
    "state": (ssz.State, decode_state, encode_state),
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_views_bytes_decode_and_encode_again(form: str, data: st.DataObject) -> None:
    schema, decode, encode = FORMS[form]
    raw = view_of(schema, data.draw(values_of(schema))).encode_bytes()
    assert encode(decode(raw)) == raw


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_changed_bytes_are_a_decode_error_or_another_value_with_just_these_bytes(form: str, data: st.DataObject) -> None:
    schema, decode, encode = FORMS[form]
    raw = bytearray(view_of(schema, data.draw(values_of(schema))).encode_bytes())
    for place, byte in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=3)):
        raw[place] = byte
    cut = bytes(raw[: data.draw(st.one_of(st.just(len(raw)), st.integers(0, len(raw))))])
    try:
        value = decode(cut)
    except Rejected as refused:
        reason = refused.reason
    else:
        reason = Reason.DECODE_ERROR
        assert encode(value) == cut
    assert reason is Reason.DECODE_ERROR


@settings(max_examples=8, deadline=None)
@given(plain=values_of(ssz.SignedBlock))
def test_the_roots_of_a_block_are_its_views(plain: Any) -> None:
    view = view_of(ssz.SignedBlock, plain)
    block = decode_signed_block(view.encode_bytes()).block
    assert block.root == view.block.hash_tree_root()
    assert block.body_root == view.block.body.hash_tree_root()
    assert make_block(block.slot, block.proposer_index, block.parent_root, block.state_root, block.attestations) == block


@settings(max_examples=10, deadline=None)
@given(plain=values_of(ssz.AttestationData), proof=values_of(ssz.SingleMessageAggregate))
def test_the_root_of_data_and_the_bytes_of_an_aggregate_proof_are_their_views(plain: Any, proof: Any) -> None:
    view = view_of(ssz.SignedAggregatedAttestation, (plain, proof))
    aggregate = decode_signed_aggregate(view.encode_bytes())
    assert aggregate.data == data_of(plain)
    assert attestation_data_root(aggregate.data) == view.data.hash_tree_root()
    assert aggregate_proof_bytes(aggregate.proof) == view.proof.encode_bytes()


@settings(max_examples=10, deadline=None)
@given(plain=values_of(ssz.State))
def test_a_state_is_the_view_that_its_bytes_stand_for(plain: Any) -> None:
    view = view_of(ssz.State, plain)
    state = decode_state(view.encode_bytes())
    assert state_root(state) == view.hash_tree_root()
    assert state.encode_bytes() == view.encode_bytes() == encode_state(view)


@settings(max_examples=8)
@given(plain=values_of(ssz.Attestation))
def test_a_signed_vote_is_the_vote_and_its_signature(plain: Any) -> None:
    raw = view_of(ssz.Attestation, plain).encode_bytes() + SIGNATURE
    signed = decode_signed_attestation(raw, TEST)
    assert (signed.validator_index, signed.data, signed.signature) == (plain[0], data_of(plain[1]), SIGNATURE)
    assert encode_signed_attestation(signed) == raw


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        SIGNATURE[:-1],
        SIGNATURE + b"\0",
        bytes(len(SIGNATURE)),
        b"\x25" + SIGNATURE[1:],
        SIGNATURE[:36] + b"\x05" + SIGNATURE[37:],
        SIGNATURE[:-4] + P.to_bytes(4, "little"),
    ],
    ids=["none", "short", "long", "zeros", "offset of the path", "offset of the siblings", "element beyond the modulus"],
)
def test_a_vote_whose_signature_does_not_decode_does_not_decode(signature: bytes) -> None:
    with pytest.raises(Rejected, match="DECODE_ERROR"):
        decode_signed_attestation(bytes(ATTESTATION_SIZE) + signature, TEST)


@pytest.mark.parametrize("size", [0, ATTESTATION_SIZE - 1])
def test_a_vote_that_ends_before_its_signature_does_not_decode(size: int) -> None:
    with pytest.raises(Rejected, match="DECODE_ERROR"):
        decode_signed_attestation(bytes(size), TEST)


def test_a_vote_of_another_parameter_set_does_not_decode() -> None:
    with pytest.raises(Rejected, match="DECODE_ERROR"):
        decode_signed_attestation(bytes(ATTESTATION_SIZE) + SIGNATURE, PROD)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0",
        b"\1\0",
        (1 << (VALIDATOR_REGISTRY_LIMIT + 1)).to_bytes(VALIDATOR_REGISTRY_LIMIT // 8 + 1, "little"),
    ],
    ids=["nothing", "no delimiter", "a zero byte behind it", "a bit too many"],
)
def test_a_bit_list_that_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(Rejected, match="DECODE_ERROR"):
        decode_participants(raw)


def test_two_bit_lists_of_different_length_are_different_values() -> None:
    short, long = Participants(5, 3), Participants(5, 4)
    assert encode_participants(short) != encode_participants(long)
    assert decode_participants(encode_participants(long)) == long != short


def test_a_state_whose_validators_carry_other_indices_than_their_positions_is_refused() -> None:
    raw = encode_state(genesis_state(0, registry(2)))
    assert raw.endswith((1).to_bytes(8, "little") + b"\1")
    with pytest.raises(Rejected, match="the validator at position 1 carries the index 2"):
        decode_state(raw[:-9] + (2).to_bytes(8, "little") + b"\1")


def test_a_block_whose_offsets_leave_a_gap_is_refused() -> None:
    raw = encode_block(genesis_block(genesis_state(0, registry(1))))
    assert len(raw) == 88
    with pytest.raises(Rejected, match="DECODE_ERROR"):
        decode_block(raw[:80] + (85).to_bytes(4, "little") + b"\0" + raw[84:])

"""Bytes and roots of Lean values: SSZ in, plain values out, and back.

Decoding is strict: a value has one encoding, and everything else is refused as `DECODE_ERROR`, at a cost that the input's size bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofplane.crypto.ssz import codec_of
from proofplane.crypto.ssz_codec import Codec, MalformedSsz, Raw
from proofplane.crypto.xmss import Scheme
from proofplane.lean import ssz
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.ssz import State
from proofplane.lean.ssz_xmss import xmss_codecs
from proofplane.lean.types import (
    AggregatedAttestation,
    AggregateProof,
    AttestationData,
    Block,
    Checkpoint,
    Participants,
    Root,
    SignedAggregate,
    SignedAttestation,
    SignedBlock,
    Slot,
    ValidatorIndex,
)

_BITS = codec_of(ssz.AggregationBits)
_DATA = codec_of(ssz.AttestationData)
_ATTESTATION = codec_of(ssz.Attestation)
_SINGLE = codec_of(ssz.SingleMessageAggregate)
_AGGREGATE = codec_of(ssz.SignedAggregatedAttestation)
_BODY = codec_of(ssz.BlockBody)
_HEADER = codec_of(ssz.BlockHeader)
_BLOCK = codec_of(ssz.Block)
_SIGNED_BLOCK = codec_of(ssz.SignedBlock)
_STATE = codec_of(ssz.State)

ATTESTATION_SIZE = 136
"""Bytes of a vote before its signature."""


def make_block(
    slot: Slot, proposer_index: ValidatorIndex, parent_root: Root, state_root: Root, attestations: Sequence[AggregatedAttestation]
) -> Block:
    """The block with these contents, and its roots."""
    plain = tuple([(_bits(vote.participants), data_fields(vote.data)) for vote in attestations])
    return _block(slot, proposer_index, parent_root, state_root, tuple(attestations), _BODY.root((plain,)))


def decode_block(raw: bytes) -> Block:
    """Reads a block without its proof.

    Raises:
        Rejected: `DECODE_ERROR`.
    """
    return _read_block(_decode(_BLOCK, raw))


def encode_block(block: Block) -> bytes:
    """Reads back with `decode_block`."""
    return _BLOCK.encode(_plain_block(block))


def decode_signed_block(raw: bytes) -> SignedBlock:
    """Reads a block with its proof, which is not looked into.

    Raises:
        Rejected: `DECODE_ERROR`.
    """
    # Cut from bytes, the proof would be copied twice more, for each of the containers around it, which takes longer than all the rest.
    block, (proof,) = _decode(_SIGNED_BLOCK, memoryview(raw))
    return SignedBlock(_read_block(block), proof)


def size_without_proof(raw: bytes) -> int:
    """How much of an encoded signed block is the block, in bytes: the second offset less both; of bytes that are none, anything."""
    return int.from_bytes(raw[4:8], "little") - 8


def encode_signed_block(signed: SignedBlock) -> bytes:
    """Reads back with `decode_signed_block`."""
    return _SIGNED_BLOCK.encode((_plain_block(signed.block), (signed.proof,)))


def decode_signed_attestation(raw: bytes, scheme: Scheme) -> SignedAttestation:
    """Reads one validator's vote. Its signature must decode, too, but is not checked.

    Args:
        raw: SSZ bytes.
        scheme: The parameter set in use.

    Raises:
        Rejected: `DECODE_ERROR`.
    """
    index, data = _decode(_ATTESTATION, raw[:ATTESTATION_SIZE])
    signature = bytes(raw[ATTESTATION_SIZE:])
    _decode(xmss_codecs(scheme)["Signature"], signature)
    return SignedAttestation(ValidatorIndex(index), data_of(data), signature)


def encode_signed_attestation(signed: SignedAttestation) -> bytes:
    """Reads back with `decode_signed_attestation`."""
    return _ATTESTATION.encode((signed.validator_index, data_fields(signed.data))) + signed.signature


def decode_signed_aggregate(raw: bytes) -> SignedAggregate:
    """Reads a gossiped aggregate; its proof is not looked into.

    Raises:
        Rejected: `DECODE_ERROR`.
    """
    data, (participants, proof) = _decode(_AGGREGATE, raw)
    return SignedAggregate(data_of(data), AggregateProof(Participants(*participants), proof))


def encode_signed_aggregate(signed: SignedAggregate) -> bytes:
    """Reads back with `decode_signed_aggregate`."""
    return _AGGREGATE.encode((data_fields(signed.data), (_bits(signed.proof.participants), signed.proof.proof)))


def aggregate_proof_bytes(proof: AggregateProof) -> bytes:
    """SSZ of the "SingleMessageAggregate"; aggregation breaks ties by it."""
    return _SINGLE.encode((_bits(proof.participants), proof.proof))


def decode_attestation_data(raw: bytes) -> AttestationData:
    """Reads the 128 bytes of `encode_attestation_data`.

    Raises:
        Rejected: `DECODE_ERROR`.
    """
    return data_of(_decode(_DATA, raw))


def encode_attestation_data(data: AttestationData) -> bytes:
    """128 bytes."""
    return _DATA.encode(data_fields(data))


def attestation_data_root(data: AttestationData) -> Root:
    """The tree-hash root: what voters sign."""
    return Root(_DATA.root(data_fields(data)))


def decode_participants(raw: bytes) -> Participants:
    """Reads a bitlist of at most 4,096 bits.

    Raises:
        Rejected: `DECODE_ERROR`.
    """
    return Participants(*_decode(_BITS, raw))


def encode_participants(participants: Participants) -> bytes:
    """Reads back with `decode_participants`."""
    return _BITS.encode(_bits(participants))


def decode_state(raw: bytes) -> State:
    """Reads a state into a view of its own.

    Raises:
        Rejected: `DECODE_ERROR`.
    """
    state: State = State.view_from_backing(_STATE.tree(_decode(_STATE, raw)))
    return state


def encode_state(state: State) -> bytes:
    """Reads back with `decode_state`."""
    return _STATE.encode(_STATE.untree(state.get_backing()))


def state_root(state: State) -> Root:
    """The tree-hash root; hashes only what changed since somebody last asked for the root of a state that shares it."""
    return Root(state.get_backing().merkle_root())


def checkpoint_of(plain: tuple[bytes, int]) -> Checkpoint:
    """The checkpoint of a schema's plain value."""
    root, slot = plain
    return Checkpoint(Root(root), Slot(slot))


def data_of(plain: tuple[Any, ...]) -> AttestationData:
    """The attestation data of a schema's plain value."""
    slot, head, target, source = plain
    return AttestationData(Slot(slot), checkpoint_of(head), checkpoint_of(target), checkpoint_of(source))


def data_fields(data: AttestationData) -> tuple[Any, ...]:
    """The schema's plain value of attestation data."""
    head, target, source = data.head, data.target, data.source
    return (data.slot, (head.root, head.slot), (target.root, target.slot), (source.root, source.slot))


def _decode(codec: Codec, raw: Raw) -> Any:
    try:
        return codec.decode(raw)
    except MalformedSsz as malformed:
        raise Rejected(Reason.DECODE_ERROR, str(malformed)) from malformed


def _bits(participants: Participants) -> tuple[int, int]:
    return participants.mask, participants.length


def _plain_block(block: Block) -> tuple[Any, ...]:
    body = (tuple([(_bits(vote.participants), data_fields(vote.data)) for vote in block.attestations]),)
    return (block.slot, block.proposer_index, block.parent_root, block.state_root, body)


def _read_block(plain: tuple[Any, ...]) -> Block:
    slot, proposer, parent_root, root_after, body = plain
    votes = tuple([AggregatedAttestation(Participants(*bits), data_of(data)) for bits, data in body[0]])
    return _block(Slot(slot), ValidatorIndex(proposer), Root(parent_root), Root(root_after), votes, _BODY.root(body))


def _block(
    slot: Slot,
    proposer: ValidatorIndex,
    parent_root: Root,
    root_after: Root,
    votes: tuple[AggregatedAttestation, ...],
    body_root: bytes,
) -> Block:
    root = _HEADER.root((slot, proposer, parent_root, root_after, body_root))
    return Block(Root(root), slot, proposer, parent_root, root_after, Root(body_root), votes)

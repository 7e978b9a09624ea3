"""The SSZ containers of Lean consensus, written as `remerkleable` types (leanSpec 43246bd6, fork "lstar").

Bytes and roots of plain values come from codecs derived from these types (`lean.codec`); only `State` is used as a view, because its
tree shares what did not change and remembers the roots of it.

Field annotations are read at run time, so this file must not postpone their evaluation.
"""

from typing import Any

from remerkleable.basic import uint64
from remerkleable.bitfields import Bitlist
from remerkleable.byte_arrays import ByteList, Bytes32, ByteVector
from remerkleable.complex import Container, List

from proofplane.crypto.ssz import ListCodec, codec_of
from proofplane.crypto.ssz_codec import Codec, MalformedSsz, Raw
from proofplane.lean.config import HISTORICAL_ROOTS_LIMIT, PROOF_BYTES_LIMIT, VALIDATOR_REGISTRY_LIMIT

_PENDING_VOTES_LIMIT = HISTORICAL_ROOTS_LIMIT * VALIDATOR_REGISTRY_LIMIT


class Bytes52(ByteVector[52]):
    """An XMSS public key: thirteen field elements of four bytes."""


class Checkpoint(Container):
    """A block at its slot; 40 bytes."""

    root: Bytes32
    slot: uint64


class AttestationData(Container):
    """What a vote says; 128 bytes."""

    slot: uint64
    head: Checkpoint
    target: Checkpoint
    source: Checkpoint


class Attestation(Container):
    """One validator's vote, unsigned; 136 bytes."""

    validator_index: uint64
    data: AttestationData


class AggregationBits(Bitlist[VALIDATOR_REGISTRY_LIMIT]):
    """Who takes part: bit i is validator i."""


class AggregatedAttestation(Container):
    """One vote cast by many."""

    aggregation_bits: AggregationBits
    data: AttestationData


class AggregatedAttestations(List[AggregatedAttestation, VALIDATOR_REGISTRY_LIMIT]):
    """The votes of a block."""


class Proof(ByteList[PROOF_BYTES_LIMIT]):
    """Bytes that only a proof backend reads ("ByteList512KiB")."""


class SingleMessageAggregate(Container):
    """A proof over one message, and whose signatures it stands for."""

    participants: AggregationBits
    proof: Proof


class MultiMessageAggregate(Container):
    """A proof over many messages."""

    proof: Proof


class SignedAggregatedAttestation(Container):
    """A gossiped aggregate."""

    data: AttestationData
    proof: SingleMessageAggregate


class BlockBody(Container):
    """What a block carries besides its header."""

    attestations: AggregatedAttestations


class BlockHeader(Container):
    """A block with its body's root for the body; its own root is that of the block. 112 bytes."""

    slot: uint64
    proposer_index: uint64
    parent_root: Bytes32
    state_root: Bytes32
    body_root: Bytes32


class Block(Container):
    """A block without its proof."""

    slot: uint64
    proposer_index: uint64
    parent_root: Bytes32
    state_root: Bytes32
    body: BlockBody


class SignedBlock(Container):
    """A block with the proof of its votes and of its proposer."""

    block: Block
    proof: MultiMessageAggregate


class Validator(Container):
    """An entry of the registry; 112 bytes."""

    attestation_public_key: Bytes52
    proposal_public_key: Bytes52
    index: uint64


class _ValidatorsCodec(ListCodec):
    """The registry's own rule: an entry's index is its position."""

    def decode(self, raw: Raw) -> tuple[Any, ...]:
        entries = super().decode(raw)
        for position, (_, _, index) in enumerate(entries):
            if index != position:
                raise MalformedSsz(f"the validator at position {position} carries the index {index}")
        return entries


class Validators(List[Validator, VALIDATOR_REGISTRY_LIMIT]):
    """The registry."""

    @classmethod
    def codec(cls) -> Codec:
        """Decodes the registry's own rule, too."""
        return _ValidatorsCodec(codec_of(Validator), VALIDATOR_REGISTRY_LIMIT)


class GenesisConfig(Container):
    """What a chain is configured with ("Config" in the vectors)."""

    genesis_time: uint64


class HistoricalBlockHashes(List[Bytes32, HISTORICAL_ROOTS_LIMIT]):
    """The block roots of a chain by slot, zero for an empty slot."""


class JustifiedSlots(Bitlist[HISTORICAL_ROOTS_LIMIT]):
    """Which slots are justified; bit i is the i-th slot after the finalized one, from 0."""


class JustificationRoots(List[Bytes32, HISTORICAL_ROOTS_LIMIT]):
    """Targets that some voted for and that are not justified yet, ascending."""


class JustificationValidators(Bitlist[_PENDING_VOTES_LIMIT]):
    """Who voted for them: a segment of one bit a validator for each root."""


class State(Container):
    """The state after a block. A view: copying shares the tree, and roots of unchanged parts are remembered."""

    config: GenesisConfig
    slot: uint64
    latest_block_header: BlockHeader
    latest_justified: Checkpoint
    latest_finalized: Checkpoint
    historical_block_hashes: HistoricalBlockHashes
    justified_slots: JustifiedSlots
    validators: Validators
    justifications_roots: JustificationRoots
    justifications_validators: JustificationValidators

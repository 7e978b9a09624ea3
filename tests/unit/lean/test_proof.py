"""Unit tests of `proofplane.lean.proof`: what a block's proof has to show, and which reason comes first."""

import pytest

from kit import xmss_keys
from kit.signature_lists import proof_of
from proofplane.crypto.xmss import TEST
from proofplane.lean.codec import attestation_data_root, make_block
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.proof import Component, block_components, verify_block
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.types import (
    ZERO_ROOT,
    AggregatedAttestation,
    AttestationData,
    Block,
    Checkpoint,
    Participants,
    Registry,
    SignedBlock,
    Slot,
    Validator,
    ValidatorIndex,
)

REGISTRY = Registry(tuple(Validator(xmss_keys.public(number), xmss_keys.public(number + 4)) for number in range(4)))
"""Attestation keys 0 to 3, proposal keys 4 to 7."""

BACKEND = SignatureList(TEST)
GENESIS = Checkpoint(ZERO_ROOT, Slot(0))


def vote(slot: int, *voters: int) -> AggregatedAttestation:
    return AggregatedAttestation(Participants.of(voters), AttestationData(Slot(slot), GENESIS, GENESIS, GENESIS))


def block(*votes: AggregatedAttestation, proposer: int = 1) -> Block:
    return make_block(Slot(5), ValidatorIndex(proposer), ZERO_ROOT, ZERO_ROOT, votes)


def reason(signed: SignedBlock, registry: Registry = REGISTRY) -> Reason | None:
    try:
        verify_block(signed, registry, BACKEND, 1)
    except Rejected as rejected:
        return rejected.reason
    return None


def test_a_block_needs_its_voters_in_the_bodys_order_and_then_its_proposer() -> None:
    votes = vote(4, 2, 0), vote(3, 3)
    made = block(*votes)
    assert block_components(made, REGISTRY) == (
        Component((xmss_keys.public(0), xmss_keys.public(2)), attestation_data_root(votes[0].data), Slot(4)),
        Component((xmss_keys.public(3),), attestation_data_root(votes[1].data), Slot(3)),
        Component((xmss_keys.public(5),), made.root, Slot(5)),
    )


def test_two_votes_for_the_same_data_are_two_components() -> None:
    made = block(vote(4, 0), vote(4, 1))
    assert [component.keys for component in block_components(made, REGISTRY)] == [(xmss_keys.public(number),) for number in (0, 1, 5)]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_block_that_everybody_signed_is_verified(threads: int) -> None:
    made = block(vote(4, 0, 1, 2, 3), vote(3, 3))
    proof = proof_of(*block_components(made, REGISTRY))
    assert verify_block(SignedBlock(made, proof), REGISTRY, BACKEND, threads).signatures == 6


def test_a_proposer_that_signed_with_its_attestation_key_is_refused() -> None:
    made = block()
    swapped = Registry(tuple(Validator(validator.proposal_key, validator.attestation_key) for validator in REGISTRY.validators))
    assert reason(SignedBlock(made, proof_of(*block_components(made, REGISTRY)))) is None
    assert reason(SignedBlock(made, proof_of(*block_components(made, swapped)))) is Reason.INVALID_BLOCK_PROOF


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (block(vote(4)), Reason.EMPTY_AGGREGATION_BITS),
        (block(vote(4, 4)), Reason.VALIDATOR_INDEX_OUT_OF_RANGE),
        (block(vote(4, 0), vote(3), vote(2, 9)), Reason.EMPTY_AGGREGATION_BITS),
        (block(vote(4, 0), vote(3, 9), vote(2)), Reason.VALIDATOR_INDEX_OUT_OF_RANGE),
        (block(vote(4), proposer=4), Reason.EMPTY_AGGREGATION_BITS),
        (block(vote(4, 3), proposer=4), Reason.PROPOSER_INDEX_OUT_OF_RANGE),
        (block(proposer=2**64 - 1), Reason.PROPOSER_INDEX_OUT_OF_RANGE),
        (block(vote(4, 3), proposer=3), Reason.INVALID_BLOCK_PROOF),
    ],
)
def test_the_first_rule_that_is_broken_gives_the_reason(made: Block, expected: Reason) -> None:
    assert reason(SignedBlock(made, b"")) is expected


def test_nobody_can_propose_among_no_validators() -> None:
    assert reason(SignedBlock(block(proposer=0), b""), Registry(())) is Reason.PROPOSER_INDEX_OUT_OF_RANGE


def test_bits_beyond_the_registry_that_are_not_set_do_not_matter() -> None:
    long = AggregatedAttestation(Participants.of((0,), 4096), vote(4).data)
    made = block(long)
    assert reason(SignedBlock(made, proof_of(*block_components(made, REGISTRY)))) is None


class Unasked(SignatureList):
    """A backend that must not be asked."""

    def verify_multi(self, *_: object) -> None:
        raise AssertionError("asked")


def test_a_body_with_more_voters_than_a_proof_can_stand_for_is_refused_before_it_is_unfolded() -> None:
    everybody = 2**4096 - 1
    crowd = Registry(tuple(Validator(number.to_bytes(52, "big"), bytes(52)) for number in range(4096)))
    votes = [AggregatedAttestation(Participants(everybody, 4096), vote(slot).data) for slot in range(4000)]
    with pytest.raises(Rejected) as caught:
        verify_block(SignedBlock(block(*votes), b""), crowd, Unasked(TEST), 1)
    assert caught.value.reason is Reason.INVALID_BLOCK_PROOF
    assert str(BACKEND.capacity) in caught.value.detail


def test_voters_with_one_key_count_once() -> None:
    alike = Registry((Validator(xmss_keys.public(0), xmss_keys.public(4)),) * 2000)
    made = block(AggregatedAttestation(Participants(2**2000 - 1, 2000), vote(4).data))
    once = [Component(tuple(set(component.keys)), component.message, component.slot) for component in block_components(made, alike)]
    assert reason(SignedBlock(made, proof_of(*once)), alike) is None

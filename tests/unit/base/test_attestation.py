"""Unit tests of `proofplane.base.attestation`; `tests/vectors/test_base_ssz.py` holds the encodings against an SSZ library."""

import pytest

from proofplane.base.attestation import STEP_SIZE, MalformedClaim, RecursiveAttestation, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.errors import Refused
from proofplane.base.ids import BlockId, hash32
from proofplane.base.predicate import MalformedPredicate, Predicate, PredicateKind

BEFORE = StateAttestation(BlockId(b"\x01" * 32), hash32(b"\x02" * 32))
AFTER = StateAttestation(BlockId(b"\x03" * 32), hash32(b"\x04" * 32))
CLAIM = RecursiveClaim(RecursiveAttestation(BEFORE, AFTER), Predicate(PredicateKind.SCHNORR, b"\x05" * 32))


def test_a_step_is_its_four_hashes_in_a_row() -> None:
    encoded = StepAttestation(BEFORE, AFTER).encode()
    assert encoded == b"".join(bytes([i]) * 32 for i in (1, 2, 3, 4))
    assert StepAttestation.decode(encoded) == StepAttestation(BEFORE, AFTER)
    assert RecursiveAttestation.decode(encoded) == RecursiveAttestation(BEFORE, AFTER)
    assert RecursiveAttestation(BEFORE, AFTER).encode() == encoded


def test_a_decoded_reference_is_a_block_id() -> None:
    assert type(StateAttestation.decode(BEFORE.encode()).reference) is BlockId


@pytest.mark.parametrize("change", [-1, 1])
def test_attestations_of_another_length_are_refused(change: int) -> None:
    for kind, size in ((StateAttestation, 64), (StepAttestation, 128), (RecursiveAttestation, 128)):
        with pytest.raises(MalformedClaim):
            kind.decode(bytes(size + change))


def test_a_recursive_claim_reads_back() -> None:
    assert RecursiveClaim.decode(CLAIM.encode()) == CLAIM


def test_a_recursive_claim_cut_anywhere_in_its_fixed_part_is_refused() -> None:
    encoded = CLAIM.encode()
    for size in range(STEP_SIZE + 4 + 5):
        with pytest.raises(Refused):
            RecursiveClaim.decode(encoded[:size])


def test_a_recursive_claim_with_other_offsets_is_refused() -> None:
    encoded = bytearray(CLAIM.encode())
    encoded[STEP_SIZE] += 1
    with pytest.raises(MalformedClaim):
        RecursiveClaim.decode(bytes(encoded))
    encoded[STEP_SIZE] -= 1
    encoded[STEP_SIZE + 5] += 1
    with pytest.raises(MalformedPredicate):
        RecursiveClaim.decode(bytes(encoded))

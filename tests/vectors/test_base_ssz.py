"""The hand-written SSZ encodings of `proofplane.base` against `remerkleable`."""

from hypothesis import given
from hypothesis import strategies as st
from remerkleable.basic import uint8, uint32
from remerkleable.byte_arrays import ByteList, Bytes32
from remerkleable.complex import Container

from proofplane.base.attestation import RecursiveAttestation, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.ids import MAX_HEIGHT, BlockCommitment, BlockId, Hash32, Height
from proofplane.base.predicate import MAX_CONDITION, Predicate


class SszCommitment(Container):
    height: uint32
    block_id: Bytes32


class SszPredicate(Container):
    id: uint8
    condition: ByteList[MAX_CONDITION]


class SszState(Container):
    reference: Bytes32
    commitment: Bytes32


class SszPair(Container):
    first: SszState
    second: SszState


class SszClaim(Container):
    attestation: SszPair
    moho_predicate: SszPredicate


_HASHES = st.binary(min_size=32, max_size=32)
STATES = st.builds(StateAttestation, _HASHES.map(BlockId), _HASHES.map(Hash32))
PREDICATES = st.builds(Predicate, st.integers(0, 255), st.binary(max_size=MAX_CONDITION))


def ssz_state(state: StateAttestation) -> SszState:
    return SszState(reference=Bytes32(state.reference), commitment=Bytes32(state.commitment))


def ssz_predicate(predicate: Predicate) -> SszPredicate:
    return SszPredicate(id=predicate.kind, condition=predicate.condition)


@given(st.integers(0, MAX_HEIGHT), _HASHES)
def test_a_block_commitment(height: int, block_id: bytes) -> None:
    ours = BlockCommitment(Height(height), BlockId(block_id)).encode()
    assert ours == SszCommitment(height=height, block_id=Bytes32(block_id)).encode_bytes()


@given(PREDICATES)
def test_a_predicate(predicate: Predicate) -> None:
    theirs = ssz_predicate(predicate).encode_bytes()
    assert predicate.encode() == theirs
    assert Predicate.decode(theirs) == predicate


@given(STATES, STATES)
def test_step_and_recursive_attestations(one: StateAttestation, other: StateAttestation) -> None:
    theirs = SszPair(first=ssz_state(one), second=ssz_state(other)).encode_bytes()
    assert StepAttestation(one, other).encode() == theirs
    assert StepAttestation.decode(theirs) == StepAttestation(one, other)
    assert RecursiveAttestation(one, other).encode() == theirs


@given(STATES, STATES, PREDICATES)
def test_a_recursive_claim(genesis: StateAttestation, proven: StateAttestation, predicate: Predicate) -> None:
    claim = RecursiveClaim(RecursiveAttestation(genesis, proven), predicate)
    attestation = SszPair(first=ssz_state(genesis), second=ssz_state(proven))
    theirs = SszClaim(attestation=attestation, moho_predicate=ssz_predicate(predicate)).encode_bytes()
    assert claim.encode() == theirs
    assert RecursiveClaim.decode(theirs) == claim

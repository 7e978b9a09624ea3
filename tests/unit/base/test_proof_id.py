"""Unit tests of `proofplane.base.proof_id`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.ids import BlockCommitment, BlockId, Height, MalformedId
from proofplane.base.proof_id import ProofId, RecursiveId, StepId, proof_id_from_key

# Few heights and hashes, so that ties occur.
COMMITMENTS = st.builds(
    lambda height, fill: BlockCommitment(Height(height), BlockId(bytes([fill]) * 32)),
    st.sampled_from([0, 1, 255, 256, 2**32 - 1]),
    st.integers(0, 2),
)
STEPS = st.tuples(COMMITMENTS, COMMITMENTS).map(lambda pair: StepId(*sorted(pair)))
PROOF_IDS = st.one_of(STEPS, COMMITMENTS.map(RecursiveId))


def at(height: int, fill: int = 0) -> BlockCommitment:
    return BlockCommitment(Height(height), BlockId(bytes([fill]) * 32))


def stated_order(proof_id: StepId | RecursiveId) -> tuple[object, ...]:
    if isinstance(proof_id, StepId):
        return proof_id.start.height, 0, proof_id.start, proof_id.end
    return proof_id.block.height, 1, proof_id.block


@pytest.mark.checklist(49)
@given(PROOF_IDS, PROOF_IDS)
def test_the_order_is_height_then_step_before_recursive_then_the_full_key(one: StepId | RecursiveId, other: StepId | RecursiveId) -> None:
    ranks = stated_order(one), stated_order(other)
    assert (one < other) == (ranks[0] < ranks[1])
    assert (one <= other) == (ranks[0] <= ranks[1])
    assert (one == other) == (ranks[0] == ranks[1])
    assert (one.key() < other.key()) == (one < other)


@pytest.mark.checklist(49)
def test_a_step_comes_right_before_the_recursive_proof_of_its_height() -> None:
    ids: list[ProofId] = [RecursiveId(at(2)), StepId.of(at(3)), RecursiveId(at(1)), StepId.of(at(2)), StepId.of(at(1))]
    assert sorted(ids) == [StepId.of(at(1)), RecursiveId(at(1)), StepId.of(at(2)), RecursiveId(at(2)), StepId.of(at(3))]


@given(PROOF_IDS)
def test_a_proof_id_reads_back_from_its_key(proof_id: StepId | RecursiveId) -> None:
    assert proof_id_from_key(proof_id.key()) == proof_id


def test_a_range_is_ordered_by_its_start() -> None:
    assert StepId(at(1), at(9)) < StepId.of(at(2))
    assert StepId(at(1), at(9)).height() == 1


def test_a_step_that_ends_below_its_start_is_refused() -> None:
    with pytest.raises(MalformedId):
        StepId(at(2), at(1))


def test_equal_ids_of_one_kind_are_one_and_the_kinds_differ() -> None:
    assert len({StepId.of(at(1)), StepId.of(at(1)), RecursiveId(at(1)), RecursiveId(at(1, 1))}) == 3


def test_a_proof_id_has_no_order_against_other_things() -> None:
    with pytest.raises(TypeError):
        assert StepId.of(at(1)) < 1  # type: ignore[operator]  # that it is refused is what is tested


@pytest.mark.parametrize("damage", ["short", "long", "kind", "height", "end below start"])
def test_a_damaged_key_is_refused(damage: str) -> None:
    key = StepId(at(1), at(2)).key()
    damaged = {
        "short": key[:-1],
        "long": key + b"\0",
        "kind": key[:4] + b"\x02" + key[5:],
        "height": b"\0\0\0\x07" + key[4:],
        "end below start": key[:5] + at(1).key() + at(0).key(),
    }[damage]
    with pytest.raises(MalformedId):
        proof_id_from_key(damaged)


def test_names_show_kind_height_and_hash() -> None:
    assert str(StepId.of(at(1))) == f"step 1:{'00' * 32}"
    assert str(RecursiveId(at(1))) == f"recursive 1:{'00' * 32}"

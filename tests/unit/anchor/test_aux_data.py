"""Tests of aux data."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.anchor.aux_data import AuxData, AuxFault, AuxRefused, ManifestProof
from proofplane.base.ids import Hash32, Height
from proofplane.crypto.mmr import Mmr
from unit.anchor.chains import naive_siblings

DIGESTS = st.binary(min_size=32, max_size=32).map(Hash32)
PROOFS = st.builds(ManifestProof, st.integers(0, 2**32 - 1).map(Height), DIGESTS, st.lists(DIGESTS, max_size=64).map(tuple))

LEAVES = [Hash32(bytes([number]) * 32) for number in range(11)]
HISTORY = Mmr.from_leaves(LEAVES)


def prove(*heights: int) -> AuxData:
    """Aux data with the proofs of these leaves."""
    return AuxData(tuple([ManifestProof(Height(height), LEAVES[height], naive_siblings(LEAVES, height)) for height in heights]))


@given(st.lists(PROOFS, max_size=4).map(tuple))
def test_aux_data_survives_encoding(proofs: tuple[ManifestProof, ...]) -> None:
    assert AuxData.decode(AuxData(proofs).encode()) == AuxData(proofs)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [[1, bytes(32)]],
        [[-1, bytes(32), []]],
        [[2**32, bytes(32), []]],
        [[1, bytes(31), []]],
        [[1, bytes(32), [bytes(33)]]],
        [[1, bytes(32), [bytes(32)] * 65]],
    ],
)
def test_bytes_that_are_no_aux_data_are_refused(value: object) -> None:
    with pytest.raises(AuxRefused) as caught:
        AuxData.decode(msgspec.msgpack.encode(value))
    assert caught.value.fault is AuxFault.MALFORMED


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(AuxRefused):
        AuxData.decode(AuxData().encode() + b"\0")


@pytest.mark.checklist(39)
def test_every_leaf_verifies_at_its_own_history() -> None:
    heights = [Height(height) for height in range(len(LEAVES))]
    assert prove(*heights).verify(heights, HISTORY) == dict(enumerate(LEAVES))


@pytest.mark.parametrize("heights", [(), (3,), (3, 7, 8), (7, 3), (3, 3, 7)])
def test_answers_that_are_not_exactly_the_requests_are_refused(heights: tuple[int, ...]) -> None:
    with pytest.raises(AuxRefused) as caught:
        prove(*heights).verify([Height(3), Height(7)], HISTORY)
    assert caught.value.fault is AuxFault.NOT_AS_REQUESTED


@pytest.mark.parametrize(
    "wrong",
    [
        replace(prove(3).manifests[0], manifest_hash=LEAVES[4]),
        replace(prove(3).manifests[0], siblings=prove(4).manifests[0].siblings),
        replace(prove(3).manifests[0], siblings=prove(3).manifests[0].siblings[:-1]),
        replace(prove(4).manifests[0], height=Height(3)),
    ],
)
@pytest.mark.checklist(39)
def test_a_leaf_that_is_not_in_the_history_is_refused(wrong: ManifestProof) -> None:
    with pytest.raises(AuxRefused) as caught:
        AuxData((wrong,)).verify([Height(3)], HISTORY)
    assert caught.value.fault is AuxFault.WRONG_PROOF
    assert "height 3" in str(caught.value)


def test_the_reasons_against_aux_data_are_these() -> None:
    assert {fault.name: fault.value for fault in AuxFault} == {
        "MALFORMED": "malformed",
        "NOT_AS_REQUESTED": "not as requested",
        "WRONG_PROOF": "wrong proof",
    }
    for fault in AuxFault:
        assert str(AuxRefused(fault, "why")) == f"aux data {fault.value}: why"

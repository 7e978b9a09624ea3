"""Unit tests of `proofplane.base.predicate`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.predicate import MAX_CONDITION, MalformedPredicate, Predicate, PredicateKind

PREDICATES = st.builds(Predicate, st.integers(0, 255), st.binary(max_size=MAX_CONDITION))


@given(PREDICATES)
def test_a_predicate_reads_back(predicate: Predicate) -> None:
    assert Predicate.decode(predicate.encode()) == predicate


@given(PREDICATES, PREDICATES)
def test_equal_encodings_are_equal_predicates(one: Predicate, other: Predicate) -> None:
    assert (one.encode() == other.encode()) == (one == other)


def test_the_ids_are_those_of_the_schema() -> None:
    assert {kind.name: kind.value for kind in PredicateKind} == {
        "NEVER_ACCEPT": 0,
        "ALWAYS_ACCEPT": 1,
        "SCHNORR": 10,
        "SP1_GROTH16": 20,
        "ULTRA_HONK": 64,
    }


def test_a_kind_and_its_number_are_the_same_predicate() -> None:
    assert Predicate(PredicateKind.SCHNORR, b"k") == Predicate(10, b"k")
    assert hash(Predicate(PredicateKind.SCHNORR, b"k")) == hash(Predicate(10, b"k"))


def test_limits_are_held_in_both_directions() -> None:
    for kind, condition in ((-1, b""), (256, b""), (1, bytes(MAX_CONDITION + 1))):
        with pytest.raises(MalformedPredicate):
            Predicate(kind, condition)
    assert Predicate.decode(Predicate(1, bytes(MAX_CONDITION)).encode()).condition == bytes(MAX_CONDITION)
    with pytest.raises(MalformedPredicate):
        Predicate.decode(Predicate(1, bytes(MAX_CONDITION)).encode() + b"\0")


@pytest.mark.parametrize("raw", [b"", b"\x01", b"\x01\x05\0\0", b"\x01\x04\0\0\0", b"\x01\x06\0\0\0\0", b"\x01\0\0\0\x05"])
def test_a_wrong_offset_or_a_missing_part_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedPredicate):
        Predicate.decode(raw)


def test_a_predicate_prints_its_kind_or_number_and_its_condition() -> None:
    assert [str(Predicate(kind, condition)) for kind, condition in ((0, b""), (10, b"\xab"), (64, b"\x01"), (65, b"\x01"))] == [
        "never-accept",
        "schnorr:ab",
        "ultra-honk:01",
        "65:01",
    ]

"""Unit tests of `proofplane.lean.signature_list`: the strict format, set semantics, building, and a naive reader as the model."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import xmss_keys
from kit.signature_lists import NaiveProof, component, entry, proof_of, written
from proofplane.crypto.hashes import sha256
from proofplane.crypto.xmss import PROD, TEST
from proofplane.lean.config import PROOF_BYTES_LIMIT
from proofplane.lean.proof import CannotBuildProof, Component, ProofInvalid
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.types import Root, Slot

BACKEND = SignatureList(TEST)
MESSAGE = Root(sha256(b"message"))
TWO = component([1, 2], 3, MESSAGE)
THREE = component([4, 1, 6], 5, MESSAGE)


def votes(*numbers: int, slot: int = 3) -> list[tuple[bytes, bytes]]:
    return [(xmss_keys.public(number), xmss_keys.signature(number, slot, MESSAGE)) for number in numbers]


def holds(components: list[Component], proof: bytes) -> bool:
    try:
        BACKEND.verify_multi(components, proof, 1)
    except ProofInvalid:
        return False
    return True


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_proof_of_all_components_in_order_holds(threads: int) -> None:
    proof = proof_of(TWO, THREE)
    verified = BACKEND.verify_multi([TWO, THREE], proof, threads)
    assert verified.signatures == 5
    assert verified.spans


def test_a_proof_of_one_message_is_checked_alone() -> None:
    assert BACKEND.verify_single(TWO, proof_of(TWO), 1).signatures == 2
    with pytest.raises(ProofInvalid, match="2 components"):
        BACKEND.verify_single(TWO, proof_of(TWO, THREE), 1)


@pytest.mark.parametrize(
    ("components", "proof"),
    [
        ([TWO], b""),
        ([], b""),
        ([TWO], b"NV"),
        ([TWO], b"NW" + proof_of(TWO)[2:]),
        ([TWO], proof_of()),
        ([TWO], proof_of(TWO, TWO)),
        ([TWO, THREE], proof_of(THREE, TWO)),
        ([TWO], proof_of(THREE)),
        ([TWO], proof_of(TWO) + b"\0"),
        ([TWO], proof_of(TWO)[:-1]),
        ([TWO], proof_of(TWO)[:-480]),
        ([TWO], proof_of(component([1], 3, MESSAGE))),
        ([TWO], proof_of(component([1, 2, 3], 3, MESSAGE))),
        ([component([1], 3, MESSAGE)], proof_of(TWO)),
        ([TWO], proof_of(component([1, 2], 4, MESSAGE))),
        ([TWO], proof_of(component([1, 2], 3, Root(sha256(b"other"))))),
    ],
)
def test_a_proof_of_anything_else_is_invalid(components: list[Component], proof: bytes) -> None:
    assert not holds(components, proof)


def test_a_proof_of_nothing_for_nothing_holds() -> None:
    assert holds([], proof_of())


@pytest.mark.parametrize("size", [0, 423, 425])
def test_an_entry_with_a_signature_of_another_length_is_invalid(size: int) -> None:
    short = (xmss_keys.public(2), xmss_keys.signature(2, 3, MESSAGE).ljust(size, b"\0")[:size])
    assert not holds([TWO], written([(MESSAGE, 3, [entry(1, 3, MESSAGE), short])]))


@pytest.mark.parametrize("size", [0, 423, 425, 2**32 - 1])
def test_an_entry_that_gives_another_length_than_it_has_is_invalid(size: int) -> None:
    whole = proof_of(TWO)
    assert not holds([TWO], whole[:98] + size.to_bytes(4, "little") + whole[102:])


def test_entries_are_read_in_any_order() -> None:
    entries = [entry(number, 3, MESSAGE) for number in (1, 2)]
    for order in (entries, entries[::-1]):
        assert holds([TWO], written([(MESSAGE, 3, order)]))


def test_a_key_may_stand_in_several_entries_which_all_have_to_verify() -> None:
    good = [entry(number, 3, MESSAGE) for number in (1, 2)]
    bad = (good[0][0], good[1][1])
    assert holds([TWO], written([(MESSAGE, 3, [*good, good[0]])]))
    for place in range(3):
        assert not holds([TWO], written([(MESSAGE, 3, [*good[:place], bad, *good[place:]])]))


def test_validators_with_one_key_need_one_entry() -> None:
    twice = Component((*TWO.keys, TWO.keys[0]), TWO.message, TWO.slot)
    assert holds([twice], proof_of(TWO))


def test_a_registry_key_that_is_not_canonical_is_never_proved() -> None:
    key = b"\xff" * 52
    signature = xmss_keys.signature(1, 3, MESSAGE)
    assert not holds([Component((key,), MESSAGE, Slot(3))], written([(MESSAGE, 3, [(key, signature)])]))


def test_counts_that_promise_more_than_there_is_are_refused_at_once() -> None:
    whole = proof_of(TWO)
    for count in (0, 1, 3, 65_535):
        assert not holds([TWO], whole[:44] + count.to_bytes(2, "little") + whole[46:])
    assert not holds([TWO], whole[:2] + b"\xff\xff" + whole[4:])


def test_a_proof_beyond_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProofInvalid, match="limit"):
        BACKEND.verify_single(TWO, proof_of(TWO).ljust(PROOF_BYTES_LIMIT + 1, b"\0"), 1)


def test_the_largest_proofs_hold_202_production_and_1092_test_signatures() -> None:
    assert (SignatureList(PROD).capacity, BACKEND.capacity) == (202, 1092)
    fill = [(number.to_bytes(52, "big"), bytes(424)) for number in range(1093)]
    for count in (1092, 1093):
        whole = Component(tuple(key for key, _ in fill[:count]), MESSAGE, Slot(3))
        if count == 1092:
            assert len(BACKEND.merge(whole, [], fill[:count])) <= PROOF_BYTES_LIMIT
        else:
            with pytest.raises(CannotBuildProof, match="limit"):
                BACKEND.merge(whole, [], fill)


def test_a_single_signature_is_checked_by_itself() -> None:
    key, signature = votes(1)[0]
    BACKEND.verify_signature(key, Slot(3), MESSAGE, signature)
    for wrong in ((key, Slot(4), MESSAGE, signature), (xmss_keys.public(2), Slot(3), MESSAGE, signature), (key, Slot(3), MESSAGE, b"")):
        with pytest.raises(ProofInvalid):
            BACKEND.verify_signature(*wrong)


def test_merging_is_the_union_sorted_by_key() -> None:
    everybody = component([1, 2, 3, 4], 3, MESSAGE)
    children = [proof_of(component([3, 1], 3, MESSAGE)), proof_of(component([3, 2], 3, MESSAGE))]
    merged = BACKEND.merge(everybody, children, votes(4, 2))
    assert merged == written([(MESSAGE, 3, sorted(votes(1, 2, 3, 4)))])
    BACKEND.verify_single(everybody, merged, 1)


def test_of_two_entries_for_a_key_the_first_is_kept() -> None:
    first, second = (b"k" * 52, b"a" * 424), (b"k" * 52, b"b" * 424)
    child = written([(MESSAGE, 3, [first])])
    assert BACKEND.merge(Component((b"k" * 52,), MESSAGE, Slot(3)), [child], [second]) == child


@pytest.mark.parametrize(
    ("children", "parts", "match"),
    [
        ([b""], votes(1, 2), "child 0"),
        ([proof_of(TWO), proof_of(TWO, THREE)], [], "child 1"),
        ([proof_of(component([1, 2], 4, MESSAGE))], [], "slot 4"),
        ([], votes(1), "1 keys"),
        ([proof_of(TWO)], votes(3), "3 keys"),
        ([proof_of(TWO)], [(b"k" * 51, b"s" * 424)], "key of 51"),
        ([proof_of(TWO)], [(b"k" * 52, b"s" * 423)], "signature of 423"),
    ],
)
def test_parts_that_do_not_make_the_proof_are_named(children: list[bytes], parts: list[tuple[bytes, bytes]], match: str) -> None:
    with pytest.raises(CannotBuildProof, match=match):
        BACKEND.merge(TWO, children, parts)


def test_joining_keeps_the_order_and_needs_proofs_of_one_message() -> None:
    assert BACKEND.join([proof_of(THREE), proof_of(TWO)]) == proof_of(THREE, TWO)
    assert BACKEND.join([]) == proof_of()
    with pytest.raises(CannotBuildProof, match="part 1"):
        BACKEND.join([proof_of(TWO), proof_of(TWO, THREE)])
    with pytest.raises(CannotBuildProof, match="limit"):
        BACKEND.join([written([(MESSAGE, 3, [(b"k" * 52, b"s" * 424)] * 600)])] * 2)


CHANGES = st.one_of(
    st.tuples(st.just("set"), st.integers(0, 1600), st.integers(0, 255)),
    st.tuples(st.just("cut"), st.integers(0, 1600), st.integers(0, 3)),
    st.tuples(st.just("insert"), st.integers(0, 1600), st.integers(0, 255)),
    st.tuples(st.just("header"), st.integers(0, 49), st.integers(0, 255)),
)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_the_verdict_is_that_of_a_naive_reader(data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.sampled_from([TWO, component([1], 5, MESSAGE)]), max_size=2))
    proof = NaiveProof.draw(data, wanted).write()
    for kind, place, value in data.draw(st.lists(CHANGES, max_size=2)):
        if kind == "cut":
            proof = proof[:place] + proof[place + value :]
        elif kind == "insert":
            proof = proof[:place] + bytes([value]) + proof[place:]
        elif place < len(proof):
            proof = proof[:place] + bytes([value]) + proof[place + 1 :]
    assert holds(wanted, proof) == NaiveProof.proves(proof, wanted)

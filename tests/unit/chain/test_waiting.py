"""The buffer of blocks without a parent: its rules one by one, then against a naive model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proofplane.chain.waiting import PROOFS_PER_ROOT, WaitingBlocks
from proofplane.lean.codec import make_block
from proofplane.lean.types import Root, SignedBlock, Slot, ValidatorIndex


def root(number: int) -> Root:
    return Root(number.to_bytes(32, "big"))


def block(parent: int | Root, number: int, proof: bytes = b"proof") -> SignedBlock:
    """A block on `parent` that `number` tells from its siblings."""
    above = root(parent) if isinstance(parent, int) else parent
    return SignedBlock(make_block(Slot(number), ValidatorIndex(0), above, root(0), ()), proof)


def test_a_block_is_given_back_to_its_parent_once() -> None:
    waiting = WaitingBlocks(4, 1 << 20)
    assert waiting.keep(block(1, 1))
    assert waiting.waits_for(root(1))
    assert waiting.take_child(root(2)) is None
    assert waiting.take_child(root(1)) == block(1, 1)
    assert waiting.take_child(root(1)) is None
    assert not waiting.waits_for(root(1))
    assert waiting.bytes() == 0


def test_a_bad_proof_does_not_displace_a_good_one_of_the_same_root() -> None:
    waiting = WaitingBlocks(64, 1 << 20)
    waiting.keep(block(1, 1, b"good"))
    kept = [waiting.keep(block(1, 1, b"bad %d" % n)) for n in range(10)]
    assert kept == [True] * (PROOFS_PER_ROOT - 1) + [False] * (11 - PROOFS_PER_ROOT)
    assert waiting.take_child(root(1)) == block(1, 1, b"good")


def test_the_same_delivery_takes_one_place() -> None:
    waiting = WaitingBlocks(4, 1 << 20)
    assert waiting.keep(block(1, 1))
    assert waiting.keep(block(1, 1))
    assert len(waiting) == 1


def test_beyond_the_number_the_oldest_goes() -> None:
    waiting = WaitingBlocks(2, 1 << 20)
    for number in (1, 2, 3):
        waiting.keep(block(number, number))
    assert [number for number in (1, 2, 3) if waiting.waits_for(root(number))] == [2, 3]


def test_beyond_the_bytes_the_oldest_go() -> None:
    waiting = WaitingBlocks(64, 10_000)
    for number in (1, 2, 3):
        waiting.keep(block(number, number, bytes(3_500)))
    assert [number for number in (1, 2, 3) if waiting.waits_for(root(number))] == [2, 3]
    assert waiting.bytes() <= 10_000


def test_a_block_larger_than_all_bytes_is_not_kept_and_displaces_nothing() -> None:
    waiting = WaitingBlocks(64, 10_000)
    waiting.keep(block(1, 1))
    assert not waiting.keep(block(2, 2, bytes(10_000)))
    assert waiting.waits_for(root(1))


def test_no_blocks_are_kept_if_none_are_wanted() -> None:
    assert not WaitingBlocks(0, 1 << 20).keep(block(1, 1))


def test_descendants_of_an_invalid_block_are_dropped_and_others_stay() -> None:
    waiting = WaitingBlocks(64, 1 << 20)
    child = block(1, 1)
    grandchild = block(child.block.root, 2)
    for one in (child, block(1, 7), grandchild, block(2, 3)):
        waiting.keep(one)
    waiting.drop_descendants(root(1))
    assert len(waiting) == 1
    assert waiting.take_child(root(2)) == block(2, 3)


Delivery = st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from([b"a", b"b" * 900, b"c" * 3000, b"d", b"e"]))


@given(st.lists(st.one_of(Delivery, st.integers(0, 2)), max_size=40))
def test_it_agrees_with_a_list_in_order_of_arrival(steps: list[tuple[int, int, bytes] | int]) -> None:
    most, most_bytes, fixed = 5, 9_000, 1024
    waiting, model = WaitingBlocks(most, most_bytes), list[SignedBlock]()

    def size(signed: SignedBlock) -> int:
        return fixed + len(signed.proof)

    for step in steps:
        if isinstance(step, int):
            expected = next((one for one in model if one.block.parent_root == root(step)), None)
            if expected is not None:
                model.remove(expected)
            assert waiting.take_child(root(step)) == expected
        else:
            new = block(*step)
            if new not in model and sum(one.block == new.block for one in model) < PROOFS_PER_ROOT:
                while len(model) >= most or sum(map(size, model)) + size(new) > most_bytes:
                    del model[0]
                model.append(new)
            waiting.keep(new)
        assert len(waiting) == len(model)
        assert waiting.bytes() == sum(map(size, model))
        assert all(waiting.waits_for(one.block.parent_root) for one in model)

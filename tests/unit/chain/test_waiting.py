"""The buffer of blocks without a parent: its rules one by one, then against a naive model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.chain.waiting import PROOFS_PER_ROOT, WaitingBlocks
from proofplane.lean.codec import make_block
from proofplane.lean.types import Root, SignedBlock, Slot, ValidatorIndex

HEAD = Slot(8)


def root(number: int) -> Root:
    return Root(number.to_bytes(32, "big"))


def block(parent: int | Root, number: int, proof: bytes = b"proof") -> SignedBlock:
    """A block on `parent` that `number` tells from its siblings."""
    above = root(parent) if isinstance(parent, int) else parent
    return SignedBlock(make_block(Slot(number), ValidatorIndex(0), above, root(0), ()), proof)


def test_a_block_is_given_back_to_its_parent_once() -> None:
    waiting = WaitingBlocks(4, 1 << 20)
    assert waiting.keep(block(1, 1), HEAD)
    assert waiting.waits_for(root(1))
    assert waiting.take_child(root(2)) is None
    assert waiting.take_child(root(1)) == block(1, 1)
    assert waiting.take_child(root(1)) is None
    assert not waiting.waits_for(root(1))
    assert len(waiting) == 0


def test_bad_proofs_of_a_root_that_came_first_keep_a_good_one_neither_out_nor_more_than_their_number() -> None:
    waiting = WaitingBlocks(64, 1 << 20)
    bad = [block(1, 1, b"bad %d" % n) for n in range(10)]
    for one in (block(1, 7), *bad, block(1, 1, b"good")):
        assert waiting.keep(one, HEAD)
    kept = [waiting.take_child(root(1)) for _ in range(len(waiting))]
    assert kept == [block(1, 7), *bad[-(PROOFS_PER_ROOT - 1) :], block(1, 1, b"good")]


def test_the_same_delivery_takes_one_place() -> None:
    waiting = WaitingBlocks(4, 1 << 20)
    assert waiting.keep(block(1, 1), HEAD)
    assert waiting.keep(block(1, 1), HEAD)
    assert len(waiting) == 1


def test_beyond_the_number_of_blocks_of_one_slot_the_oldest_goes() -> None:
    waiting = WaitingBlocks(2, 1 << 20)
    for number in (1, 2, 3):
        assert waiting.keep(block(number, 7), HEAD)
    assert [number for number in (1, 2, 3) if waiting.waits_for(root(number))] == [2, 3]


@pytest.mark.parametrize("order", [(9, 11, 10), (11, 10, 9), (10, 9, 14)])
def test_of_blocks_of_different_slots_the_furthest_from_the_head_goes(order: tuple[int, ...]) -> None:
    waiting = WaitingBlocks(2, 1 << 20)
    kept = {slot: waiting.keep(block(slot, slot), HEAD) for slot in order}
    furthest = max(order)
    assert [slot for slot in order if waiting.waits_for(root(slot))] == [slot for slot in order if slot != furthest]
    assert kept[order[-1]] == (order[-1] != furthest)


def test_a_flood_of_one_slot_and_one_of_old_slots_leave_an_honest_chain_in_its_place() -> None:
    waiting = WaitingBlocks(64, 1 << 20)
    honest = [block(100 + slot, slot) for slot in range(9, 19)]
    for one in honest:
        waiting.keep(one, HEAD)
    for number in range(500):
        waiting.keep(block(1_000 + number, 30), HEAD)
        waiting.keep(block(5_000 + number, 1_000 + number), HEAD)
    assert [waiting.take_child(one.block.parent_root) for one in honest] == honest


def test_a_flood_that_came_first_keeps_an_honest_block_near_the_head_not_out() -> None:
    waiting = WaitingBlocks(64, 1 << 20)
    for number in range(64):
        waiting.keep(block(1_000 + number, 100 + number), HEAD)
    assert waiting.keep(block(1, 9), HEAD)


def test_beyond_the_bytes_blocks_go_by_the_same_rule() -> None:
    waiting = WaitingBlocks(64, 10_000)
    for number in (1, 2, 3):
        waiting.keep(block(number, number, bytes(3_500)), HEAD)
    assert [number for number in (1, 2, 3) if waiting.waits_for(root(number))] == [2, 3]


def test_a_block_larger_than_all_bytes_is_not_kept_and_displaces_nothing() -> None:
    waiting = WaitingBlocks(64, 10_000)
    waiting.keep(block(1, 1), HEAD)
    assert not waiting.keep(block(2, 2, bytes(10_000)), HEAD)
    assert waiting.waits_for(root(1))


def test_no_blocks_are_kept_if_none_are_wanted() -> None:
    assert not WaitingBlocks(0, 1 << 20).keep(block(1, 1), HEAD)


def test_descendants_of_an_invalid_block_are_dropped_and_others_stay() -> None:
    waiting = WaitingBlocks(64, 1 << 20)
    child = block(1, 1)
    grandchild = block(child.block.root, 2)
    for one in (child, block(1, 7), grandchild, block(2, 3)):
        waiting.keep(one, HEAD)
    waiting.drop_descendants(root(1))
    assert len(waiting) == 1
    assert waiting.take_child(root(2)) == block(2, 3)


Delivery = st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from([b"a", b"b" * 900, b"c" * 3000, b"d", b"e"]))


@given(st.lists(st.one_of(Delivery, st.integers(0, 2)), max_size=40))
def test_it_agrees_with_a_list_in_order_of_arrival(steps: list[tuple[int, int, bytes] | int]) -> None:
    most, most_bytes, fixed = 5, 9_000, 1024

    def least_wanted() -> SignedBlock:
        slots = [one.block.slot for one in model]
        return min(model, key=lambda one: (-slots.count(one.block.slot), -abs(one.block.slot - HEAD), model.index(one)))

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
            if new not in model:
                same = [one for one in model if one.block == new.block]
                model = [one for one in model if len(same) < PROOFS_PER_ROOT or one is not same[0]]
                model.append(new)
                while len(model) > most or sum(map(size, model)) > most_bytes:
                    model.remove(least_wanted())
            assert waiting.keep(new, HEAD) == (new in model)
        assert len(waiting) == len(model)
        assert all(waiting.waits_for(one.block.parent_root) for one in model)

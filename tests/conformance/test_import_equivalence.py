"""Parallel import is sequential import: any deliveries, in any order, with real signatures, give the same answers, store and stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.lean_imports import Notes, NoWorkers
from kit.signed_branches import BACKEND, SLOTS, signed_tree
from proofplane.base.errors import TryAgain
from proofplane.chain.importer import Importer
from proofplane.chain.memory import MemoryChainStorage
from proofplane.chain.options import ImportOptions
from proofplane.chain.ports import Workers
from proofplane.chain.types import ImportedBlock
from proofplane.chain.workers import ThreadWorkers
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.store import Store
from proofplane.lean.types import Root

TREES = 24
"""Different trees; each case draws one and what is delivered of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that a run lets others see."""

    answers: tuple[object, ...]
    store: Store
    emitted: tuple[ImportedBlock, ...]
    refusals: tuple[tuple[Root | None, Reason], ...]


Event = tuple[str, int]
"""What happens (block, vote, tick) and a number that says which."""

EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("block"), st.integers(0, 99)),
        st.tuples(st.just("block"), st.integers(0, 99)),
        st.tuples(st.just("vote"), st.integers(0, 9)),
        st.tuples(st.just("tick"), st.integers(1, 7)),
    ),
    min_size=1,
    max_size=30,
)

ORDERS = st.one_of(EVENTS, st.just([("block", number) for number in range(60)]), st.permutations([("block", n) for n in range(40)]))
"""Anything at all; a tree in its order, bad ones between; a tree in any order."""


async def told_by(tree_number: int, events: Sequence[Event], workers: Workers, options: ImportOptions) -> Told:
    tree, storage, notes = signed_tree(tree_number), MemoryChainStorage(), Notes()
    store = tree.store()
    await storage.begin(tree.anchor_state, tree.anchor, store)
    importer = Importer(storage, BACKEND, workers, store, options, notes)
    stream, answers = importer.commits.subscribe(), list[object]()
    await importer.tick(5 * (SLOTS // 2), has_proposal=False, is_aggregator=False)
    for what, number in events:
        try:
            if what == "block":
                answers.append(await importer.import_signed(tree.deliveries[number % len(tree.deliveries)]))
            elif what == "vote" and tree.votes:
                await importer.aggregate(tree.votes[number % len(tree.votes)])
            else:
                await importer.tick(importer.store.time + number, has_proposal=True, is_aggregator=False)
        except Rejected as refusal:
            answers.append((refusal.reason, refusal.detail))
        except TryAgain as error:
            answers.append(str(error))
        await importer.settled()
        assert storage.load() is importer.store
    emitted = list[ImportedBlock]()
    while isinstance(item := stream.try_recv(), ImportedBlock):
        emitted.append(item)
    await importer.aclose()
    return Told(tuple(answers), importer.store, tuple(emitted), tuple(notes.refusals))


async def compare(tree: int, events: Sequence[Event], waiting: int) -> Told:
    with ThreadWorkers() as workers:
        sequential = await told_by(tree, events, workers, ImportOptions(parallel=False, waiting_blocks=waiting))
        parallel = await told_by(tree, events, workers, ImportOptions(threads=2, waiting_blocks=waiting))
        in_place = await told_by(tree, events, NoWorkers(), ImportOptions(threads=1, waiting_blocks=waiting))
    assert parallel == sequential
    assert in_place == sequential
    return sequential


WAITING = st.sampled_from([0, 3, 64])


@given(st.integers(0, TREES - 1), ORDERS, WAITING)
@settings(max_examples=60, deadline=None)
def test_parallel_equals_sequential(tree: int, events: list[Event], waiting: int) -> None:
    asyncio.run(compare(tree, events, waiting))


@pytest.mark.slow
@pytest.mark.parametrize("quarter", range(4))
@given(tree=st.integers(0, TREES - 1), events=ORDERS, waiting=WAITING)
@settings(max_examples=2_500, deadline=None)
def test_parallel_equals_sequential_in_ten_thousand_cases(quarter: int, tree: int, events: list[Event], waiting: int) -> None:
    asyncio.run(compare(tree, events, waiting))


async def test_the_trees_are_worth_it() -> None:
    """Together they have what the comparison is about: blocks that are imported, forks, finality, and every kind of refusal."""
    reasons, imported, forks, finalized = set[object](), 0, 0, 0
    for tree in range(TREES):
        told = await compare(tree, [("block", number) for number in range(60)], 64)
        reasons |= {reason for _, reason in told.refusals}
        imported += len(told.emitted)
        forks += sum(len(children) > 1 for children in told.store.children.values())
        finalized += told.store.latest_finalized.slot > 0
    assert reasons >= {
        Reason.INVALID_BLOCK_PROOF,
        Reason.STATE_ROOT_MISMATCH,
        Reason.WRONG_PROPOSER,
        Reason.UNKNOWN_PARENT_BLOCK,
        Reason.DUPLICATE_ATTESTATION_DATA,
        Reason.BLOCK_SLOT_IN_FUTURE,
    }
    assert imported >= TREES
    assert forks >= TREES // 4
    assert finalized >= TREES // 4

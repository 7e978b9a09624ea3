"""What time alone does to the store: five intervals a slot, each with its duty.

Intervals of a slot: 0 accept votes if a proposal lands, 1 nothing (votes are cast), 2 aggregate, 3 update the safe target, 4 accept votes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from proofplane.lean.config import INTERVALS_PER_SLOT
from proofplane.lean.fork_choice import update_head, update_safe_target
from proofplane.lean.store import Store

Aggregate = Callable[[Store], Store]
"""An aggregation round: `lean.aggregation.aggregate` with its backend and the head's registry bound."""


def tick_interval(store: Store, has_proposal: bool, is_aggregator: bool, aggregate: Aggregate) -> Store:
    """One interval on, with that interval's duty done.

    Args:
        store: The store before.
        has_proposal: A proposal lands in this interval, if it is a slot's first.
        is_aggregator: This node aggregates.
        aggregate: What an aggregator does in interval 2.
    """
    store = replace(store, time=store.time + 1)
    match store.time % INTERVALS_PER_SLOT:
        case 0 if has_proposal:
            return accept_new_votes(store)
        case 2 if is_aggregator:
            return aggregate(store)
        case 3:
            return update_safe_target(store)
        case 4:
            return accept_new_votes(store)
        case _:
            return store


def on_tick(store: Store, target: int, has_proposal: bool, is_aggregator: bool, aggregate: Aggregate) -> Store:
    """Interval after interval up to `target`; a proposal lands in the last one only. A target in the past changes nothing.

    No duty looks at the time, so a store that was there some slots ago comes again after as many, and whole rounds are jumped over.
    It does come again: ticks alone bring no vote, so the pools settle, and then head and finality, each of which chooses the other, stand
    still or go round. That is found in Brent's way, against one earlier store that is replaced after 1, 2, 4, ... slots.
    Catching up after a long pause takes the work of a few slots and a few rounds. The order of the pools, which comparing stores leaves
    out, is then the same as well: known data only get more, raw votes only fewer, and a slot that begins and ends alike has none pending.
    """
    earlier, slots, limit = store, 0, 1
    while store.time < target:
        before_last = target - 1 - store.time
        if before_last < INTERVALS_PER_SLOT:
            store = tick_interval(store, has_proposal and not before_last, is_aggregator, aggregate)
            continue
        for _ in range(INTERVALS_PER_SLOT):
            store = tick_interval(store, False, is_aggregator, aggregate)
        slots += 1
        if replace(store, time=earlier.time) == earlier:
            left = target - 1 - store.time
            store = replace(store, time=store.time + left - left % (store.time - earlier.time))
        elif slots == limit:
            earlier, slots, limit = store, 0, 2 * limit
    return store


def accept_new_votes(store: Store) -> Store:
    """Lets the pending aggregates count, and chooses the head anew. Known data keeps its place, new data comes behind it."""
    known = dict(store.known_payloads)
    for data, proofs in store.new_payloads.items():
        known[data] = known.get(data, frozenset()) | proofs
    return update_head(replace(store, new_payloads={}, known_payloads=known))

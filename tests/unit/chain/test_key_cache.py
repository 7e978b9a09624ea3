"""The key cache: one cut for a chain, a bound, and threads that miss at once."""

from __future__ import annotations

import threading

from kit.lean_branches import Branches
from proofplane.chain.key_cache import KEPT_REGISTRIES, KeyCache
from proofplane.lean.registry import registry_of
from proofplane.lean.ssz import State
from proofplane.lean.types import Registry


class Cuts:
    """Counts what is cut out of states."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, state: State) -> Registry:
        self.count += 1
        return registry_of(state)


def test_all_states_of_a_chain_share_one_registry() -> None:
    branches, cuts = Branches(), Cuts()
    keys = KeyCache(cuts)
    late = branches.line(branches.anchor.root, 1, 3)[-1]
    first = keys.registry(branches.anchor_state)
    assert keys.registry(branches.states[late.block.root]) is first
    assert first == registry_of(branches.anchor_state)
    assert cuts.count == 1


def test_other_registries_are_told_apart_and_few_are_kept() -> None:
    keys = KeyCache()
    for validators in range(1, 3 * KEPT_REGISTRIES):
        assert len(keys.registry(Branches(validators).anchor_state)) == validators
        assert len(keys) <= KEPT_REGISTRIES


def test_threads_that_miss_at_once_all_get_the_right_registry() -> None:
    states = [Branches(validators).anchor_state for validators in (1, 2, 3)]
    meet = threading.Barrier(3)

    def cut(state: State) -> Registry:
        meet.wait(30)  # all three have missed before any is kept
        return registry_of(state)

    keys, found = KeyCache(cut), dict[int, int]()

    def ask(number: int) -> None:
        found[number] = len(keys.registry(states[number]))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: 1, 1: 2, 2: 3}

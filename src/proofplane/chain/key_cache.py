"""Registries by their root, so that a block's keys are cut out of a state once for a whole chain.

Why no lock: the cache is one dict that is never changed, only replaced by assigning one reference, which the interpreter does in one step.
A reader sees the old dict or the new one; two threads that miss at once both cut the same registry, and one of them is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proofplane.lean.registry import registry_of, registry_root
from proofplane.lean.ssz import State
from proofplane.lean.types import Registry, Root

KEPT_REGISTRIES = 4
"""Registries kept. A chain has one, of at most 1 MB; the others are for an importer that outlives a change of chain in the same process."""


class KeyCache:
    """Gives the registry of a state; may be asked from any thread."""

    def __init__(self, cut: Callable[[State], Registry] = registry_of) -> None:
        """`cut` makes a registry from a state."""
        self._cut = cut
        self._by_root: Mapping[Root, Registry] = {}

    def registry(self, state: State) -> Registry:
        """Returns the registry of `state`: the same object for equal registries, as long as it is kept."""
        root = registry_root(state)
        found = self._by_root.get(root)
        if found is None:
            found = self._cut(state)
            kept = self._by_root
            self._by_root = {**(kept if len(kept) < KEPT_REGISTRIES else {}), root: found}
        return found

    def __len__(self) -> int:
        """Registries kept."""
        return len(self._by_root)

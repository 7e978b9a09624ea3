"""The state after any imported block: from memory, or by replaying blocks from the nearest snapshot before it.

Invariant: a state that is handed out has the root that its block names; a damaged snapshot or block is an error, never another state.
"""

from __future__ import annotations

from collections.abc import Callable

from proofplane.chain.errors import MissingState
from proofplane.chain.snapshots import SPARSE_GRID, RegistryTree, read_snapshot
from proofplane.chain.store_rows import read_block
from proofplane.lean.codec import state_root
from proofplane.lean.errors import Rejected
from proofplane.lean.ssz import State
from proofplane.lean.transition import transition
from proofplane.lean.types import Block, Root
from proofplane.storage.database import Rows


def _nothing_known(_: Root) -> State | None:
    return None


class StateReader:
    """Reads states from a live database or a read-only one; may be called from any thread that may use the database."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._registry: RegistryTree | None = None  # replaced as a whole, so threads need no lock

    def read(self, root: Root, known: Callable[[Root], State | None] = _nothing_known) -> State | None:
        """The state after a block; None if the block is not imported. Takes less than `SPARSE_GRID` transitions.

        Args:
            root: The block.
            known: Gives states that are in memory, where replaying may begin as well.

        Raises:
            MissingState: A block or snapshot on the way is damaged or not there.
            StorageBroken, StorageBusy: The database failed.
        """
        ahead: list[Block] = []
        while True:
            signed = read_block(self._rows, root)
            if signed is None:
                if not ahead:
                    return None
                raise MissingState(f"block {root.hex()} is not stored, though a child of it is: restore the database")
            state = known(root)
            if state is None:
                state = self._snapshot(signed.block)
            if state is not None:
                break
            ahead.append(signed.block)
            if len(ahead) >= SPARSE_GRID:
                raise MissingState(f"no snapshot in {SPARSE_GRID} blocks before {ahead[0].root.hex()}: restore the database")
            root = signed.block.parent_root
        for block in reversed(ahead):
            try:
                state = transition(state, block)
            except Rejected as rejected:
                message = f"the stored block {block.root.hex()} does not apply to its parent's state: restore the database ({rejected})"
                raise MissingState(message) from rejected
        return state

    def _snapshot(self, block: Block) -> State | None:
        found = read_snapshot(self._rows, block.root, self._registry)
        if found is None:
            return None
        state, self._registry = found
        if state_root(state) != block.state_root:
            raise MissingState(f"the snapshot of block {block.root.hex()} is not the state that the block names: restore the database")
        return state

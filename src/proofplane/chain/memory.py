"""The chain in memory, for vectors, benches and tests: the same port, nothing survives, nothing is ever replayed or dropped."""

from __future__ import annotations

from proofplane.base.errors import Broken
from proofplane.chain.errors import BadChainDirectory
from proofplane.lean.ssz import State
from proofplane.lean.store import Store
from proofplane.lean.types import Block, Root, SignedBlock


class MemoryChainStorage:
    """Implements `ports.ChainStorage`.

    It grows with the chain: every block and a state for each stay, so it is for chains that are known to be short.
    """

    def __init__(self) -> None:
        self._store: Store | None = None
        self._blocks: dict[Root, SignedBlock] = {}
        self._states: dict[Root, State] = {}

    def load(self) -> Store | None:
        """The store of the last `commit` or `begin`; None before."""
        return self._store

    async def begin(self, state: State, block: Block, store: Store) -> None:
        """Takes an anchor; raises `BadChainDirectory` if there is one."""
        if self._store is not None:
            raise BadChainDirectory("this storage holds a chain already: make another one")
        self._store = store
        self._blocks[block.root] = SignedBlock(block, b"")
        self._states[block.root] = state

    def state(self, root: Root) -> State | None:
        """See `ports.ChainStorage`."""
        return self._states.get(root)

    def state_at_hand(self, root: Root) -> State | None:
        """See `ports.ChainStorage`: every state is."""
        return self._states.get(root)

    def block(self, root: Root) -> SignedBlock | None:
        """An imported block; its proof is empty if it is the anchor."""
        return self._blocks.get(root)

    async def commit(self, before: Store, after: Store, imported: SignedBlock | None = None, state: State | None = None) -> None:
        """See `ports.ChainStorage`. A `before` that is not the stored store is taken as it is: vectors put votes into pools by hand.

        Raises:
            Broken: The block comes without its state, or is not in `after`.
        """
        if imported is not None:
            if state is None or imported.block.root not in after.blocks:
                raise Broken(f"block {imported.block.root.hex()} was to be stored without its state, or is not in its store")
            self._blocks[imported.block.root] = imported
            self._states[imported.block.root] = state
        self._store = after

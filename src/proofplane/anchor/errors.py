"""What can go wrong around the anchor and Moho workers and their block sources, typed by what to do about it."""

from __future__ import annotations

from proofplane.base.errors import Broken, CallerMistake, NeverAgain, Refused, TryAgain
from proofplane.base.ids import BlockCommitment, BlockId


class MissingGenesisState(Broken):
    """The store has no state of the anchor, though its worker has started: the database is damaged."""


class MissingAnchorState(Broken):
    """A block that the store counts as processed has no anchor state."""

    def __init__(self, block: BlockCommitment) -> None:
        super().__init__(f"block {block} has no anchor state in the store")
        self.block = block


class MissingMohoState(Broken):
    """A block's parent has no Moho state, so the block cannot be folded."""

    def __init__(self, block: BlockCommitment) -> None:
        super().__init__(f"block {block} has no Moho state in the store")
        self.block = block


class ManifestHashNotFound(Broken):
    """A leaf or node of the history MMR that must be in the store is not there."""


class MmrProofFailed(CallerMistake):
    """A leaf was asked for that the snapshot does not contain: it lies at or above the leaf count, or the leaf count above the tip."""


class MissingL1Block(TryAgain):
    """The source does not have this block (now); it says nothing about the block."""

    def __init__(self, block_id: BlockId) -> None:
        super().__init__(f"the block source does not have block {block_id}")
        self.block_id = block_id


class InconsistentSource(Refused):
    """What a source said about a block contradicts the block itself, its parent, or what the source said before."""


class AnchorNotInChain(CallerMistake):
    """The submitted block's branch passes the anchor's height without containing the anchor: choose an anchor deeper in the chain."""


class WrongGenesis(CallerMistake):
    """The database was begun from another anchor: use another data directory."""


class BadHeadersFile(CallerMistake):
    """A headers file, or what was said about it (network, heights), that cannot be used; the message says what does not fit."""


class UnknownEpochStart(CallerMistake):
    """The time of the first block of the anchor's epoch is in no place we can look: it must be given."""


class WrongCredentials(CallerMistake):
    """The full node does not accept our cookie, user or password."""


class WrongNetwork(CallerMistake):
    """The full node follows another network than asked for."""


class SourceUnavailable(TryAgain):
    """The full node cannot be reached, is starting or busy: ask again later."""


class SourceRefused(NeverAgain):
    """The full node answered that it cannot do what was asked (pruned block, method unknown), and asking again changes nothing."""

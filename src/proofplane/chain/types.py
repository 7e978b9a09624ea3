"""The stages of an import as types, and how long each step took."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from proofplane.chain.errors import PartsOfDifferentBlocks
from proofplane.crypto.xmss import Span
from proofplane.lean.proof import ProofVerified
from proofplane.lean.ssz import State
from proofplane.lean.types import Checkpoint, Registry, Root, SignedBlock, Slot


@dataclass(frozen=True, slots=True)
class GuardedBlock:
    """A received block that passed the cheap guards: new, its parent imported, no duplicate data, no absurd slot."""

    signed: SignedBlock
    registry: Registry
    """The parent state's."""
    parent_state: State | None
    """Shared with everybody: to be read, never changed. None if it is not in memory: making it again waits until the signatures hold."""


@dataclass(frozen=True, slots=True)
class SignaturesVerified:
    """What task A hands over: a witness that the block's proof holds."""

    root: Root
    witness: ProofVerified | None
    """None if the block is trusted and nothing was checked."""


@dataclass(frozen=True, slots=True)
class PostState:
    """What task B hands over: the state after the block, whose root is the block's `state_root`."""

    root: Root
    state: State


@dataclass(frozen=True, slots=True)
class ImportableBlock:
    """Both tasks succeeded on this block; only the writer can refuse it now, if the store has changed meanwhile."""

    guarded: GuardedBlock
    signatures: SignaturesVerified
    post: PostState

    def __post_init__(self) -> None:
        """Raises `PartsOfDifferentBlocks` unless all three are about one block."""
        root = self.guarded.signed.block.root
        if not root == self.signatures.root == self.post.root:
            raise PartsOfDifferentBlocks(
                f"block {root.hex()} came with the signatures of {self.signatures.root.hex()} and the state after {self.post.root.hex()}"
            )


@dataclass(frozen=True, slots=True)
class ImportedBlock:
    """A block that is durable and in the store, and what the store said right after: an item of the commit stream."""

    slot: Slot
    root: Root
    parent_root: Root
    head: Root
    head_slot: Slot
    latest_justified: Checkpoint
    latest_finalized: Checkpoint


class Outcome(Enum):
    """How an accepted delivery ended."""

    IMPORTED = "imported"
    ALREADY_KNOWN = "already known"
    """The block is in the store: nothing was done, whatever proof came with it."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The answer to a delivery that was not refused."""

    outcome: Outcome
    root: Root


class Step(Enum):
    """The steps of an import, in their order."""

    DECODE = "decode"
    GUARDS = "guards"
    SIGNATURES = "signatures"
    TRANSITION = "transition"
    BARRIER = "barrier"
    """From the end of the faster task to that of the slower."""
    FORK_CHOICE = "fork choice"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True)
class StepTimings:
    """When each step ran: nanoseconds of `time.perf_counter_ns`. A step that did not run is absent."""

    steps: dict[Step, Span]
    verifiers: tuple[Span, ...]
    """What each verifying thread did within SIGNATURES; `Span.thread` numbers them from 0."""
    signatures: int
    """How many signatures the proof holds; 0 if it was not read."""
    attestations: int
    slots: int
    """Slots that the transition passed."""

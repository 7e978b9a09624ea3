"""The two tasks of an import, and what a task's end says about the block.

Task A, `check_signatures`, is given a signed block and a registry, both immutable values: it has no way to a state, to the store or to
the storage. Task B, `apply_transition`, is given a block and the parent's state, of which the transition makes a new view and leaves the
argument as it was. So they share nothing that either could change.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Generic, TypeVar

from proofplane.base.errors import ProofplaneError
from proofplane.chain.timings import LOOP_THREAD
from proofplane.chain.types import GuardedBlock, PostState, SignaturesVerified
from proofplane.crypto.xmss import Span
from proofplane.lean.errors import Rejected
from proofplane.lean.proof import ProofBackend, verify_block
from proofplane.lean.ssz import State
from proofplane.lean.transition import TransitionStopped, transition
from proofplane.lean.types import Block, Registry, Root, SignedBlock

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Passed(Generic[T]):
    """The task succeeded."""

    value: T


@dataclass(frozen=True, slots=True)
class Failed:
    """The task found the block invalid."""

    refusal: Rejected


@dataclass(frozen=True, slots=True)
class Unknown:
    """The task says nothing about the block: it was stopped, never ran, never answered, or failed by itself."""

    why: str
    cause: BaseException | None = None


class Task(Generic[T]):
    """One task of one import, which runs at most once, on whatever thread."""

    def __init__(self, name: str, work: Callable[[], T], stop: threading.Event, *, stops_others: bool) -> None:
        """`stop` keeps it from beginning; one that does not pass sets `stop` if it `stops_others`."""
        self.name = name
        self._work = work
        self._stop = stop
        self._stops_others = stops_others
        self._end: Passed[T] | Failed | Unknown | None = None
        self.span: Span | None = None
        """When it ran; None until it has ended, or if it never began."""

    def run(self) -> None:
        """Does the work and notes how it ended; raises only what ends the program."""
        if self._stop.is_set():
            self._end = Unknown("stopped before it began")
            return
        start = perf_counter_ns()
        try:
            self._end = Passed(self._work())
        except Rejected as refusal:
            self._end = Failed(refusal)
        except TransitionStopped as stopped:
            self._end = Unknown("stopped", stopped)
        except (KeyboardInterrupt, SystemExit):
            self._stop.set()
            raise
        except BaseException as error:  # a panic of the extension is no Exception
            if not isinstance(error, MemoryError | ProofplaneError):
                _log.error("the task %s failed by itself", self.name, exc_info=error)
            self._end = Unknown(f"failed: {type(error).__name__}: {error}", error)
        self.span = Span(LOOP_THREAD, start, perf_counter_ns())
        if self._stops_others and not isinstance(self._end, Passed):
            self._stop.set()

    def end(self) -> Passed[T] | Failed | Unknown:
        """How it ended; `Unknown` if it has not."""
        return self._end or Unknown("its thread ended without an answer, or gave none in time")


def check_signatures(signed: SignedBlock, registry: Registry, backend: ProofBackend, threads: int) -> SignaturesVerified:
    """Task A: the proof stands for the proposer and every voter; raises `Rejected`. Source: leanSpec, `verify_signatures`."""
    return SignaturesVerified(signed.block.root, verify_block(signed, registry, backend, threads))


def apply_transition(block: Block, parent_state: State, stop: Callable[[], bool]) -> PostState:
    """Task B: the state after the block; raises `Rejected`, or `TransitionStopped` once `stop()` is true. `parent_state` stays as it is."""
    return PostState(block.root, transition(parent_state, block, stop))


def signatures_task(guarded: GuardedBlock, backend: ProofBackend, threads: int, stop: threading.Event) -> Task[SignaturesVerified]:
    """Task A of a block; its failure stops B, whose result nobody will want."""
    signed, registry = guarded.signed, guarded.registry
    return Task("signatures", lambda: check_signatures(signed, registry, backend, threads), stop, stops_others=True)


def transition_task(guarded: GuardedBlock, replayed: Callable[[Root], State], stop: threading.Event) -> Task[PostState]:
    """Task B of a block; its failure stops nobody, for A's reason would win. `replayed` gives the state of a parent that is not at hand."""
    block, at_hand = guarded.signed.block, guarded.parent_state

    def work() -> PostState:
        return apply_transition(block, replayed(block.parent_root) if at_hand is None else at_hand, stop.is_set)

    return Task("transition", work, stop, stops_others=False)

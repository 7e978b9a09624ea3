"""The decision of one scheduling pass: what to hand over next, what to park, what to pull in; no effects but on the queue.

Rules:

1. While capacity lasts, the lowest ready id is taken.
2. Stored or in flight: dropped. A prerequisite that is not stored: parked under it. Neither uses capacity.
3. A missing prerequisite that is neither queued nor in flight is pulled in, so one request walks back a whole gap in one pass.
4. If the prover pipelines, a prerequisite chosen in this pass counts as stored, and choosing it wakes what is parked under it.

Invariants: a job is chosen after its prerequisites; without pipelining each id is taken at most once a pass; every taken id is chosen,
dropped, or back in the queue (rule 3 of the queue permitting) exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from proofplane.base.errors import Broken
from proofplane.proving.queue import WorkQueue
from proofplane.proving.types import AnyProofId, Planned, ProofKey


class View(Protocol):
    """What a pass needs to know of jobs, proofs and the chain; `prerequisites` may raise for one id."""

    def prerequisites(self, proof_id: AnyProofId) -> tuple[AnyProofId, ...]:
        """As `Chain.prerequisites`."""

    def stored(self, key: ProofKey) -> bool:
        """Whether the proof is stored."""

    def in_flight(self, key: ProofKey) -> bool:
        """Whether a job for it is at the prover, or may be."""

    def unqueued(self, proof_id: AnyProofId) -> Pull | None:
        """The attempt to queue for a proof that is not held, in flight or stored; None if that needs an operator."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A prerequisite to be queued."""

    planned: Planned
    fresh: bool
    """Whether it has no row yet."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A job to hand over, with the prerequisites that make it possible, in the program's order."""

    planned: Planned
    prerequisites: tuple[ProofKey, ...]


@dataclass(slots=True)
class Pass:
    """What a pass decided."""

    chosen: list[Chosen] = field(default_factory=list)
    """In the order in which they are to be handed over."""
    pulled: list[Planned] = field(default_factory=list)
    """Queued by this pass, to be written as PLANNED before anything is handed over."""
    unready: list[tuple[Planned, Exception]] = field(default_factory=list)
    """The chain could not say what these need."""
    taken: list[ProofKey] = field(default_factory=list)
    """Everything looked at, in order."""


def schedule(queue: WorkQueue, capacity: int, view: View, pipelines: bool) -> Pass:
    """One pass over `queue` for at most `capacity` jobs; see the rules at the top of the file."""
    result = Pass()
    ahead: set[ProofKey] = set()
    seen: set[ProofKey] = set()
    while len(result.chosen) < capacity and (planned := queue.take()) is not None:
        key = planned.key
        result.taken.append(key)
        seen.add(key)
        if view.in_flight(key) or view.stored(key):
            continue
        try:
            needed = view.prerequisites(planned.proof_id)
        except Broken:
            raise
        except Exception as error:  # one id's trouble is not the others'
            result.unready.append((planned, error))
            continue
        keys = tuple(ProofKey(one.key()) for one in needed)
        missing = [(one, its) for one, its in zip(needed, keys, strict=True) if its not in ahead and not view.stored(its)]
        if missing:
            queue.park(planned, missing[0][1])
            for one, its in missing:
                if its not in seen:  # looked at in this pass: chosen, or put aside
                    _pull_in(one, its, queue, view, result)
            continue
        result.chosen.append(Chosen(planned, keys))
        if pipelines:
            ahead.add(key)
            queue.wake(key)
    return result


def _pull_in(proof_id: AnyProofId, key: ProofKey, queue: WorkQueue, view: View, result: Pass) -> None:
    if queue.holds(key) or view.in_flight(key):
        return
    pull = view.unqueued(proof_id)
    if pull is None:
        return
    queue.add(pull.planned)
    if pull.fresh:
        result.pulled.append(pull.planned)

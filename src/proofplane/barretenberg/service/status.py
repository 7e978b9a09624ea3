"""How a verifier service stands: gauges of its queues, and counters since its start.

Every request ends in one of the counters of ends, also one that was refused as no proof at all; one that broke the contract, whose answer
is an error of the call, is in none.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """One queue."""

    unanswered: int
    """Requests without an answer, those in progress included."""
    bound: int
    """Beyond so many requests one is refused."""
    waiting: int
    """Different proofs that wait for a core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Since the start."""

    requests: int = 0
    coalesced: int = 0
    """Requests that joined an identical one in flight."""
    verified: int = 0
    refused: int = 0
    no_answer: int = 0
    """Requests answered that nothing is known, for another reason than the three below."""
    queue_full: int = 0
    cancelled: int = 0
    too_late: int = 0
    alone: int = 0
    """Proofs verified singly."""
    batches: int = 0
    batched: int = 0
    """Proofs in those batches."""
    again: int = 0
    """Proofs of batches that broke off, verified singly after it."""
    largest_batch: int = 0
    spawned: int = 0
    """Verifier processes started."""


@dataclass(frozen=True, slots=True)
class Status:
    """Now."""

    cores: int
    """Threads that may verify at a time."""
    busy: int
    """Threads that verify; never more than `cores`."""
    rpc: QueueStatus
    gossip: QueueStatus
    counters: Counters

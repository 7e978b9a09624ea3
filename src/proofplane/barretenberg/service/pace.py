"""How long what waits will take, learned from what was done: the source of every "ask again after"."""

from __future__ import annotations

from proofplane.barretenberg.service.types import Queue

_FIRST = {Queue.RPC: 0.0045, Queue.GOSSIP: 0.022}
"""Core-seconds of a proof before anything was measured: an UltraHonk proof; a Chonk proof in a batch of 16."""

_WEIGHT = 0.1
"""Share of the newest measurement: the last twenty or so count."""

_SHORTEST, _LONGEST = 0.05, 60.0
"""Seconds between which "ask again after" lies: sooner is polling, later is a guess."""


class Pace:
    """Core-seconds of a proof, by queue, as a moving average."""

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._cost = dict(_FIRST)

    def learn(self, queue: Queue, proofs: int, threads: int, seconds: float) -> None:
        """`proofs` (1 or more) took so many threads for so long."""
        cost = seconds * threads / proofs
        self._cost[queue] += _WEIGHT * (cost - self._cost[queue])

    def until_half(self, waiting: dict[Queue, int]) -> float:
        """Seconds until half of what waits is done on all cores: a client that asks then finds room, and the cores are not idle yet."""
        work = sum(self._cost[queue] * count for queue, count in waiting.items())
        return min(max(work / self._cores / 2, _SHORTEST), _LONGEST)

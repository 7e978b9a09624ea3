"""Workers that run the two tasks of an import in an order that is written down beforehand: no thread, no time, the same again every run.

One task can run in the middle of the other: B while A has checked and not yet answered, A between two stages of B.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from itertools import cycle
from random import Random
from typing import Any, TypeVar
from unittest.mock import patch

from proofplane.chain import tasks
from proofplane.chain.errors import WorkersUnavailable
from proofplane.crypto.xmss import TEST
from proofplane.lean.proof import Component, ProofVerified
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.ssz import State
from proofplane.lean.transition import transition
from proofplane.lean.types import Block

T = TypeVar("T")


class Order(Enum):
    """How the tasks of a block run."""

    AT_ONCE = "each to its end as it is submitted"
    A_FIRST = "A, then B"
    B_FIRST = "B, then A"
    B_INSIDE_A = "B while A has its verdict and has not given it"
    A_INSIDE_B = "A between two stages of B"
    NO_A = "nobody takes A"
    NO_B = "nobody takes B"
    NOBODY = "nobody takes either"


@dataclass(frozen=True, slots=True)
class Turn:
    """The fate of one block's tasks."""

    order: Order
    stage: int
    """Before which stage of B A runs, if inside."""
    wait: int
    """Turns of the event loop before the first task, and between the two."""


def schedule(number: int) -> list[Turn]:
    """Eleven turns, which are used over and over."""
    random = Random(number)
    return [Turn(random.choice(list(Order)), random.randrange(3), random.choice([0, 0, 1, 3, 9])) for _ in range(11)]


class HookedBackend(SignatureList):
    """The real backend; calls what is to run before it gives its answer."""

    def __init__(self) -> None:
        super().__init__(TEST)
        self.before_answer: Callable[[], None] | None = None

    def verify_multi(self, components: Sequence[Component], proof: bytes, threads: int) -> ProofVerified:
        try:
            return super().verify_multi(components, proof, threads)
        finally:
            if self.before_answer is not None:
                self.before_answer()


class _Job:
    """A submitted task."""

    def __init__(self, task: Callable[[], Any]) -> None:
        self._task, self._begun, self.future = task, False, Future[Any]()

    def run(self) -> None:
        """Runs it, unless it was run."""
        if not self._begun:
            self._begun = True
            self.future.set_result(self._task())


@dataclass
class _Pair:
    turn: Turn
    a: _Job | None = None
    b: _Job | None = None


class ScheduledWorkers:
    """Implements `ports.Workers` on the event loop."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.backend = HookedBackend()
        self._turns = cycle(turns)
        self._open: _Pair | None = None
        """A block whose A was submitted in this turn of the loop: its B comes next, before anything else."""
        self._before_stage: tuple[int, Callable[[], None]] | None = None

    def submit(self, name: str, task: Callable[[], T]) -> Future[T]:
        if name == "transition" and self._open is not None:
            pair, self._open = self._open, None
        else:
            pair = _Pair(next(self._turns))
            self._open = pair if name == "signatures" else None
            self._later(pair.turn.wait + 1, lambda: self._begin(pair))
        refused = {Order.NO_A: "signatures", Order.NO_B: "transition", Order.NOBODY: name}.get(pair.turn.order)
        if refused == name:
            raise WorkersUnavailable("so it is written")
        job = _Job(task)
        if name == "transition":
            pair.b = job
        else:
            pair.a = job
        if pair.turn.order is Order.AT_ONCE:
            job.run()
        return job.future

    @contextmanager
    def stages_watched(self) -> Iterator[None]:
        """While it is open, the transition can be held between its stages."""

        def watched(state: State, block: Block, stop: Callable[[], bool]) -> State:
            if self._before_stage is None:
                return transition(state, block, stop)
            (stage, act), passed = self._before_stage, 0

            def asked() -> bool:
                nonlocal passed
                if passed == stage:
                    act()
                passed += 1
                return stop()

            return transition(state, block, asked)

        with patch.object(tasks, "transition", watched):
            yield

    def _begin(self, pair: _Pair) -> None:
        if self._open is pair:
            self._open = None
        a, b = pair.a, pair.b
        if a is not None and b is not None and pair.turn.order is Order.B_INSIDE_A:
            self.backend.before_answer = b.run
            a.run()
            self.backend.before_answer = None
        if a is not None and b is not None and pair.turn.order is Order.A_INSIDE_B:
            self._before_stage = (pair.turn.stage, a.run)
            b.run()
            self._before_stage = None
        first, second = (b, a) if pair.turn.order is Order.B_FIRST else (a, b)
        if first is not None:
            first.run()
        if second is not None:
            self._later(pair.turn.wait, second.run)

    def _later(self, turns: int, act: Callable[[], None]) -> None:
        if turns == 0:
            act()
        else:
            asyncio.get_running_loop().call_soon(self._later, turns - 1, act)

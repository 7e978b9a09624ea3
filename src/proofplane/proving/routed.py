"""Several prover backends as one: each job goes to the one for the kind of its predicate.

Rules:

1. A remote id is the id that the job's backend gave, behind one byte that says which backend that is.
2. A call goes to each backend that it concerns; one that cannot be reached answers for its own jobs only. `Broken` ends the whole call.
3. A job cannot name another job as its prerequisite, since that may be another backend's.

Invariant: a completion of any backend is passed on, as long as this one is open and `start` was called once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from proofplane.base.errors import Broken
from proofplane.base.receipt import Receipt
from proofplane.proving.answers import one_each
from proofplane.proving.errors import NotReady
from proofplane.proving.ports import ProverBackend
from proofplane.proving.types import Failed, FailureReason, RemoteId, RemoteStatus, Submission
from proofplane.service.subscriptions import Subscribers, Subscription

Q = TypeVar("Q")
A = TypeVar("A")


class RoutedProver:
    """Implements `ports.ProverBackend` over others, which it owns: closing it closes them."""

    pipelines = False

    def __init__(self, name: str, default: ProverBackend, by_kind: Mapping[int, ProverBackend]) -> None:
        """Jobs whose predicate has a kind in `by_kind` go there, all others to `default`."""
        self.name = name
        self._backends = (default, *by_kind.values())
        self._place = {kind: place for place, kind in enumerate(by_kind, 1)}
        self._subscribers: Subscribers[RemoteId] = Subscribers()
        self._completions = self._subscribers.subscribe()
        self._forwarding: list[asyncio.Task[None]] = []

    @property
    def remembers(self) -> bool:
        """Whether all of them do."""
        return all(backend.remembers for backend in self._backends)

    @property
    def completions(self) -> Subscription[RemoteId]:
        """The ids of jobs that have ended; ends with `close`."""
        return self._completions

    async def start(self, jobs: Sequence[Submission]) -> Sequence[RemoteId | Exception]:
        """Accepts jobs; see the port and, for what stands in the place of others, the backends."""
        if not self._forwarding:
            self._forwarding = [
                asyncio.create_task(self._forward(place), name=f"{self.name}: hints") for place in range(len(self._backends))
            ]
        places = [self._place.get(job.predicate.kind, 0) for job in jobs]
        answers = await self._ask(places, jobs, lambda backend: backend.start)
        return [_marked(place, answer) for place, answer in zip(places, answers, strict=True)]

    async def status(self, ids: Sequence[RemoteId]) -> Sequence[RemoteStatus | Exception]:
        """How the jobs stand."""
        lost = Failed(FailureReason.LOST, "no backend has such jobs")
        return await self._ask_by_id(ids, lambda backend: backend.status, lambda: lost)

    async def fetch(self, ids: Sequence[RemoteId]) -> Sequence[Receipt | Exception]:
        """The receipts."""
        return await self._ask_by_id(ids, lambda backend: backend.fetch, lambda: NotReady("no backend has such jobs"))

    async def close(self) -> None:
        """Closes them all; a second call does nothing.

        Raises:
            ExceptionGroup: What backends raised; the others are closed all the same.
        """
        ended = await asyncio.gather(*[backend.close() for backend in self._backends], return_exceptions=True)
        errors = [error for error in ended if error is not None]
        if errors:  # a backend in trouble may never end its completions
            for forwarding in self._forwarding:
                forwarding.cancel()
        await asyncio.gather(*self._forwarding, return_exceptions=True)
        self._subscribers.close()
        if errors:
            raise BaseExceptionGroup(f"backends of {self.name} could not be closed properly", errors)

    async def _ask_by_id(
        self,
        ids: Sequence[RemoteId],
        call: Callable[[ProverBackend], Callable[[Sequence[RemoteId]], Awaitable[Sequence[A | Exception]]]],
        unknown: Callable[[], A | Exception],
    ) -> list[A | Exception]:
        known = [one for one in ids if self._knows(one)]
        answers = iter(await self._ask([one[0] for one in known], [RemoteId(one[1:]) for one in known], call))
        return [next(answers) if self._knows(one) else unknown() for one in ids]

    def _knows(self, remote_id: RemoteId) -> bool:
        return len(remote_id) > 1 and remote_id[0] < len(self._backends)

    async def _ask(
        self,
        places: Sequence[int],
        questions: Sequence[Q],
        call: Callable[[ProverBackend], Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]]],
    ) -> list[A | Exception]:
        """Asks each backend its own questions; the answers in the order of the questions."""
        answers: dict[int, A | Exception] = {}
        for place in sorted(set(places)):
            mine = [index for index, other in enumerate(places) if other == place]
            try:
                found: Sequence[A | Exception] = await one_each(call(self._backends[place]), [questions[index] for index in mine])
            except Broken:
                raise
            except Exception as error:  # this backend's trouble is not the others'
                found = [error] * len(mine)
            answers.update(zip(mine, found, strict=True))
        return [answers[index] for index in range(len(questions))]

    async def _forward(self, place: int) -> None:
        async for remote_id in self._backends[place].completions:
            self._subscribers.emit(_tagged(place, remote_id))


def _marked(place: int, answer: RemoteId | Exception) -> RemoteId | Exception:
    return answer if isinstance(answer, Exception) else _tagged(place, answer)


def _tagged(place: int, remote_id: RemoteId) -> RemoteId:
    return RemoteId(bytes([place]) + remote_id)

"""Jobs for `proofplane.proving.tasks`: the toy programs as coroutines, and ones that wait for the test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kit.native_programs import KEY, PREDICATE, PROGRAMS
from proofplane.base.errors import NeverAgain, Refused
from proofplane.base.ids import Hash32
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.proving.types import Submission


async def run_toy(submission: Submission) -> Receipt:
    """Runs a toy program on the job's body and receipts, and signs."""
    program = PROGRAMS.get(submission.program_id)
    if program is None or submission.predicate != PREDICATE:
        raise NeverAgain("no such program, or no key for the predicate")
    receipts: Sequence[Receipt] = [one for one in submission.prerequisites if isinstance(one, Receipt)]
    try:
        values = program(submission.body, receipts)
    except ValueError as error:
        raise Refused(str(error)) from None
    return Receipt(KEY.sign(values), values, ProverKind.NATIVE, "tasks", submission.program_id)


class Gate:
    """Jobs that wait until the test lets them end; it sees which have begun."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        """Bodies of the jobs that have begun, in order."""
        self.cancelled: list[bytes] = []
        """Bodies of those that were cancelled."""
        self._changed = asyncio.Event()
        self._ends: dict[bytes, asyncio.Future[Receipt]] = {}

    async def run(self, submission: Submission) -> Receipt:
        """The job."""
        end = self._ends.setdefault(submission.body, asyncio.get_running_loop().create_future())
        self.begun.append(submission.body)
        self._changed.set()
        try:
            return await end
        except asyncio.CancelledError:
            self.cancelled.append(submission.body)
            raise

    def end(self, body: bytes, error: BaseException | None = None) -> None:
        """Lets the job with this body end: with a receipt, or an error."""
        if error is None:
            self._ends[body].set_result(Receipt(b"proof of " + body, body, ProverKind.NATIVE, "gate", Hash32(bytes(32))))
        else:
            self._ends[body].set_exception(error)

    async def until_begun(self, count: int) -> None:
        """Waits until so many jobs have begun in all."""
        while len(self.begun) < count:
            self._changed.clear()
            await self._changed.wait()

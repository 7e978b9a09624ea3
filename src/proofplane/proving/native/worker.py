"""A child process of the native prover: runs programs over serialised inputs, one job after the other, and signs their public values.

The process owns nothing that outlives it.
It ends when its standard input does: the thread that reads it sees the parent close it, in an orderly way or by kill -9,
and ends the process even in the middle of a program (unless that program stays in foreign code that never lets other threads run).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import RawIOBase
from typing import NoReturn, TypeAlias

import proofplane
from proofplane.base.errors import Broken, ProofplaneError, TryAgain
from proofplane.base.ids import Hash32
from proofplane.base.predicate import MalformedPredicate, Predicate
from proofplane.base.receipt import MalformedReceipt, Receipt
from proofplane.proving.native.frames import (
    HEADER_SIZE,
    MAX_PUBLIC_VALUES,
    MAX_REASON,
    Batch,
    Job,
    MalformedFrame,
    Order,
    Outcome,
    PrerequisiteFailed,
    Proved,
    Ready,
    Report,
    Results,
    Unexecutable,
    Unfulfillable,
    Withdrawn,
    decode_order,
    encode,
    length,
    native_receipt,
    prerequisite_failed,
)
from proofplane.proving.native.keyring import Keyring, NoKey

Program: TypeAlias = Callable[[bytes, Sequence[Receipt]], bytes]
"""(body, receipts of the prerequisites in the program's order) -> public values.

Raises to refuse its input; `TryAgain` and `Broken` say nothing about the input: it could not run."""

VERSION = f"proofplane-{proofplane.__version__}"
"""What receipts of this prover carry as their version."""

REPORT_AFTER = 0.05
"""Seconds after which finished jobs are reported though the batch goes on: slow jobs become visible and are not lost with a later crash."""


def serve(programs: Mapping[Hash32, Program], keyring: Keyring) -> NoReturn:
    """Takes over standard input and output and works until the parent ends; programs that print, print to standard error.

    The thread that reads ends the process, so this never returns.
    """
    # The parent orders the shutdown, by ending our input (or kills us): a terminal or a service manager that signals the whole group
    # must not take away the processes with which the parent finishes in order.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    requests, reports = _take_pipes()
    inbox = _Inbox()
    threading.Thread(target=_read_orders, args=(requests, inbox, reports), daemon=True, name="orders").start()
    reports.send(Ready(VERSION))
    while True:
        for report in run_batch(inbox.take(), programs, keyring, time.monotonic):
            reports.send(report)


def run_batch(batch: Batch, programs: Mapping[Hash32, Program], keyring: Keyring, now: Callable[[], float]) -> Iterator[Results]:
    """Runs the jobs in order and yields their outcomes, in order, at the end and whenever `REPORT_AFTER` seconds have gone by."""
    outcomes: list[Outcome] = []
    reported, since = 0, now()
    for job in batch.jobs:
        outcomes.append(_run(job, batch.jobs, outcomes, programs, keyring))
        instant = now()
        if instant - since >= REPORT_AFTER:
            yield Results(batch.number, reported, outcomes[reported:])
            reported, since = len(outcomes), instant
    if reported < len(outcomes):
        yield Results(batch.number, reported, outcomes[reported:])


def _run(job: Job, jobs: Sequence[Job], earlier: Sequence[Outcome], programs: Mapping[Hash32, Program], keyring: Keyring) -> Outcome:
    program = programs.get(Hash32(job.program))
    if program is None:
        return Unexecutable(f"this prover does not have program {job.program.hex()}")
    try:
        key = keyring.key_for(Predicate.decode(job.predicate))
        receipts: list[Receipt] = []
        for prerequisite in job.prerequisites:
            if isinstance(prerequisite, bytes):
                receipts.append(Receipt.decode(prerequisite))
                continue
            outcome = earlier[prerequisite]
            if not isinstance(outcome, Proved):
                return PrerequisiteFailed(_clipped(prerequisite_failed(outcome.reason)))
            receipts.append(native_receipt(Hash32(jobs[prerequisite].program), outcome, VERSION))
    except (NoKey, MalformedPredicate) as error:
        return Unfulfillable(_clipped(str(error)))
    except MalformedReceipt as error:
        return Unexecutable(_clipped(f"a prerequisite is no receipt: {error}"))
    except IndexError:
        raise MalformedFrame(f"job {len(earlier)} of a batch names a prerequisite that does not stand before it") from None
    try:
        public_values = program(job.body, receipts)
    except (TryAgain, Broken) as error:  # something that the program relies on: says nothing about the input
        return Unfulfillable(_clipped(f"the program could not run: {error}"))
    except ProofplaneError as error:
        return Unexecutable(_clipped(str(error)))
    except Exception as error:  # a program's crash is an answer about its job; the process goes on to the next
        return Unexecutable(_clipped(f"the program crashed: {type(error).__name__}: {error}"))
    if len(public_values) > MAX_PUBLIC_VALUES:
        return Unexecutable(f"the program returned {len(public_values)} bytes of public values, the limit is {MAX_PUBLIC_VALUES}")
    return Proved(public_values, key.sign(public_values))


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 3] + "..."


class _Inbox:
    """Batches that are not begun; the reading thread puts and withdraws, the main thread takes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._batches: deque[Batch] = deque()

    def put(self, batch: Batch) -> None:
        with self._changed:
            self._batches.append(batch)
            self._changed.notify()

    def withdraw(self, number: int) -> bool:
        """Returns whether the batch was there, and so is never begun."""
        with self._changed:
            found = next((batch for batch in self._batches if batch.number == number), None)
            if found is not None:
                self._batches.remove(found)
            return found is not None

    def take(self) -> Batch:
        """Waits for a batch; taking it is beginning it."""
        with self._changed:
            while not self._batches:
                self._changed.wait()
            return self._batches.popleft()


class _Reports:
    """The pipe to the parent; both threads send, a frame at a time."""

    def __init__(self, pipe: RawIOBase) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, report: Report) -> None:
        """Ends the process if the parent is gone."""
        rest = memoryview(encode(report))
        try:
            with self._lock:
                while rest:
                    rest = rest[self._pipe.write(rest) or 0 :]
        except BrokenPipeError:
            os._exit(0)


def _read_orders(requests: RawIOBase, inbox: _Inbox, reports: _Reports) -> NoReturn:
    """Sorts the parent's orders until the input ends, then ends the process without ado, whatever the main thread does."""
    code = 0
    try:
        while (order := _read_order(requests)) is not None:
            if isinstance(order, Batch):
                inbox.put(order)
            elif inbox.withdraw(order.number):
                reports.send(Withdrawn(order.number))
    except MalformedFrame as error:
        print(error, file=sys.stderr, flush=True)
        code = 1
    finally:
        os._exit(code)


def _read_order(requests: RawIOBase) -> Order | None:
    """Returns the next order, or None at the end of the input, which after a kill of the parent may lie inside a frame."""
    header = _read_exactly(requests, HEADER_SIZE)
    payload = None if header is None else _read_exactly(requests, length(header))
    return None if payload is None else decode_order(payload)


def _read_exactly(requests: RawIOBase, size: int) -> bytearray | None:
    """Reads without a buffer of its own: a buffered reader that a thread waits in cannot be taken down."""
    content = bytearray(size)
    rest = memoryview(content)
    while rest:
        count = requests.readinto(rest)
        if not count:
            return None
        rest = rest[count:]
    return content


def _take_pipes() -> tuple[RawIOBase, _Reports]:
    """Moves the pipes out of the reach of programs: descriptor 0 becomes empty, descriptor 1 becomes standard error."""
    sys.stdout.flush()
    requests, reports = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb", buffering=0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return requests, _Reports(reports)

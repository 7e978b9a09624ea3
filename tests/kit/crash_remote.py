"""A remote prover that lives in a folder: what it has accepted stays when the node that handed it over is killed."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

from kit.crash_chain import KEYS, predicate
from proofplane.anchor.programs import RECURSIVE_PROGRAM_ID, STEP_PROGRAM_ID, run_recursive, run_step
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.proving.errors import NotReady
from proofplane.proving.native.worker import VERSION
from proofplane.proving.types import Failed, FailureReason, JobKey, RemoteId, RemotePhase, RemoteStatus, Submission
from proofplane.service.subscriptions import Subscribers, Subscription

_PROGRAMS = {STEP_PROGRAM_ID: run_step, RECURSIVE_PROGRAM_ID: run_recursive}
_SIGNERS = {predicate(name): key for name, key in KEYS.items()}

_CLOSED = "closed"


class FolderProver:
    """Implements `proofplane.proving.ports.ProverBackend`; a file for each job, named by its key, which is the remote id as well.

    It proves when it is asked for the receipt, and nothing while the folder is closed (`close_folder`). It gives no hints.
    """

    name = "folder"
    pipelines = False
    remembers = True

    def __init__(self, folder: Path, note: Callable[[Sequence[Submission]], None]) -> None:
        """`note` is told what was handed over."""
        self._folder = folder
        self._note = note
        self._hints: Subscribers[RemoteId] = Subscribers()
        self.completions: Subscription[RemoteId] = self._hints.subscribe()

    async def start(self, jobs: Sequence[Submission]) -> Sequence[RemoteId | Exception]:
        self._note(jobs)
        for job in jobs:
            file = self._file(job.key)
            if not file.exists():
                file.with_suffix(".new").write_bytes(pickle.dumps(job))
                file.with_suffix(".new").rename(file)
        return [RemoteId(job.key) for job in jobs]

    async def status(self, ids: Sequence[RemoteId]) -> Sequence[RemoteStatus | Exception]:
        return [self._status(one) for one in ids]

    async def fetch(self, ids: Sequence[RemoteId]) -> Sequence[Receipt | Exception]:
        return [NotReady("not proved yet") if is_closed(self._folder) else self._prove(one) for one in ids]

    async def close(self) -> None:
        self._hints.close()

    def _status(self, remote_id: RemoteId) -> RemoteStatus:
        if not self._file(remote_id).exists():
            return Failed(FailureReason.LOST)
        return RemotePhase.IN_PROGRESS if is_closed(self._folder) else RemotePhase.COMPLETED

    def _prove(self, remote_id: RemoteId) -> Receipt:
        job: Submission = pickle.loads(self._file(remote_id).read_bytes())
        receipts = [one for one in job.prerequisites if isinstance(one, Receipt)]
        values = _PROGRAMS[job.program_id](job.body, receipts)
        return Receipt(_SIGNERS[job.predicate].sign(values), values, ProverKind.NATIVE, VERSION, job.program_id)

    def _file(self, name: JobKey | RemoteId) -> Path:
        return self._folder / f"{name.hex()}.job"


def is_closed(folder: Path) -> bool:
    """Whether jobs are accepted and not proved."""
    return (folder / _CLOSED).exists()


def close_folder(folder: Path) -> None:
    """From now on jobs are accepted and not proved."""
    (folder / _CLOSED).touch()


def open_folder(folder: Path) -> None:
    """From now on they are proved."""
    (folder / _CLOSED).unlink()


def jobs_in(folder: Path) -> set[JobKey]:
    """The jobs that were accepted."""
    return {JobKey(bytes.fromhex(file.stem)) for file in folder.glob("*.job")}

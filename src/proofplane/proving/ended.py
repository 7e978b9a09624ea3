"""What a prover inside this process keeps of jobs that have ended: each until it was read, and then a while longer.

Both are bounded, and a job that was dropped is an unknown job, which is a lost one. Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections import OrderedDict

from proofplane.base.receipt import Receipt
from proofplane.proving.errors import NotReady
from proofplane.proving.types import Failed, FailureReason, RemoteId, RemotePhase, RemoteStatus

Result = Receipt | Failed


class EndedJobs:
    """Results by remote id; reading a failure's status or a receipt counts as having read it."""

    def __init__(self, keep_unread: int, keep_read: int) -> None:
        """Takes how many results to keep for whoever did not ask yet, and how many for whoever asks again."""
        self._unread: OrderedDict[RemoteId, Result] = OrderedDict()
        self._read: OrderedDict[RemoteId, Result] = OrderedDict()
        self._keep_unread = keep_unread
        self._keep_read = keep_read

    def __contains__(self, remote_id: RemoteId) -> bool:
        return remote_id in self._unread or remote_id in self._read

    def put(self, remote_id: RemoteId, result: Result) -> None:
        """Adds a job that has ended; the oldest unread one goes if there are too many."""
        self._unread[remote_id] = result
        if len(self._unread) > self._keep_unread:
            self._unread.popitem(last=False)

    def peek(self, remote_id: RemoteId) -> Result | None:
        """The result, without counting as read; None if there is none (any more)."""
        return self._unread.get(remote_id) or self._read.get(remote_id)

    def status(self, remote_id: RemoteId) -> RemoteStatus:
        """How an ended job stands; one that is not here is lost."""
        result = self.peek(remote_id)
        if isinstance(result, Receipt):
            return RemotePhase.COMPLETED
        self._mark_read(remote_id)
        return result or Failed(FailureReason.LOST, "this prover does not know the job (any more)")

    def receipt(self, remote_id: RemoteId) -> Receipt:
        """The receipt of a completed job; raises `NotReady` for any other."""
        result = self.peek(remote_id)
        if not isinstance(result, Receipt):
            raise NotReady(f"job {remote_id} has no receipt: {self.status(remote_id)!s}")
        self._mark_read(remote_id)
        return result

    def _mark_read(self, remote_id: RemoteId) -> None:
        if remote_id in self._unread:
            self._read[remote_id] = self._unread.pop(remote_id)
            if len(self._read) > self._keep_read:
                self._read.popitem(last=False)

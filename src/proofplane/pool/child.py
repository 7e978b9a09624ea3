"""For services in Python that are pooled: ends this process when the pool's does, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal

from proofplane.base.errors import Broken
from proofplane.pool.guard import VARIABLE

_PR_SET_PDEATHSIG = 1


class NoParentSignal(Broken):
    """The system does not give this process a signal on its parent's death."""


def end_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Asks the system for this signal when the thread that started us ends; to be called first of all, by the main thread.

    Without a pool as parent (started by hand) it does nothing.

    Raises:
        NoParentSignal: The system refused.
    """
    parent = os.environ.pop(VARIABLE, None)  # what this process starts is not the pool's
    if parent is None:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        raise NoParentSignal(f"prctl(PR_SET_PDEATHSIG) failed: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != int(parent.partition("-")[0]):  # it died before we asked
        os.kill(os.getpid(), number)

"""The lock that keeps a data directory to one process."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType

from proofplane.storage.errors import DirectoryInUse, DirectoryUnusable

_NAME = "lock"


class DirectoryLock:
    """Exclusive use of a data directory for as long as the context lasts.

    The kernel drops the lock with the process, however it ends, so no stale lock can remain;
    the file itself stays and holds the last owner's process id, if there was room for it: it is for the message only.
    """

    def __init__(self, directory: Path) -> None:
        """Creates `directory` (mode 0700) if absent and takes the lock.

        Raises:
            DirectoryInUse: Another process holds it.
            DirectoryUnusable: It is no directory, may not be created or written, or its file system cannot lock.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(directory / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DirectoryUnusable(f"data directory {directory} cannot be used: {error.strerror}") from None
        try:
            self._take(directory)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Gives the directory free; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _take(self, directory: Path) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = ""
            with contextlib.suppress(OSError):
                owner = os.pread(self._fd, 20, 0).decode(errors="replace").strip()
            raise DirectoryInUse(f"data directory {directory} is in use by process {owner or 'unknown'}") from None
        except OSError as error:
            raise DirectoryUnusable(f"data directory {directory} cannot be locked: {error.strerror}") from None
        with contextlib.suppress(OSError):  # a full disk: who reads or frees some must get in
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def __enter__(self) -> DirectoryLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

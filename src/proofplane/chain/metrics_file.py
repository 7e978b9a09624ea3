"""The metrics of an import as a file that others scrape: Prometheus text, always whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from proofplane.chain.metrics import LeanMetrics

WRITE_SECONDS = 5.0
"""Between two writes while blocks are imported: nobody scrapes more often."""


class MetricsFile:
    """Writes what a `LeanMetrics` counts to one file, now and then and at the end. After the first time it never fails: see `failure`."""

    def __init__(self, path: Path, metrics: LeanMetrics) -> None:
        """Writes the file for the first time; raises `OSError`."""
        self._path = path
        self._metrics = metrics
        self._due = 0.0
        self.failure: OSError | None = None
        """The first error of a write, after which nothing more is written; None while there was none. Complete after `close`."""
        self._write()

    def refresh(self, now: float) -> None:
        """Writes the file again if `WRITE_SECONDS` have passed since it last did; `now` is of a monotonic clock."""
        if now >= self._due:
            self._due = now + WRITE_SECONDS
            self._try()

    def close(self) -> None:
        """Writes the file once more."""
        self._try()

    def _try(self) -> None:
        if self.failure is None:
            try:
                self._write()
            except OSError as error:
                self.failure = error

    def _write(self) -> None:
        """Through a second file in the same folder, so that no reader sees half of it; a crash may lose the last seconds."""
        if self._path.exists() and not self._path.is_file():
            raise OSError(errno.EINVAL, "it is no regular file, and would be replaced by one")
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            draft.write_text(self._metrics.render())
            draft.rename(self._path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

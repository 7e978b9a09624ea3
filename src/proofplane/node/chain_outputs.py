"""The files that are written beside an import of a chain: its trace and its metrics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from proofplane.chain.errors import BadChainDirectory, OutputLost
from proofplane.chain.metrics import LeanMetrics
from proofplane.chain.metrics_file import MetricsFile
from proofplane.chain.ports import Observer
from proofplane.chain.trace import ChromeTrace
from proofplane.lean.store import Store

T = TypeVar("T")


class ImportOutputs:
    """A context manager that ends the files. A file that fails on the way is for `lost`, never for the import."""

    def __init__(self, trace: Path | None, metrics: Path | None) -> None:
        """Creates the files, of those that have a name; raises `BadChainDirectory` if one cannot be."""
        self._counts = LeanMetrics()
        self._metrics = None if metrics is None else _created("metrics", metrics, lambda path: MetricsFile(path, self._counts))
        self._trace = None if trace is None else _created("trace", trace, ChromeTrace)

    @property
    def observers(self) -> list[Observer]:
        """Who has to be told about the import."""
        return [*([] if self._metrics is None else [self._counts]), *([] if self._trace is None else [self._trace])]

    def begin(self, store: Store) -> None:
        """Takes the store as it is before the first block."""
        self._counts.store_changed(store)

    def refresh(self, now: float) -> None:
        """Writes the metrics again if it is time; `now` in seconds of a monotonic clock."""
        if self._metrics is not None:
            self._metrics.refresh(now)

    def lost(self) -> tuple[OutputLost, ...]:
        """What was not written to its end; complete after the context."""
        files = (("metrics", self._metrics), ("trace", self._trace))
        failures = [(name, file.failure) for name, file in files if file is not None]
        return tuple(
            [
                OutputLost(f"the {name} could not be written to the end: {failure.strerror}; the import itself is done")
                for name, failure in failures
                if failure is not None
            ]
        )

    def __enter__(self) -> ImportOutputs:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in (self._metrics, self._trace):
            if file is not None:
                file.close()


def _created(name: str, path: Path, create: Callable[[Path], T]) -> T:
    try:
        return create(path)
    except OSError as error:
        raise BadChainDirectory(f"the {name} {path} cannot be written: {error.strerror}") from None

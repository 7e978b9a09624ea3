"""A trace of imports in Chrome's trace event format, in which the overlap can be seen: open it in Perfetto or chrome://tracing.

The file is the array form: one complete event ("ph": "X") for each step, times in microseconds since the first, rows named by metadata
events. A file whose end is missing, after a crash, still loads: the format allows the array to stay open.
Source: "Trace Event Format" of the Chromium project.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

from proofplane.chain.types import ImportedBlock, Step, StepTimings
from proofplane.crypto.xmss import Span
from proofplane.lean.errors import Reason
from proofplane.lean.store import Store
from proofplane.lean.types import Root

_PROCESS = 1

_LOOP, _STORAGE, _B, _A, _FIRST_VERIFIER = 1, 2, 3, 4, 5
"""Rows ("threads" of the format), in the order in which they stand. The verifiers come last, right under A: they may be any number."""

_ROWS = {
    Step.DECODE: _LOOP,
    Step.GUARDS: _LOOP,
    Step.SIGNATURES: _A,
    Step.TRANSITION: _B,
    Step.BARRIER: _LOOP,
    Step.FORK_CHOICE: _LOOP,
    Step.COMMIT: _STORAGE,
}


class ChromeTrace:
    """An observer that writes one file; a context manager that closes it. It never fails: see `failure`."""

    def __init__(self, path: Path) -> None:
        """Creates the file at `path`, or empties it; raises `OSError`."""
        self._file = path.open("w", encoding="utf-8")
        self.failure: OSError | None = None
        """The first error of a write, after which nothing more is written; None while there was none. Complete after `close`."""
        self._origin: int | None = None
        self._named: set[int] = set()
        self._put("[")
        self._write({"name": "process_name", "ph": "M", "pid": _PROCESS, "tid": 0, "args": {"name": "block import"}}, first=True)
        for row, name in ((_LOOP, "event loop"), (_STORAGE, "storage"), (_B, "B: transition"), (_A, "A: signatures")):
            self._name(row, name)

    def imported(self, block: ImportedBlock, timings: StepTimings) -> None:
        self._block(timings, {"slot": block.slot, "root": block.root.hex()})

    def rejected(self, root: Root | None, reason: Reason, timings: StepTimings) -> None:
        self._block(timings, {"reason": reason.name} if root is None else {"root": root.hex(), "reason": reason.name})

    def store_changed(self, store: Store) -> None:
        """Time and votes are not drawn."""

    def votes_checked(self, source: str, valid: int, invalid: int) -> None:
        """Votes are not drawn."""

    def close(self) -> None:
        """Ends the array and closes the file; a second call does nothing."""
        if self._file.closed:
            return
        self._put("\n]\n")
        try:
            self._file.close()  # writes what is buffered; closed in any case
        except OSError as error:
            self.failure = self.failure or error

    def __enter__(self) -> ChromeTrace:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _block(self, timings: StepTimings, about: dict[str, object]) -> None:
        for step, span in timings.steps.items():
            self._event(step.value, _ROWS[step], span, about)
        for span in timings.verifiers:
            row = _FIRST_VERIFIER + span.thread
            self._name(row, f"A: verifier {span.thread}")
            self._event(f"verify ({timings.signatures} signatures in all)", row, span, about)

    def _event(self, name: str, row: int, span: Span, about: dict[str, object]) -> None:
        if self._origin is None:
            self._origin = span.start
        start, length = (span.start - self._origin) / 1000, (span.end - span.start) / 1000
        self._write({"name": name, "cat": "import", "ph": "X", "pid": _PROCESS, "tid": row, "ts": start, "dur": length, "args": about})

    def _name(self, row: int, name: str) -> None:
        """Names a row and puts it in its place, once."""
        if row not in self._named:
            self._named.add(row)
            self._write({"name": "thread_name", "ph": "M", "pid": _PROCESS, "tid": row, "args": {"name": name}})
            self._write({"name": "thread_sort_index", "ph": "M", "pid": _PROCESS, "tid": row, "args": {"sort_index": row}})

    def _write(self, event: dict[str, object], *, first: bool = False) -> None:
        self._put(("\n" if first else ",\n") + json.dumps(event))

    def _put(self, text: str) -> None:
        if self.failure is None:
            try:
                self._file.write(text)
            except OSError as error:
                self.failure = error

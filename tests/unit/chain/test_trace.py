"""The Chrome trace: a file that loads, rows with names, steps where and when they were."""

from __future__ import annotations

import errno
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofplane.chain.trace import ChromeTrace
from proofplane.chain.types import Step, StepTimings
from proofplane.crypto.xmss import Span
from proofplane.lean.errors import Reason
from proofplane.lean.types import ZERO_ROOT

START = 5_000_000


def timings() -> StepTimings:
    steps = {
        Step.GUARDS: Span(0, START, START + 10_000),
        Step.SIGNATURES: Span(0, START + 10_000, START + 90_000),
        Step.TRANSITION: Span(0, START + 20_000, START + 60_000),
        Step.COMMIT: Span(0, START + 90_000, START + 95_500),
    }
    verifiers = (Span(0, START + 15_000, START + 80_000), Span(1, START + 16_000, START + 85_000))
    return StepTimings(steps, verifiers, 9, 1, 1)


def events(path: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(path.read_text())
    return loaded


def test_steps_are_complete_events_in_named_rows_in_microseconds(tmp_path: Path) -> None:
    with ChromeTrace(tmp_path / "trace.json") as trace:
        trace.rejected(ZERO_ROOT, Reason.STATE_ROOT_MISMATCH, timings())
    found = events(tmp_path / "trace.json")
    rows = {event["tid"]: event["args"]["name"] for event in found if event["name"] == "thread_name"}
    shown = {(rows[event["tid"]], event["ts"], event["dur"]) for event in found if event["ph"] == "X"}
    assert shown == {
        ("event loop", 0, 10),
        ("A: signatures", 10, 80),
        ("A: verifier 0", 15, 65),
        ("A: verifier 1", 16, 69),
        ("B: transition", 20, 40),
        ("storage", 90, 5.5),
    }
    assert {event["pid"] for event in found} == {1}
    assert all(event["args"]["reason"] == "STATE_ROOT_MISMATCH" for event in found if event["ph"] == "X")


def test_rows_stand_in_the_order_of_the_work_and_are_named_once(tmp_path: Path) -> None:
    with ChromeTrace(tmp_path / "trace.json") as trace:
        trace.rejected(ZERO_ROOT, Reason.STATE_ROOT_MISMATCH, timings())
        trace.rejected(None, Reason.DECODE_ERROR, timings())
    named = [event for event in events(tmp_path / "trace.json") if event["name"] == "thread_name"]
    in_order = [event["args"]["name"] for event in sorted(named, key=lambda event: int(event["tid"]))]
    assert in_order == ["event loop", "storage", "B: transition", "A: signatures", "A: verifier 0", "A: verifier 1"]


def test_no_number_of_verifiers_shares_a_row_with_anything_else(tmp_path: Path) -> None:
    many = replace(timings(), verifiers=tuple([Span(thread, START, START + 1) for thread in range(256)]))
    with ChromeTrace(tmp_path / "trace.json") as trace:
        trace.rejected(ZERO_ROOT, Reason.STATE_ROOT_MISMATCH, many)
    named = [(event["tid"], event["args"]["name"]) for event in events(tmp_path / "trace.json") if event["name"] == "thread_name"]
    assert len({row for row, _ in named}) == len(named) == 256 + 4


class FullDisk(io.StringIO):
    """Fails from the given write on, as a file without room does."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left, self.calls = at, 0

    def write(self, text: str) -> int:
        self.calls += 1
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


@pytest.mark.parametrize("at", [0, 12, 20])
def test_after_its_first_failure_a_trace_writes_nothing_more_and_remembers_it(tmp_path: Path, at: int) -> None:
    trace = ChromeTrace(tmp_path / "trace.json")
    trace._file.close()
    trace._file = full = FullDisk(at)
    for _ in range(5):
        trace.rejected(ZERO_ROOT, Reason.STATE_ROOT_MISMATCH, timings())
    trace.close()
    assert trace.failure is not None
    assert trace.failure.errno == errno.ENOSPC
    assert full.calls == at + 1


def test_what_fails_only_when_the_buffer_is_written_is_remembered_too() -> None:
    trace = ChromeTrace(Path("/dev/full"))
    assert trace.failure is None
    trace.close()
    assert trace.failure is not None
    trace.close()


def test_a_trace_without_blocks_loads_and_closing_twice_is_harmless(tmp_path: Path) -> None:
    trace = ChromeTrace(tmp_path / "trace.json")
    trace.close()
    trace.close()
    assert len(events(tmp_path / "trace.json")) == 9

"""The Chrome trace: a file that loads, rows with names, steps where and when they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    assert in_order == ["event loop", "A: signatures", "A: verifier 0", "A: verifier 1", "B: transition", "storage"]


def test_a_trace_without_blocks_loads_and_closing_twice_is_harmless(tmp_path: Path) -> None:
    trace = ChromeTrace(tmp_path / "trace.json")
    trace.close()
    trace.close()
    assert len(events(tmp_path / "trace.json")) == 9

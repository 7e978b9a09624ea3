"""Rates from samples, and the lines that a display prints when nobody looks at a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from kit.clock import ManualClock, settle
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.cli.display import Display
from proofplane.cli.progress import NodePicture, RateMeter, Rates
from proofplane.node.progress import Progress


def progress(step: int, recursive: int, target: int | None = 100, *, failed: int = 0) -> Progress:
    return Progress(
        blocks=step,
        tip=BlockCommitment(Height(step), BlockId(bytes(31) + b"\xab")),
        target_blocks=target,
        step_proofs=step,
        recursive_proofs=recursive,
        queued=7,
        in_flight=3,
        failed=failed,
    )


def test_one_sample_gives_no_rate() -> None:
    assert RateMeter().update(0.0, progress(50, 40)) == Rates(0.0, 0.0, None)


def test_rates_are_per_second_between_the_first_and_the_last_sample() -> None:
    meter = RateMeter()
    meter.update(0.0, progress(0, 0))

    assert meter.update(2.0, progress(20, 10)) == Rates(blocks=5.0, proofs=15.0, eta=170 / 15.0)


def test_old_samples_leave_the_window() -> None:
    meter = RateMeter()
    meter.update(0.0, progress(0, 0))
    meter.update(10.0, progress(50, 50))

    assert meter.update(20.0, progress(51, 51)).proofs == pytest.approx(2 / 10)


def test_without_a_target_or_without_movement_there_is_no_eta() -> None:
    endless, stuck = RateMeter(), RateMeter()
    endless.update(0.0, progress(0, 0, None))
    stuck.update(0.0, progress(5, 5))

    assert endless.update(1.0, progress(5, 5, None)).eta is None
    assert stuck.update(1.0, progress(5, 5)) == Rates(0.0, 0.0, None)


async def test_without_a_terminal_a_line_comes_at_once_then_every_few_seconds_and_at_the_end() -> None:
    clock, text = ManualClock(), io.StringIO()
    now = progress(0, 0)
    async with Display([NodePicture(lambda: now)], clock, Console(file=text)):
        await settle()
        now = progress(60, 40)
        clock.advance(5.0)
        await settle()
        now = progress(100, 100, failed=2)
        clock.advance(1.0)

    first, second, last = text.getvalue().splitlines()
    assert "blocks 0/100" in first
    assert "ETA -" in first
    assert "step proofs 60/100, recursive 40/100, queue 7, in flight 3, 20 proofs/s, ETA 5s" in second
    assert "recursive 100/100" in last
    assert "2 failed" in last


async def test_a_quiet_display_prints_nothing() -> None:
    clock, text = ManualClock(), io.StringIO()
    async with Display([NodePicture(lambda: progress(1, 1))], clock, Console(file=text), quiet=True):
        clock.advance(60.0)
        await settle()

    assert text.getvalue() == ""


async def test_after_an_error_there_is_no_last_line_that_looks_like_success() -> None:
    clock, text = ManualClock(), io.StringIO()

    async def fail() -> None:
        async with Display([NodePicture(lambda: progress(1, 1))], clock, Console(file=text)):
            await settle()
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await fail()
    assert len(text.getvalue().splitlines()) == 1


async def test_on_a_terminal_the_panel_shows_all_numbers() -> None:
    clock, text = ManualClock(), io.StringIO()
    terminal = Console(file=text, force_terminal=True, width=120, _environ={"TERM": "xterm"})
    async with Display([NodePicture(lambda: progress(1234, 1000, None, failed=1))], clock, terminal):
        await settle()
        clock.advance(0.25)
        await settle()

    shown = text.getvalue()
    for word in ("1,234", "1,000", "7 waiting", "3 in flight", "see proofplane status", "tip 1234"):
        assert word in shown

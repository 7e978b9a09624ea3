"""`proofplane chain import`: what it leaves alone, interrupts, and directories with nothing (new) in them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kit.cli_run import Ended, here
from kit.lean_directories import small
from proofplane.chain.delivery import Delivered, deliver
from proofplane.node import chain_runs


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return small(tmp_path / "chain")


def import_(place: Path, *more: object) -> Ended:
    return here("chain", "import", place, "--quiet", *more)


@pytest.mark.parametrize("kept", [True, False])
def test_an_interrupt_is_answered_with_what_is_kept(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    async def interrupted(*arguments: Any) -> AsyncIterator[Delivered]:
        async for one in deliver(*arguments):
            yield one
            if one.step.path.name == "block_001.ssz":
                signal.raise_signal(signal.SIGINT)
                await asyncio.Event().wait()

    data = ("--data-dir", tmp_path / "data") if kept else ()
    with monkeypatch.context() as patched:
        patched.setattr(chain_runs, "deliver", interrupted)
        done = import_(place, *data)

    assert (done.code, done.out, done.err.count("\n")) == (130, "", 1)
    assert (f"is kept in {tmp_path / 'data'}" in done.err, "nothing is kept" in done.err) == (kept, not kept)
    assert import_(place, *data, "--json").json()["imported"] == (6 if kept else 8)


@pytest.mark.parametrize("option", ["--trace", "--metrics"])
@pytest.mark.parametrize("inside", ["chain", "data", "link"])
def test_nothing_is_written_into_the_chain_that_is_read_or_the_directory_that_keeps_it(
    place: Path, tmp_path: Path, option: str, inside: str
) -> None:
    (tmp_path / "link").symlink_to(place)
    steps = (place / "steps.json").read_bytes()

    import_(place, "--data-dir", tmp_path / "data", option, tmp_path / inside / "steps.json").refused(2, option, "name one outside it")
    assert (place / "steps.json").read_bytes() == steps
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["chain", "chain/data", "chain/../chain"])
def test_a_chain_is_not_kept_inside_the_directory_that_it_is_read_from(place: Path, tmp_path: Path, name: str) -> None:
    before = sorted(place.iterdir())

    import_(place, "--data-dir", tmp_path / name).refused(2, "--data-dir", "name a directory outside it")
    assert sorted(place.iterdir()) == before


@pytest.mark.parametrize(
    ("left", "words"), [(2, "holds no blocks: they must be named block_NNN.ssz"), (0, "must have genesis_state.ssz, ")]
)
def test_a_directory_without_blocks_is_a_mistake(place: Path, left: int, words: str) -> None:
    for file in sorted(place.iterdir(), key=lambda file: file.name not in ("genesis_state.ssz", "anchor_block.ssz"))[left:]:
        file.unlink()

    import_(place).refused(2, words)


def test_a_second_import_has_no_table_of_steps_and_says_that_its_trace_is_empty(place: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    first = import_(place, "--data-dir", tmp_path / "data", "--trace", trace).succeeded()
    for file in place.glob("block_*.ssz"):
        if file.name != "block_000.ssz":
            file.unlink()
    (place / "steps.json").unlink()

    again = import_(place, "--data-dir", tmp_path / "data", "--trace", trace, "--scheme", "test").succeeded()

    assert "mean ms" in first.out
    assert "mean ms" not in again.out
    assert f"{trace} is empty" in again.out
    assert f"{trace} is empty" not in first.out
    assert "chain head --data-dir" in again.out.splitlines()[-1]

"""Settings from flags, and the loop that coroutines run on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proofplane.cli.options import run_async, settings_from
from proofplane.node.config import BadConfig


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROOFPLANE_NODE_CORES", "PROOFPLANE_NODE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_a_flag_that_was_not_given_leaves_the_default() -> None:
    settings = settings_from(None, None, node={"cores": None}, prover={"processes": None})

    assert (settings.node.data_dir, settings.node.cores, settings.prover.processes) == (".proofplane", None, None)


def test_the_data_directory_flag_joins_the_other_node_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFPLANE_NODE_DATA_DIR", "of the environment")

    settings = settings_from(None, Path("of the flag"), node={"cores": 2})

    assert (settings.node.data_dir, settings.node.cores) == ("of the flag", 2)


def test_a_file_that_cannot_be_read_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="absent"):
        settings_from(tmp_path / "absent.toml")


def test_a_coroutine_runs_to_its_result_on_the_fast_loop() -> None:
    async def loop_name() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run_async(loop_name()).startswith("uvloop")


def test_an_error_of_the_coroutine_passes_through() -> None:
    async def fail() -> None:
        raise BadConfig("x")

    with pytest.raises(BadConfig):
        run_async(fail())

"""The mainnet run is killed 200 times at random moments, and still ends with every proof."""

import json
import random
import signal
from pathlib import Path

import pytest

from kit.crash_command import Command, started
from kit.crash_processes import ended, wait_until_gone
from proofplane.cli.exits import OK

KILLS = 200
BLOCKS = 9_999

EARLIEST, LATEST = 0.2, 1.5
"""Seconds after its start between which a process is killed."""

CHILDREN_SECONDS = 10.0
"""Within which the children of a killed process must have ended by themselves; it is a few milliseconds on an idle machine."""

WHOLE_RUN_SECONDS = 600.0
"""Bound on a run that is not killed; it takes some 10 seconds on 2 cores."""


@pytest.mark.slow
@pytest.mark.data
def test_200_random_kills_during_the_mainnet_run(tmp_path: Path, data_dir: Path) -> None:
    headers = data_dir / "bitcoin" / "mainnet-headers-40000-49999.raw"
    words = ("prove", "--network", "mainnet", "--headers", str(headers), "--first-height", "40000", "--quiet")
    chance = random.Random(200)
    kills, rounds = 0, 0
    while kills < KILLS:
        rounds += 1
        place = tmp_path / f"round-{rounds}"
        done = False
        while not done:
            with started(place, *words) as command:
                done = kills == KILLS or ended(command.pid, chance.uniform(EARLIEST, LATEST))
                if not done:
                    kills += 1
                    _kill(command)
                else:
                    assert command.end(WHOLE_RUN_SECONDS) == OK, command.said
        _verify(place)
    assert kills == KILLS


def _kill(command: Command) -> None:
    """Kills the process, not its children."""
    command.send(signal.SIGKILL)
    assert command.end() in (-signal.SIGKILL, OK)  # it may just have ended by itself
    wait_until_gone(command.data_dir, CHILDREN_SECONDS)


def _verify(place: Path) -> None:
    with started(place, "verify-chain", "--json") as command:
        assert command.end(WHOLE_RUN_SECONDS) == OK, command.said
        report = json.loads(command.printed)
    assert (report["blocks"], report["step_proofs"], report["recursive_proofs"]) == (BLOCKS, {"native": BLOCKS}, {"native": BLOCKS})
    assert report["orphan_proofs"] == 0

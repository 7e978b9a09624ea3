"""A node that imports a Lean chain is killed at its durable writes, one after the other, and started again: same store, head and rows."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kit import crash_chain_import
from kit.crash_chain_import import imported
from kit.crash_chain_story import ChainStory, chain_story
from kit.crash_dump import opened
from kit.crash_killer import AFTER, BEFORE, Killer
from kit.crash_processes import PATIENCE
from proofplane.chain.storage import CHAIN_SCHEMA, SqliteChainStorage
from proofplane.lean.store import Store
from proofplane.storage.database import DATABASE_NAME, Database

_SCRIPT = Path(crash_chain_import.__file__)

CHOSEN = {
    "chain.anchor": (1,),
    "chain.block": (6,),  # the fork's
    "chain.tick": (2,),  # an aggregation round
    "chain.vote": (3,),
}
"""Sites, and which of the times that a run passes them are tried by default; every one is by the slow test."""

POINTS = [(site, phase, number) for site, numbers in CHOSEN.items() for phase in (BEFORE, AFTER) for number in numbers]

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Whole:
    """The story and what an uninterrupted run of it leaves."""

    story: ChainStory
    file: Path
    points: dict[tuple[str, str], int]
    rows: Rows


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("chain")
    story = asyncio.run(chain_story())
    story.write(folder / "story")
    killer = Killer(None, BEFORE, 0)
    asyncio.run(imported(folder / "data", story, killer))
    assert loaded(folder / "data") == story.stores[-1]
    return Whole(story, folder / "story", dict(killer.points), rows(folder / "data"))


def rows(data_dir: Path) -> Rows:
    """Every row of the chain's tables, read from a copy."""
    with opened(data_dir) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'chain%'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}")) for name in names}


def loaded(data_dir: Path) -> Store | None:
    database = Database(data_dir / DATABASE_NAME, [CHAIN_SCHEMA])
    try:
        return SqliteChainStorage(database).load()
    finally:
        database.close()


def die(data_dir: Path, whole: Whole, *options: str) -> bool:
    """Runs a node that may die at a commit point; returns whether it did."""
    path = os.pathsep.join(filter(None, (str(_SCRIPT.parent.parent), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, str(_SCRIPT), str(data_dir), str(whole.file), *options]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def finish_and_compare(data_dir: Path, whole: Whole) -> None:
    asyncio.run(imported(data_dir, whole.story, Killer(None, BEFORE, 0)))
    store = loaded(data_dir)
    assert store == whole.story.stores[-1]
    assert list(store.known_payloads) == list(whole.story.stores[-1].known_payloads)
    assert rows(data_dir) == whole.rows


def test_the_story_has_every_kind_of_write_a_fork_and_finality(whole: Whole) -> None:
    assert {site for site, _ in whole.points} == set(CHOSEN)
    last = whole.story.stores[-1]
    assert any(len(children) > 1 for children in last.children.values())
    assert last.latest_finalized.slot > 0
    assert max(len(store.attestation_signatures) for store in whole.story.stores) > 0
    assert last.known_payloads
    assert all(whole.points[site, phase] >= number for site, phase, number in POINTS)


@pytest.mark.parametrize(("where", "phase", "number"), POINTS)
def test_killed_at_a_durable_write_it_ends_as_if_nothing_had_happened(
    tmp_path: Path, whole: Whole, where: str, phase: str, number: int
) -> None:
    assert die(tmp_path, whole, "--site", where, "--phase", phase, "--number", str(number))
    store = loaded(tmp_path)
    if where == "chain.block":
        assert store is not None
        assert len(store.blocks) == number + (phase == AFTER)  # with the anchor
    assert (store is None) == ((where, phase) == ("chain.anchor", BEFORE))
    finish_and_compare(tmp_path, whole)


@pytest.mark.slow
@pytest.mark.parametrize("phase", [BEFORE, AFTER])
def test_killed_at_every_single_durable_write(tmp_path: Path, whole: Whole, phase: str) -> None:
    for site in CHOSEN:
        for number in range(1, whole.points[site, phase] + 1):
            folder = tmp_path / f"{site}-{number}"
            assert die(folder, whole, "--site", site, "--phase", phase, "--number", str(number))
            finish_and_compare(folder, whole)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_again_and_again_on_the_way(tmp_path: Path, whole: Whole, seed: int) -> None:
    chance = random.Random(seed)
    kills = 0
    while die(tmp_path, whole, "--number", str(chance.randint(2, 20))):
        kills += 1
    assert kills >= 5
    finish_and_compare(tmp_path, whole)

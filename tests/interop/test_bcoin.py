"""A real full node as the source: synced, followed, reorganised, killed, away and back."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.bcoin import Bcoin
from kit.cli_chains import rows_of
from kit.cli_run import Running, here, proofplane
from proofplane.anchor.subprotocols.export import export_tag
from proofplane.base.ids import Hash32
from proofplane.bitcoin.sps50 import TEST_MAGIC, tag_script
from proofplane.crypto.hashes import sha256

PATIENCE = 60.0
"""Seconds for two real processes to come to agree; they take a fraction of one."""

LOOK_EVERY = 0.05
"""Seconds between two looks: real processes tell nobody when they are done."""

CONTAINER = 7

ENV = {"PROOFPLANE_BITCOIND_POLL_SECONDS": "0.05"}


@pytest.fixture
def bcoin(tmp_path: Path) -> Iterator[Bcoin]:
    with Bcoin(tmp_path / "bcoin") as node:
        yield node


def arguments(node: Bcoin, data: Path, *more: object) -> tuple[object, ...]:
    return ("prove", "--bitcoind", node.url, "--network", "regtest", "--data-dir", data, "--quiet", *more)


def until(wanted: Callable[[], bool], running: Running) -> None:
    """Waits for a real process to get where it should."""
    deadline = time.monotonic() + PATIENCE
    while not wanted():
        assert running.runs(), running.end()
        assert time.monotonic() < deadline, running.err_so_far()
        time.sleep(LOOK_EVERY)


def status(data: Path) -> dict[str, Any]:
    found = here("status", "--json", "--data-dir", data)
    return found.json() if found.code == 0 else {"tip": None, "last_proven": None}


def proved(running: Running, data: Path, node: Bcoin) -> None:
    """Waits until the node's tip is ours and proved."""
    best = str(node.best())
    until(lambda: status(data)["last_proven"] == best, running)
    assert status(data)["tip"] == best


def entry(number: int) -> Hash32:
    return Hash32(sha256(b"entry %d" % number))


def export(number: int) -> bytes:
    """Output 0 of a coinbase that exports an entry."""
    return tag_script(TEST_MAGIC, export_tag(CONTAINER, entry(number)))


def exported(data: Path) -> list[bytes]:
    with rows_of(data) as rows:
        return [found for (found,) in rows.execute("SELECT entry FROM moho_exports WHERE container = ? ORDER BY position", (CONTAINER,))]


def holds(data: Path, blocks: int) -> None:
    assert here("verify-chain", "--json", "--data-dir", data).json()["blocks"] == blocks


def test_a_chain_is_synced_from_genesis_to_a_height_and_later_to_a_higher_one(bcoin: Bcoin, tmp_path: Path) -> None:
    tip = bcoin.branch(bcoin.generate(101), 3, b"tagged", [export(1), None, export(2)])
    data = tmp_path / "data"

    first = proofplane(*arguments(bcoin, data, "--json", "--until", 102), env=ENV).json()
    assert exported(data) == [entry(1)]
    second = proofplane(*arguments(bcoin, data, "--json", "--until", 104), env=ENV).json()

    assert (first["blocks"], second["blocks"], second["tip"]) == (102, 104, str(tip))
    assert second["mode"] == "full-block"
    assert exported(data) == [entry(1), entry(2)]
    holds(data, 104)


def test_an_anchor_above_genesis_needs_nothing_below_it(bcoin: Bcoin, tmp_path: Path) -> None:
    bcoin.generate(30)

    summary = proofplane(*arguments(bcoin, tmp_path / "data", "--json", "--from-height", 20, "--until", 30), env=ENV).json()

    assert (summary["blocks"], summary["anchor"][:3]) == (10, "20:")
    holds(tmp_path / "data", 10)


def test_live_blocks_and_a_reorg_are_followed_and_export_entries_follow_the_branch(bcoin: Bcoin, tmp_path: Path) -> None:
    data = tmp_path / "data"
    fork = bcoin.generate(5)
    with Running(*arguments(bcoin, data), env=ENV) as running:
        proved(running, data, bcoin)

        abandoned = bcoin.branch(fork, 5, b"branch A", [export(1), None, export(2)])
        assert bcoin.best() == abandoned
        proved(running, data, bcoin)
        assert exported(data) == [entry(1), entry(2)]

        chosen = bcoin.branch(fork, 7, b"branch B", [None, export(3)])
        assert bcoin.best() == chosen
        proved(running, data, bcoin)
        assert exported(data) == [entry(3)]

        bcoin.generate(3)
        proved(running, data, bcoin)
        running.signal(signal.SIGTERM)
        ended = running.end()

    assert ended.code == 0, ended
    holds(data, 15)
    listed = here("proofs", "list", "--json", "--all", "--limit", 1000, "--data-dir", data).json()
    orphans = {row["block"] for row in listed if row["chain"] == "orphan"}
    assert abandoned.block_id.display() in orphans
    canonical = {row["block"] for row in here("proofs", "list", "--json", "--limit", 1000, "--data-dir", data).json()}
    assert chosen.block_id.display() in canonical
    assert not orphans & canonical


def test_a_reorg_while_we_were_down_is_followed_at_the_next_start(bcoin: Bcoin, tmp_path: Path) -> None:
    data = tmp_path / "data"
    fork = bcoin.generate(5)
    bcoin.branch(fork, 4, b"branch A", [export(1)])
    proofplane(*arguments(bcoin, data, "--until", 9), env=ENV).succeeded()
    tip = bcoin.branch(fork, 6, b"branch B", [export(2)])

    summary = proofplane(*arguments(bcoin, data, "--json", "--until", 11), env=ENV).json()

    assert (summary["tip"], summary["reorgs"]) == (str(tip), 1)
    assert exported(data) == [entry(2)]
    holds(data, 11)


def test_a_node_that_is_killed_and_comes_back_is_one_line_away_and_one_line_back(bcoin: Bcoin, tmp_path: Path) -> None:
    data = tmp_path / "data"
    bcoin.generate(10)
    with Running(*arguments(bcoin, data), env=ENV) as running:
        proved(running, data, bcoin)
        bcoin.kill()
        until(lambda: "trying again" in running.err_so_far(), running)

        bcoin.start()  # its chain is genesis again: a node that was restored from nothing
        until(lambda: "is back" in running.err_so_far(), running)
        bcoin.give_all_again()
        bcoin.generate(2)
        proved(running, data, bcoin)
        running.signal(signal.SIGTERM)
        ended = running.end()

    lines = [line for line in ended.err.splitlines() if bcoin.url in line]
    assert len(lines) == 2, ended
    assert "does not answer" in lines[0]
    assert "is back" in lines[1]
    holds(data, 12)


def test_a_node_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    node, data = Bcoin(tmp_path / "bcoin"), tmp_path / "data"
    with Running(*arguments(node, data, "--until", 3, "--json"), env=ENV) as running:
        until(lambda: "trying again" in running.err_so_far(), running)
        with node:
            node.generate(3)
            ended = running.end()

    assert ended.json()["blocks"] == 3
    assert len([line for line in ended.err.splitlines() if node.url in line]) == 2, ended


def test_an_interrupt_while_the_node_is_away_ends_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    node = Bcoin(tmp_path / "bcoin")
    with Running(*arguments(node, tmp_path / "data"), env=ENV) as running:
        until(lambda: "trying again" in running.err_so_far(), running)
        running.signal(signal.SIGINT)
        ended = running.end()

    assert (ended.code, ended.out) == (130, ""), ended
    assert "Traceback" not in ended.err
    assert not (tmp_path / "data").exists()


def test_interrupted_while_following_it_says_what_it_has(bcoin: Bcoin, tmp_path: Path) -> None:
    data = tmp_path / "data"
    bcoin.generate(3)
    with Running(*arguments(bcoin, data, "--json"), env=ENV) as running:
        proved(running, data, bcoin)
        running.signal(signal.SIGINT)
        summary = running.end().json()

    assert (summary["blocks"], summary["recursive_proofs"]) == (3, 3)


def test_wrong_credentials_are_refused_at_once_and_the_right_ones_work(tmp_path: Path) -> None:
    cookie = tmp_path / "cookie"
    data = tmp_path / "data"
    with Bcoin(tmp_path / "bcoin", api_key="secret") as node:
        node.generate(2)
        for wrong in (("--user", "x", "--password", "guess"), ("--user", "x"), ()):
            proofplane(*arguments(node, data, "--until", 2, *wrong), env=ENV).refused(2, node.url, "credentials")
        cookie.write_text("__cookie__:guess\n")
        proofplane(*arguments(node, data, "--until", 2, "--cookie-file", cookie), env=ENV).refused(2, "credentials")
        cookie.write_text("no cookie")
        proofplane(*arguments(node, data, "--until", 2, "--cookie-file", cookie), env=ENV).refused(2, str(cookie))
        assert not data.exists()

        cookie.write_text("__cookie__:secret\n")
        proofplane(*arguments(node, data, "--until", 1, "--cookie-file", cookie), env=ENV).succeeded()
        proofplane(*arguments(node, data, "--until", 2, "--user", "x", "--password", "secret"), env=ENV).succeeded()
    holds(data, 2)


def test_a_node_of_another_network_or_with_another_chain_is_refused(bcoin: Bcoin, tmp_path: Path) -> None:
    data = tmp_path / "data"
    bcoin.generate(3)

    proofplane("prove", "--bitcoind", bcoin.url, "--data-dir", data, "--until", 3, env=ENV).refused(2, "mainnet", bcoin.url)
    assert not data.exists()

    proofplane(*arguments(bcoin, data, "--until", 3, "--from-height", 2), env=ENV).succeeded()
    proofplane(*arguments(bcoin, data, "--until", 3, "--from-height", 1), env=ENV).refused(2, "anchor.height: 2, not 1")
    proofplane(*arguments(bcoin, tmp_path / "high", "--until", 3, "--from-height", 9), env=ENV).refused(2, "9")
    holds(data, 1)


@pytest.mark.parametrize("url", ["", "not a url", "ftp://127.0.0.1:1", "http://"])
def test_an_address_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    proofplane("prove", "--bitcoind", url, "--network", "regtest", "--data-dir", tmp_path / "data").refused(2)

"""The node is killed at its commit points, one after the other, and started again: it ends as if nothing had happened."""

import random
from itertools import count
from pathlib import Path

import pytest

from kit.crash_chain import story
from kit.crash_dump import ANCHOR_TABLES, Reference, check_rules, dump, jobs, stored_proofs
from kit.crash_node import AFTER, BEFORE
from kit.crash_runs import CrashSite, at
from proofplane.base.proof_id import StepId
from proofplane.node.data_dir import TrustRoot
from proofplane.node.verify_chain import verify_chain
from proofplane.proving.types import JobStatus
from proofplane.storage.database import DATABASE_NAME, ReadOnlyDatabase

PHASES = (BEFORE, AFTER)

CHOSEN = {
    "anchor.genesis": (1,),
    "moho.genesis": (1,),
    "anchor.commit": (1, 5, 8, 9, 11),  # a first block, one before a reorg, two commits of reorgs, the last of the switch back
    "moho.commit": (1, 6, 9),
    "proving.plan": (1, 6, 9),
    "proving.submitting": (1, 6, 10),
    "proving.submitted": (1, 6, 10),
    "proving.outcome": (1, 6, 10),
}
"""Sites, and which of the times that a run passes them are tried: those that it passes however its threads take turns."""

POINTS = [(site, phase, number) for site, numbers in CHOSEN.items() for phase in PHASES for number in numbers]

BY_DEFAULT = [*POINTS[::2], *(pytest.param(*point, marks=pytest.mark.slow) for point in POINTS[1::2])]
"""Every second one; the slow run has all of them, and every other time that a site is passed."""


def test_at_least_40_points_are_tried_and_they_are_at_every_site_of_a_run(reference: Reference) -> None:
    assert len(set(POINTS)) >= 40
    assert {(site, phase) for site, phase, _ in POINTS} == set(reference.ran.points)


def test_the_uninterrupted_run_is_verified(reference: Reference) -> None:
    database = ReadOnlyDatabase(reference.data_dir / DATABASE_NAME)
    try:
        report = verify_chain(database, TrustRoot.read(reference.data_dir))
    finally:
        database.close()
    assert (report.blocks, report.step_proofs, report.recursive_proofs, report.orphan_proofs) == (9, {"native": 9}, {"native": 9}, 8)


def test_nothing_of_a_node_is_in_shared_memory_so_a_kill_leaves_nothing_there(reference: Reference) -> None:
    assert reference.ran.shared_memory == []


@pytest.mark.checklist(67)
@pytest.mark.checklist(75)
@pytest.mark.parametrize(("where", "phase", "number"), BY_DEFAULT)
def test_killed_at_a_commit_point_it_ends_as_if_nothing_had_happened(
    site: CrashSite, reference: Reference, where: str, phase: str, number: int
) -> None:
    site.die(*at(where, phase, number))
    _restart_and_compare(site, reference)


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("where", CHOSEN)
def test_killed_at_every_single_commit_point_of_a_site(tmp_path: Path, reference: Reference, where: str, phase: str) -> None:
    for number in count(1):
        folder = tmp_path / str(number)
        folder.mkdir()
        site = CrashSite.new(folder)
        if not site.die_or_run(*at(where, phase, number)):
            break  # a whole run does not pass it that often
        _restart_and_compare(site, reference)
    assert number > max(CHOSEN[where])


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_killed_again_and_again_while_everything_is_under_way_at_once(site: CrashSite, reference: Reference, seed: int) -> None:
    chance = random.Random(seed)
    kills = 0
    while site.die_or_run("--burst", "--number", str(chance.randint(4, 16))):
        check_rules(site)
        kills += 1
    assert kills >= 5
    check_rules(site)
    assert dump(site.data_dir) == reference.rows


@pytest.mark.checklist(33)
@pytest.mark.parametrize("number", [4, *(pytest.param(number, marks=pytest.mark.slow) for number in (1, 8, 11))])
def test_a_crash_before_an_anchor_is_written_makes_the_rerun_byte_identical(site: CrashSite, reference: Reference, number: int) -> None:
    site.die(*at("anchor.commit", BEFORE, number))
    cut = dump(site.data_dir)
    site.run("--burst")
    again = dump(site.data_dir)
    for table in ANCHOR_TABLES:
        assert len(cut[table]) <= len(reference.rows[table])
        assert again[table] == reference.rows[table]
    assert set(cut["anchors"]) < set(again["anchors"]) == set(reference.rows["anchors"])


@pytest.mark.parametrize("phase", [BEFORE, pytest.param(AFTER, marks=pytest.mark.slow)])
@pytest.mark.parametrize("where", ["proving.outcome", "proving.retry"])
def test_killed_while_an_operator_aborts_and_asks_again(
    site: CrashSite, reference: Reference, tmp_path: Path, where: str, phase: str
) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    asked = {StepId.of(story().targets[0]).key()}
    site.die("--remote", str(remote), "--operate", *at(where, phase, 1))
    check_rules(site, asked)
    site.run("--remote", str(remote), "--operate")
    check_rules(site)
    assert dump(site.data_dir) == reference.rows
    assert JobStatus.ABORTED in {line.status for line in jobs(site.data_dir)}


def _restart_and_compare(site: CrashSite, reference: Reference) -> None:
    check_rules(site)
    stored = stored_proofs(site.data_dir)
    before = len(site.handed_over())
    site.run("--burst")
    check_rules(site)
    assert dump(site.data_dir) == reference.rows
    assert not stored & {one.proof_key for one in site.handed_over()[before:]}, "what is proved is not proved again"

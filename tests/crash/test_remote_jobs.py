"""What a prover outside has in hand when the node is killed is neither lost nor asked for twice."""

from pathlib import Path

import pytest

from kit.crash_dump import JobLine, Reference, check_rules, dump, jobs, stored_proofs
from kit.crash_node import AFTER, BEFORE
from kit.crash_remote import close_folder, jobs_in, open_folder
from kit.crash_runs import CrashSite, at
from proofplane.proving.types import JobStatus


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """The folder of a prover that outlives the node; closed: it accepts and does not prove."""
    folder = tmp_path / "remote"
    folder.mkdir()
    close_folder(folder)
    return folder


@pytest.mark.checklist(76)
@pytest.mark.parametrize(
    ("where", "phase", "found_as", "accepted"),
    [
        ("proving.submitting", AFTER, JobStatus.SUBMITTING, False),
        ("proving.submitted", BEFORE, JobStatus.SUBMITTING, True),
        ("proving.submitted", AFTER, JobStatus.SUBMITTED, True),
    ],
    ids=["announced", "accepted without our knowledge", "accepted"],
)
def test_remote_jobs_in_flight_are_resumed_and_not_submitted_again(
    site: CrashSite, reference: Reference, remote: Path, where: str, phase: str, found_as: JobStatus, accepted: bool
) -> None:
    site.die("--burst", "--remote", str(remote), *at(where, phase, 1))
    check_rules(site)
    in_flight = {line.job_key: line for line in jobs(site.data_dir) if line.status in (JobStatus.SUBMITTING, JobStatus.SUBMITTED)}
    assert in_flight
    assert {line.status for line in in_flight.values()} == {found_as}
    assert jobs_in(remote) == (set(in_flight) if accepted else set())
    before = len(site.handed_over())

    open_folder(remote)
    site.run("--burst", "--remote", str(remote))

    check_rules(site)
    assert dump(site.data_dir) == reference.rows
    after = jobs(site.data_dir)
    assert all((line.attempt, line.status) == (1, JobStatus.DONE) for line in after)
    assert jobs_in(remote) == {line.job_key for line in after}
    again = {one.job_key for one in site.handed_over()[before:]} & set(in_flight)
    assert again == (set() if found_as is JobStatus.SUBMITTED else set(in_flight))
    assert {line.job_key: line.submissions for line in after} == {line.job_key: 2 if line.job_key in again else 1 for line in after}


@pytest.mark.checklist(77)
@pytest.mark.parametrize("prover", ["native", "remote"])
def test_a_restart_without_new_blocks_heals_all_pending_proofs(site: CrashSite, reference: Reference, remote: Path, prover: str) -> None:
    options = ("--remote", str(remote)) if prover == "remote" else ()
    site.die("--burst", *options, *at("anchor.commit", AFTER, 11))
    pending = {key for key, _ in reference.rows["newest jobs"]} - stored_proofs(site.data_dir)
    assert pending
    open_folder(remote)
    site.run("--no-blocks", *options)
    check_rules(site)
    healed = set(dump(site.data_dir)["newest jobs"])
    assert {status for _, status in healed} == {"DONE"}
    assert healed <= set(reference.rows["newest jobs"])
    site.run("--burst", *options)  # what a commit holds depends on time: the last blocks may not have been submitted before the kill
    check_rules(site)
    assert dump(site.data_dir) == reference.rows


def test_a_job_that_the_prover_has_lost_meanwhile_is_a_new_attempt(site: CrashSite, reference: Reference, remote: Path) -> None:
    site.die("--burst", "--remote", str(remote), *at("proving.submitted", AFTER, 1))
    lost: dict[bytes, JobLine] = {line.proof_key: line for line in jobs(site.data_dir) if line.status is JobStatus.SUBMITTED}
    for file in remote.glob("*.job"):
        file.unlink()
    open_folder(remote)
    site.run("--burst", "--remote", str(remote))
    check_rules(site)
    assert dump(site.data_dir) == reference.rows
    attempts = {line.proof_key: line.attempt for line in jobs(site.data_dir)}
    assert {key for key, attempt in attempts.items() if attempt > 1} == set(lost) != set()

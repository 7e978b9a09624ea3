"""The doctor: what it finds, in which order, and what stands in the way."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kit import bb_cache, toy_ceremony
from proofplane.barretenberg import doctor
from proofplane.barretenberg.binary import insecure_development_binary
from proofplane.barretenberg.circuit import points_needed
from proofplane.barretenberg.circuits.header_step import step_points
from proofplane.barretenberg.crs import POINTS_FILE
from proofplane.barretenberg.doctor import Diagnosis, diagnose, largest_circuit
from proofplane.barretenberg.known_good import known_good_rollup
from proofplane.barretenberg.points import DEFAULT_POINTS
from proofplane.barretenberg.setup_errors import BinaryMissing, BinaryWrong, CrsMissing, NoAnswer, VerifiesWrongly


def names(diagnosis: Diagnosis) -> list[tuple[str, bool]]:
    return [(finding.name, finding.ok) for finding in diagnosis.findings]


@pytest.mark.parametrize("points", [1, 8, 15, 16, 17, 1_025, 32_767, 32_768, 32_769])
def test_the_largest_circuit_is_the_largest_that_fits(points: int) -> None:
    gates = largest_circuit(points)
    assert points_needed(gates + 1) > points
    assert gates == 0 or points_needed(gates) <= points


def test_on_an_empty_machine_both_are_missing_and_nothing_is_made(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    diagnosis = diagnose({"PROOFPLANE_CACHE": str(cache)})
    assert names(diagnosis) == [("machine", True), ("binary", False), ("proving", False)]
    assert isinstance(diagnosis.verifies, BinaryMissing)
    assert isinstance(diagnosis.proves, BinaryMissing)
    assert not cache.exists()


def test_without_the_points_for_verifying_the_binary_alone_is_in_order(tmp_path: Path) -> None:
    diagnosis = diagnose({**bb_cache.environment(), "PROOFPLANE_CACHE": str(tmp_path)})
    assert names(diagnosis) == [("machine", True), ("binary", True), ("verifying", False), ("proving", False)]
    assert isinstance(diagnosis.verifies, CrsMissing)
    assert "proofplane bb setup --verify-only" in diagnosis.findings[2].text


def test_without_points_for_proving_verifying_works(tmp_path: Path) -> None:
    bb_cache.verification_crs()
    diagnosis = diagnose({**bb_cache.environment(), "CRS_PATH": str(tmp_path)})
    assert not diagnosis.proves_steps
    assert names(diagnosis) == [("machine", True), ("binary", True), ("verifying", True), ("proving", False)]
    assert (diagnosis.verifies, type(diagnosis.proves), diagnosis.largest_circuit) == (None, CrsMissing, 0)


def test_the_header_step_takes_what_setup_brings_by_itself() -> None:
    assert step_points() == 2**15 == DEFAULT_POINTS - 1


@pytest.mark.data
def test_with_everything_there_the_largest_circuit_is_named(data_dir: Path) -> None:
    diagnosis = diagnose(bb_cache.proving_environment(data_dir))
    assert (diagnosis.verifies, diagnosis.proves, diagnosis.largest_circuit) == (None, None, 32_763)
    assert diagnosis.proves_steps
    assert "circuits of up to 32,763 gates: 32,769 points" in diagnosis.findings[-1].text
    assert "all pinned" in diagnosis.findings[-1].text


def test_points_that_begin_well_and_go_on_badly_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_ceremony.install(monkeypatch)
    good = toy_ceremony.points(40)
    (tmp_path / POINTS_FILE).write_bytes(good)
    assert names(diagnose({"CRS_PATH": str(tmp_path), "PROOFPLANE_CACHE": str(tmp_path)}))[-1] == ("proving", True)
    (tmp_path / POINTS_FILE).write_bytes(good[:-64] + good[:64])
    diagnosis = diagnose({"CRS_PATH": str(tmp_path), "PROOFPLANE_CACHE": str(tmp_path)})
    assert names(diagnosis)[-1] == ("proving", False)
    assert "the first 40 points are not the ceremony's" in diagnosis.findings[-1].text


def test_points_that_no_digest_pins_are_vouched_for_only_where_setup_alone_puts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_ceremony.install(monkeypatch)
    ours = tmp_path / "crs" / "ceremony"
    ours.mkdir(parents=True)
    (ours / POINTS_FILE).write_bytes(toy_ceremony.points(41))
    vouched = diagnose({"PROOFPLANE_CACHE": str(tmp_path)}).findings[-1]
    assert vouched.ok
    assert vouched.text.partition("pinned, ")[2].startswith("the others checked when they came")
    foreign = diagnose({"PROOFPLANE_CACHE": str(tmp_path), "CRS_PATH": str(ours)}).findings[-1]
    assert foreign.ok
    assert "40 of them pinned, the others genuine only if `proofplane bb setup` brought them" in foreign.text


@pytest.mark.parametrize(("script", "error"), [("echo 4.0.0", BinaryWrong), ("exit 1", NoAnswer)])
def test_a_binary_that_does_not_run_as_it_should_is_not_asked_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: type[Exception]
) -> None:
    broken = tmp_path / "bb"
    broken.write_text(f"#!/bin/sh\n{script}\n")
    broken.chmod(0o755)
    monkeypatch.setattr(doctor, "find_binary", lambda _environment: insecure_development_binary(broken))
    diagnosis = diagnose({"PROOFPLANE_CACHE": str(tmp_path)})
    assert names(diagnosis)[:2] == [("machine", True), ("binary", False)]
    assert isinstance(diagnosis.verifies, error)


def test_a_proof_that_is_refused_though_it_is_good_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = msgspec.structs.replace(known_good_rollup(), public_inputs=[bytes(32)])
    bb_cache.verification_crs()
    monkeypatch.setattr(doctor, "known_good_rollup", lambda: bad)
    diagnosis = diagnose({**bb_cache.environment(), "CRS_PATH": str(tmp_path)})
    assert isinstance(diagnosis.verifies, VerifiesWrongly)


def test_a_damaged_setup_of_another_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / POINTS_FILE).write_bytes(toy_ceremony.points(40))
    diagnosis = diagnose({"CRS_PATH": str(tmp_path), "PROOFPLANE_CACHE": str(tmp_path)})
    assert "another secret" in diagnosis.findings[-1].text
    assert isinstance(diagnosis.proves, BinaryMissing)

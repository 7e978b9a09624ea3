"""bb as a worker: started on its own points with its own threads, and not at all when points are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit import bb_cache
from proofplane.barretenberg import grumpkin
from proofplane.barretenberg.binary import Binary, insecure_development_binary
from proofplane.barretenberg.crs import POINTS_FILE, Crs
from proofplane.barretenberg.setup_errors import BinaryMissing, BinaryWrong, CrsMissing, CrsWrong
from proofplane.barretenberg.specs import probe, prover_spec, verifier_spec


@pytest.fixture
def binary(tmp_path: Path) -> Binary:
    """A file that is never run here."""
    (tmp_path / "bb").write_bytes(b"bb")
    return insecure_development_binary(tmp_path / "bb")


@pytest.fixture
def crs(tmp_path: Path) -> Crs:
    (tmp_path / POINTS_FILE).write_bytes(bytes(128))
    return Crs(tmp_path, 2, grumpkin=False)


def test_a_process_listens_where_it_is_told_and_reads_its_own_points(binary: Binary, crs: Crs) -> None:
    verifier, prover = verifier_spec(binary, crs), prover_spec(binary, crs, 4)
    assert tuple(verifier.command("/run/a.sock")) == (str(binary.path), "msgpack", "run", "--input", "/run/a.sock")
    assert verifier.environment == {"CRS_PATH": str(crs.directory), "HARDWARE_CONCURRENCY": "1"}
    assert prover.environment == {"CRS_PATH": str(crs.directory), "HARDWARE_CONCURRENCY": "4"}


def test_both_are_probed_and_a_verifier_is_asked_more_before_its_first_proof(binary: Binary, crs: Crs) -> None:
    verifier, prover = verifier_spec(binary, crs), prover_spec(binary, crs, 1)
    assert verifier.probe is prover.probe is prover.greet is probe
    assert verifier.greet is not probe
    for spec in (verifier, prover):
        assert spec.plain
        assert spec.batch


def test_no_process_is_started_on_points_that_are_gone(binary: Binary, crs: Crs) -> None:
    spec = verifier_spec(binary, crs)
    (crs.directory / POINTS_FILE).write_bytes(bytes(127))
    with pytest.raises(CrsMissing, match="smaller than 2 points"):
        spec.command("/run/a.sock")
    (crs.directory / POINTS_FILE).unlink()
    with pytest.raises(CrsMissing, match="proofplane bb doctor"):
        spec.command("/run/a.sock")


def test_no_process_is_started_on_grumpkin_points_that_are_damaged_or_gone(binary: Binary, crs: Crs) -> None:
    grumpkin.copy(bb_cache.verification_crs().directory, crs.directory)
    whole = Crs(crs.directory, 2, grumpkin=True)
    for spec in (verifier_spec(binary, whole), prover_spec(binary, whole, 1)):
        spec.command("/run/a.sock")
    file = crs.directory / grumpkin.FILE_NAME
    file.write_bytes(bytes(64) + file.read_bytes()[64:])
    for damage in (lambda: None, file.unlink):
        damage()
        for spec in (verifier_spec(binary, whole), prover_spec(binary, whole, 1)):
            with pytest.raises(CrsWrong, match="gone or damaged"):
                spec.command("/run/a.sock")
    verifier_spec(binary, crs).command("/run/a.sock")


def test_another_file_in_the_binarys_place_is_not_started(binary: Binary, crs: Crs) -> None:
    spec = verifier_spec(binary, crs)
    spec.command("/run/a.sock")
    binary.path.write_bytes(b"no")
    with pytest.raises(BinaryWrong, match="will not be run"):
        spec.command("/run/a.sock")
    binary.path.unlink()
    with pytest.raises(BinaryMissing, match="is gone"):
        spec.command("/run/a.sock")

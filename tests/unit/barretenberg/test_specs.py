"""bb as a worker: started on its own points with its own threads, and not at all when points are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofplane.barretenberg.binary import Binary
from proofplane.barretenberg.crs import POINTS_FILE, Crs
from proofplane.barretenberg.platforms import this_build
from proofplane.barretenberg.setup_errors import CrsMissing
from proofplane.barretenberg.specs import probe, prover_spec, verifier_spec

BINARY = Binary(Path("/opt/bb"), this_build().sha256, "5.0.0")


@pytest.fixture
def crs(tmp_path: Path) -> Crs:
    (tmp_path / POINTS_FILE).write_bytes(bytes(128))
    return Crs(tmp_path, 2, grumpkin=False)


def test_a_process_listens_where_it_is_told_and_reads_its_own_points(crs: Crs) -> None:
    verifier, prover = verifier_spec(BINARY, crs), prover_spec(BINARY, crs, 4)
    assert tuple(verifier.command("/run/a.sock")) == ("/opt/bb", "msgpack", "run", "--input", "/run/a.sock")
    assert verifier.environment == {"CRS_PATH": str(crs.directory), "HARDWARE_CONCURRENCY": "1"}
    assert prover.environment == {"CRS_PATH": str(crs.directory), "HARDWARE_CONCURRENCY": "4"}


def test_both_are_probed_and_a_verifier_is_asked_more_before_its_first_proof(crs: Crs) -> None:
    verifier, prover = verifier_spec(BINARY, crs), prover_spec(BINARY, crs, 1)
    assert verifier.probe is prover.probe is prover.greet is probe
    assert verifier.greet is not probe


def test_no_process_is_started_on_points_that_are_gone(crs: Crs) -> None:
    spec = verifier_spec(BINARY, crs)
    (crs.directory / POINTS_FILE).write_bytes(bytes(127))
    with pytest.raises(CrsMissing, match="smaller than 2 points"):
        spec.command("/run/a.sock")
    (crs.directory / POINTS_FILE).unlink()
    with pytest.raises(CrsMissing, match="proofplane bb doctor"):
        spec.command("/run/a.sock")

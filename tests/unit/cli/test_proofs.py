"""`proofs`: what people are shown of a long proof, and that every error names its receipt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kit.cli_headers import regtest_headers
from kit.cli_run import here, prove
from proofplane.base.errors import NeverAgain, TryAgain
from proofplane.base.ids import BlockCommitment
from proofplane.cli.commands import proofs
from proofplane.node.inspect import StoredProof, find_proof
from proofplane.storage.database import Rows


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("proved")
    prove(regtest_headers(place / "headers.raw", 2), 0, place / "data", "--network", "regtest", "--processes", 1).succeeded()
    return place / "data"


def _with_proof(proof: bytes) -> Callable[[Rows, str, BlockCommitment], StoredProof]:
    def found(rows: Rows, kind: str, block: BlockCommitment) -> StoredProof:
        one = find_proof(rows, kind, block)
        return replace(one, receipt=replace(one.receipt, proof=proof))

    return found


def test_a_long_proof_is_shortened_for_people_and_whole_in_json(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proof = bytes(range(256)) * 20
    monkeypatch.setattr(proofs, "find_proof", _with_proof(proof))

    shown = here("proofs", "show", "step", 1, "--data-dir", data).succeeded().out
    assert shown.splitlines()[-1].split(maxsplit=1) == ["proof", f"{proof[:32].hex()}… (5,120 bytes)"]
    assert here("proofs", "show", "step", 1, "--data-dir", data, "--json").json()["proof"] == proof.hex()


def test_a_signature_is_shown_whole(data: Path) -> None:
    whole = here("proofs", "show", "step", 1, "--data-dir", data, "--json").json()["proof"]

    assert len(whole) == 128
    assert here("proofs", "show", "step", 1, "--data-dir", data).succeeded().out.splitlines()[-1].split() == ["proof", whole]


@pytest.mark.parametrize(("error", "code"), [(TryAgain("no bb here"), 3), (NeverAgain("other keys"), 4)])
def test_that_a_receipt_could_not_be_checked_names_it(
    error: Exception, code: int, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*asked: object) -> None:
        raise error

    here("proofs", "export", tmp_path, "--data-dir", data).succeeded()
    monkeypatch.setattr(proofs, "verify_exported", unable)
    receipt = next(tmp_path.glob("*-step-*.receipt"))

    here("proofs", "verify", receipt).refused(code, f"{receipt}: {error}")


def test_the_help_names_the_codes_and_the_status_claims_no_running_process(data: Path) -> None:
    for command in (("proofs", "verify"), ("verify-chain",)):
        assert "could not be checked" in " ".join(here(*command, "--help").out.split())
    status = here("status", "--data-dir", data).succeeded().out
    assert ("handed over" in status, "in flight" in status) == (True, False)

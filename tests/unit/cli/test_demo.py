"""The demo's settings: what it cannot honour is refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.cli_run import here


def test_a_backend_that_does_not_prove_the_demos_chain_is_refused_and_not_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFPLANE_PROVER_BACKEND", "barretenberg")

    here("demo", "--blocks", 20, "--data-dir", tmp_path / "data").refused(2, "backend barretenberg", "native")

    assert not (tmp_path / "data").exists()

"""Unit tests of `proofplane.barretenberg.circuits.write_keys`."""

import hashlib
from pathlib import Path

import pytest

from kit.bbjs import binary
from proofplane.barretenberg.circuits.header_step import StepCircuit
from proofplane.barretenberg.circuits.write_keys import main


@pytest.mark.data
@pytest.mark.slow
def test_written_keys_are_the_committed_ones(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bn254_g1.dat").symlink_to(data_dir / "crs" / "bn254_g1.dat")
    monkeypatch.setenv("PROOFPLANE_BB", str(binary("bb")))
    monkeypatch.setenv("CRS_PATH", str(tmp_path))
    keys = tmp_path / "keys"
    keys.mkdir()
    main(keys)
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == {f"{each.name.lower()}.vk": each.key() for each in StepCircuit}
    printed = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert printed == {each.name.lower(): hashlib.sha256(each.key()).hexdigest() for each in StepCircuit}

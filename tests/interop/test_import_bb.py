"""`proofplane codegen import-bb` on the real servers writes the committed contracts, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.bbjs import binary
from kit.cli_run import here
from kit.generated import ROOT


@pytest.mark.parametrize(
    ("program", "options", "committed"),
    [("bb", ("--service", "Barretenberg"), "bb.jsonc"), ("aztec-wsdb", (), "aztec_wsdb.jsonc")],
)
def test_a_real_server_prints_the_committed_contract(program: str, options: tuple[str, ...], committed: str, tmp_path: Path) -> None:
    written = tmp_path / committed
    found = here("codegen", "import-bb", "--binary", binary(program), "--out", written, *options)
    assert found.code == 0, found.err
    assert written.read_bytes() == (ROOT / "schema" / committed).read_bytes()

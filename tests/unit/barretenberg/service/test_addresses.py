"""Where one's own service is, and that another user's is not taken for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proofplane.barretenberg.service.addresses import default_address, default_service
from proofplane.barretenberg.service.errors import NoService


def test_it_is_in_the_runtime_directory_and_asked_if_it_is_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert default_address() == str(tmp_path / "proofplane-verifier.sock")
    with pytest.raises(NoService, match="proofplane verifier serve"):
        default_service()
    Path(default_address()).write_bytes(b"")
    assert default_service() == default_address()
    monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    with pytest.raises(NoService, match="another user's"):
        default_service()

"""A configuration that cannot be used is refused before anything is made."""

from pathlib import Path

import pytest

from kit.cli_run import here
from proofplane.anchor.regtest import RegtestChain


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[prover]\nspeed = 9\n", "speed"),
        ("[turbo]\non = true\n", "turbo"),
        ("[node\n", "bad.toml"),
        ("[anchor]\nupgrade_keys = ['zz']\nupgrade_threshold = 1\n", "upgrade_keys"),
        ("[anchor]\nupgrade_keys = ['aa']\nupgrade_threshold = 1\n", "upgrade_keys"),
        (f"[anchor]\nupgrade_keys = ['{'00' * 32}']\nupgrade_threshold = 1\n", "upgrade_keys"),
        ("[anchor]\nupgrade_keys = ['79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798']\n", "upgrade_threshold"),
    ],
)
def test_a_bad_configuration_names_the_setting(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(text)
    chain = RegtestChain(b"configured")
    (tmp_path / "block.raw").write_bytes(chain.block(chain.mine(chain.genesis)).encode())

    source = ("--network", "regtest", "--block", tmp_path / "block.raw", "--data-dir", tmp_path / "data")
    here("prove", *source, "--config", tmp_path / "bad.toml").refused(2, word)

    assert not (tmp_path / "data").exists()

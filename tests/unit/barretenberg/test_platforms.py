"""The pinned builds: Linux on two processors, nothing else."""

from __future__ import annotations

import json

import pytest

from kit.bbjs import PLACE
from proofplane.barretenberg import platforms
from proofplane.barretenberg.platforms import build_for
from proofplane.barretenberg.setup_errors import UnsupportedPlatform


def test_each_supported_machine_has_a_build_of_its_own() -> None:
    builds = [build_for("linux", machine) for machine in ("x86_64", "aarch64")]
    assert [build.member for build in builds] == ["package/build/amd64-linux/bb", "package/build/arm64-linux/bb"]
    assert builds[0].sha256 != builds[1].sha256


@pytest.mark.parametrize(("system", "machine"), [("darwin", "arm64"), ("darwin", "x86_64"), ("win32", "AMD64"), ("linux", "riscv64")])
def test_other_machines_are_told_which_ones_there_are(system: str, machine: str) -> None:
    with pytest.raises(UnsupportedPlatform, match=rf"Linux only, on x86-64 or arm64.*{system} on {machine}"):
        build_for(system, machine)


def test_the_tests_run_the_version_that_users_get() -> None:
    manifest = json.loads((PLACE / "package.json").read_text())
    pinned = {**manifest.get("dependencies", {}), **manifest.get("devDependencies", {})}
    assert pinned[platforms.PACKAGE] == platforms.PACKAGE_VERSION

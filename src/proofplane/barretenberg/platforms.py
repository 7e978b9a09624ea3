"""Which build of `bb` this version of proofplane works with, byte for byte, on which machines."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from proofplane.barretenberg.setup_errors import UnsupportedPlatform
from proofplane.base.ids import Hash32, hash32

PACKAGE = "@aztec/bb.js"
"""The npm package that carries the builds."""

PACKAGE_VERSION = "5.0.0"
"""Its pinned version; the generated client speaks the schema of exactly this one."""

TARBALL_NAME = "aztec-bb.js-5.0.0.tgz"
"""What `npm pack` calls the package's file."""

TARBALL_SIZE = 51_624_461
"""Bytes."""

TARBALL_SHA256 = hash32(bytes.fromhex("e7153e43d900d67e2ce4c55498bded8f0957a988f83ea4fe99c269b877dcc677"))
"""Digest of the package's file as published."""


@dataclass(frozen=True, slots=True)
class Build:
    """One build of `bb` inside the package."""

    name: str
    """Its folder in the package, as in `amd64-linux`."""
    sha256: Hash32
    size: int
    """Bytes."""
    version: str
    """What it prints when asked for its version."""

    @property
    def member(self) -> str:
        """Its path inside the package's file."""
        return f"package/build/{self.name}/bb"


_BUILDS = {
    "x86_64": Build(
        "amd64-linux",
        hash32(bytes.fromhex("c3a4a1125d99953694ab6a7f09e368db5525c368b372e63c3eb7bda4cc5697d5")),
        38_182_400,
        "5.0.0-nightly.20260710",
    ),
    "aarch64": Build(
        "arm64-linux",
        hash32(bytes.fromhex("fbe47d7697bf3f0891d844eba58c5d1fcb1c85d5024fe0ad50e1bb132237611f")),
        21_525_016,
        "5.0.0",
    ),
}
"""By machine, as the kernel names it; the arm64 version is what that file has compiled in, not seen running."""


def build_for(system: str, machine: str) -> Build:
    """The build for an operating system (as `sys.platform` names it) and a machine; raises `UnsupportedPlatform`."""
    build = _BUILDS.get(machine)
    if system != "linux" or build is None:
        raise UnsupportedPlatform(
            f"bb {PACKAGE_VERSION} is used on Linux only, on x86-64 or arm64, and this is {system} on {machine}: "
            "proofplane has no pinned build for it"
        )
    return build


def this_build() -> Build:
    """The build for this machine; raises `UnsupportedPlatform`."""
    return build_for(sys.platform, platform.machine())

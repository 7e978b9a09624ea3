"""Installing the pinned build: from npm or a file, checked twice, whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from kit import bb_cache
from kit.small_files import largest_file
from proofplane.barretenberg import binary, install
from proofplane.barretenberg.install import unpack
from proofplane.barretenberg.platforms import TARBALL_NAME, Build, this_build
from proofplane.barretenberg.setup_errors import (
    BinaryMissing,
    CacheFull,
    FetchFailed,
    FileUnreadable,
    NpmMissing,
    PackageWrong,
    UnsupportedPlatform,
)
from proofplane.base.ids import hash32

CONTENT = b"#!/bin/sh\nexit 0\n" + bytes(3_000)
BUILD = Build("amd64-linux", hash32(hashlib.sha256(CONTENT).digest()), len(CONTENT), "0.0.0")


def package(path: Path, name: str = BUILD.member, content: bytes = CONTENT, kind: bytes = tarfile.REGTYPE) -> Path:
    """A package of one build and one other file."""
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        for member, data in (("package/build/amd64-linux/nodejs_module.node", b"other"), (name, content)):
            info = tarfile.TarInfo(member)
            info.type = kind if member == name else tarfile.REGTYPE
            info.size = len(data) if info.isreg() else 0
            file.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package that is taken for the pinned one."""
    path = package(tmp_path / "packages" / TARBALL_NAME)
    pin(monkeypatch, path)
    return path


def pin(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(install, "TARBALL_SHA256", hash32(hashlib.sha256(path.read_bytes()).digest()))
    for module in (install, binary):
        monkeypatch.setattr(module, "this_build", lambda: BUILD)


def npm(folder: Path, script: str) -> dict[str, str]:
    """An environment with an npm that runs `script`; `$4` is the folder for the package."""
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    return {"PROOFPLANE_CACHE": str(folder.parent / "cache"), "PATH": f"{folder}:/usr/bin:/bin"}


def files(cache: Path) -> list[str]:
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file())


def test_a_package_in_a_file_is_installed_once_and_then_found(small: Path, tmp_path: Path) -> None:
    environment = {"PROOFPLANE_CACHE": str(tmp_path / "cache")}
    first = install.install(environment, small)
    assert first.fresh
    assert first.binary == binary.find_binary(environment)
    assert first.binary.path.read_bytes() == CONTENT
    assert first.binary.path.stat().st_mode & 0o777 == 0o755
    assert files(tmp_path / "cache") == ["bb/5.0.0/amd64-linux/.lock", "bb/5.0.0/amd64-linux/bb"]
    again = install.install(environment, small)
    assert (again.binary, again.fresh) == (first.binary, False)
    small.unlink()
    with pytest.raises(FileUnreadable, match="cannot be read"):  # though it is not needed
        install.install(environment, small)


def test_a_damaged_binary_in_the_cache_is_replaced(small: Path, tmp_path: Path) -> None:
    environment = {"PROOFPLANE_CACHE": str(tmp_path / "cache")}
    path = install.install(environment, small).binary.path
    path.write_bytes(b"damaged")
    assert install.install(environment, small).fresh
    assert path.read_bytes() == CONTENT


def test_npm_is_asked_for_the_exact_version_and_leaves_nothing_behind(small: Path, tmp_path: Path) -> None:
    environment = npm(tmp_path / "bin", f'echo "$@" > "{tmp_path}/asked"; cp "{small}" "$4"')
    assert install.install(environment).fresh
    asked = (tmp_path / "asked").read_text().split()
    assert asked[:3] == ["pack", "@aztec/bb.js@5.0.0", "--pack-destination"]
    assert {option.partition("=")[0] for option in asked} >= {"--fetch-retries", "--fetch-retry-mintimeout", "--fetch-timeout"}
    assert Path(asked[3]).is_relative_to(tmp_path / "cache")
    assert files(tmp_path / "cache") == ["bb/5.0.0/amd64-linux/.lock", "bb/5.0.0/amd64-linux/bb"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "echo npm error code ENOTFOUND >&2; echo npm error no such host >&2; exit 1",
            r"\(code ENOTFOUND; no such host\): try again, or fetch .* --tarball FILE",
        ),
        (
            "for line in 'code X' 'errno X' 'request failed' '  at a.js:1' 'If you are behind a proxy' 'settings'; "
            'do echo "npm error $line" >&2; done; exit 1',
            r"\(code X; request failed\): try again",
        ),
        (f"echo npm error {'word ' * 100} >&2; exit 1", r"word …\): try again"),
        ("exit 0", "wrote no aztec-bb.js-5.0.0.tgz"),
    ],
)
@pytest.mark.usefixtures("small")
def test_npm_that_fails_is_to_be_tried_again_and_leaves_nothing(tmp_path: Path, script: str, why: str) -> None:
    with pytest.raises(FetchFailed, match=why):
        install.install(npm(tmp_path / "bin", script))
    assert files(tmp_path / "cache") == ["bb/5.0.0/amd64-linux/.lock"]


@pytest.mark.usefixtures("small")
def test_npm_that_finds_no_room_is_no_room(tmp_path: Path) -> None:
    with pytest.raises(CacheFull, match="No space left"):
        install.install(npm(tmp_path / "bin", "echo npm error code ENOSPC >&2; exit 1"))


def test_without_npm_the_message_says_how_to_do_without(tmp_path: Path) -> None:
    with pytest.raises(NpmMissing, match=r"`npm pack @aztec/bb\.js@5\.0\.0` and give it as --tarball FILE"):
        install.install({"PROOFPLANE_CACHE": str(tmp_path), "PATH": str(tmp_path)})


def test_another_package_is_refused_before_anything_is_unpacked(small: Path, tmp_path: Path) -> None:
    small.write_bytes(small.read_bytes() + b"x")
    with pytest.raises(PackageWrong, match=r"is not @aztec/bb\.js 5\.0\.0 as published"):
        install.install({"PROOFPLANE_CACHE": str(tmp_path / "cache")}, small)
    assert files(tmp_path / "cache") == ["bb/5.0.0/amd64-linux/.lock"]


@pytest.mark.parametrize(
    ("name", "content", "kind", "why"),
    [
        ("package/build/other/bb", CONTENT, tarfile.REGTYPE, "has no package/build/amd64-linux/bb"),
        (BUILD.member, CONTENT + b"x", tarfile.REGTYPE, "is not the pinned binary"),
        (BUILD.member, b"", tarfile.DIRTYPE, "is no file"),
    ],
)
def test_a_package_without_the_pinned_build_installs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, kind: bytes, why: str
) -> None:
    path = package(tmp_path / "packages" / "p.tgz", name, content, kind)
    pin(monkeypatch, path)
    with pytest.raises(PackageWrong, match=why):
        unpack(path, BUILD, tmp_path / "bb")
    assert sorted(os.listdir(tmp_path)) == ["packages"]


def test_a_package_that_is_cut_off_is_refused_though_its_digest_were_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = package(tmp_path / "packages" / "p.tgz", content=os.urandom(100_000))
    path.write_bytes(path.read_bytes()[:50_000])
    pin(monkeypatch, path)
    with pytest.raises(PackageWrong, match="has no package/build/amd64-linux/bb"):
        unpack(path, BUILD, tmp_path / "bb")
    assert sorted(os.listdir(tmp_path)) == ["packages"]


def test_a_package_that_cannot_be_read_to_its_end_is_no_fault_of_the_cache(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_file: object, _size: int = -1) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(tarfile.ExFileObject, "read", unreadable)
    with pytest.raises(FileUnreadable, match=rf"{small} cannot be read: Input/output error"):
        install.install({"PROOFPLANE_CACHE": str(tmp_path / "cache")}, small)
    assert files(tmp_path / "cache") == ["bb/5.0.0/amd64-linux/.lock"]


def test_a_file_that_is_not_there_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="No such file"):
        install.install({"PROOFPLANE_CACHE": str(tmp_path)}, tmp_path / "absent.tgz")


def test_no_room_for_the_binary_leaves_nothing(small: Path, tmp_path: Path) -> None:
    with pytest.raises(CacheFull), largest_file(1_000):
        install.install({"PROOFPLANE_CACHE": str(tmp_path / "cache")}, small)
    assert files(tmp_path / "cache") == ["bb/5.0.0/amd64-linux/.lock"]


def test_a_binary_that_the_variable_names_is_checked_and_nothing_is_fetched(tmp_path: Path) -> None:
    real = bb_cache.bb()
    environment = {"PROOFPLANE_BB": str(real.path), "PROOFPLANE_CACHE": str(tmp_path / "cache"), "PATH": ""}
    assert install.install(environment) == install.Installed(real, fresh=False)
    with pytest.raises(BinaryMissing):
        install.install({**environment, "PROOFPLANE_BB": str(tmp_path / "absent")})
    assert not (tmp_path / "cache").exists()


def test_a_machine_without_a_build_is_told_before_npm_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(UnsupportedPlatform):
        install.install(npm(tmp_path / "bin", "exit 1"))


@pytest.mark.slow
def test_the_published_package_installs_with_the_real_npm(tmp_path: Path) -> None:
    try:
        installed = install.install({**os.environ, "PROOFPLANE_CACHE": str(tmp_path), "PROOFPLANE_BB": ""})
    except (NpmMissing, FetchFailed) as error:
        pytest.skip(f"the package cannot be fetched here: {error}")
    assert installed.fresh
    assert installed.binary.sha256 == this_build().sha256

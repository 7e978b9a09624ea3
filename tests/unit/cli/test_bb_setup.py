"""`proofplane bb setup`: everything is brought once; the next run says what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit import bb_cache, toy_ceremony
from kit.points_host import Answer, points_host
from proofplane.barretenberg.crs import POINTS_FILE
from proofplane.cli.exits import OK
from proofplane.cli.main import run

MISTAKE, REFUSED, LATER, NEVER = 2, 1, 3, 4


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, with the real binary outside of it."""
    for name in ("CRS_PATH", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PROOFPLANE_BB", str(bb_cache.bb().path))
    monkeypatch.setenv("PROOFPLANE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def said(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """Name and state of each line on standard output."""
    return [(line.split()[0], line.split()[1]) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.data
def test_with_a_file_of_points_everything_is_ready_and_stays(cache: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bb", "setup", "--crs-file", str(data_dir / "crs" / POINTS_FILE)]
    assert run(command) == OK
    assert said(capsys) == [("binary", "present"), ("verifying", "installed"), ("proving", "installed")]
    assert run(command) == OK
    assert said(capsys) == [("binary", "present"), ("verifying", "present"), ("proving", "present")]
    assert run(["bb", "doctor"]) == OK
    assert "Verifying and proving work." in capsys.readouterr().out
    assert run(["bb", "setup"]) == OK, "there are as many points as the default: nothing is downloaded"
    assert sorted(path.name for path in (cache / "crs" / "ceremony").iterdir()) == [".lock", POINTS_FILE, "grumpkin_g1_v2.flat.dat"]


def test_points_are_downloaded_into_the_directory_that_the_variable_names(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_ceremony.install(monkeypatch)
    monkeypatch.setenv("CRS_PATH", str(tmp_path / "mine"))
    monkeypatch.setenv("PROOFPLANE_CACHE", bb_cache.environment()["PROOFPLANE_CACHE"])
    bb_cache.verification_crs()
    with points_host(Answer(toy_ceremony.points(60))) as host:
        assert run(["bb", "setup", "--points", "40", "--crs-url", host.url]) == OK
    assert said(capsys) == [("binary", "present"), ("verifying", "present"), ("proving", "installed")]
    assert (tmp_path / "mine" / POINTS_FILE).stat().st_size == 40 * 64
    assert not cache.exists()


@pytest.mark.usefixtures("cache")
def test_for_verifying_alone_no_points_are_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROOFPLANE_CACHE", bb_cache.environment()["PROOFPLANE_CACHE"])
    monkeypatch.setenv("CRS_PATH", str(tmp_path / "mine"))
    bb_cache.verification_crs()
    assert run(["bb", "setup", "--verify-only"]) == OK
    assert said(capsys) == [("binary", "present"), ("verifying", "present")]
    assert not (tmp_path / "mine").exists()


@pytest.mark.usefixtures("cache")
def test_what_fails_is_one_line_with_its_exit_code_and_what_was_done_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROOFPLANE_CACHE", bb_cache.environment()["PROOFPLANE_CACHE"])
    monkeypatch.setenv("CRS_PATH", str(tmp_path / "mine"))
    bb_cache.verification_crs()
    wrong = tmp_path / "wrong.dat"
    wrong.write_bytes(toy_ceremony.points(40))
    for code, options in (
        (REFUSED, ["--crs-file", str(wrong)]),
        (MISTAKE, ["--crs-file", "absent"]),
        (MISTAKE, ["--tarball", "absent.tgz"]),
        (MISTAKE, ["--crs-url", "ftp://x/y"]),
    ):
        assert run(["bb", "setup", *options]) == code
        captured = capsys.readouterr()
        assert captured.err.startswith("proofplane: ")
        assert len(captured.err.splitlines()) == 1
        assert captured.out.startswith("binary     present") == ("--crs-url" in options), "a file is looked at before anything is fetched"
    monkeypatch.setenv("PROOFPLANE_BB", str(wrong))
    assert run(["bb", "setup"]) == REFUSED
    monkeypatch.setenv("PROOFPLANE_BB", str(tmp_path / "absent"))
    assert run(["bb", "setup"]) == NEVER


@pytest.mark.parametrize(
    "options",
    [
        ["--crs-file", "a", "--points", "4"],
        ["--crs-file", "a", "--crs-url", "b"],
        ["--verify-only", "--crs-file", "a"],
        ["--verify-only", "--points", "4"],
        ["--points", "1"],
    ],
)
def test_options_that_contradict_each_other_are_a_mistake(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bb", "setup", *options]) == MISTAKE
    assert re.search(r"^proofplane: .*\nsee `proofplane bb setup --help`$", capsys.readouterr().err.strip())

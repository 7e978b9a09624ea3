"""CRS directories: what is missing is said at once, what verifying needs makes itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit import bb_cache, toy_ceremony
from kit.cli_disk import small_disk
from proofplane.barretenberg import grumpkin
from proofplane.barretenberg.binary import insecure_development_binary
from proofplane.barretenberg.crs import POINTS_FILE, Crs, find_crs, require, verification_crs
from proofplane.barretenberg.points import G_BYTES, POINT_SIZE, START
from proofplane.barretenberg.setup_errors import BinaryMissing, CrsMissing, CrsTooSmall, CrsWrong, GrumpkinNotMade


def directory_with(folder: Path, content: bytes) -> dict[str, str]:
    (folder / POINTS_FILE).write_bytes(content)
    return {"CRS_PATH": str(folder)}


def test_points_are_counted_where_the_variable_says_else_in_the_cache(tmp_path: Path) -> None:
    given = directory_with(tmp_path, START + bytes(POINT_SIZE))
    assert find_crs(given) == Crs(tmp_path, 3, grumpkin=False, pinned=True)
    with pytest.raises(CrsMissing, match=r"cache/crs/ceremony/bn254_g1.dat .*run `proofplane bb setup`"):
        find_crs({"PROOFPLANE_CACHE": str(tmp_path / "cache"), "CRS_PATH": ""})
    with pytest.raises(CrsMissing, match="No such file"):
        find_crs({"PROOFPLANE_CACHE": str(tmp_path), "CRS_PATH": str(tmp_path / "absent")})


def test_one_point_is_a_directory_for_verifying(tmp_path: Path) -> None:
    assert find_crs(directory_with(tmp_path, G_BYTES)).points == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "0 bytes"),
        (START[:-1], "127 bytes"),
        (START + b"x", "129 bytes"),
        (G_BYTES + G_BYTES, "another secret"),
        (START[POINT_SIZE:] + G_BYTES, "another secret"),
        (bytes(POINT_SIZE), "another secret"),
    ],
)
def test_a_file_that_is_cut_off_or_of_another_setup_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(CrsWrong, match=why):
        find_crs(directory_with(tmp_path, content))


def test_points_that_begin_well_and_go_on_otherwise_are_refused_wherever_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_ceremony.install(monkeypatch)
    good = toy_ceremony.points(41)
    assert find_crs(directory_with(tmp_path, good)).points == 41
    swapped = (
        good[: 20 * POINT_SIZE]
        + good[21 * POINT_SIZE : 22 * POINT_SIZE]
        + good[20 * POINT_SIZE : 21 * POINT_SIZE]
        + good[22 * POINT_SIZE :]
    )
    with pytest.raises(CrsWrong, match=rf"{tmp_path}.*the first 40 points are not the ceremony's.*remove it"):
        find_crs(directory_with(tmp_path, swapped))


def test_a_damaged_grumpkin_file_beside_the_points_is_refused_and_an_absent_one_is_not(tmp_path: Path) -> None:
    given = directory_with(tmp_path, START)
    assert not find_crs(given).grumpkin
    (tmp_path / grumpkin.FILE_NAME).write_bytes(bytes(grumpkin.SIZE))
    with pytest.raises(CrsWrong, match="is damaged"):
        find_crs(given)


def test_too_few_points_are_said_with_both_numbers_before_bb_is_asked(tmp_path: Path) -> None:
    crs = Crs(tmp_path, 32_769, grumpkin=True)
    require(crs, 32_769)
    with pytest.raises(
        CrsTooSmall, match=r"has 32,769 ceremony points, and 65,536 are needed: run `proofplane bb setup --points 65536`"
    ) as caught:
        require(crs, 65_536)
    assert (caught.value.points, caught.value.needed) == (32_769, 65_536)
    with pytest.raises(CrsTooSmall, match=r"run `proofplane bb setup` \(or with --crs-file FILE"):
        require(Crs(tmp_path, 2, grumpkin=True), 32_768)


def test_the_directory_for_verifying_is_made_once_and_mended_when_damaged(tmp_path: Path) -> None:
    environment = {**bb_cache.environment(), "PROOFPLANE_CACHE": str(tmp_path)}
    place = tmp_path / "crs" / "verification"
    place.mkdir(parents=True)
    grumpkin.copy(bb_cache.verification_crs().directory, place)
    with (place / grumpkin.FILE_NAME).open("r+b") as file:
        file.write(b"x")
    with pytest.raises(BinaryMissing):
        verification_crs({"PROOFPLANE_CACHE": str(tmp_path)})
    crs = verification_crs(environment)
    assert crs == Crs(place, 1, grumpkin=True)
    assert sorted(os.listdir(place)) == [".lock", POINTS_FILE, grumpkin.FILE_NAME]
    assert (place / POINTS_FILE).read_bytes() == G_BYTES
    assert grumpkin.is_whole(place)
    assert verification_crs({"PROOFPLANE_CACHE": str(tmp_path)}) == crs, "the binary is needed for making it only"


def test_a_bb_that_makes_no_grumpkin_points_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    failing = tmp_path / "bb"
    failing.write_text("#!/bin/sh\necho no luck >&2; exit 3\n")
    failing.chmod(0o755)
    with pytest.raises(GrumpkinNotMade, match="ended with 3: no luck"):
        verification_crs({"PROOFPLANE_CACHE": str(tmp_path / "cache")}, insecure_development_binary(failing))
    assert [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [".lock"]


@pytest.mark.slow
def test_a_disk_without_room_for_the_grumpkin_points_is_said_to_be_full_and_nothing_stays(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from proofplane.barretenberg.crs import verification_crs; "
        "from proofplane.barretenberg.setup_errors import CacheFull\n"
        "try: verification_crs()\n"
        "except CacheFull: print([path.name for path in Path(sys.argv[1]).rglob('*') if path.is_file()])\n"
    )
    with small_disk(tmp_path / "disk", 1_000) as disk:
        environment = {**os.environ, **bb_cache.environment(), "PROOFPLANE_CACHE": str(disk.path)}
        command = [*disk.under, sys.executable, "-c", script, str(disk.path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "['.lock']\n"


@pytest.mark.slow
def test_processes_that_need_it_at_the_same_time_make_it_once(tmp_path: Path) -> None:
    script = "from proofplane.barretenberg.crs import verification_crs; print(verification_crs())"
    environment = {**os.environ, **bb_cache.environment(), "PROOFPLANE_CACHE": str(tmp_path)}
    processes = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)
    ]
    printed = [process.communicate(timeout=60) for process in processes]
    assert len(set(printed)) == 1
    assert [process.returncode for process in processes] == [0] * 4

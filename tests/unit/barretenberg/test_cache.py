"""The cache: files appear whole or not at all, one writer at a time, and what the system says becomes a typed error."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.cli_disk import small_disk
from kit.small_files import largest_file
from proofplane.barretenberg.cache import cache_dir, locked, new_file, scratch_folder, typed_errors
from proofplane.barretenberg.setup_errors import CacheBusy, CacheFull, CacheUnusable


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PROOFPLANE_CACHE": "/a/b", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/a/b"),
        ({"PROOFPLANE_CACHE": "", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/proofplane"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/proofplane"),
        ({"HOME": "/h"}, "/h/.cache/proofplane"),
    ],
)
def test_the_cache_is_where_the_first_variable_that_counts_says(environment: dict[str, str], expected: str) -> None:
    assert cache_dir(environment) == Path(expected)


def test_a_file_takes_its_place_with_its_mode_and_the_old_one_stays_until_then(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with new_file(path, 0o755) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o755
    assert os.listdir(tmp_path) == ["file"]


def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), new_file(path, 0o644) as file:
        file.writelines([b"half", None])  # type: ignore[list-item]  # the mistake that ends the writing
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_may_not_grow_is_no_room_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CacheFull, match="nothing was half-written"), largest_file(1_000), new_file(tmp_path / "file", 0o644) as file:
        file.write(bytes(2_000_000))
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_no_room_and_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from proofplane.barretenberg.cache import new_file; "
        "from proofplane.barretenberg.setup_errors import CacheFull\n"
        "place = Path(sys.argv[1])\n"
        "try:\n"
        "    with new_file(place / 'file', 0o644) as file: file.write(bytes(1_000_000))\n"
        "except CacheFull: print([path.name for path in place.iterdir()])\n"
    )
    with small_disk(tmp_path / "disk", 64) as disk:
        done = subprocess.run([*disk.under, sys.executable, "-c", script, str(disk.path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_the_system_says_is_typed_by_what_to_do() -> None:
    for number, family in (
        (errno.ENOSPC, CacheFull),
        (errno.EDQUOT, CacheFull),
        (errno.EACCES, CacheUnusable),
        (errno.EROFS, CacheUnusable),
    ):
        with pytest.raises(family, match="PROOFPLANE_CACHE"), typed_errors(Path("place")):
            raise OSError(number, os.strerror(number))


def test_a_cache_where_a_file_stands_cannot_be_filled(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CacheUnusable, match=r"Not a directory|File exists"), locked(tmp_path / "file" / "below", 0.0):
        pytest.fail("nothing can be locked there")


def test_one_fills_a_folder_at_a_time_and_the_other_gets_its_turn(tmp_path: Path) -> None:
    place = tmp_path / "new" / "folder"
    with locked(place, 0.0):
        with pytest.raises(CacheBusy), locked(place, 0.0):
            pytest.fail("the lock was given twice")
        with locked(tmp_path / "new" / "other", 0.0) as other:
            assert other is None, "another part is free"
    with locked(place, 0.0):
        assert place.stat().st_mode & 0o777 == 0o700


def test_what_a_killed_writer_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from proofplane.barretenberg.cache import locked, new_file, scratch_folder\n"
        "place = Path(sys.argv[1])\n"
        "with locked(place, 0.0), new_file(place / 'file', 0o644) as file, scratch_folder(place) as scratch:\n"
        "    file.write(b'half'); file.flush(); (scratch / 'inside').write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert len(os.listdir(tmp_path)) == 3
    foreign = [
        ".new-notes",
        ".proofplane-new-",
        ".proofplane-new-mine",
        ".proofplane-new-file-0123456789abcde",
        "x.proofplane-new-a-0123456789abcdef",
    ]
    for name in foreign:
        (tmp_path / name).write_bytes(b"the user's")
    (tmp_path / ".new-folder").mkdir()
    with locked(tmp_path, 0.0):
        assert sorted(os.listdir(tmp_path)) == sorted([".lock", ".new-folder", *foreign])


def test_a_scratch_folder_goes_with_its_content(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as scratch:
        (scratch / "file").write_bytes(b"x")
    assert os.listdir(tmp_path) == []

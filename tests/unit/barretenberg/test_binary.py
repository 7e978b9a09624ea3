"""Finding `bb`: by its checksum, in two places, and never another file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kit import bb_cache
from proofplane.barretenberg.binary import DEVELOPMENT_VERSION, Binary, find_binary, insecure_development_binary
from proofplane.barretenberg.digests import file_sha256
from proofplane.barretenberg.platforms import this_build
from proofplane.barretenberg.setup_errors import BinaryMissing, BinaryWrong


def program(path: Path, script: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def in_cache(cache: Path) -> Path:
    return cache / "bb" / "5.0.0" / this_build().name / "bb"


def test_without_one_the_message_has_the_command_that_gets_it(tmp_path: Path) -> None:
    with pytest.raises(BinaryMissing, match=r"run `proofplane bb setup`"):
        find_binary({"PROOFPLANE_CACHE": str(tmp_path)})
    with pytest.raises(BinaryMissing, match=r"set PROOFPLANE_BB to the pinned file"):
        find_binary({"PROOFPLANE_CACHE": str(tmp_path), "PROOFPLANE_BB": str(tmp_path / "absent")})
    with pytest.raises(BinaryMissing, match="Is a directory"):
        find_binary({"PROOFPLANE_BB": str(tmp_path)})


def test_another_program_is_refused_wherever_it_lies(tmp_path: Path) -> None:
    program(in_cache(tmp_path))
    other = program(tmp_path / "bin" / "bb")
    for environment in ({"PROOFPLANE_CACHE": str(tmp_path)}, {"PROOFPLANE_CACHE": str(tmp_path), "PROOFPLANE_BB": str(other)}):
        with pytest.raises(BinaryWrong, match="will not be run") as caught:
            find_binary(environment)
        assert file_sha256(other).hex() in str(caught.value)


def test_a_binary_in_the_path_is_not_looked_at(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "bb")
    with pytest.raises(BinaryMissing):
        find_binary({"PROOFPLANE_CACHE": str(tmp_path / "cache"), "PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)})


def test_the_real_one_is_found_in_the_cache_and_where_the_variable_says(tmp_path: Path) -> None:
    real = bb_cache.bb()
    in_cache(tmp_path).parent.mkdir(parents=True)
    in_cache(tmp_path).symlink_to(real.path)
    found = find_binary({"PROOFPLANE_CACHE": str(tmp_path)})
    assert found == Binary(in_cache(tmp_path), this_build().sha256, this_build().version)
    assert find_binary({"PROOFPLANE_BB": str(real.path), "PROOFPLANE_CACHE": str(tmp_path / "none")}) == real


def test_one_changed_byte_is_noticed_though_it_was_found_before(tmp_path: Path) -> None:
    copy = tmp_path / "bb"
    copy.write_bytes(bb_cache.bb().path.read_bytes())
    copy.chmod(0o755)
    environment = {"PROOFPLANE_BB": str(copy)}
    find_binary(environment)
    with copy.open("r+b") as file:
        file.seek(0x142BCD)  # where a development setup puts its own points
        file.write(bytes([file.read(1)[0] ^ 1]))
    with pytest.raises(BinaryWrong):
        find_binary(environment)


def test_a_binary_that_may_not_be_executed_is_said_to_be_so(tmp_path: Path) -> None:
    copy = tmp_path / "bb"
    copy.write_bytes(bb_cache.bb().path.read_bytes())
    copy.chmod(0o644)
    with pytest.raises(BinaryMissing, match="may not be executed"):
        find_binary({"PROOFPLANE_BB": str(copy)})


def test_a_development_binary_needs_its_own_word_and_a_test_around_it(tmp_path: Path) -> None:
    other = program(tmp_path / "bb")
    assert insecure_development_binary(other) == Binary(other, file_sha256(other), DEVELOPMENT_VERSION)
    script = (
        "import sys; from pathlib import Path; from proofplane.barretenberg import binary; "
        "from proofplane.barretenberg.setup_errors import NotInTests\n"
        "for make in (binary.insecure_development_binary, lambda path: binary.Binary(path, bytes(32), '5.0.0')):\n"
        "    try: print(make(Path(sys.argv[1])))\n"
        "    except NotInTests: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(other)], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\nrefused\n"

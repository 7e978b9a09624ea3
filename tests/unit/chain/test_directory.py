"""A directory of a chain is read strictly, and whatever does not fit is named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kit.lean_directories import STEPS, small
from proofplane.chain.directory import read_chain, read_file
from proofplane.chain.errors import BadChainDirectory
from proofplane.crypto.xmss import TEST
from proofplane.lean.codec import state_root


def change_steps(place: Path, **changes: Any) -> None:
    steps = json.loads((place / "steps.json").read_text())
    (place / "steps.json").write_text(json.dumps({**steps, **changes}))


def test_a_directory_is_read_with_its_scheme_its_anchor_and_the_verdicts(tmp_path: Path) -> None:
    chain = read_chain(small(tmp_path / "chain"))

    assert chain.scheme == TEST
    assert chain.anchor.state_root == state_root(chain.state)
    assert len(chain.steps) == STEPS
    third = chain.steps[2]
    assert (third.note, third.slot) == ("bad signature", 3)
    assert third.recorded is not None
    assert third.recorded.rejection == "INVALID_BLOCK_PROOF"


def test_without_steps_blocks_come_by_name_and_nothing_is_recorded(tmp_path: Path) -> None:
    place = small(tmp_path / "chain")
    (place / "steps.json").unlink()

    chain = read_chain(place)

    assert chain.scheme is None
    assert [step.path.name for step in chain.steps] == [f"block_{number:03d}.ssz" for number in range(STEPS)]
    assert {(step.slot, step.recorded) for step in chain.steps} == {(None, None)}


@pytest.mark.parametrize("name", ["block_003.ssz", "genesis_state.ssz", "anchor_block.ssz", "steps.json"])
def test_what_is_no_file_is_named_and_never_read(tmp_path: Path, name: str) -> None:
    place = small(tmp_path / "chain")
    (place / "steps.json").unlink()
    (place / name).unlink(missing_ok=True)
    os.mkfifo(place / name)  # nobody writes to it: reading would wait for ever

    with pytest.raises(BadChainDirectory, match=f"{name} cannot be read: it is no regular file"):
        read_chain(place)


@pytest.mark.parametrize("name", ["genesis_state.ssz", "anchor_block.ssz", "block_004.ssz"])
def test_an_absent_file_is_named(tmp_path: Path, name: str) -> None:
    place = small(tmp_path / "chain")
    (place / name).unlink()

    with pytest.raises(BadChainDirectory, match=name):
        read_chain(place)


@pytest.mark.parametrize("name", ["genesis_state.ssz", "anchor_block.ssz", "steps.json"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    place = small(tmp_path / "chain")
    (place / name).write_bytes((place / name).read_bytes()[:-3])

    with pytest.raises(BadChainDirectory, match="malformed"):
        read_chain(place)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"scheme": "huge"}, "scheme 'huge'"),
        ({"proofFormat": "snark"}, "proof format 'snark'"),
        ({"steps": [{}]}, "malformed"),
        ({"steps": 7}, "malformed"),
    ],
)
def test_steps_that_are_not_understood_are_refused(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    place = small(tmp_path / "chain")
    change_steps(place, **changes)

    with pytest.raises(BadChainDirectory, match=word):
        read_chain(place)


@pytest.mark.parametrize(("field", "value"), [("file", "../chain/block_000.ssz"), ("file", "/etc/passwd"), ("slot", -1), ("slot", 2**64)])
def test_a_step_names_a_file_of_the_directory_and_a_slot(tmp_path: Path, field: str, value: object) -> None:
    place = small(tmp_path / "chain")
    steps = json.loads((place / "steps.json").read_text())["steps"]
    steps[0][field] = value
    change_steps(place, steps=steps)

    with pytest.raises(BadChainDirectory, match=r"steps\.json"):
        read_chain(place)


def test_a_place_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadChainDirectory, match="no directory"):
        read_chain(tmp_path / "nowhere")
    with pytest.raises(BadChainDirectory, match="cannot be read"):
        read_file(tmp_path)


def test_an_absurdly_large_file_is_not_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "block_000.ssz"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)

    with pytest.raises(BadChainDirectory, match="larger than 64 MiB"):
        read_file(file)

"""Generated chains: the same from the same seed, with the events where the plan puts them, and plans that cannot be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.lean_directories import SMALL, STEPS, quietly, small, write
from proofplane.chain.directory import read_chain
from proofplane.chain.errors import BadChainDirectory
from proofplane.chain.generate import BadPlan, ChainPlan
from proofplane.chain.generated import write_chain
from proofplane.crypto.xmss import PROD, TEST
from proofplane.lean.codec import decode_signed_block
from proofplane.lean.types import SignedBlock


def files(place: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in place.iterdir()}


def blocks(place: Path) -> list[SignedBlock]:
    return [decode_signed_block(step.read()) for step in read_chain(place).steps]


def steps(place: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((place / "steps.json").read_text())["steps"]
    return found


def test_the_same_plan_gives_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    first, again = write(tmp_path / "first"), write(tmp_path / "again")
    other = write(tmp_path / "other", replace(SMALL, seed="other"))

    assert files(first) == files(again)
    assert files(first)["genesis_state.ssz"] != files(other)["genesis_state.ssz"]


def test_missed_slots_forks_and_bad_blocks_are_where_the_plan_puts_them(tmp_path: Path) -> None:
    found = steps(small(tmp_path / "chain"))

    assert [(step["slot"], step["note"], step["rejection"]) for step in found] == [
        (1, "canonical", None),
        (2, "canonical", None),
        (3, "bad signature", "INVALID_BLOCK_PROOF"),
        (3, "bad state root", "STATE_ROOT_MISMATCH"),
        (3, "bad signature and bad state root", "INVALID_BLOCK_PROOF"),
        (3, "unknown parent", "UNKNOWN_PARENT_BLOCK"),
        (3, "empty proof", "INVALID_BLOCK_PROOF"),
        (3, "canonical", None),
        (3, "duplicate of canonical", None),
        (4, "canonical", None),
        (6, "canonical", None),
        (7, "canonical", None),
        (8, "fork sibling of the head", None),
        (9, "canonical", None),
    ]
    assert len(found) == STEPS


def test_a_fork_is_a_sibling_of_the_head_and_nobody_signs_twice_for_it(tmp_path: Path) -> None:
    *_, seventh, eighth, _ = blocks(small(tmp_path / "chain"))

    assert (seventh.block.slot, eighth.block.slot) == (7, 8)
    assert eighth.block.parent_root == seventh.block.parent_root


def test_all_vote_for_the_parent_and_it_is_justified_then_finalized(tmp_path: Path) -> None:
    place = write(tmp_path / "chain", ChainPlan(TEST, 4, 6, "x"))
    second = blocks(place)[1].block

    (vote,) = second.attestations
    assert vote.participants.indices() == (0, 1, 2, 3)
    assert (vote.data.head.root, vote.data.slot) == (second.parent_root, 1)
    assert [(step["justified"], step["finalized"]) for step in steps(place)] == [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]


def test_fewer_voters_take_turns(tmp_path: Path) -> None:
    place = write(tmp_path / "chain", ChainPlan(TEST, 5, 5, "x", voters=2))

    assert [signed.block.attestations[0].participants.indices() for signed in blocks(place)[1:]] == [(2, 3), (0, 4), (1, 2), (3, 4)]
    assert steps(place)[-1]["justified"] == 0, "two of five are not two thirds"


def test_one_validator_is_a_chain_too(tmp_path: Path) -> None:
    assert steps(write(tmp_path / "chain", ChainPlan(TEST, 1, 4, "x")))[-1]["finalized"] == 2


def test_production_keys_sign_as_well(tmp_path: Path) -> None:
    (signed,) = blocks(write(tmp_path / "chain", ChainPlan(PROD, 2, 1, "x")))

    assert len(signed.proof) == 4 + 42 + 56 + 2536


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"validators": 0}, "1 to 4096 validators, not 0"),
        ({"validators": 4097}, "not 4097"),
        ({"slots": 0}, "not 0"),
        ({"slots": 256}, "1 to 255 slots, not 256"),
        ({"voters": 6}, "1 to 5 validators vote"),
        ({"voters": 0}, "not 0"),
        ({"scheme": PROD, "validators": 202}, "let 201 or fewer vote in a slot"),
        ({"validators": 4096}, "1091 voters"),
        ({"missed": frozenset({10})}, "missed: the slots of this chain are 1 to 9"),
        ({"forks": frozenset({0})}, "fork: the slots"),
        ({"bad": frozenset({99})}, "bad: the slots"),
        ({"forks": frozenset({5})}, "missed has no block"),
        ({"bad": frozenset({5})}, "missed has no block"),
    ],
)
def test_a_chain_that_cannot_be_made_is_refused_with_what_to_do(change: dict[str, Any], word: str) -> None:
    with pytest.raises(BadPlan, match=word):
        replace(SMALL, **change)


def test_201_production_voters_fit() -> None:
    assert ChainPlan(PROD, 300, 4, "x", voters=201).voting == 201


def test_a_directory_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []

    def stop(stage: str, done: int, total: int) -> None:
        seen.append((stage, done, total))
        if (stage, done) == ("slots", 4):
            assert not (tmp_path / "chain").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_chain(SMALL, tmp_path / "chain", stop)

    assert list(tmp_path.iterdir()) == []
    assert seen == [*(("keys", done, 5) for done in range(1, 6)), *(("slots", done, 9) for done in range(1, 5))]


def test_an_existing_directory_is_left_alone(tmp_path: Path) -> None:
    place = small(tmp_path / "chain")
    before = files(place)

    with pytest.raises(BadChainDirectory, match="exists already"):
        write_chain(SMALL, place, quietly)
    assert files(place) == before

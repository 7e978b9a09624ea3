"""What a run of vectors says about good ones, bad ones, unreadable ones, and ones that say more than is known."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kit.vector_files import DECODE_FAILURE, JUSTIFIABILITY, SLOT_CLOCK, SSZ, results, vector, write
from proofplane.chain.vectors.run import tally
from proofplane.chain.vectors.types import NoVectors, VectorResult, Verdict


async def test_vectors_that_hold_pass_and_are_counted_by_family(tmp_path: Path) -> None:
    write(tmp_path, "ssz", vector(SSZ), "a.json")
    write(tmp_path, "ssz", vector(DECODE_FAILURE), "b.json")
    write(tmp_path, "justifiability", vector(JUSTIFIABILITY))
    write(tmp_path, "slot_clock", vector(SLOT_CLOCK))

    found = await results(tmp_path)

    assert [one.detail for one in found] == [""] * 4
    assert tally(found) == {
        "ssz": Counter({Verdict.PASSED: 2}),
        "justifiability": Counter({Verdict.PASSED: 1}),
        "slot_clock": Counter({Verdict.PASSED: 1}),
    }


@pytest.mark.parametrize(
    ("family", "content", "word"),
    [
        ("justifiability", vector(JUSTIFIABILITY, slot=17), "delta is 7"),
        ("justifiability", vector(JUSTIFIABILITY, output={"delta": 6, "isJustifiable": False}), "isJustifiable is True"),
        ("justifiability", vector(JUSTIFIABILITY, output={"delta": 6}), "lacks the field 'isJustifiable'"),
        ("justifiability", vector(JUSTIFIABILITY, colour="red"), "unknown fields: colour"),
        ("justifiability", vector(JUSTIFIABILITY, slot="16"), "slot is str, expected int"),
        ("justifiability", vector(JUSTIFIABILITY, slot=None), "lacks the field 'slot'"),
        ("justifiability", vector(JUSTIFIABILITY, network="Mainnet"), "network 'Mainnet'"),
        ("justifiability", vector(JUSTIFIABILITY, leanEnv="huge"), "leanEnv 'huge'"),
        ("justifiability", vector(JUSTIFIABILITY, proofSetting=3), "proofSetting 3"),
        ("justifiability", vector(JUSTIFIABILITY, proofSetting=2), "wants a rejectionReason"),
        ("justifiability", [], "is list, expected dict"),
        ("slot_clock", vector(SLOT_CLOCK, output={"slot": 3}), "current_slot is 2"),
        ("slot_clock", vector(SLOT_CLOCK, operation={"kind": "tea_time"}), "'tea_time' is not known"),
        ("ssz", vector(SSZ, value="259"), "the value is 258"),
        ("ssz", vector(SSZ, serialized="0x020100"), "rejected (DECODE_ERROR"),
        ("ssz", vector(SSZ, root="0x" + "00" * 32), "root is"),
        ("ssz", vector(SSZ, typeName="Tea"), "Tea"),
        ("ssz", vector(SSZ, rejectionReason="DECODE_ERROR"), "accepted, recorded is DECODE_ERROR"),
        ("ssz", vector(DECODE_FAILURE, rejectionReason="STATE_ROOT_MISMATCH"), "recorded is STATE_ROOT_MISMATCH"),
        ("tea_leaves", vector(JUSTIFIABILITY), "'tea_leaves' is not known"),
    ],
)
async def test_what_differs_or_is_not_known_is_a_failure_that_says_what(tmp_path: Path, family: str, content: Any, word: str) -> None:
    write(tmp_path, family, content)

    (found,) = await results(tmp_path)

    assert found.verdict is Verdict.FAILED
    assert word in found.detail


async def test_made_up_proofs_are_skipped_and_counted_as_such(tmp_path: Path) -> None:
    write(tmp_path, "justifiability", vector(JUSTIFIABILITY, proofSetting=0))

    (found,) = await results(tmp_path)

    assert found.verdict is Verdict.SKIPPED


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "7", "[" * 100_000, '{"a": NaN}'])
async def test_a_file_that_is_no_map_of_vectors_is_one_failure(tmp_path: Path, text: str) -> None:
    write(tmp_path, "ssz", vector(SSZ)).write_text(text)

    (found,) = await results(tmp_path)

    assert found.verdict is Verdict.FAILED
    assert "is no file of vectors" in found.detail


async def test_a_crash_is_the_failure_of_its_vector_and_the_others_still_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "justifiability", vector(JUSTIFIABILITY))
    write(tmp_path, "ssz", vector(SSZ))
    monkeypatch.setattr("proofplane.chain.vectors.small.is_justifiable", lambda slot, finalized: 1 // 0)

    crashed, other = await results(tmp_path)

    assert crashed.verdict is Verdict.FAILED
    assert "crashed: ZeroDivisionError" in crashed.detail
    assert other == VectorResult("ssz", "ssz/module/test.json", Verdict.PASSED)


async def test_a_single_family_can_be_run_by_naming_its_folder(tmp_path: Path) -> None:
    write(tmp_path, "ssz", vector(SSZ))
    write(tmp_path, "slot_clock", vector(SLOT_CLOCK))

    assert [(one.family, one.verdict) for one in await results(tmp_path / "ssz")] == [("ssz", Verdict.PASSED)]


async def test_a_file_of_several_vectors_gives_several_verdicts(tmp_path: Path) -> None:
    file = write(tmp_path, "ssz", vector(SSZ))
    file.write_text(json.dumps({"one": vector(SSZ), "two": vector(SSZ, value="0")}))

    assert [(one.name, one.verdict) for one in await results(tmp_path)] == [
        ("ssz/module/test.json one", Verdict.PASSED),
        ("ssz/module/test.json two", Verdict.FAILED),
    ]


@pytest.mark.parametrize("made", [False, True])
async def test_a_place_without_vectors_is_the_callers_mistake(tmp_path: Path, made: bool) -> None:
    place = tmp_path / "vectors"
    if made:
        place.mkdir()
        (place / "README.md").write_text("nothing here")

    with pytest.raises(NoVectors, match="vectors"):
        await results(place)

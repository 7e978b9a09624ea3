"""The frozen frames of the echo service: the files are what the reference codec makes of the values, and it reads them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit.golden_frames import FOLDER, files, read, reason_of, write
from proofplane.wire.dynamic import ValueReason
from proofplane.wire.envelopes import EnvelopeReason


def lines(file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / file).read_text("utf-8").splitlines()]


CANONICAL, LENIENT, REFUSED = lines("echo.jsonl"), lines("echo.lenient.jsonl"), lines("echo.refused.jsonl")


def test_the_files_are_what_their_generator_makes() -> None:
    made = files()
    assert {path.name for path in Path(FOLDER).iterdir()} == made.keys()
    for name, text in made.items():
        assert (FOLDER / name).read_text("utf-8") == text, f"{name} differs: run tests/kit/golden_frames.py and look at what changed"


@pytest.mark.parametrize("file", [CANONICAL, LENIENT, REFUSED])
def test_frames_have_names_of_their_own_and_are_not_twice_there(file: list[dict[str, Any]]) -> None:
    assert len({line["name"] for line in file}) == len(file)
    assert len({(line["kind"], line["hex"]) for line in file}) == len(file)


def test_there_are_sixty_frames_at_least_of_both_kinds_and_shapes() -> None:
    assert len(CANONICAL) >= 60
    assert {(line["kind"], line["id"] is None) for line in CANONICAL} == {
        (kind, plain) for kind in ("request", "reply") for plain in (True, False)
    }


@pytest.mark.parametrize("line", CANONICAL, ids=lambda line: line["name"])
def test_canonical_frames_come_out_as_they_went_in(line: dict[str, Any]) -> None:
    body = read(line["kind"], bytes.fromhex(line["hex"]))
    assert write(line["kind"], body).hex() == line["hex"]
    assert (body.id, body.name) == (line["id"], line["message"])


@pytest.mark.parametrize("line", LENIENT, ids=lambda line: line["name"])
def test_other_encodings_are_accepted_and_come_out_canonical(line: dict[str, Any]) -> None:
    assert line["hex"] != line["canonical"]
    assert write(line["kind"], read(line["kind"], bytes.fromhex(line["hex"]))).hex() == line["canonical"]


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line["name"])
def test_frames_that_break_a_rule_are_refused_with_its_reason(line: dict[str, Any]) -> None:
    assert reason_of(line["kind"], bytes.fromhex(line["hex"])) == line["reason"] != "accepted"


def test_every_reason_has_a_refused_frame() -> None:
    reasons = {reason.value for reason in (*EnvelopeReason, *ValueReason)} | {"unknown_name"}
    assert {line["reason"] for line in REFUSED} == reasons


def test_the_first_byte_of_every_width_occurs() -> None:
    """A width that no frame uses is a width that no language is held to."""
    canonical = b"".join(bytes.fromhex(line["hex"]) for line in CANONICAL if len(line["hex"]) < 20_000)
    large = b"".join(bytes.fromhex(line["hex"])[:200] for line in CANONICAL)
    for head in (0xC0, 0xC2, 0xC3, 0xC4, 0xC5, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF, 0xD9, 0xDA, 0xDC, 0xDE):
        assert bytes([head]) in canonical
    for head in (0xC6, 0xDB):
        assert bytes([head]) in large

"""`proofplane chain vectors`: its table, its remarks, and places without vectors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.cli_run import here
from kit.vector_files import JUSTIFIABILITY, SSZ, vector, write
from proofplane.chain.vectors.run import FAMILIES
from proofplane.chain.vectors.types import VectorResult, Verdict


def test_vectors_prints_a_table_and_a_last_line(tmp_path: Path) -> None:
    write(tmp_path, "ssz", vector(SSZ))
    write(tmp_path, "justifiability", vector(JUSTIFIABILITY))

    done = here("chain", "vectors", tmp_path).succeeded()

    assert done.out.splitlines() == [
        "family          passed  failed  skipped",
        "ssz             1       0       0",
        "justifiability  1       0       0",
        "2 passed, 0 failed, 0 skipped",
    ]


@pytest.mark.parametrize(("setting", "last"), [(1, "1 passed, 1 failed, 0 skipped"), (0, "1 passed, 0 failed, 1 skipped")])
def test_a_failed_or_a_skipped_vector_ends_with_1(tmp_path: Path, setting: int, last: str) -> None:
    write(tmp_path, "ssz", vector(SSZ, value="0", proofSetting=setting))
    write(tmp_path, "justifiability", vector(JUSTIFIABILITY))

    done = here("chain", "vectors", tmp_path, "--sequential", "--threads", 2)

    assert done.code == 1
    assert done.out.splitlines()[-1] == last
    assert "ssz: ssz/module/test.json: " in done.out
    document = json.loads(here("chain", "vectors", tmp_path, "--json").out)
    assert document["passed"] == 1
    assert len(document["remarks"]) == 1


def test_a_place_without_vectors_ends_with_2(tmp_path: Path) -> None:
    here("chain", "vectors", tmp_path).refused(2, "no vector")
    here("chain", "vectors", tmp_path / "nowhere").refused(2, "no directory")


def test_a_folder_too_high_is_refused_with_the_right_one_and_one_family_can_be_run(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "vectors", "ssz", vector(SSZ))

    here("chain", "vectors", tmp_path / "deep").refused(2, f"did you mean {tmp_path / 'deep' / 'vectors'}?", "families: fork_choice, ssz, ")
    here("chain", "vectors", tmp_path).refused(2, "holds no known family (families: ")
    assert here("chain", "vectors", tmp_path / "deep" / "vectors" / "ssz").succeeded().out.endswith("1 passed, 0 failed, 0 skipped\n")


def test_what_was_not_compared_in_a_passed_vector_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def passed(*_: object) -> AsyncIterator[VectorResult]:
        yield VectorResult("ssz", "one.json", Verdict.PASSED, "half of it was compared")

    write(tmp_path, "ssz", vector(SSZ))
    monkeypatch.setattr("proofplane.cli.commands.chain_vectors.run_vectors", passed)
    assert here("chain", "vectors", tmp_path).succeeded().out.startswith("note: ssz: one.json: half of it was compared\n")


def test_help_names_every_family() -> None:
    words = here("chain", "vectors", "--help").succeeded().out.replace(",", " ").replace(".", " ").split()
    assert set(FAMILIES) <= set(words)

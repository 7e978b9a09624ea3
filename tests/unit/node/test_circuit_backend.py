"""What the backend `barretenberg` refuses before anything is started or written, and what it says about recursion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import proofplane.node.circuit_backend as circuit_backend_module
from kit import bb_cache
from kit.header_steps import TIME
from proofplane.anchor.types import AnchorParams, Mode
from proofplane.barretenberg.crs import POINTS_FILE, Crs
from proofplane.barretenberg.points import START
from proofplane.barretenberg.setup_errors import BinaryMissing, CrsMissing, CrsTooSmall, CrsWrong
from proofplane.base.errors import CallerMistake, Refused
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.node.circuit_backend import CircuitBackend, NotProvable, recursion_note
from proofplane.node.header_check import step_predicate

PARAMS = AnchorParams(Network.MAINNET, Mode.HEADERS_ONLY, TEST_MAGIC, BlockCommitment(Height(7), BlockId(bytes(32))), 0x1B04864C, TIME)


@pytest.mark.parametrize(
    ("params", "word"),
    [
        (replace(PARAMS, mode=Mode.FULL_BLOCK), "headers only"),
        (replace(PARAMS, network=Network.REGTEST), "mainnet"),
    ],
)
def test_a_chain_that_the_circuits_do_not_state_is_the_callers_mistake(params: AnchorParams, word: str, tmp_path: Path) -> None:
    with pytest.raises(NotProvable, match=word) as caught:
        CircuitBackend.found(params, {"PROOFPLANE_CACHE": str(tmp_path)})
    assert isinstance(caught.value, CallerMistake)
    assert "--backend native" in str(caught.value)


def test_without_bb_it_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(BinaryMissing, match="proofplane bb setup"):
        CircuitBackend.found(PARAMS, {"PROOFPLANE_CACHE": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


def test_without_points_or_with_too_few_it_says_how_to_get_them(tmp_path: Path) -> None:
    environment = {**bb_cache.environment(), "CRS_PATH": str(tmp_path)}
    with pytest.raises(CrsMissing, match="proofplane bb setup"):
        CircuitBackend.found(PARAMS, environment)

    (tmp_path / POINTS_FILE).write_bytes(START)
    with pytest.raises(CrsTooSmall, match=r"run `proofplane bb setup` \(or with --crs-file FILE"):
        CircuitBackend.found(PARAMS, environment)


@pytest.mark.data
def test_with_everything_there_its_steps_are_under_the_circuits_predicate(data_dir: Path) -> None:
    found = CircuitBackend.found(PARAMS, bb_cache.proving_environment(data_dir))

    assert found.name == "barretenberg"
    assert found.step_predicate == step_predicate()
    assert found.crs.points == 32_769


@pytest.mark.data
@pytest.mark.parametrize("place", [200, 1_000_000, -1])
def test_damaged_points_are_refused_before_anything_is_started_or_written(place: int, data_dir: Path, tmp_path: Path) -> None:
    environment = bb_cache.proving_environment(data_dir)
    points = bytearray((Path(environment["CRS_PATH"]) / POINTS_FILE).read_bytes())
    points[place] ^= 1
    (tmp_path / POINTS_FILE).write_bytes(points)

    with pytest.raises(CrsWrong) as caught:
        CircuitBackend.found(PARAMS, {**environment, "CRS_PATH": str(tmp_path)})
    assert isinstance(caught.value, Refused)
    assert "proofplane bb setup" in str(caught.value)


def test_the_note_on_recursion_names_the_points_that_are_there_and_those_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / POINTS_FILE).write_bytes(START)
    note = recursion_note({"CRS_PATH": str(tmp_path)})
    assert note.startswith("native attestations")
    assert "2,097,152" in note
    assert f"{tmp_path} holds 2" in note

    assert "no ceremony points" in recursion_note({"CRS_PATH": str(tmp_path / "nowhere")})
    monkeypatch.setattr(circuit_backend_module, "find_crs", lambda environment: Crs(tmp_path, 2**21, grumpkin=False))
    assert "in tests only" in recursion_note({})

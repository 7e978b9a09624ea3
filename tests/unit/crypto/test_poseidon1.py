"""Unit tests of `proofplane.crypto.poseidon1`: known answers, and the native permutation against it."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofplane.crypto.koalabear import P
from proofplane.crypto.poseidon1 import PARAMETERS, UnknownWidth, compress, native_permute, permute, round_constants

WIDTHS = sorted(PARAMETERS)


@pytest.mark.parametrize(
    ("width", "start"), [(16, [610090613, 935319874, 1893335292, 796792199]), (24, [511672087, 215882318, 237782537, 740528428])]
)
def test_counting_up_is_permuted_to_the_known_answer(width: int, start: list[int]) -> None:
    assert permute(range(width))[:4] == start


@pytest.mark.parametrize(("width", "count", "first", "last"), [(16, 448, 0x7EE56A48, 0x07E2D7EF), (24, 744, 0x1D0939DC, 0x21FA33C6)])
def test_the_generator_gives_the_known_first_and_last_constants(width: int, count: int, first: int, last: int) -> None:
    constants = [number for numbers in round_constants(width) for number in numbers]
    assert (len(constants), constants[0], constants[-1]) == (count, first, last)


@pytest.mark.data
@pytest.mark.parametrize("width", WIDTHS)
def test_the_generator_gives_the_recorded_constants(data_dir: Path, width: int) -> None:
    recorded = json.loads((data_dir / "lean" / "poseidon1-koalabear.json").read_text())["widths"][str(width)]
    assert [list(constants) for constants in round_constants(width)] == recorded["round_constants"]
    assert list(PARAMETERS[width].mds_row) == recorded["mds_first_row"]


@pytest.mark.data
@pytest.mark.parametrize("width", WIDTHS)
def test_the_recorded_states_are_permuted_as_recorded(data_dir: Path, width: int) -> None:
    found = 0
    for file in sorted((data_dir / "lean" / "vectors" / "poseidon_permutation").rglob("*.json")):
        for vector in json.loads(file.read_text()).values():
            if vector["width"] == width:
                before, after = (list(map(int, vector[key])) for key in ("inputState", "outputState"))
                assert permute(before) == after
                assert native_permute(before) == after
                found += 1
    assert found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("element", [0, 1, P - 1])
def test_the_native_permutation_is_the_same_at_the_edges(width: int, element: int) -> None:
    assert native_permute([element] * width) == permute([element] * width)


@pytest.mark.parametrize("width", WIDTHS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_native_permutation_is_the_same_on_any_state(width: int, data: st.DataObject) -> None:
    state = data.draw(st.lists(st.integers(0, P - 1), min_size=width, max_size=width))
    assert native_permute(state) == permute(state)


def test_compression_pads_with_zeros_and_adds_the_input() -> None:
    padded = [P - 1, 7, 9] + [0] * 13
    assert list(compress(padded[:3], 16, 4)) == [(after + before) % P for after, before in zip(permute(padded)[:4], padded, strict=False)]


@pytest.mark.parametrize("width", [0, 8, 17, 25])
def test_another_width_has_no_permutation(width: int) -> None:
    with pytest.raises(UnknownWidth, match=str(width)):
        permute([0] * width)
    with pytest.raises(UnknownWidth, match=str(width)):
        native_permute([0] * width)
    with pytest.raises(UnknownWidth):
        round_constants(width)

"""Unit tests of `proofplane.bitcoin.script`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.errors import CallerMistake
from proofplane.bitcoin.script import push, read_push, script_number


@pytest.mark.parametrize(
    ("data", "prefix"),
    [
        (b"a" * 75, "4b"),
        (b"a" * 76, "4c4c"),
        (b"a" * 255, "4cff"),
        (b"a" * 256, "4d0001"),
        (b"a" * 520, "4d0802"),
        (b"\x00", "01"),
        (b"\x11", "01"),
        (b"\x82", "01"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)}",
)
def test_a_push_has_the_shortest_prefix_for_its_length(data: bytes, prefix: str) -> None:
    assert push(data) == bytes.fromhex(prefix) + data


@pytest.mark.parametrize(("data", "script"), [(b"", "00"), (b"\x01", "51"), (b"\x10", "60"), (b"\x81", "4f")])
def test_items_that_have_an_opcode_of_their_own_are_pushed_by_it(data: bytes, script: str) -> None:
    assert push(data).hex() == script
    assert read_push(bytes.fromhex(script)) == (data, 1)


def test_more_than_520_bytes_cannot_be_pushed() -> None:
    with pytest.raises(CallerMistake):
        push(b"a" * 521)
    assert read_push(b"\x4d\x09\x02" + b"a" * 521) is None


@given(st.binary(max_size=520), st.binary(max_size=3), st.binary(max_size=3))
def test_a_push_is_read_as_it_was_built_wherever_it_stands(data: bytes, before: bytes, after: bytes) -> None:
    script = before + push(data)
    assert read_push(script + after, len(before)) == (data, len(script))


@given(st.binary(max_size=90))
def test_only_what_push_builds_is_read_as_a_push(script: bytes) -> None:
    read = read_push(script)
    if read is not None:
        assert push(read[0]) == script[: read[1]]


@pytest.mark.parametrize(
    "script",
    [
        "",
        "0105",
        "0181",
        "4c00",
        "4c4b" + "61" * 75,
        "4d4c00" + "61" * 76,
        "02ff",
        "4c",
        "4cff00",
        "4d01",
        "4e0000000000",
        "50",
        "61",
        "6a",
    ],
    ids=lambda script: script[:12] or "empty",
)
def test_no_push_a_longer_one_than_needed_and_a_cut_one_read_as_none(script: str) -> None:
    assert read_push(bytes.fromhex(script)) is None


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, ""), (1, "01"), (127, "7f"), (128, "8000"), (255, "ff00"), (256, "0001"), (0x7FFFFF, "ffff7f"), (2**32 - 1, "ffffffff00")],
)
def test_script_numbers_leave_the_sign_bit_free(value: int, encoded: str) -> None:
    assert script_number(value).hex() == encoded


def test_negative_script_numbers_are_not_built() -> None:
    with pytest.raises(CallerMistake):
        script_number(-1)

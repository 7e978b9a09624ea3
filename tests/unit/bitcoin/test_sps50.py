"""Unit tests of `proofplane.bitcoin.sps50`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.errors import CallerMistake
from proofplane.bitcoin.script import push
from proofplane.bitcoin.sps50 import MAX_AUX, TEST_MAGIC, Tag, parse_tag, tag_script
from proofplane.bitcoin.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut

PAYLOAD = TEST_MAGIC + b"\x02\x03aux"
U8 = st.integers(0, 255)


def spending(*scripts: bytes) -> Transaction:
    return Transaction(2, (TxIn(NULL_OUTPOINT, b"\x51\x51"),), tuple(TxOut(0, script) for script in scripts))


def returning(payload: bytes) -> bytes:
    return b"\x6a" + push(payload)


@pytest.mark.checklist(38)
@given(st.builds(Tag, U8, U8, st.binary(max_size=MAX_AUX)))
def test_a_tag_is_read_as_it_was_written(tag: Tag) -> None:
    script = tag_script(TEST_MAGIC, tag)
    assert parse_tag(spending(script, b"\x51"), TEST_MAGIC) == tag


@pytest.mark.parametrize(("aux", "start"), [(0, "6a06"), (69, "6a4b"), (70, "6a4c4c"), (74, "6a4c50")])
def test_a_tag_is_pushed_in_its_shortest_form(aux: int, start: str) -> None:
    script = tag_script(TEST_MAGIC, Tag(2, 3, b"x" * aux))
    assert script == bytes.fromhex(start) + TEST_MAGIC + b"\x02\x03" + b"x" * aux


@pytest.mark.checklist(38)
@pytest.mark.parametrize(
    "scripts",
    [
        (b"\x51", returning(PAYLOAD)),
        (returning(b"ALPM" + PAYLOAD[4:]),),
        (returning(TEST_MAGIC + b"\x02"),),
        (returning(TEST_MAGIC),),
        (returning(PAYLOAD[:6] + b"x" * 75),),
        (b"\x51" + push(PAYLOAD),),
        (b"\x6a\x4c" + bytes((len(PAYLOAD),)) + PAYLOAD,),
        (b"\x6a\x4d\x4d\x00" + PAYLOAD[:6] + b"x" * 71,),
        (returning(PAYLOAD) + b"\x51",),
        (returning(PAYLOAD)[:-1],),
        (b"\x6a",),
        (b"",),
    ],
    ids=[
        "output 1",
        "another magic",
        "5 bytes",
        "4 bytes",
        "81 bytes",
        "no OP_RETURN",
        "longer push than needed",
        "longer push than needed for 77 bytes",
        "an opcode behind it",
        "a cut push",
        "OP_RETURN alone",
        "empty script",
    ],
)
def test_anything_else_is_not_ours(scripts: tuple[bytes, ...]) -> None:
    assert parse_tag(spending(*scripts), TEST_MAGIC) is None


@pytest.mark.checklist(38)
def test_six_and_eighty_bytes_are_the_limits() -> None:
    assert parse_tag(spending(returning(PAYLOAD[:6])), TEST_MAGIC) == Tag(2, 3)
    assert parse_tag(spending(returning(PAYLOAD[:6] + b"x" * 74)), TEST_MAGIC) == Tag(2, 3, b"x" * 74)


@pytest.mark.parametrize("fields", [(256, 0, b""), (-1, 0, b""), (0, 256, b""), (0, 0, b"x" * 75)])
def test_a_field_out_of_its_range_is_the_callers_mistake(fields: tuple[int, int, bytes]) -> None:
    with pytest.raises(CallerMistake):
        Tag(*fields)


@pytest.mark.parametrize("magic", [b"", b"ALP", b"ALPNX"])
def test_a_magic_of_another_length_is_the_callers_mistake(magic: bytes) -> None:
    with pytest.raises(CallerMistake):
        parse_tag(spending(b"\x51"), magic)
    with pytest.raises(CallerMistake):
        tag_script(magic, Tag(0, 0))

"""The grammar of types, both ways."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.wire.schema.model import Array, FixedBytes, List, Map, Named, Optional, Packed, Scalar, Tuple, Type
from proofplane.wire.schema.types import UNSIGNED, NotAType, parse_type, type_text


def key_of(name: str) -> Scalar | None:
    return {"u8": Scalar.U8, "u16": Scalar.U16, "u32": Scalar.U32, "u64": Scalar.U64, "TreeId": Scalar.U32}.get(name)


TYPES: st.SearchStrategy[Type] = st.recursive(
    st.sampled_from([*Scalar, FixedBytes(32), Named("Point"), Named("Fr2")]),
    lambda inner: (
        st.builds(Optional, inner)
        | st.builds(List, inner)
        | st.builds(Array, inner, st.integers(1, 10**6))
        | st.builds(Map, st.sampled_from(sorted(UNSIGNED, key=str)), inner)
        | st.builds(Tuple, st.lists(inner, min_size=2, max_size=4).map(tuple))
        | st.builds(Packed, inner)
    ),
    max_leaves=6,
)


@given(TYPES)
def test_what_is_written_is_read_again(type_: Type) -> None:
    try:
        assert parse_type(type_text(type_), key_of) == type_
    except NotAType as error:
        assert "nested deeper" in str(error)  # noqa: PT017 the only reason that a written type may give


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("u32?[]", List(Optional(Scalar.U32))),
        ("u32[]?", Optional(List(Scalar.U32))),
        ("Fr[2][]", List(Array(Named("Fr"), 2))),
        ("{TreeId: (Fr, u64)}", Map(Scalar.U32, Tuple((Named("Fr"), Scalar.U64)))),
        (" packed < Point [ ] > ? ", Optional(Packed(List(Named("Point"))))),
        ("bin32", FixedBytes(32)),
    ],
)
def test_postfixes_apply_to_all_that_stands_before_them_and_blanks_do_not_matter(text: str, type_: Type) -> None:
    assert parse_type(text, key_of) == type_


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a type, found 'the end'"),
        ("u33", "expected a type, found 'u33'"),
        ("i32", "expected a type"),
        ("bin0", "expected a type"),
        ("bin032", "expected a type"),
        ("u8[0]", "size is a number from 1, not '0'"),
        ("u8[x]", "size is a number from 1, not 'x'"),
        ("u8[", "not 'the end'"),
        ("u8[2", "expected ']', found 'the end'"),
        ("u8 u8", "'u8' stands behind the type"),
        ("(u8)", "a tuple has two types at least"),
        ("(u8,)", "expected a type, found ')'"),
        ("{string: u8}", "a map's key is an unsigned integer type or an alias of one, not 'string'"),
        ("{u8 u8}", "expected ':'"),
        ("{u8: u8", "expected '}'"),
        ("packed(u8)", "expected '<'"),
        ("packed<u8", "expected '>'"),
        ("u8*", "unexpected '*'"),
        ("u8" + "[]" * 17, "nested deeper than 16"),
        ("packed<" * 1000, "nested deeper than 16"),
    ],
)
def test_what_is_no_type_is_told_by_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(NotAType, match=re.escape(message)):
        parse_type(text, key_of)

"""JSON with comments: values, docs, lines, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.wire.schema.errors import ContractError
from proofplane.wire.schema.jsonc import MAX_DEPTH, Node, Object, read_jsonc

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def plain(node: Node) -> object:
    if isinstance(node, Object):
        return {key: plain(entry.value) for key, entry in node.entries.items()}
    return [plain(item) for item in node] if isinstance(node, list) else node


@given(JSON, st.sampled_from([None, 2]))
def test_json_without_comments_is_read_as_json_reads_it(value: object, indent: int | None) -> None:
    assert plain(read_jsonc(json.dumps(value, indent=indent))) == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    try:
        read_jsonc(text)
    except ContractError as error:
        assert all(problem.line for problem in error.problems)  # noqa: PT017 either outcome is right


def test_a_comment_directly_above_a_key_is_its_doc() -> None:
    text = """
    // Of the whole.
    {
      // One
      // two.
      "a": 1,  // behind a, not above b
      "b": 2,
      // Cut off by a blank line.

      "c": 3,
      /* Over
       * lines. */
      "d": 4, /* On the same line. */ "e": 5,
      /* Before it. */
      "f": "// not a comment",
    }"""
    top = read_jsonc(text)
    assert isinstance(top, Object)
    assert top.doc == "Of the whole."
    assert {key: entry.doc for key, entry in top.entries.items()} == {
        "a": "One\ntwo.", "b": "", "c": "", "d": "Over\nlines.", "e": "", "f": "Before it.",
    }  # fmt: skip
    assert {key: entry.line for key, entry in top.entries.items()} == {"a": 6, "b": 7, "c": 10, "d": 13, "e": 13, "f": 15}
    assert top.entries["f"].value == "// not a comment"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "found the end"),
        ('{\n"a": 1\n"b": 2}', 3, "expected , or }"),
        ('{\n\n"a": 1,\n"a": 2}', 4, "the key 'a' stands twice, first in line 3"),
        ("{,}", 1, "expected string"),
        ('{"a" 1}', 1, "expected :"),
        ("{} {}", 1, "expected end"),
        ("[1,\n2", 2, "found the end"),
        ('["\n"]', 1, "unexpected"),
        ("[1.2.3]", 1, "is not JSON"),
        ('["\\x"]', 1, "is not JSON"),
        ("[\n/* never closed", 2, "unexpected"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), 1, "nested deeper"),
        ("nul", 1, "unexpected"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_jsonc(text)
    assert caught.value.problems[0].line == line
    assert message in str(caught.value)

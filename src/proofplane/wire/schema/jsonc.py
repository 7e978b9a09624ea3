"""Reads JSON with comments, keeping the line of every key and the comment above it.

Rules:

1. Comments are `// to the end of the line` and `/* over lines */`; one comma may follow the last entry.
2. A comment that begins its own line, directly above a key or above such a comment, is that key's doc; a blank line cuts it off.
3. A key given twice is an error: which of the two counts would be a guess.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TypeAlias

from proofplane.wire.schema.errors import ContractError, Problem

MAX_TEXT = 4 << 20
"""Characters of the longest text: fifty times the contract of `bb`."""

MAX_DEPTH = 32
"""Nesting of the deepest text; contracts need five levels, and a bound keeps hostile texts from exhausting the stack."""

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<line>//[^\n]*)
      | (?P<block>/\*.*?\*/)
      | (?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")
      | (?P<word>-?[0-9][0-9.eE+-]*|true\b|false\b|null\b)
      | (?P<mark>[{}\[\],:])""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of an object."""

    value: Node
    line: int
    doc: str


@dataclass(frozen=True, slots=True)
class Object:
    """An object, in the order of the text."""

    entries: dict[str, Entry] = field(default_factory=dict)
    doc: str = ""
    """The comment above its opening brace, if it is the whole text."""


Node: TypeAlias = "Object | list[Node] | str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int
    doc: str
    """The comment directly above."""


def read_jsonc(text: str) -> Node:
    """Reads one value; raises `ContractError`, with the line, for text that is not JSON with comments or exceeds a bound."""
    if len(text) > MAX_TEXT:
        raise ContractError([Problem("", f"the text has {len(text)} characters, the limit is {MAX_TEXT}", 1)])
    parser = _Parser(_tokens(text))
    value = parser.value(0)
    parser.take("end")
    return value


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    comments: list[tuple[int, int, str]] = []  # first line, last line, text; only those that begin a line
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ContractError([Problem("", f"unexpected {text[at : at + 20].splitlines()[0]!r}", line)])
        kind, content, at = str(match.lastgroup), match.group(), match.end()
        last = line + content.count("\n")
        if kind in ("line", "block"):
            if not tokens or tokens[-1].line < line:
                comments.append((line, last, _comment_text(content)))
        elif kind != "space":
            tokens.append(_Token(content if kind == "mark" else kind, content, line, _doc_above(comments, line)))
            comments.clear()
        line = last
    tokens.append(_Token("end", "the end", line, ""))
    return tokens


def _comment_text(comment: str) -> str:
    if comment.startswith("//"):
        return comment[2:].strip()
    lines = [line.strip().removeprefix("*").strip() for line in comment[2:-2].split("\n")]
    return "\n".join(lines).strip()


def _doc_above(comments: list[tuple[int, int, str]], line: int) -> str:
    texts: list[str] = []
    for first, last, text in reversed(comments):
        if last < line - 1:
            break
        texts.insert(0, text)
        line = first
    return "\n".join(texts).strip()


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def take(self, *kinds: str) -> _Token:
        token = self._tokens[self._at]
        if token.kind not in kinds:
            wanted = " or ".join(kinds)
            raise ContractError([Problem("", f"expected {wanted}, found {token.text[:40]}", token.line)])
        self._at += 1
        return token

    def _ends(self, mark: str) -> bool:
        if self._tokens[self._at].kind == mark:
            self._at += 1
            return True
        return False

    def value(self, depth: int) -> Node:
        token = self.take("{", "[", "string", "word")
        if depth == MAX_DEPTH:
            raise ContractError([Problem("", f"nested deeper than {MAX_DEPTH} levels", token.line)])
        if token.kind == "{":
            return self._object(depth, token.doc)
        if token.kind == "[":
            return self._array(depth)
        return self._scalar(token)

    def _object(self, depth: int, doc: str) -> Object:
        entries: dict[str, Entry] = {}
        while not self._ends("}"):
            key = self.take("string")
            name = str(self._scalar(key))
            if name in entries:
                raise ContractError([Problem("", f"the key {name!r} stands twice, first in line {entries[name].line}", key.line)])
            self.take(":")
            entries[name] = Entry(self.value(depth + 1), key.line, key.doc)
            if self.take(",", "}").kind == "}":
                break
        return Object(entries, doc)

    def _array(self, depth: int) -> list[Node]:
        items: list[Node] = []
        while not self._ends("]"):
            items.append(self.value(depth + 1))
            if self.take(",", "]").kind == "]":
                break
        return items

    def _scalar(self, token: _Token) -> str | int | float | bool | None:
        try:
            value: str | int | float | bool | None = json.loads(token.text)
        except ValueError as error:
            raise ContractError([Problem("", f"{token.text[:40]} is not JSON: {error}", token.line)]) from error
        return value

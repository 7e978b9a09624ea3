"""The grammar of types in a contract, both ways: text to type, type to text.

    type  = atom { "?" | "[" "]" | "[" number "]" }
    atom  = "u8" | "u16" | "u32" | "u64" | "f64" | "bool" | "string" | "bytes" | "bin" number | Name
          | "{" key ":" type "}" | "(" type "," type { "," type } ")" | "packed" "<" type ">"
    key   = an unsigned integer type, or an alias of one

A postfix applies to all that stands before it: `u32?[]` is a list of optional numbers, `u32[]?` an optional list.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from proofplane.base.errors import CallerMistake
from proofplane.wire.schema.model import BITS, Array, FixedBytes, List, Map, Named, Optional, Packed, Scalar, Tuple, Type

UNSIGNED = frozenset(BITS)
"""The integer types, which alone can be keys of a map."""

SCALARS = {scalar.value: scalar for scalar in Scalar}
"""Scalars by their names in a contract."""

MAX_NESTING = 16
"""Types within types in one text; keeps hostile texts from exhausting the stack, and readers from despair."""

_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?\[\]{}():,<>])\s*")
_FIXED = re.compile(r"bin([1-9][0-9]{0,8})")
_SIZE = re.compile(r"[1-9][0-9]{0,8}")


class NotAType(CallerMistake):
    """Text that the grammar of types does not have; the message says what was expected."""


def parse_type(text: str, key_of: Callable[[str], Scalar | None]) -> Type:
    """Reads a type; `key_of` gives the integer that a name stands for as a map's key, None if it stands for none.

    Raises:
        NotAType: `text` is not a type.
    """
    parser = _Parser(_tokens(text), key_of)
    type_ = parser.type(0)
    if parser.peek():
        raise NotAType(f"{parser.peek()!r} stands behind the type")
    return type_


def type_text(type_: Type) -> str:
    """The text that `parse_type` reads as `type_`."""
    match type_:
        case Scalar():
            return type_.value
        case FixedBytes(size=size):
            return f"bin{size}"
        case Named(name=name):
            return name
        case Optional(inner=inner):
            return f"{type_text(inner)}?"
        case List(inner=inner):
            return f"{type_text(inner)}[]"
        case Array(inner=inner, size=size):
            return f"{type_text(inner)}[{size}]"
        case Map(key=key, value=value):
            return f"{{{key.value}: {type_text(value)}}}"
        case Tuple(items=items):
            return f"({', '.join(map(type_text, items))})"
        case Packed(inner=inner):
            return f"packed<{type_text(inner)}>"


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotAType(f"unexpected {text[at:].strip()[:20]!r}")
        tokens.append(match.group(1))
        at = match.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens; `""` stands for the end."""

    def __init__(self, tokens: list[str], key_of: Callable[[str], Scalar | None]) -> None:
        self._tokens = tokens
        self._key_of = key_of
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def _take(self, mark: str) -> None:
        token = self._next()
        if token != mark:
            raise NotAType(f"expected {mark!r}, found {token or 'the end'!r}")

    def type(self, depth: int) -> Type:
        type_ = self._atom(depth)
        while self.peek() in ("?", "["):
            depth += 1
            if depth > MAX_NESTING:
                raise NotAType(f"nested deeper than {MAX_NESTING}")
            if self._next() == "?":
                type_ = Optional(type_)
            elif self.peek() == "]":
                type_ = List(type_)
                self._take("]")
            else:
                size = self._next()
                if not _SIZE.fullmatch(size):
                    raise NotAType(f"an array's size is a number from 1, not {size or 'the end'!r}")
                type_ = Array(type_, int(size))
                self._take("]")
        return type_

    def _atom(self, depth: int) -> Type:
        if depth > MAX_NESTING:
            raise NotAType(f"nested deeper than {MAX_NESTING}")
        token = self._next()
        if token == "{":
            return self._map(depth)
        if token == "(":
            return self._tuple(depth)
        if token == "packed":
            self._take("<")
            inner = self.type(depth + 1)
            self._take(">")
            return Packed(inner)
        if token in SCALARS:
            return SCALARS[token]
        fixed = _FIXED.fullmatch(token)
        if fixed is not None:
            return FixedBytes(int(fixed.group(1)))
        if token[:1].isupper():
            return Named(token)
        raise NotAType(f"expected a type, found {token or 'the end'!r}")

    def _map(self, depth: int) -> Map:
        name = self._next()
        key = self._key_of(name)
        if key is None:
            raise NotAType(f"a map's key is an unsigned integer type or an alias of one, not {name or 'the end'!r}")
        self._take(":")
        value = self.type(depth + 1)
        self._take("}")
        return Map(key, value)

    def _tuple(self, depth: int) -> Tuple:
        items = [self.type(depth + 1)]
        while self.peek() == ",":
            self._take(",")
            items.append(self.type(depth + 1))
        self._take(")")
        if len(items) == 1:
            raise NotAType("a tuple has two types at least")
        return Tuple(tuple(items))

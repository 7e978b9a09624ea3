"""A strict reader of one JSON object: fields of the wrong type, missing ones and ones that nobody asked for are all errors."""

from __future__ import annotations

from types import TracebackType
from typing import TypeVar

from proofplane.chain.vectors.types import VectorFailed
from proofplane.lean.types import Checkpoint, Root, Slot

T = TypeVar("T")

_ROOT_DIGITS = 64


class Fields:
    """Use as `with Fields(value, where) as fields`: leaving the block without an error checks that every field was taken."""

    def __init__(self, value: object, where: str) -> None:
        """`where` names the object in messages; raises `VectorFailed` unless `value` is one."""
        self._left = dict(typed(value, dict, where))
        self._where = where

    def __contains__(self, name: str) -> bool:
        """Whether a field is there and was not taken yet."""
        return name in self._left

    def take(self, name: str) -> object:
        """A field of any type."""
        if name not in self._left:
            raise VectorFailed(f"{self._where} lacks the field {name!r}")
        return self._left.pop(name)

    def number(self, name: str) -> int:
        """A whole number."""
        return typed(self.take(name), int, f"{self._where}.{name}")

    def text(self, name: str) -> str:
        """A string."""
        return typed(self.take(name), str, f"{self._where}.{name}")

    def flag(self, name: str) -> bool:
        """A boolean."""
        return typed(self.take(name), bool, f"{self._where}.{name}")

    def items(self, name: str) -> list[object]:
        """A list."""
        return typed(self.take(name), list, f"{self._where}.{name}")

    def root(self, name: str) -> Root:
        """A root in hexadecimal."""
        return root_of(self.take(name), f"{self._where}.{name}")

    def checkpoint(self, name: str) -> Checkpoint:
        """A checkpoint."""
        with Fields(self.take(name), f"{self._where}.{name}") as fields:
            return Checkpoint(fields.root("root"), Slot(fields.number("slot")))

    def reason(self) -> str | None:
        """The recorded reason of a rejection, None if there is none."""
        return self.text("rejectionReason") if "rejectionReason" in self else None

    def rest(self) -> list[str]:
        """Names of the fields that nobody took so far."""
        return sorted(self._left)

    def __enter__(self) -> Fields:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None and self._left:
            raise VectorFailed(f"{self._where} has unknown fields: {', '.join(self.rest())}")


def typed(value: object, kind: type[T], where: str) -> T:
    """`value` itself if it is exactly of that type (a boolean is no number); raises `VectorFailed` otherwise."""
    if type(value) is not kind:
        raise VectorFailed(f"{where} is {type(value).__name__}, expected {kind.__name__}")
    return value


def hex_bytes(value: object, where: str) -> bytes:
    """Bytes written as `0x` and an even number of hexadecimal digits."""
    text = typed(value, str, where)
    digits = text.removeprefix("0x")
    try:
        if len(digits) == len(text) or (digits and not digits.isalnum()):  # fromhex alone would skip blanks
            raise ValueError
        return bytes.fromhex(digits)
    except ValueError:
        raise VectorFailed(f"{where} is not written as 0x and hexadecimal digits: {text[:80]!r}") from None


def root_of(value: object, where: str) -> Root:
    """A root of 32 bytes in hexadecimal."""
    raw = hex_bytes(value, where)
    if len(raw) * 2 != _ROOT_DIGITS:
        raise VectorFailed(f"{where} has {len(raw)} bytes, a root has {_ROOT_DIGITS // 2}")
    return Root(raw)


def numbers_of(value: object, where: str) -> list[int]:
    """A list of whole numbers."""
    return [typed(item, int, f"{where}[{position}]") for position, item in enumerate(typed(value, list, where))]

"""What an SSZ codec of plain values is: bytes, root and tree of one SSZ type, and the one error of its decoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from remerkleable.tree import Node

from proofplane.base.errors import Refused
from proofplane.base.ids import Hash32

Raw = bytes | memoryview
"""What is decoded: of a view the parts are cut without copying, so that only what a value keeps is copied, once."""


class MalformedSsz(Refused):
    """Bytes that are not the SSZ form of the value that was asked for."""


class Codec(ABC):
    """One SSZ type over plain values.

    Values that do not fit the type (an integer too wide, too many bytes) are the caller's bug and are not looked for when encoding.
    """

    size: int | None
    """Bytes of every value, None if they differ."""

    @abstractmethod
    def encode(self, value: Any) -> bytes:
        """The SSZ bytes."""

    @abstractmethod
    def decode(self, raw: Raw) -> Any:
        """Reads `encode()`; raises `MalformedSsz` on anything else, before memory beyond a few times `len(raw)` is used."""

    @abstractmethod
    def root(self, value: Any) -> Hash32:
        """The tree-hash root."""

    @abstractmethod
    def tree(self, value: Any) -> Node:
        """The backing tree of a `remerkleable` view of the type, whose nodes remember their roots."""

    @abstractmethod
    def untree(self, node: Node) -> Any:
        """Reads `tree()`, or the backing of any whole view of the type."""


def expect_size(raw: Raw, size: int) -> None:
    """Raises `MalformedSsz` unless there are exactly `size` bytes."""
    if len(raw) != size:
        raise MalformedSsz(f"a value of {size} bytes has {len(raw)}")

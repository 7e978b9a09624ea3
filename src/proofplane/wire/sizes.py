"""Ranges of integers as annotations that decoders check, and the refusals of a value that is out of range or of a wrong size."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from proofplane.base.errors import CallerMistake

U8: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**8 - 1)]
"""0 to 2^8 - 1."""

U16: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**16 - 1)]
"""0 to 2^16 - 1."""

U32: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
"""0 to 2^32 - 1."""

U64: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
"""0 to 2^64 - 1, where msgpack itself ends."""


class WrongSize(CallerMistake, ValueError):
    """Fixed-size bytes or an array have another size than the contract says.

    Raised where a message is made, so that a wrong size is never encoded: real servers read past a field element that is too short.
    It is a `ValueError` because that is what msgspec turns into its own error when a message is decoded.
    """

    def __init__(self, field: str, expected: int, actual: int) -> None:
        """Takes the field as `Message.field`, and both sizes in bytes or items."""
        super().__init__(f"{field} must have a size of {expected}, not {actual}")
        self.field = field
        self.expected = expected
        self.actual = actual


class OutOfRange(CallerMistake, ValueError):
    """An integer is negative, or larger than its type in the contract.

    Raised where a message is made, and a `ValueError`, for the reasons of `WrongSize`.
    """

    def __init__(self, field: str, bits: int, actual: int) -> None:
        """Takes the field as `Message.field`, and its type's width."""
        super().__init__(f"{field} must be 0 to {2**bits - 1}, not {actual}")
        self.field = field
        self.bits = bits
        self.actual = actual

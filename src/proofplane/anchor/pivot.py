"""The pivot search: from a block back along its real parents to the first one that there is a base for.

Rules, at every cursor, starting with the tip:

1. If there is a base for the cursor, the search ends with it.
2. Else, if the cursor is at or below the floor, the search ends without one (asked after rule 1: the floor itself may be a base).
3. Else the cursor is pending, and its parent is the next cursor.

Every parent is asked for once, and none beyond the base. An error of a lookup passes through and is never taken for "no base".
Follows "pivot search" of the public repository alpenlabs/asm.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from proofplane.base.ids import BlockCommitment, Height

B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Plan(Generic[B]):
    """The path from a base to the tip of a search."""

    base: B
    """What `base_at` gave for `block`."""
    block: BlockCommitment
    """Where the base is."""
    pending: tuple[BlockCommitment, ...]
    """The blocks above `block` up to the tip, newest first."""


@dataclass(frozen=True, slots=True)
class ReachedFloor:
    """No base from the tip down to the floor."""

    block: BlockCommitment
    """Where the search ended."""


async def plan(
    tip: BlockCommitment,
    floor: Height,
    base_at: Callable[[BlockCommitment], B | None],
    parent_of: Callable[[BlockCommitment], Awaitable[BlockCommitment]],
) -> Plan[B] | ReachedFloor:
    """Searches from `tip` down to `floor`.

    Args:
        tip: Where the search begins.
        floor: The lowest height that a base can have.
        base_at: Returns what is known at a block, or None.
        parent_of: Returns a block's real parent; awaited because it may come from a remote source.
    """
    pending: list[BlockCommitment] = []
    cursor = tip
    while (base := base_at(cursor)) is None:
        if cursor.height <= floor:
            return ReachedFloor(cursor)
        pending.append(cursor)
        cursor = await parent_of(cursor)
    return Plan(base, cursor, tuple(pending))

"""How far the work on a Lean chain is: one plain value that displays read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChainProgress:
    """Making a chain goes through "keys" and "slots", importing it is "blocks"."""

    stage: str = "blocks"
    done: int = 0
    total: int = 0
    head_slot: int = 0
    finalized_slot: int = 0
    """Of the store, while blocks are imported."""
    refused: int = 0
    rate: float = 0.0
    """Of keys, slots or blocks per second, from the stage's begin to the last one that was done."""

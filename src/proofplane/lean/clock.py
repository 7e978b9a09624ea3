"""The slot clock, without a clock: what slot and interval a given time belongs to, and who proposes in a slot.

Before genesis everything is 0. Divisions round down.
"""

from __future__ import annotations

from proofplane.lean.config import INTERVALS_PER_SLOT, MILLISECONDS_PER_INTERVAL, SECONDS_PER_SLOT
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.types import Slot, ValidatorIndex

_MILLISECONDS_PER_SLOT = SECONDS_PER_SLOT * 1000


def current_slot(genesis_time: int, now_ms: int) -> Slot:
    """The slot at a time.

    Args:
        genesis_time: Unix seconds.
        now_ms: Unix milliseconds.
    """
    return Slot(_since(genesis_time, now_ms) // _MILLISECONDS_PER_SLOT)


def current_interval(genesis_time: int, now_ms: int) -> int:
    """The interval within its slot at a time, 0 to 4; units as for `current_slot`."""
    return _since(genesis_time, now_ms) % _MILLISECONDS_PER_SLOT // MILLISECONDS_PER_INTERVAL


def total_intervals(genesis_time: int, now_ms: int) -> int:
    """Whole intervals since genesis at a time: `Store.time` of a store that is up to date; units as for `current_slot`."""
    return _since(genesis_time, now_ms) // MILLISECONDS_PER_INTERVAL


def first_interval(slot: Slot) -> int:
    """Intervals from genesis to the beginning of a slot."""
    return slot * INTERVALS_PER_SLOT


def proposer_of(slot: Slot, validators: int) -> ValidatorIndex:
    """Who proposes in a slot, of so many validators.

    Raises:
        Rejected: `EMPTY_VALIDATOR_REGISTRY`.
    """
    if validators == 0:
        raise Rejected(Reason.EMPTY_VALIDATOR_REGISTRY)
    return ValidatorIndex(slot % validators)


def _since(genesis_time: int, now_ms: int) -> int:
    return max(0, now_ms - genesis_time * 1000)

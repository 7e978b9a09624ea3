"""Which slots may be justified after a finalized one (3SF-mini)."""

from __future__ import annotations

from math import isqrt

from proofplane.lean.config import IMMEDIATE_JUSTIFICATION_WINDOW
from proofplane.lean.types import Slot


def is_justifiable(slot: Slot, finalized: Slot) -> bool:
    """Whether `slot` may be justified while `finalized` is the finalized slot; one before that may not.

    These are the slots at a distance of at most five, at a perfect square, or at a pronic number `x * (x + 1)`: ever fewer, so that the
    votes of a chain that does not finalize meet on fewer targets.
    """
    distance = slot - finalized
    if distance < 0:
        return False
    if distance <= IMMEDIATE_JUSTIFICATION_WINDOW:
        return True
    root = isqrt(distance)
    return distance in (root * root, root * (root + 1))


def any_justifiable_between(source: Slot, target: Slot, finalized: Slot) -> bool:
    """Whether a slot strictly between `source` and `target` may be justified; `source` is not before `finalized`.

    Stops at the first, and justifiable slots are never more than about `sqrt(target - finalized)` apart.
    """
    return any(is_justifiable(Slot(slot), finalized) for slot in range(source + 1, target))

"""Which block roots are known to be invalid, and why: reasons of the transition only.

Rules:
1. A reason is remembered by block root only if the root alone decides it. The root commits to the block and through its parent to the
   state before it, so a reason of the transition is for ever; it does not commit to the proof, so a reason of the signatures is never
   remembered.
2. What ends by itself (unknown parent, a slot that has not come, a check that could not be made) is never remembered either.
3. Nobody needs the memory for a verdict: a forgotten root is checked again, with the same reason.
"""

from __future__ import annotations

from proofplane.lean.errors import Rejected
from proofplane.lean.types import Root

REMEMBERED_ROOTS = 1024
"""Roots kept, the oldest goes: an hour of slots in which every block is bad. A root is remembered only after a valid proof by the slot's
proposer key, so nobody else can fill it."""


class InvalidRoots:
    """A bounded memory of blocks that the transition refused."""

    def __init__(self, most: int = REMEMBERED_ROOTS) -> None:
        self._most = most
        self._reasons: dict[Root, Rejected] = {}

    def remember(self, root: Root, refusal: Rejected) -> None:
        """Keeps why the transition refused the block; the caller vouches that its signatures were valid."""
        self._reasons.pop(root, None)
        self._reasons[root] = Rejected(refusal.reason, refusal.detail)  # without the traceback, which would keep the states alive
        if len(self._reasons) > self._most:
            del self._reasons[next(iter(self._reasons))]

    def refusal(self, root: Root) -> Rejected | None:
        """Returns the refusal to raise for a block whose signatures are valid, None if nothing is remembered."""
        found = self._reasons.get(root)
        return None if found is None else Rejected(found.reason, found.detail)

    def __contains__(self, root: Root) -> bool:
        return root in self._reasons

    def __len__(self) -> int:
        return len(self._reasons)

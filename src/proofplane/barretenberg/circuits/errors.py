"""What our circuits refuse before anything is proved."""

from __future__ import annotations

from proofplane.base.errors import NeverAgain


class Unprovable(NeverAgain):
    """There is no proof of this step: it breaks a header rule, or it is beyond what our circuits state; the message says which."""

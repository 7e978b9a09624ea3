"""How a run of a node can end without its goal."""

from __future__ import annotations

from proofplane.base.errors import NeverAgain, ProofplaneError


class ProofsMissing(NeverAgain):
    """Nothing is left to do, but proofs of the chain have failed for good: `proofplane status` names them."""


class StoppedEarly(ProofplaneError):
    """The node was told to stop (a signal) before the work was done; what is done is durable, and the next start goes on from there.

    Of no family: nobody made a mistake, and nothing failed.
    """

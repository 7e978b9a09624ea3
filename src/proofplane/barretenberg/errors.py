"""What can go wrong with proofs, each in its family of base.errors: refused, could not be checked, cannot be made."""

from __future__ import annotations

from enum import Enum

from proofplane.barretenberg.points import more_points
from proofplane.base.errors import CallerMistake, NeverAgain, Refused, TryAgain


class ProofFlaw(Enum):
    """Which rule a refused proof breaks."""

    WRONG_SIZE = "wrong size"
    """The proof has another number of field elements than every proof of its flavour; seen before `bb` is asked."""
    NOT_CANONICAL = "not canonical"
    """A value is not less than the field's modulus; seen before `bb` is asked."""
    WRONG_KEY = "wrong key"
    """The verification key is not one of the flavour; seen before `bb` is asked."""
    WRONG_INPUTS = "wrong inputs"
    """The key is for another number of public inputs; seen before `bb` is asked."""
    MALFORMED = "malformed"
    """`bb` could not read it as a proof, for example because a point is not on the curve."""
    FALSE = "false"
    """A well-formed proof that does not prove this statement under this key."""


class ProofRefused(Refused):
    """A proof was checked and is invalid for this key and these public inputs."""

    def __init__(self, reason: ProofFlaw, message: str) -> None:
        super().__init__(f"{reason.value}: {message}")
        self.reason = reason
        """Which rule is broken."""
        self.detail = message
        """How, without the reason's name."""


class CouldNotVerify(TryAgain):
    """Nothing is known about the proof: no verifier process answered in time, or it lacks ceremony points."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which it is worth asking again, where the queue was full; None otherwise."""


class CouldNotProve(TryAgain):
    """No prover process answered in time, or all of them are taken: nothing is known about the witness."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which it is worth asking again, where the queue was full; None otherwise."""


class Doubtful(TryAgain):
    """A process answered by an error which is not about what it was asked, or fails a good question now: it is replaced."""


class MalformedKey(CallerMistake):
    """Bytes that cannot be a verification key: their length is no key's, or a number in it has more than one form."""


class UnfitVerifier(NeverAgain):
    """No process may be asked: one refused a proof that is known to be good, or the binary or the points are not what they must be."""


class CircuitRefused(NeverAgain):
    """`bb` cannot read the circuit or its witness; the message has its reason."""


class CircuitTooLarge(NeverAgain):
    """Proving the circuit needs more ceremony points than there are."""

    def __init__(self, name: str, gates: int, needed: int, points: int) -> None:
        super().__init__(
            f"the circuit {name} has {gates} gates and needs {needed} ceremony points; there are {points}. "
            f"{more_points(needed)}, or make the circuit smaller"
        )
        self.gates = gates
        """The circuit's gates as `bb` counts them."""
        self.needed = needed
        """Points that proving it takes, a power of two."""
        self.points = points
        """Points that there are."""


class WitnessRefused(NeverAgain):
    """The witness does not satisfy the circuit: the proof that was made from it does not verify."""


class VerifierClosed(CallerMistake):
    """A verifier was asked after it had been closed."""

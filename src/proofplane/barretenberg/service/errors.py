"""Why the verifier service does not know about a proof, and what can go wrong with the service itself."""

from __future__ import annotations

from enum import Enum

from proofplane.barretenberg.errors import CouldNotVerify
from proofplane.base.errors import Broken, CallerMistake, TryAgain


class Obstacle(Enum):
    """What kept the service from verifying; its value is the name on the wire."""

    QUEUE_FULL = "queue full"
    """Too much waits already; the refusal says when to ask again."""
    CANCELLED = "cancelled"
    """Its source was cancelled."""
    TOO_LATE = "too late"
    """It waited longer than its caller said it may."""
    NO_ANSWER = "no answer"
    """The verifier processes died under it or did not answer in time, more than once."""
    STOPPING = "stopping"
    """The service is being stopped and does not begin anything any more."""


class NotVerified(CouldNotVerify):
    """Nothing is known about the proof; the same request may be answered later."""

    def __init__(self, obstacle: Obstacle, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{obstacle.value}: {message}", retry_after)
        self.obstacle = obstacle
        """Why."""


class BadRequestToService(CallerMistake):
    """A request that is none: an unknown queue or flavour, a source that is too long, a key that is none."""


class TooLargeForService(CallerMistake):
    """A question with more bytes than a service takes, which does not mean that anything is wrong with it."""


class NoService(TryAgain):
    """Whoever listens at the address does not speak, or nobody who may be believed does."""


class BadBounds(CallerMistake):
    """Bounds with which the service could not work."""


class WrongAnswer(Broken):
    """A verifier service answered by something that is no verdict, or is one about another key."""

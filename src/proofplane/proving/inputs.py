"""The messages of the prover worker, and the input that merges hints of one kind so that a burst makes one cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from proofplane.base.ids import BlockCommitment
from proofplane.proving.types import AnyProofId, JobStatus, RemoteId
from proofplane.service.commands import Completion
from proofplane.service.inputs import Input, Tick
from proofplane.service.subscriptions import NoItem, Subscription, SubscriptionEnded

T = TypeVar("T")
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Committed:
    """The Moho log has grown; the log itself says by what."""


@dataclass(frozen=True, slots=True)
class Completions:
    """The prover says that these jobs have ended."""

    remote_ids: tuple[RemoteId, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """Prove this, if nobody does; failed and aborted proofs are tried anew."""

    proof_id: AnyProofId
    completion: Completion[JobStatus]


@dataclass(frozen=True, slots=True)
class Retry:
    """Try a failed or aborted proof anew."""

    proof_id: AnyProofId
    completion: Completion[JobStatus]


@dataclass(frozen=True, slots=True)
class Abort:
    """Give up the current attempt at a proof."""

    proof_id: AnyProofId
    completion: Completion[JobStatus]


Command = Request | Retry | Abort
Message = Tick | Committed | Completions | Command


class DrainedInput(Generic[T, M]):
    """Everything that waits in a subscription as one message; ends with the subscription."""

    def __init__(self, subscription: Subscription[T], wrap: Callable[[tuple[T, ...]], M]) -> None:
        """Owns `subscription` from now on; `wrap` makes the message of 1 item or more."""
        self._subscription = subscription
        self._wrap = wrap

    async def recv_next(self) -> M | None:
        """Returns one message for all that waits, or None when the stream has ended."""
        try:
            items = [await self._subscription.recv()]
        except SubscriptionEnded:
            return None
        while not isinstance(item := self._subscription.try_recv(), NoItem):
            items.append(item)
        return self._wrap(tuple(items))

    async def aclose(self) -> None:
        """Closes the subscription."""
        self._subscription.close()


def commitments(subscription: Subscription[BlockCommitment]) -> Input[Committed]:
    """The Moho worker's commitments as wake-ups."""
    return DrainedInput(subscription, lambda _: Committed())


def completions(subscription: Subscription[RemoteId]) -> Input[Completions]:
    """A prover's completions."""
    return DrainedInput(subscription, Completions)

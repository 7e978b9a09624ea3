"""A verifier that asks a verifier service: the same calls and errors as a verifier with processes of its own.

What it returns is what the service said: it is worth as much as whoever serves at that address.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from proofplane import rpc
from proofplane.barretenberg.errors import ProofFlaw, ProofRefused
from proofplane.barretenberg.field import Fr
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated import verifier as contract
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import ChonkProof, UltraHonkProof
from proofplane.barretenberg.service.errors import NoService, NotVerified, Obstacle, TooLargeForService, WrongAnswer
from proofplane.barretenberg.service.settings import MAX_FRAME, Bounds
from proofplane.barretenberg.service.types import NOBODY, Queue, Source
from proofplane.barretenberg.verifier import VERIFY_SECONDS
from proofplane.base.ids import Hash32, hash32

E = TypeVar("E", bound=Enum)

_LIMITS = rpc.Limits(max_frame=MAX_FRAME, max_in_flight=Bounds().rpc + Bounds().gossip + 1)
"""As many in flight as a service takes and one more, so that its refusal is seen and not only felt."""

CONNECT_SECONDS = 7.0
"""Bound on connecting: one that is absent is tried for 5 s, and a service introduces itself in milliseconds, whatever it verifies."""

_GRACE = 5.0
"""Seconds beyond a request's own timeout for its answer: what waits is told when its time is over, but what was begun just before is
finished, and the largest batch takes a second of one core."""


@dataclass(frozen=True, slots=True)
class SaidToHold:
    """A proof that a verifier service says it has verified; as `Verified`, no seal."""

    key: Hash32
    """SHA-256 of the verification key: hold it against those that you accept."""


class RemoteVerifier:
    """Asks one service, with request ids, so that answers come as they are done; get one from `connect_verifier`."""

    def __init__(self, client: rpc.Client) -> None:
        """Takes a client that is connected with the verifier's contract."""
        self._client = contract.VerifierClient(client)

    async def verify(
        self,
        key: VerificationKey,
        public_inputs: Sequence[Fr],
        proof: UltraHonkProof,
        flavor: Flavor,
        *,
        source: Source = NOBODY,
        timeout: float = VERIFY_SECONDS,
    ) -> SaidToHold:
        """Has a proof of one circuit verified.

        Args:
            key: The circuit's.
            public_inputs: In the circuit's order, without those that the flavour adds.
            proof: Without the public inputs.
            flavor: How it was proved.
            source: What `cancel` will know this request by.
            timeout: Seconds; what waits longer is not begun.

        Raises:
            ProofRefused: The proof was checked and is invalid.
            NotVerified: The service does not know, and why; `retry_after` says when to ask again, if it can say.
            TooLargeForService: The request has more bytes than a service takes: verify it with processes of your own.
            WrongAnswer: The service breaks the contract.
            CallFailed, DeadlinePassed, Ended and others: As `rpc.Client.call`; nothing is known.
        """
        try:
            verdict = await self._client.verify_ultra_honk(
                key=key.raw,
                public_inputs=b"".join(public_inputs),
                proof=proof.raw,
                flavor=flavor.value,
                source=source,
                timeout_ms=_milliseconds(timeout),
                timeout=timeout + _GRACE,
            )
        except rpc.FrameTooLarge as error:
            raise TooLargeForService(
                f"{len(public_inputs)} public inputs are more than a verifier service takes ({MAX_FRAME} bytes a request): "
                "verify without it (`bb verify`: leave --service away)"
            ) from error
        return _held(verdict, key)

    async def verify_chonk(
        self,
        key: VerificationKey,
        proof: ChonkProof,
        *,
        queue: Queue = Queue.RPC,
        source: Source = NOBODY,
        timeout: float = VERIFY_SECONDS,
    ) -> SaidToHold:
        """Has a proof of a stack of circuits verified, singly or in a batch; raises what `verify` raises."""
        verdict = await self._client.verify_chonk(
            key=key.raw,
            proof=proof.raw,
            queue=queue.value,
            source=source,
            timeout_ms=_milliseconds(timeout),
            timeout=timeout + _GRACE,
        )
        return _held(verdict, key)

    async def cancel(self, source: Source, *, timeout: float = VERIFY_SECONDS) -> int:
        """Cancels what a source asked, on every connection; returns how many requests were answered so."""
        return (await self._client.cancel_source(source=source, timeout=timeout)).cancelled

    async def status(self, *, timeout: float = VERIFY_SECONDS) -> contract.StatusResponse:
        """How the service stands."""
        return await self._client.status(timeout=timeout)


@asynccontextmanager
async def connect_verifier(address: str) -> AsyncIterator[RemoteVerifier]:
    """A verifier over the service at `address`.

    Raises:
        NoService: Whoever listens there has not introduced itself in time.
        BadAddress, CannotConnect, SchemaMismatch: As `rpc.connect`.
    """
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                client = await stack.enter_async_context(rpc.connect(address, contract.CONTRACT, limits=_LIMITS))
        except TimeoutError:
            raise NoService(f"nobody answers at {address}: is that a verifier service?") from None
        yield RemoteVerifier(client)


def _milliseconds(timeout: float) -> int:
    """A timeout as the wire has it, where 0 means none: at least 1, at most what 32 bits hold."""
    return min(max(1, math.ceil(min(timeout, 2**32) * 1000)), 2**32 - 1)


def _known(kind: type[E], name: str) -> E:
    try:
        return kind(name)
    except ValueError:
        raise WrongAnswer(f"the service says {name!r}, which is no {kind.__name__}") from None


def _held(verdict: contract.Verdict, key: VerificationKey) -> SaidToHold:
    """The one place where a verdict is read."""
    match verdict:
        case contract.Verdict(verified=contract.Verified(key=name), refused=None, unchecked=None):
            if name != key.sha256:
                raise WrongAnswer(f"the service answered about the key {name.hex()}, not {key.sha256.hex()}")
            return SaidToHold(hash32(name))
        case contract.Verdict(verified=None, refused=contract.Refused(reason=reason, message=message), unchecked=None):
            raise ProofRefused(_known(ProofFlaw, reason), message.removeprefix(f"{reason}: "))
        case contract.Verdict(verified=None, refused=None, unchecked=contract.Unchecked(obstacle, message, after)):
            raise NotVerified(_known(Obstacle, obstacle), message.removeprefix(f"{obstacle}: "), None if after is None else after / 1000)
        case _:
            raise WrongAnswer(f"the service answered by no verdict: {verdict}")

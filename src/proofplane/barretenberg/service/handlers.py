"""The contract over the front: requests become jobs, what became of them becomes a verdict. Every request is answered by a verdict,
also one that is no proof at all; only what breaks the contract (an unknown queue or flavour) is an error of the call."""

from __future__ import annotations

from collections.abc import Callable

from proofplane.barretenberg.errors import MalformedKey, ProofFlaw, ProofRefused
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.generated import verifier as contract
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import ChonkProof, UltraHonkProof, public_inputs
from proofplane.barretenberg.service.errors import BadRequestToService, NotVerified
from proofplane.barretenberg.service.front import Front
from proofplane.barretenberg.service.status import QueueStatus
from proofplane.barretenberg.service.types import ChonkJob, Job, Queue, Source, UltraHonkJob


class Handlers(contract.VerifierService):
    """Implements the service; hand it to `rpc.Service.of`."""

    def __init__(self, front: Front) -> None:
        """Takes an entered front."""
        self._front = front

    async def verify_ultra_honk(self, request: contract.VerifyUltraHonk) -> contract.Verdict:
        """Raises `BadRequestToService` for an unknown flavour."""
        flavor = _flavor(request.flavor)

        def job() -> Job:
            return UltraHonkJob(_key(request.key), public_inputs(request.public_inputs), UltraHonkProof(request.proof), flavor)

        return await self._verdict(job, Queue.RPC, request.source, request.timeout_ms)

    async def verify_chonk(self, request: contract.VerifyChonk) -> contract.Verdict:
        """Raises `BadRequestToService` for an unknown queue."""
        queue = _queue(request.queue)
        return await self._verdict(
            lambda: ChonkJob(_key(request.key), ChonkProof(request.proof)), queue, request.source, request.timeout_ms
        )

    async def cancel_source(self, request: contract.CancelSource) -> contract.CancelSourceResponse:
        """As the contract says."""
        return contract.CancelSourceResponse(self._front.cancel(Source(request.source)))

    async def status(self, request: contract.Status) -> contract.StatusResponse:
        """As the contract says."""
        status = self._front.status()
        counters = {name: getattr(status.counters, name) for name in contract.Counters.__struct_fields__}
        return contract.StatusResponse(
            status.cores, status.busy, _queue_status(status.rpc), _queue_status(status.gossip), contract.Counters(**counters)
        )

    async def _verdict(self, make: Callable[[], Job], queue: Queue, source: str, timeout_ms: int) -> contract.Verdict:
        try:
            try:
                job = make()
                job.check()
            except ProofRefused:
                self._front.refused_unasked()
                raise
            await self._front.verify(job, queue, Source(source), timeout_ms / 1000 if timeout_ms else None)
        except ProofRefused as error:
            return _answer(refused=contract.Refused(error.reason.value, str(error)))
        except NotVerified as error:
            after = None if error.retry_after is None else round(error.retry_after * 1000)
            return _answer(unchecked=contract.Unchecked(error.obstacle.value, str(error), after))
        return _answer(verified=contract.Verified(job.key.sha256))


def _answer(
    verified: contract.Verified | None = None,
    refused: contract.Refused | None = None,
    unchecked: contract.Unchecked | None = None,
) -> contract.Verdict:
    return contract.Verdict(verified, refused, unchecked)


def _key(raw: bytes) -> VerificationKey:
    """The key; one that is none comes with a proof from somebody else, and nothing can hold under it."""
    try:
        return VerificationKey(raw)
    except MalformedKey as error:
        raise ProofRefused(ProofFlaw.WRONG_KEY, str(error)) from error


def _flavor(name: str) -> Flavor:
    try:
        return Flavor(name)
    except ValueError:
        raise BadRequestToService(f"{name!r} is no flavour: it is one of {', '.join(one.value for one in Flavor)}") from None


def _queue(name: str) -> Queue:
    try:
        return Queue(name)
    except ValueError:
        raise BadRequestToService(f"{name!r} is no queue: it is one of {', '.join(one.value for one in Queue)}") from None


def _queue_status(status: QueueStatus) -> contract.QueueStatus:
    return contract.QueueStatus(status.unanswered, status.bound, status.waiting)

"""One batch of Chonk proofs on one leased worker of `bb`.

Rules:

1. `ChonkBatchVerify` takes all at once and has one answer for all: it is asked first, because what is given to the batch verifier service
   one by one is begun with the first one alone, which for 4 proofs costs 1.7 times as much, for 16 1.3 times.
   If it says that all hold, they do.
2. Whatever else it says, the batch verifier service finds out which proofs are bad, by bisection, and the others hold.
   So a wrong idea of a proof's layout could cost time here, and nothing else.
3. The service: Start, one Queue for each proof, Stop; Stop answers when every result has been written. Results are matched by their
   request id, never by their order: a proof that cannot be read is answered before those that came earlier.
4. Ids are 1 to the number of proofs, each queued once: `bb` would answer a second proof of the same id, too, and nobody could tell whose
   answer it is. A result for an id that is not open is `BadResult`, and the worker is condemned.
5. Start takes the keys of the whole batch and refuses them together, so after a refusal each key is tried by itself;
   the proofs under a key that is refused then are refused.
6. Whatever has no result when this returns or raises is undecided. The pipe is read to its end also when the worker died: what it wrote
   before is as true as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from proofplane.barretenberg.answers import reason, unanswered
from proofplane.barretenberg.errors import CouldNotVerify, ProofFlaw, ProofRefused
from proofplane.barretenberg.field import split
from proofplane.barretenberg.generated import barretenberg as bb
from proofplane.barretenberg.proofs import ChonkProof
from proofplane.barretenberg.service.results import BadResult, Result, ResultPipe
from proofplane.barretenberg.service.types import ChonkJob, Verdict
from proofplane.pool.worker import Worker
from proofplane.rpc.errors import CallFailed

Decided = Callable[[int, Verdict], None]
"""Called with an index into the jobs, and what became of that job."""

_LAST_PARTS = (41, 612, 64, 477)
"""Field elements of a proof's parts but the first, in order: merge, ECCVM, IPA, joint. What is before them is the hiding OINK proof."""

_UNREADABLE = " threw: "
"""In the message of a result: the proof was not read to its end, for example because a point is not on the curve."""


async def all_hold(worker: Worker, jobs: Sequence[ChonkJob]) -> bool:
    """Rule 1: whether `bb` says that all proofs hold; False says nothing about any of them. Raises what the worker's `call` raises."""
    request = bb.ChonkBatchVerify(proofs=[_parts(job.proof) for job in jobs], vks=[job.key.raw for job in jobs])
    try:
        return (await worker.call(request)).valid
    except CallFailed:  # some proof cannot be read
        return False


async def find_bad(worker: Worker, jobs: Sequence[ChonkJob], threads: int, decided: Decided) -> None:
    """Rules 2 to 6: decides every job by the batch verifier service; the lease's deadline bounds all of it.

    Raises:
        TryAgain, Broken: The worker did not do it (any more), as its own `call` says, or `BadResult`.
    """
    everything = dict(enumerate(jobs))
    keys = sorted({job.key.raw for job in jobs})
    try:
        await _serve(worker, everything, keys, threads, decided)
    except _KeysRefused as refused:
        if len(keys) == 1:
            _refuse(everything, refused, decided)
            return
        for key in keys:
            under_key = {index: job for index, job in everything.items() if job.key.raw == key}
            try:
                await _serve(worker, under_key, [key], threads, decided)
            except _KeysRefused as again:
                _refuse(under_key, again, decided)


class _KeysRefused(Exception):
    """`bb` did not start with these keys; nothing was queued."""


def _refuse(jobs: Mapping[int, ChonkJob], refused: _KeysRefused, decided: Decided) -> None:
    for index in jobs:
        decided(index, ProofRefused(ProofFlaw.WRONG_KEY, str(refused)))


def _parts(proof: ChonkProof) -> bb.ChonkProof:
    fields = split(proof.raw)
    ends = [len(fields) - sum(_LAST_PARTS[place:]) for place in range(len(_LAST_PARTS) + 1)]
    oink, *others = (fields[start:end] for start, end in zip([0, *ends], ends, strict=False))
    merge, eccvm, ipa, joint = others
    return bb.ChonkProof(oink, merge, eccvm, ipa, joint)


async def _serve(worker: Worker, jobs: Mapping[int, ChonkJob], keys: Sequence[bytes], threads: int, decided: Decided) -> None:
    """Rules 3 and 4, for jobs whose keys are all in `keys`."""
    open_ = dict(enumerate(jobs, start=1))

    def on_result(result: Result) -> None:
        index = open_.pop(result.request_id, None)
        if index is None:
            raise BadResult(f"the batch verifier answered request {result.request_id}, which is not open")
        if result.status == 0:
            decided(index, None)
            return
        flaw = ProofFlaw.MALFORMED if _UNREADABLE in result.error_message else ProofFlaw.FALSE
        with suppress(CouldNotVerify):  # it lacks ceremony points, which says nothing about the proof
            decided(index, _refusal(CallFailed(result.error_message or "the proof does not hold", "ChonkBatchVerifierQueue"), flaw))

    places = {key: place for place, key in enumerate(keys)}
    with ResultPipe(on_result) as pipe:
        start = bb.ChonkBatchVerifierStart(vks=list(keys), num_cores=threads, batch_size=len(jobs), fifo_path=pipe.path)
        try:
            with unanswered(CouldNotVerify):
                await worker.call(start)
        except CallFailed as error:
            raise _KeysRefused(reason(error)) from error
        for number, (index, job) in enumerate(jobs.items(), start=1):
            queue = bb.ChonkBatchVerifierQueue(request_id=number, vk_index=places[job.key.raw], proof_fields=split(job.proof.raw))
            try:
                await worker.call(queue)
            except CallFailed as error:
                del open_[number]
                decided(index, _refusal(error))
        await worker.call(bb.ChonkBatchVerifierStop())
    if pipe.failure is not None:
        worker.condemn()
        raise pipe.failure


def _refusal(failed: CallFailed, flaw: ProofFlaw = ProofFlaw.MALFORMED) -> ProofRefused:
    """The refusal that an error of `bb` stands for.

    Raises:
        CouldNotVerify: It stands for none.
    """
    try:
        with unanswered(CouldNotVerify):
            raise failed
    except CallFailed:
        return ProofRefused(flaw, reason(failed))

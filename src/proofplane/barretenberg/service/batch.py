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
5. No error of Start, Queue or Stop is a verdict: keys that are refused are `KeysRefused`, and everything else leaves its proofs undecided.
   A process that has not answered Stop still runs a batch, or may: it is condemned.
6. A result that says that a proof cannot be read counts after the process, done with the batch, still accepts a good proof (`confirm`).
   One that says what `bb` itself lacks leaves its proof undecided, and condemns the process.
7. Whatever has no result when this returns or raises is undecided. The pipe is read to its end also when the worker died: what it wrote
   before is as true as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proofplane.barretenberg.answers import THREW, Meaning, about_content, classify, reason
from proofplane.barretenberg.errors import Doubtful, ProofFlaw, ProofRefused
from proofplane.barretenberg.generated import barretenberg as bb
from proofplane.barretenberg.ports import Lent
from proofplane.barretenberg.proofs import CHONK_LAST_PARTS, ChonkProof
from proofplane.barretenberg.service.results import FAILS, HOLDS, BadResult, Result, ResultPipe
from proofplane.barretenberg.service.types import ChonkJob, Verdict
from proofplane.barretenberg.vetting import confirm, require_content
from proofplane.base.errors import NeverAgain
from proofplane.rpc.errors import CallFailed

Decided = Callable[[int, Verdict], None]
"""Called with an index into the jobs, and what became of that job."""


class KeysRefused(NeverAgain):
    """`bb` did not start a batch under these keys, one of which may be none; nothing is known about any proof."""


async def all_hold(worker: Lent, jobs: Sequence[ChonkJob]) -> bool:
    """Rule 1: whether `bb` says that all proofs hold; False says nothing about any of them.

    Raises:
        Doubtful: The process is short of something, and is condemned.
        TryAgain, Broken: What the worker's `call` raises.
    """
    request = bb.ChonkBatchVerify(proofs=[_parts(job.proof) for job in jobs], vks=[job.key.raw for job in jobs])
    try:
        return (await worker.call(request)).valid
    except CallFailed as failed:  # some proof cannot be read
        require_content(worker, failed)
        return False


async def find_bad(worker: Lent, jobs: Sequence[ChonkJob], threads: int, good: bb.CircuitVerify, decided: Decided) -> None:
    """Rules 2 to 7: decides jobs by the batch verifier service; the lease's deadline bounds all of it.

    Args:
        worker: The process, which is condemned unless it goes well.
        jobs: What to verify; sizes and counts were checked.
        threads: That it may use.
        good: What it must accept after it has said that a proof cannot be read.
        decided: Told each verdict.

    Raises:
        KeysRefused: Nothing was begun.
        TryAgain, Broken: The worker did not do it (any more), as its own `call` says, or `BadResult`.
    """
    batch = _Batch(jobs, decided)
    with ResultPipe(batch.on_result) as pipe:
        try:
            await _serve(worker, batch, threads, pipe.path)
        except BaseException:  # also of a caller that is cancelled
            worker.condemn()
            raise
    if pipe.failure is not None:
        worker.condemn()
        raise pipe.failure
    if batch.lacking:
        worker.condemn()
    if batch.unreadable:
        await confirm(worker, good)
        for index, refused in batch.unreadable.items():
            decided(index, refused)


class _Batch:
    """The jobs of one batch by their ids, and what is said about them."""

    def __init__(self, jobs: Sequence[ChonkJob], decided: Decided) -> None:
        self.jobs = dict(enumerate(jobs, start=1))
        self.keys = sorted({job.key.raw for job in jobs})
        self.unreadable: dict[int, ProofRefused] = {}
        """By index, what counts after the process was confirmed."""
        self.lacking = False
        """Whether the process was short of something."""
        self._open = set(self.jobs)
        self._decided = decided

    def drop(self, number: int) -> None:
        """An id that was not queued."""
        self._open.discard(number)

    def on_result(self, result: Result) -> None:
        """Rules 4 and 6; raises `BadResult`."""
        if result.request_id not in self._open:
            raise BadResult(f"the batch verifier answered request {result.request_id}, which is not open")
        if result.status not in (HOLDS, FAILS):
            raise BadResult(f"the batch verifier answered request {result.request_id} with status {result.status}")
        self._open.discard(result.request_id)
        index = result.request_id - 1
        if result.status == HOLDS:
            self._decided(index, None)
        elif classify(result.error_message) is not Meaning.CONTENT:
            self.lacking = True
        else:
            said = reason(CallFailed(result.error_message or "the proof does not hold", "ChonkBatchVerifierQueue"))
            if THREW in result.error_message:  # it was not read to its end, for example because a point is not on the curve
                self.unreadable[index] = ProofRefused(ProofFlaw.MALFORMED, said)
            else:
                self._decided(index, ProofRefused(ProofFlaw.FALSE, said))


def _parts(proof: ChonkProof) -> bb.ChonkProof:
    fields = list(proof.parts)
    ends = [len(fields) - sum(CHONK_LAST_PARTS[place:]) for place in range(len(CHONK_LAST_PARTS) + 1)]
    oink, *others = (fields[start:end] for start, end in zip([0, *ends], ends, strict=False))
    merge, eccvm, ipa, joint = others
    return bb.ChonkProof(oink, merge, eccvm, ipa, joint)


async def _serve(worker: Lent, batch: _Batch, threads: int, path: str) -> None:
    """Rules 3 to 5."""
    start = bb.ChonkBatchVerifierStart(vks=batch.keys, num_cores=threads, batch_size=len(batch.jobs), fifo_path=path)
    try:
        await worker.call(start)
    except CallFailed as failed:
        about_content(failed)
        raise KeysRefused(reason(failed)) from failed
    places = {key: place for place, key in enumerate(batch.keys)}
    for number, job in batch.jobs.items():
        fields = list(job.proof.parts)
        try:
            await worker.call(bb.ChonkBatchVerifierQueue(request_id=number, vk_index=places[job.key.raw], proof_fields=fields))
        except CallFailed as failed:
            about_content(failed)
            batch.drop(number)
    try:
        await worker.call(bb.ChonkBatchVerifierStop())
    except CallFailed as failed:
        raise Doubtful(f"bb did not stop its batch verifier: {reason(failed)}") from failed

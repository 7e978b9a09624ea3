"""One batch against a scripted batch verifier: results by id, one for each, whatever the order; anything else condemns the worker."""

from __future__ import annotations

import os
import struct
from typing import Any

import msgspec
import pytest

from kit.verifier_jobs import chonk
from proofplane.barretenberg.errors import Doubtful, ProofFlaw, ProofRefused
from proofplane.barretenberg.generated import barretenberg as bb
from proofplane.barretenberg.known_good import known_good
from proofplane.barretenberg.service.batch import KeysRefused, all_hold, find_bad
from proofplane.barretenberg.service.results import BadResult
from proofplane.barretenberg.service.types import Verdict
from proofplane.rpc.errors import CallFailed, Ended

GOOD = known_good()

JOBS = [chonk(number, of=number % 2) for number in range(4)]


class BatchVerifier:
    """Stands for a leased worker; when it is told to stop it writes what the test wants."""

    def __init__(
        self, *answers: tuple[int, int, str], ends: Exception | None = None, refuses: str = "", drops: str = "", sound: bool = True
    ) -> None:
        self._answers = answers
        self._ends = ends
        self._refuses = refuses
        self._drops = drops
        self._sound = sound
        self._path = ""
        self.decided: dict[int, Verdict] = {}
        self.queued: list[tuple[int, bytes, bytes]] = []
        self.keys: list[bytes] = []
        self.condemned = False
        self.number = 1

    async def call(self, request: Any, *, timeout: float | None = None) -> Any:
        """As `bb` does."""
        match request:
            case bb.ChonkBatchVerifierStart():
                if self._refuses:
                    raise CallFailed(self._refuses, "ChonkBatchVerifierStart")
                self._path, self.keys = request.fifo_path, request.vks
            case bb.ChonkBatchVerifierQueue() if self._drops and request.request_id == 1:
                raise CallFailed(self._drops, "ChonkBatchVerifierQueue")
            case bb.CircuitVerify():
                assert request == GOOD
                return bb.CircuitVerifyResponse(self._sound)
            case bb.ChonkBatchVerifierQueue():
                self.queued.append((request.request_id, self.keys[request.vk_index], b"".join(request.proof_fields)))
            case bb.ChonkBatchVerifierStop():
                self._write()
                if self._ends is not None:
                    raise self._ends
        return None

    def condemn(self) -> None:
        """As a worker's."""
        self.condemned = True

    def _write(self) -> None:
        writer = os.open(self._path, os.O_WRONLY)
        for number, status, message in self._answers:
            body = msgspec.msgpack.encode({"request_id": number, "status": status, "error_message": message})
            os.write(writer, struct.pack(">I", len(body)) + body)
        os.close(writer)


async def found(worker: BatchVerifier) -> dict[int, Verdict]:
    """What was decided, each job once at most."""

    def on_decided(index: int, verdict: Verdict) -> None:
        assert index not in worker.decided
        worker.decided[index] = verdict

    await find_bad(worker, JOBS, 1, GOOD, on_decided)
    return worker.decided


def flaw(verdict: Verdict) -> ProofFlaw | None:
    """Why a proof was refused."""
    return verdict.reason if isinstance(verdict, ProofRefused) else None


async def test_results_are_matched_by_id_in_any_order_and_each_proof_goes_under_its_own_key() -> None:
    worker = BatchVerifier((3, 0, ""), (1, 1, "batch check failed"), (4, 0, ""), (2, 1, "reduce threw: not on the curve"))
    decided = await found(worker)
    assert {index: flaw(verdict) for index, verdict in decided.items()} == {0: ProofFlaw.FALSE, 1: ProofFlaw.MALFORMED, 2: None, 3: None}
    assert worker.queued == [(number, job.key.raw, job.proof.raw) for number, job in enumerate(JOBS, start=1)]
    assert not worker.condemned


@pytest.mark.parametrize("number", [0, 2, 5], ids=["never an id", "answered already", "never queued"])
async def test_a_result_for_an_id_that_is_not_open_condemns_the_worker(number: int) -> None:
    worker = BatchVerifier((2, 0, ""), (number, 0, ""), (3, 0, ""))
    with pytest.raises(BadResult):
        await found(worker)
    assert worker.condemned
    assert worker.decided == {1: None}


async def test_what_was_written_before_the_process_died_counts_and_the_rest_is_undecided() -> None:
    worker = BatchVerifier((4, 0, ""), (2, 1, "batch check failed"), ends=Ended("it died"))
    with pytest.raises(Ended):
        await found(worker)
    assert {index: flaw(verdict) for index, verdict in worker.decided.items()} == {3: None, 1: ProofFlaw.FALSE}


async def test_results_that_never_come_leave_their_proofs_undecided() -> None:
    assert await found(BatchVerifier((1, 0, ""))) == {0: None}


@pytest.mark.parametrize("fault", ["HTTP request failed for somewhere", "std::bad_alloc", "Failed to read file: x"])
@pytest.mark.parametrize("prefix", ["", "reduce_to_ipa_claim threw: "])
async def test_what_bb_lacks_says_nothing_about_a_proof_and_condemns_it(prefix: str, fault: str) -> None:
    worker = BatchVerifier((1, 1, prefix + fault), (2, 0, ""))
    assert await found(worker) == {1: None}
    assert worker.condemned


@pytest.mark.parametrize("status", [2, -1])
async def test_another_status_than_the_two_that_there_are_is_no_refusal(status: int) -> None:
    worker = BatchVerifier((1, status, ""), (2, 0, ""))
    with pytest.raises(BadResult, match="status"):
        await found(worker)
    assert (worker.condemned, worker.decided) == (True, {})


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("thread constructor failed: Resource temporarily unavailable", Doubtful),
        ("ChonkBatchVerifierStart: service already running. Call ChonkBatchVerifierStop first.", Doubtful),
        ("point is not on the curve", KeysRefused),
    ],
)
async def test_no_error_of_a_start_is_a_verdict_and_the_process_is_not_used_again(said: str, error: type[Exception]) -> None:
    worker = BatchVerifier(refuses=said)
    with pytest.raises(error):
        await found(worker)
    assert (worker.condemned, worker.decided) == (True, {})


async def test_a_process_that_did_not_answer_stop_is_not_used_again_and_an_error_of_it_is_no_verdict() -> None:
    worker = BatchVerifier((1, 0, ""), ends=CallFailed("cannot", "ChonkBatchVerifierStop"))
    with pytest.raises(Doubtful):
        await found(worker)
    assert (worker.condemned, worker.decided) == (True, {0: None})


async def test_a_proof_that_is_not_queued_is_undecided() -> None:
    worker = BatchVerifier((2, 0, ""), drops="proof has wrong size")
    assert await found(worker) == {1: None}
    assert not worker.condemned
    worker = BatchVerifier(drops="std::bad_alloc")
    with pytest.raises(Doubtful):
        await found(worker)
    assert worker.condemned


async def test_proofs_that_cannot_be_read_are_refused_only_by_a_process_that_accepts_a_good_one() -> None:
    unreadable = (1, 1, "reduce threw: not on the curve")
    worker = BatchVerifier(unreadable, (2, 1, "batch check failed"), sound=False)
    with pytest.raises(Doubtful):
        await found(worker)
    assert worker.condemned
    assert {index: flaw(verdict) for index, verdict in worker.decided.items()} == {1: ProofFlaw.FALSE}


async def test_all_hold_only_if_the_answer_is_yes() -> None:
    class Answering:
        number = 1
        condemned = False

        def __init__(self, answer: bool | str | None) -> None:
            self.answer = answer

        async def call(self, request: Any, *, timeout: float | None = None) -> Any:
            assert [_joined(proof) for proof in request.proofs] == [job.proof.raw for job in JOBS]
            if not isinstance(self.answer, bool):
                raise CallFailed(self.answer or "proof[0] has wrong size", "ChonkBatchVerify")
            return bb.ChonkBatchVerifyResponse(self.answer)

        def condemn(self) -> None:
            self.condemned = True

    assert [await all_hold(Answering(answer), JOBS) for answer in (True, False, None)] == [True, False, False]
    worker = Answering("std::bad_alloc")
    with pytest.raises(Doubtful):
        await all_hold(worker, JOBS)
    assert worker.condemned


def _joined(proof: bb.ChonkProof) -> bytes:
    parts = (proof.hiding_oink_proof, proof.merge_proof, proof.eccvm_proof, proof.ipa_proof, proof.joint_proof)
    assert [len(part) for part in parts] == [78, 41, 612, 64, 477]
    return b"".join(field for part in parts for field in part)

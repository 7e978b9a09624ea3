"""One batch against a scripted batch verifier: results by id, one for each, whatever the order; anything else condemns the worker."""

from __future__ import annotations

import os
import struct
from typing import Any

import msgspec
import pytest

from kit.verifier_jobs import chonk
from proofplane.barretenberg.errors import CouldNotVerify, ProofFlaw, ProofRefused
from proofplane.barretenberg.generated import barretenberg as bb
from proofplane.barretenberg.service.batch import all_hold, find_bad
from proofplane.barretenberg.service.results import BadResult
from proofplane.barretenberg.service.types import Verdict
from proofplane.rpc.errors import CallFailed, Ended

JOBS = [chonk(number, of=number % 2) for number in range(4)]


class BatchVerifier:
    """Stands for a leased worker; when it is told to stop it writes what the test wants."""

    def __init__(self, *answers: tuple[int, int, str], ends: Exception | None = None, refuses: str = "") -> None:
        self._answers = answers
        self._ends = ends
        self._refuses = refuses
        self._path = ""
        self.queued: list[tuple[int, bytes, bytes]] = []
        self.keys: list[bytes] = []
        self.condemned = False

    async def call(self, request: Any) -> Any:
        """As `bb` does."""
        match request:
            case bb.ChonkBatchVerifierStart():
                if self._refuses:
                    raise CallFailed(self._refuses, "ChonkBatchVerifierStart")
                self._path, self.keys = request.fifo_path, request.vks
            case bb.ChonkBatchVerifierQueue():
                self.queued.append((request.request_id, self.keys[request.vk_index], b"".join(request.proof_fields)))
            case bb.ChonkBatchVerifierStop():
                self._write()
                if self._ends is not None:
                    raise self._ends

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
    decided: dict[int, Verdict] = {}

    def on_decided(index: int, verdict: Verdict) -> None:
        assert index not in decided
        decided[index] = verdict

    try:
        await find_bad(worker, JOBS, 1, on_decided)  # type: ignore[arg-type] - all that is used of a worker
    finally:
        worker.decided = decided  # type: ignore[attr-defined] - for tests in which it raises
    return decided


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
    assert worker.decided == {1: None}  # type: ignore[attr-defined] - set by `found`


async def test_what_was_written_before_the_process_died_counts_and_the_rest_is_undecided() -> None:
    worker = BatchVerifier((4, 0, ""), (2, 1, "batch check failed"), ends=Ended("it died"))
    with pytest.raises(Ended):
        await found(worker)
    assert {index: flaw(verdict) for index, verdict in worker.decided.items()} == {3: None, 1: ProofFlaw.FALSE}  # type: ignore[attr-defined] - set by `found`


async def test_results_that_never_come_leave_their_proofs_undecided() -> None:
    assert await found(BatchVerifier((1, 0, ""))) == {0: None}


async def test_missing_ceremony_points_say_nothing_about_a_proof() -> None:
    fault = "HTTP request failed for somewhere"
    assert await found(BatchVerifier((1, 1, fault), (2, 0, ""))) == {1: None}
    with pytest.raises(CouldNotVerify):
        await found(BatchVerifier(refuses=fault))


async def test_all_hold_only_if_the_answer_is_yes() -> None:
    class Answering:
        def __init__(self, answer: bool | None) -> None:
            self.answer = answer

        async def call(self, request: bb.ChonkBatchVerify) -> bb.ChonkBatchVerifyResponse:
            assert [_joined(proof) for proof in request.proofs] == [job.proof.raw for job in JOBS]
            if self.answer is None:
                raise CallFailed("proof[0] has wrong size", "ChonkBatchVerify")
            return bb.ChonkBatchVerifyResponse(self.answer)

    assert [await all_hold(Answering(answer), JOBS) for answer in (True, False, None)] == [True, False, False]  # type: ignore[arg-type] - all that is used of a worker


def _joined(proof: bb.ChonkProof) -> bytes:
    parts = (proof.hiding_oink_proof, proof.merge_proof, proof.eccvm_proof, proof.ipa_proof, proof.joint_proof)
    assert [len(part) for part in parts] == [78, 41, 612, 64, 477]
    return b"".join(field for part in parts for field in part)

"""Our verifier over the real `bb`: what goes wrong with processes and points is never taken for a verdict on a proof."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from kit import bb_cache
from kit.dev_setup.chonk import chonk_fixture
from kit.dev_setup.greeting import insecure_good, insecure_verifier_spec
from kit.tampered import GOOD, ROLLUP, Claim, bit_of, flipped, verify
from proofplane.barretenberg import grumpkin
from proofplane.barretenberg.blocking import BlockingVerifier
from proofplane.barretenberg.crs import POINTS_FILE, Crs
from proofplane.barretenberg.errors import CouldNotVerify, ProofFlaw, ProofRefused, UnfitVerifier, VerifierClosed
from proofplane.barretenberg.field import SIZE, Fr, elements
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import ChonkProof, UltraHonkProof
from proofplane.barretenberg.setup_errors import CrsMissing
from proofplane.barretenberg.specs import verifier_spec
from proofplane.barretenberg.verifier import Verifier, open_verifier
from proofplane.pool.errors import WorkerUnusable
from proofplane.pool.pool import WorkerPool

KEY, INPUTS, PROOF = VerificationKey(GOOD.key), elements(GOOD.inputs), UltraHonkProof(GOOD.proof)


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    async with WorkerPool(verifier_spec(bb_cache.bb(), bb_cache.verification_crs()), 1) as pool:
        yield pool


@pytest.fixture
def own_crs(tmp_path: Path) -> Crs:
    """Verification points that a test may damage."""
    folder = tmp_path / "crs"
    folder.mkdir()
    shutil.copy(bb_cache.verification_crs().directory / POINTS_FILE, folder)
    return Crs(folder, 1, grumpkin=False)


async def test_a_verified_proof_names_the_key_that_was_given(pool: WorkerPool) -> None:
    verified = await Verifier(pool).verify(KEY, INPUTS, PROOF, GOOD.flavor)
    assert (verified.key, verified.public_inputs) == (KEY.sha256, INPUTS)


async def test_a_process_killed_while_idle_costs_nobody_an_answer(pool: WorkerPool) -> None:
    for _ in range(3):
        assert await verify(Verifier(pool), GOOD) == "verified"
        for pid in pool.pids:
            os.kill(pid, signal.SIGKILL)


async def test_a_process_that_does_not_answer_says_nothing_about_the_proof_and_is_replaced(pool: WorkerPool) -> None:
    assert await verify(Verifier(pool), GOOD) == "verified"
    (stopped,) = pool.pids
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(CouldNotVerify):
        await Verifier(pool).verify(KEY, INPUTS, PROOF, GOOD.flavor, timeout=0.3)
    assert await verify(Verifier(pool), GOOD) == "verified"
    assert stopped not in pool.pids


async def test_without_points_no_process_is_started_that_would_ask_the_network(own_crs: Crs) -> None:
    (own_crs.directory / POINTS_FILE).unlink()
    async with WorkerPool(verifier_spec(bb_cache.bb(), own_crs), 1) as pool:
        with pytest.raises(CrsMissing, match="proofplane bb doctor"):
            await Verifier(pool).verify(KEY, INPUTS, PROOF, GOOD.flavor, timeout=3.0)


async def test_a_process_with_a_damaged_point_is_not_used_and_its_answer_is_no_verdict(own_crs: Crs) -> None:
    (own_crs.directory / POINTS_FILE).write_bytes(bytes(63) + b"\x07")
    async with WorkerPool(verifier_spec(bb_cache.bb(), own_crs), 1) as pool:
        with pytest.raises(WorkerUnusable, match="ceremony points may be damaged"):
            await Verifier(pool).verify(KEY, INPUTS, PROOF, GOOD.flavor, timeout=10.0)


async def test_a_process_with_damaged_grumpkin_points_refuses_no_proof_that_needs_them(own_crs: Crs) -> None:
    file = own_crs.directory / grumpkin.FILE_NAME
    grumpkin.copy(bb_cache.verification_crs().directory, own_crs.directory)
    good = file.read_bytes()
    file.write_bytes(good[64:128] + good[64:])
    async with WorkerPool(verifier_spec(bb_cache.bb(), own_crs), 1) as pool:
        assert await verify(Verifier(pool), GOOD) == "verified"
        with pytest.raises(UnfitVerifier, match="Grumpkin"):
            await verify(Verifier(pool), ROLLUP)
        file.write_bytes(good)
        assert await verify(Verifier(pool), ROLLUP) == "verified"


async def test_a_process_short_of_memory_says_nothing_about_the_proof(pool: WorkerPool) -> None:
    verifier = Verifier(pool)
    assert await verify(verifier, GOOD) == "verified"
    (pid,) = pool.pids
    resource.prlimit(pid, resource.RLIMIT_AS, (1 << 20, resource.RLIM_INFINITY))  # less than it has: it gets no more
    with suppress(CouldNotVerify):  # a refusal would be raised
        assert await verify(verifier, ROLLUP) == "verified"
    assert await verify(verifier, ROLLUP) == "verified"
    assert pid not in pool.pids


async def test_a_verifier_opened_by_itself_verifies_and_refuses() -> None:
    async with open_verifier(bb_cache.bb(), bb_cache.verification_crs(), 1) as verifier:
        assert await verify(verifier, GOOD) == "verified"
        with pytest.raises(ProofRefused) as refused:
            await verifier.verify(KEY, (Fr.of(5),), PROOF, GOOD.flavor)
    assert refused.value.reason is ProofFlaw.FALSE


def blocking_verdict(verifier: BlockingVerifier, claim: Claim) -> str:
    try:
        verifier.verify(VerificationKey(claim.key), elements(claim.inputs), UltraHonkProof(claim.proof), claim.flavor)
    except ProofRefused as refused:
        return refused.reason.value
    return "verified"


def test_threads_verify_without_a_loop_of_their_own() -> None:
    claims = [GOOD, Claim(GOOD.key, Fr.of(5), GOOD.proof, GOOD.flavor)] * 3
    found: list[str] = []
    with BlockingVerifier(bb_cache.bb(), bb_cache.verification_crs(), processes=2) as verifier:
        threads = [threading.Thread(target=lambda claim=claim: found.append(blocking_verdict(verifier, claim))) for claim in claims]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == ["false"] * 3 + ["verified"] * 3


def test_a_blocking_verifier_that_was_closed_says_so_and_closing_twice_is_nothing() -> None:
    verifier = BlockingVerifier(bb_cache.bb(), bb_cache.verification_crs())
    assert blocking_verdict(verifier, GOOD) == "verified"
    verifier.close()
    verifier.close()
    with pytest.raises(VerifierClosed):
        blocking_verdict(verifier, GOOD)


def test_closing_leaves_no_other_thread_without_an_answer() -> None:
    verifier = BlockingVerifier(bb_cache.bb(), bb_cache.verification_crs(), processes=2)
    asking = threading.Barrier(4)
    found: list[str] = []

    def ask() -> None:
        asking.wait()
        try:
            found.append(blocking_verdict(verifier, GOOD))
        except VerifierClosed:
            found.append("closed")

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    asking.wait()
    verifier.close()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert set(found) <= {"verified", "closed"}


def test_a_blocking_verifier_that_nobody_asked_starts_nothing(own_crs: Crs) -> None:
    before = threading.active_count()
    with BlockingVerifier(bb_cache.bb(), own_crs):
        assert threading.active_count() == before


def test_points_that_come_back_are_used_by_the_same_blocking_verifier(own_crs: Crs) -> None:
    points = own_crs.directory / POINTS_FILE
    content = points.read_bytes()
    points.unlink()
    with BlockingVerifier(bb_cache.bb(), own_crs) as verifier:
        with pytest.raises(CrsMissing):
            blocking_verdict(verifier, GOOD)
        points.write_bytes(content)
        assert blocking_verdict(verifier, GOOD) == "verified"


@pytest.mark.slow
async def test_a_real_chonk_proof_is_verified_with_its_outputs_and_its_tampered_forms_are_refused() -> None:
    fixture = chonk_fixture()
    (proof,) = fixture.proofs
    async with WorkerPool(insecure_verifier_spec(), 2) as pool:
        verifier = Verifier(pool, insecure_good())
        verified = await verifier.verify_chonk(fixture.key, proof)
        assert (verified.key, verified.public_inputs) == (fixture.key.sha256, proof.fields[:2])
        for field in range(0, len(proof.fields), 40):
            with pytest.raises(ProofRefused):
                await verifier.verify_chonk(fixture.key, ChonkProof(flipped(proof.raw, bit_of(field, 1))))
        assert pool.stats.spawned <= 2


async def test_a_chonk_proof_of_zeros_is_refused_by_the_unmodified_program(pool: WorkerPool) -> None:
    key = VerificationKey(KEY.raw[:32] + Fr.of(30) + KEY.raw[64:])
    with pytest.raises(ProofRefused) as refused:
        await Verifier(pool).verify_chonk(key, ChonkProof(bytes(1272 * SIZE)))
    assert refused.value.reason in (ProofFlaw.FALSE, ProofFlaw.MALFORMED)

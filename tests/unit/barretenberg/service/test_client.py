"""How a verdict on the wire is read: as one of three, or as nonsense, never as something in between."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from kit.verifier_jobs import chonk, ultra_honk
from proofplane.barretenberg.errors import ProofFlaw, ProofRefused
from proofplane.barretenberg.generated.verifier import Refused, Unchecked, Verdict, Verified
from proofplane.barretenberg.service import client
from proofplane.barretenberg.service.client import RemoteVerifier, SaidToHold, connect_verifier
from proofplane.barretenberg.service.errors import NoService, NotVerified, Obstacle, TooLargeForService, WrongAnswer
from proofplane.rpc.errors import FrameTooLarge

JOB = chonk(1)
HOLDS = Verified(JOB.key.sha256)
FALSE = Refused("false", "false: it is")
BUSY = Unchecked("queue full", "queue full: come back", 1500)


class Says:
    """Stands for a connected client; answers everything by one verdict."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.asked: list[Any] = []

    async def call(self, request: Any, *, timeout: float | None = None) -> Any:
        """The verdict."""
        self.asked.append((request, timeout))
        return self.verdict


async def read(verdict: Verdict) -> SaidToHold:
    """What the client makes of a verdict."""
    return await RemoteVerifier(Says(verdict)).verify_chonk(JOB.key, JOB.proof)  # type: ignore[arg-type] - all that is used of a client


async def test_each_of_the_three_is_told_apart() -> None:
    assert await read(Verdict(HOLDS, None, None)) == SaidToHold(JOB.key.sha256)
    with pytest.raises(ProofRefused) as refused:
        await read(Verdict(None, FALSE, None))
    assert (refused.value.reason, str(refused.value)) == (ProofFlaw.FALSE, "false: it is")
    with pytest.raises(NotVerified) as unknown:
        await read(Verdict(None, None, BUSY))
    assert (unknown.value.obstacle, unknown.value.retry_after, str(unknown.value)) == (Obstacle.QUEUE_FULL, 1.5, "queue full: come back")


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(None, None, None),
        Verdict(HOLDS, FALSE, None),
        Verdict(HOLDS, None, BUSY),
        Verdict(None, FALSE, BUSY),
        Verdict(Verified(bytes(32)), None, None),
        Verdict(None, Refused("because", ""), None),
        Verdict(None, None, Unchecked("somehow", "", None)),
    ],
)
async def test_what_is_none_of_the_three_or_about_another_key_is_no_answer(verdict: Verdict) -> None:
    with pytest.raises(WrongAnswer):
        await read(verdict)


async def test_a_statement_that_no_service_takes_is_to_be_verified_without_one() -> None:
    class Small(Says):
        async def call(self, request: Any, *, timeout: float | None = None) -> Any:
            raise FrameTooLarge("4194305 bytes")

    job = ultra_honk(1)
    verifier = RemoteVerifier(Small(Verdict(HOLDS, None, None)))  # type: ignore[arg-type] - all that is used of a client
    with pytest.raises(TooLargeForService, match="leave --service away"):
        await verifier.verify(job.key, job.public_inputs, job.proof, job.flavor)


async def test_one_that_listens_and_does_not_speak_is_no_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CONNECT_SECONDS", 0.05)
    address = str(tmp_path / "silent.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        with pytest.raises(NoService, match=address):
            async with connect_verifier(address):
                pytest.fail("nobody introduced itself")


@pytest.mark.parametrize(("timeout", "milliseconds"), [(0.0, 1), (0.0101, 11), (30.0, 30_000), (1e12, 2**32 - 1), (-1.0, 1)])
async def test_a_timeout_never_becomes_the_zero_that_means_none(timeout: float, milliseconds: int) -> None:
    says = Says(Verdict(HOLDS, None, None))
    await RemoteVerifier(says).verify_chonk(JOB.key, JOB.proof, timeout=timeout)  # type: ignore[arg-type] - all that is used of a client
    ((request, _),) = says.asked
    assert request.timeout_ms == milliseconds

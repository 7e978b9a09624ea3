"""`verifier serve` and `bb verify` as a user runs them, over the real `bb`: verdicts and exit codes, a graceful stop, a killed parent."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit import bb_cache
from kit.cli_run import Running, here, proofplane
from kit.verifier_service import children, false, good, until
from proofplane.barretenberg.errors import ProofRefused
from proofplane.barretenberg.service.client import connect_verifier
from proofplane.barretenberg.service.errors import NotVerified, Obstacle
from proofplane.barretenberg.service.types import UltraHonkJob


@dataclass(frozen=True, slots=True)
class Files:
    """A proof that holds, as files."""

    proof: Path
    key: Path
    inputs: Path
    flavor: str

    def arguments(self, *more: object) -> tuple[object, ...]:
        """Of `bb verify`."""
        return ("bb", "verify", self.proof, "--vk", self.key, "--public-inputs", self.inputs, "--flavor", self.flavor, *more)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """The proof that every fresh verifier is greeted with."""
    job = good()
    made = Files(tmp_path / "proof", tmp_path / "vk", tmp_path / "public_inputs", job.flavor.value)
    made.proof.write_bytes(job.proof.raw)
    made.key.write_bytes(job.key.raw)
    made.inputs.write_bytes(b"".join(job.public_inputs))
    return made


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Running, str]]:
    """A service on one core, and its address; killed at the end if it still runs."""
    address = str(tmp_path / "proofplane-verifier.sock")  # its default name
    with Running("verifier", "serve", "--address", address, "--processes", 1, env=bb_cache.environment()) as running:
        yield running, address


def test_bb_verify_alone_tells_valid_from_invalid_from_a_mistake_from_not_known(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bb_cache.environment().items():
        monkeypatch.setenv(name, value)
    valid = here(*files.arguments("--json")).json()
    assert (valid["verdict"], valid["key"]) == ("valid", good().key.sha256.hex())
    files.inputs.write_bytes((5).to_bytes(32, "big"))
    invalid = here(*files.arguments())
    assert invalid.code == 1
    assert "invalid" in invalid.out
    assert invalid.out.count("false") == 1
    files.proof.write_bytes(b"too short")
    assert here(*files.arguments()).code == 1
    damaged = tmp_path / "bb"
    damaged.write_bytes(b"not bb")
    for place in (tmp_path / "none", damaged):
        monkeypatch.setenv("PROOFPLANE_BB", str(place))
        here(*files.arguments()).refused(3, "could not check the proof", str(place))
    files.key.unlink()
    here(*files.arguments()).refused(2, "cannot read")


async def test_a_service_verifies_for_the_command_and_finishes_what_it_accepted_when_it_is_told_to_stop(
    files: Files, served: tuple[Running, str]
) -> None:
    running, address = served
    await until(lambda: "verifying at" in running.err_so_far() or not running.runs())
    own = {"XDG_RUNTIME_DIR": str(Path(address).parent)}
    asked = await asyncio.to_thread(proofplane, *files.arguments("--json", "--service"), env=own)
    assert asked.json()["verdict"] == "valid"
    async with connect_verifier(address) as verifier:

        async def ask(job: UltraHonkJob) -> object:
            try:
                return await verifier.verify(job.key, job.public_inputs, job.proof, job.flavor)
            except (ProofRefused, NotVerified) as error:
                return error.reason.name if isinstance(error, ProofRefused) else error.obstacle

        (bb,) = children(running.pid)
        os.kill(bb, signal.SIGSTOP)
        accepted = [asyncio.create_task(ask(false(number))) for number in range(20)]
        async with asyncio.timeout(20):
            while (await verifier.status()).rpc.unanswered < 20:
                pass
        running.signal(signal.SIGTERM)
        await until(lambda: "finishing" in running.err_so_far())
        async with asyncio.timeout(20):
            while await ask(good()) is not Obstacle.STOPPING:
                pass
        os.kill(bb, signal.SIGCONT)
        assert await asyncio.gather(*accepted) == ["FALSE"] * 20
    ended = await asyncio.to_thread(running.end)
    assert ended.code == 0, ended
    assert children(running.pid) == []
    assert not await asyncio.to_thread(os.path.exists, address)


@pytest.mark.slow
async def test_a_service_that_is_killed_leaves_no_process_and_nothing_in_the_runtime_directory(
    served: tuple[Running, str], files: Files
) -> None:
    running, address = served
    await until(lambda: "verifying at" in running.err_so_far() or not running.runs())
    assert (await asyncio.to_thread(proofplane, *files.arguments("--service", address))).code == 0
    left = children(running.pid)
    assert len(left) == 1
    running.signal(signal.SIGKILL)
    await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))
    places = {Path(tempfile.gettempdir()), Path(os.environ.get("XDG_RUNTIME_DIR", tempfile.gettempdir()))}
    assert [found for place in places for found in place.glob(f"*-{running.pid}-*")] == []


@pytest.mark.slow
def test_a_service_that_is_not_there_is_not_known_and_not_invalid(files: Files, tmp_path: Path) -> None:
    proofplane(*files.arguments("--service", tmp_path / "nobody.sock")).refused(3, "could not check the proof")


def test_service_without_an_address_is_ones_own(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "nobody"))
    here(*files.arguments("--service")).refused(3, str(tmp_path / "nobody" / "proofplane-verifier.sock"), "proofplane verifier serve")


def test_what_does_not_go_together_is_a_mistake_and_no_verdict(files: Files, tmp_path: Path) -> None:
    """Nothing is asked: with no address served, a verdict or "could not check" would be another code."""
    nobody = ("--service", tmp_path / "nobody.sock")
    proof = ("bb", "verify", files.proof, "--vk", files.key)
    here(*proof, *nobody).refused(2, "the key is for 1 public inputs, and none are given", "--public-inputs FILE")
    here(*proof, "--flavor", "noir-rollup", *nobody).refused(2, "--flavor")
    here(*files.arguments("--flavor", "evm", *nobody)).refused(2, "3,680 bytes", "noir-recursive, noir-recursive-no-zk, noir-rollup")
    files.key.write_bytes(files.key.read_bytes()[:1888])
    here(*proof, "--scheme", "chonk", *nobody).refused(2, "1,888 bytes", "--scheme ultra-honk and --flavor, one of evm, evm-no-zk")
    receipt = files.proof.rename(tmp_path / "00000001-step-00.receipt")
    here("bb", "verify", receipt, "--vk", files.key, *nobody).refused(2, "proofplane proofs verify")


def test_another_key_than_the_expected_one_is_refused_before_anything_is_verified(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFPLANE_BB", str(tmp_path / "none"))  # so that what gets as far as verifying ends with 3
    key = good().key.sha256.hex()
    here(*files.arguments("--expect-key", "00" * 32)).refused(1, f"the key is {key}, expected {'00' * 32}")
    here(*files.arguments("--expect-key", key.upper())).refused(3, "could not check the proof")
    here(*files.arguments("--expect-key", "short")).refused(2, "64 hexadecimal digits")


def test_a_setting_with_which_nothing_can_be_served_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in bb_cache.environment().items():
        monkeypatch.setenv(name, value)
    here("verifier", "serve", "--queue", 100_000).refused(2, "queue")
    here("verifier", "serve", "--address", "nowhere").refused(2, "nowhere")
    here("verifier", "serve", "--address", tmp_path / "none" / "v.sock").refused(5, str(tmp_path / "none" / "v.sock"), "No such file")

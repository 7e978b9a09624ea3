"""Real SP1 v5 proofs of a mainnet block: each verifies under its own program id, and nothing damaged does."""

import hashlib
from pathlib import Path

import pytest

from proofplane.base.attestation import StepAttestation
from proofplane.base.errors import NeverAgain, Refused
from proofplane.base.ids import Hash32, hash32
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.receipt import MalformedReceipt, Receipt
from proofplane.crypto.predicates import PredicateNotMet, check
from proofplane.crypto.sp1 import ProofReason, ProofRefused, Sp1Verified, Sp1VerifyingKey, verify_sp1

pytestmark = pytest.mark.data

PROGRAMS = [
    "0010bd9131991c632d564370bcd99415a0f24b91baf35311a7051f4a897485c1",
    "0040f228996377e03af318ad050f7ac466f27e776613992336862b1c9057b2a4",
    "0061de0996d4cc66d710d9ad80585ecaba0f64b9c089b606ad635c5d0408f59b",
    "00d0c2a2a163035da6766fd1fdb1cd044425e8b26faa69282fc8d8851452e6fc",
]
PROGRAM = hash32(bytes.fromhex(PROGRAMS[0]))
SIZE = 419
REGIONS = {
    "proof length": 0,
    "key tag": 8,
    "A.x": 12 + 31,
    "A.y": 44 + 31,
    "B.x.c1": 76 + 31,
    "B.x.c0": 108 + 31,
    "B.y.c1": 140 + 31,
    "B.y.c0": 172 + 31,
    "C.x": 204 + 31,
    "C.y": 236 + 31,
    "values length": 268,
    "from.reference": 276,
    "from.commitment": 308,
    "to.reference": 340,
    "to.commitment": 403,
    "prover kind": 404,
    "version length": 405,
    "version": 418,
}


@pytest.fixture(scope="module")
def key_bytes(data_dir: Path) -> bytes:
    return (data_dir / "sp1" / "sp1_groth16_vk_v5.bin").read_bytes()


@pytest.fixture(scope="module")
def key(key_bytes: bytes) -> Sp1VerifyingKey:
    return Sp1VerifyingKey.parse(key_bytes)


def read(data_dir: Path, program: str = PROGRAMS[0]) -> bytes:
    return (data_dir / "sp1" / f"{program}.bin").read_bytes()


def is_refused(raw: bytes, program: Hash32, key: Sp1VerifyingKey) -> bool:
    try:
        verify_sp1(Receipt.decode(raw), program, key)
    except (Refused, NeverAgain):
        return True
    return False


def test_the_files_are_the_ones_that_the_tests_name(data_dir: Path, key_bytes: bytes) -> None:
    assert sorted(file.stem for file in (data_dir / "sp1").glob("00*.bin")) == PROGRAMS
    assert {len(read(data_dir, program)) for program in PROGRAMS} == {SIZE}
    assert hashlib.sha256(key_bytes).hexdigest() == "a4594c59bbc142f3b81c3ecb7f50a7c34bc9af7c4c444b5d48b795427e285913"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_real_receipt_verifies_and_attests_block_702861_on_its_parent(data_dir: Path, key: Sp1VerifyingKey, program: str) -> None:
    raw = read(data_dir, program)
    receipt = Receipt.decode(raw)
    assert receipt.encode() == raw
    verified = verify_sp1(receipt, hash32(bytes.fromhex(program)), key)
    assert verified == Sp1Verified(hash32(bytes.fromhex(program)), raw[276:404])
    step = StepAttestation.decode(verified.public_values)
    assert step.before.reference.display().endswith("213b5f")
    assert step.after.reference.display() == "000000000000000000000c835b2adcaedc20fdf6ee440009c249452c726dafae"
    assert step.encode() == verified.public_values


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_id_off_by_one_is_refused(data_dir: Path, key: Sp1VerifyingKey, program: str) -> None:
    other = hash32((int(program, 16) + 1).to_bytes(32, "big"))
    with pytest.raises(ProofRefused) as caught:
        verify_sp1(Receipt.decode(read(data_dir, program)), other, key)
    assert caught.value.reason is ProofReason.PAIRING


@pytest.mark.parametrize("region", REGIONS)
def test_a_flipped_byte_in_every_region_is_refused(data_dir: Path, key: Sp1VerifyingKey, region: str) -> None:
    damaged = bytearray(read(data_dir))
    damaged[REGIONS[region]] ^= 1
    assert is_refused(bytes(damaged), PROGRAM, key)


@pytest.mark.slow
def test_every_flipped_byte_is_refused(data_dir: Path, key: Sp1VerifyingKey) -> None:
    raw = read(data_dir)
    accepted = [at for at in range(SIZE) if not is_refused(raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :], PROGRAM, key)]
    assert accepted == []


def test_every_truncation_is_refused(data_dir: Path) -> None:
    raw = read(data_dir)
    for size in range(SIZE):
        with pytest.raises(MalformedReceipt):
            Receipt.decode(raw[:size])


def test_a_real_proof_holds_under_its_predicate_and_under_no_other_programs(data_dir: Path, key_bytes: bytes) -> None:
    receipt = Receipt.decode(read(data_dir))
    check(Predicate(PredicateKind.SP1_GROTH16, PROGRAM + key_bytes), receipt.public_values, receipt.proof)
    other = Predicate(PredicateKind.SP1_GROTH16, bytes.fromhex(PROGRAMS[1]) + key_bytes)
    with pytest.raises(PredicateNotMet):
        check(other, receipt.public_values, receipt.proof)

"""Block 702,861 in full-block mode: imported on its parent, and each body error raised by a damaged copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kit.cli_run import Ended, here, proofplane
from proofplane.anchor.aux_data import AuxData
from proofplane.anchor.block_file import BlockFile
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.state import AnchorState, genesis_state
from proofplane.anchor.transition import apply, complete, inclusion_proof, prepare
from proofplane.anchor.types import AnchorParams, Mode
from proofplane.bitcoin.block import Block
from proofplane.bitcoin.body import BodyRejected, BodyRule, CoinbaseInclusionProof, InvalidInclusionProof, MissingInclusionProof
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.bitcoin.transaction import Transaction
from proofplane.crypto.hashes import sha256

HEIGHT = 702_861
BLOCK_HASH = "000000000000000000000c835b2adcaedc20fdf6ee440009c249452c726dafae"
PARENT = "702860:00000000000000000009c3deb8b5e706d7be57a427f4f03f01c49d5219213b5f"


@pytest.fixture(scope="module")
def file(data_dir: Path) -> Path:
    return data_dir / "bitcoin" / "mainnet-block-702861.raw"


@pytest.fixture(scope="module")
def block(file: Path) -> Block:
    return Block.decode(file.read_bytes())


@pytest.fixture(scope="module")
def before(file: Path) -> AnchorState:
    point = BlockFile(file, Network.MAINNET).anchor()
    return genesis_state(
        AnchorParams(point.network, Mode.FULL_BLOCK, TEST_MAGIC, point.block, point.next_bits, point.epoch_start, exports=True)
    )


def prove_block(file: Path, data: Path, *more: object) -> Ended:
    return proofplane("prove", "--quiet", "--block", file, "--data-dir", data, *more)


@pytest.mark.data
def test_block_702861_is_imported_on_its_parent_and_checked_by_another_process(file: Path, tmp_path: Path) -> None:
    summary = prove_block(file, tmp_path / "data", "--json").json()
    report = proofplane("verify-chain", "--json", "--data-dir", tmp_path / "data").json()

    assert (summary["mode"], summary["anchor"], summary["tip"]) == ("full-block", PARENT, f"{HEIGHT}:{BLOCK_HASH}")
    assert (report["blocks"], report["step_proofs"], report["recursive_proofs"]) == (1, {"native": 1}, {"native": 1})
    again = prove_block(file, tmp_path / "data", "--json").json()
    assert (again["blocks"], again["recursive_proofs"]) == (1, 1)


# Damaged copies: the header stays, so its proof of work and its place stay right


def _with_coinbase(block: Block, change: Callable[[Transaction], Transaction]) -> Block:
    return replace(block, transactions=(change(block.transactions[0]), *block.transactions[1:]))


def _coinbase_witness(block: Block, witness: tuple[bytes, ...]) -> Block:
    return _with_coinbase(block, lambda coinbase: replace(coinbase, inputs=(replace(coinbase.inputs[0], witness=witness),)))


def _other_script(coinbase: Transaction) -> Transaction:
    given = coinbase.inputs[0]
    return replace(coinbase, inputs=(replace(given, script=given.script[:-1] + bytes([given.script[-1] ^ 1])),))


def _without_commitment(coinbase: Transaction) -> Transaction:
    return replace(coinbase, outputs=coinbase.outputs[:1])


def _other_witness(block: Block) -> Block:
    number, spender = next((n, one) for n, one in enumerate(block.transactions[1:], 1) if one.has_witness)
    index, given = next((i, one) for i, one in enumerate(spender.inputs) if one.witness)
    item = given.witness[0]
    damaged = replace(given, witness=(bytes([item[0] ^ 1]) + item[1:] if item else b"\0", *given.witness[1:]))
    inputs = (*spender.inputs[:index], damaged, *spender.inputs[index + 1 :])
    return replace(block, transactions=(*block.transactions[:number], replace(spender, inputs=inputs), *block.transactions[number + 1 :]))


DAMAGE: dict[str, tuple[BodyRule, Callable[[Block], Block]]] = {
    "no transactions": (BodyRule.EMPTY_BLOCK, lambda block: replace(block, transactions=())),
    "no coinbase": (BodyRule.NOT_COINBASE, lambda block: replace(block, transactions=block.transactions[1:])),
    "coinbase second": (
        BodyRule.NOT_COINBASE,
        lambda block: replace(block, transactions=(block.transactions[1], block.transactions[0], *block.transactions[2:])),
    ),
    "coinbase witness of 31 bytes": (BodyRule.INVALID_COINBASE_WITNESS, lambda block: _coinbase_witness(block, (bytes(31),))),
    "coinbase witness of two items": (BodyRule.INVALID_COINBASE_WITNESS, lambda block: _coinbase_witness(block, (bytes(32), bytes(32)))),
    "no coinbase witness": (BodyRule.INVALID_COINBASE_WITNESS, lambda block: _coinbase_witness(block, ())),
    "another reserved value": (BodyRule.WITNESS_COMMITMENT_MISMATCH, lambda block: _coinbase_witness(block, (b"\1" * 32,))),
    "another witness": (BodyRule.WITNESS_COMMITMENT_MISMATCH, _other_witness),
    "a transaction less": (BodyRule.WITNESS_COMMITMENT_MISMATCH, lambda block: replace(block, transactions=block.transactions[:-1])),
    "another coinbase": (BodyRule.INVALID_INCLUSION_PROOF, lambda block: _with_coinbase(block, _other_script)),
    "repeated transactions": (
        BodyRule.MERKLE_ROOT_MISMATCH,
        lambda block: replace(block, transactions=(*block.transactions, *block.transactions[-4:])),
    ),
    "no commitment": (BodyRule.MERKLE_ROOT_MISMATCH, lambda block: _with_coinbase(block, _without_commitment)),
}


@pytest.mark.data
@pytest.mark.checklist(37)
@pytest.mark.parametrize(("rule", "damage"), DAMAGE.values(), ids=list(DAMAGE))
def test_a_damaged_copy_is_refused_by_the_transition_and_by_the_command_line(
    rule: BodyRule, damage: Callable[[Block], Block], block: Block, before: AnchorState, tmp_path: Path
) -> None:
    raw = damage(block).encode()

    with pytest.raises(BodyRejected) as caught:
        complete(prepare(before, raw), AuxData(()))
    assert caught.value.rule is rule

    (tmp_path / "damaged.raw").write_bytes(raw)
    # The height is given because a damaged coinbase may not say it.
    here("prove", "-q", "--block", tmp_path / "damaged.raw", "--height", HEIGHT, "--data-dir", tmp_path / "data").refused(1)


@pytest.mark.data
def test_a_damaged_copy_leaves_a_data_directory_that_the_right_block_continues(block: Block, file: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged.raw").write_bytes(_other_witness(block).encode())
    prove_block(tmp_path / "damaged.raw", tmp_path / "data").refused(1, "witness")

    assert prove_block(file, tmp_path / "data", "--json").json()["blocks"] == 1
    here("verify-chain", "--data-dir", tmp_path / "data").succeeded()


@pytest.mark.data
def test_the_inclusion_proof_of_a_step_is_demanded_and_checked(block: Block, before: AnchorState) -> None:
    """A node makes the proof from the block itself, so only a program's input can lack it or carry a wrong one."""
    raw = block.encode()
    proof = inclusion_proof(Mode.FULL_BLOCK, raw)
    assert proof is not None
    assert apply(before, raw, AuxData(()), proof).state.block.height == HEIGHT

    with pytest.raises(MissingInclusionProof):
        apply(before, raw, AuxData(()), None)
    wrong = CoinbaseInclusionProof((type(proof.siblings[0])(sha256(b"sibling")), *proof.siblings[1:]))
    with pytest.raises(InvalidInclusionProof):
        apply(before, raw, AuxData(()), wrong)


# A file that is not what is said


@pytest.mark.data
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--network", "regtest"), ("mainnet", str(HEIGHT))),
        (("--height", HEIGHT - 1), (str(HEIGHT),)),
        (("--height", 0), ("000000000019d6689c085ae165831e93",)),
    ],
    ids=["another network", "another height", "genesis height"],
)
def test_the_block_given_as_something_else_is_recognised(
    options: tuple[object, ...], words: tuple[str, ...], file: Path, tmp_path: Path
) -> None:
    prove_block(file, tmp_path / "data", *options).refused(2, *words)

    assert not (tmp_path / "data").exists()


@pytest.fixture
def regtest_block(tmp_path: Path) -> Path:
    chain = RegtestChain(b"block file")
    mined = chain.mine_many(chain.genesis, 3)[-1]
    path = tmp_path / "regtest.raw"
    path.write_bytes(chain.block(mined).encode())
    return path


def test_a_regtest_block_is_proved_on_its_parent_and_is_none_of_mainnets(regtest_block: Path, tmp_path: Path) -> None:
    prove_block(regtest_block, tmp_path / "wrong").refused(2, "network")

    summary = prove_block(regtest_block, tmp_path / "data", "--network", "regtest", "--json").json()

    assert (summary["blocks"], summary["tip"][:2]) == (1, "3:")


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda raw: raw[:-1], "bytes"),
        (lambda raw: raw + b"\0", "byte"),
        (lambda raw: raw[:79], "header"),
        (lambda raw: b"", "header"),
        (lambda raw: b"\xff" * 200, "transactions"),
    ],
    ids=["cut", "longer", "cut header", "empty", "no block"],
)
def test_a_file_that_is_no_block_is_refused(damage: Callable[[bytes], bytes], word: str, regtest_block: Path, tmp_path: Path) -> None:
    regtest_block.write_bytes(damage(regtest_block.read_bytes()))

    prove_block(regtest_block, tmp_path / "data", "--network", "regtest").refused(2, "regtest.raw", word)

    prove_block(tmp_path / "absent.raw", tmp_path / "data").refused(2, "absent.raw")
    assert not (tmp_path / "data").exists()

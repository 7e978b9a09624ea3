"""`proofplane proofs`: list, show, export and verify stored proofs, and verify SP1 proofs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any

import click

from proofplane.base.attestation import STEP_SIZE, StepAttestation
from proofplane.base.errors import CallerMistake, NeverAgain, Refused, TryAgain
from proofplane.base.ids import MalformedId, hash32
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.receipt import MAX_RECEIPT_FIELD, Receipt
from proofplane.cli.options import PATH, config_option, data_dir_option, json_option, settings_from
from proofplane.cli.output import print_fields, print_json, print_table
from proofplane.crypto.predicates import Check, PredicateNotMet
from proofplane.crypto.schnorr import MalformedKey, XOnlyKey
from proofplane.node.checks import Checks
from proofplane.node.data_dir import TRUST_NAME, TrustRoot, opened_for_reading, write_durably
from proofplane.node.inspect import SCHEMAS, StoredProof, find_block, find_proof, stored_proofs
from proofplane.node.verify_exported import VerifiedClaim, verify_exported
from proofplane.storage.database import ReadOnlyDatabase

_KIND = click.Choice(["step", "recursive"])
_MAX_FILE = 2 * MAX_RECEIPT_FIELD + 4096
"""Bytes of a receipt or key file that are read."""

_SHOWN = 40
"""Rows that `list` prints unless told otherwise."""

_SHORT = 64
"""Bytes of a signature, the longest proof that is shown whole; of longer ones half as many are shown."""


class BadInputFile(CallerMistake):
    """A file named on the command line that cannot be read."""


@click.group(short_help="List, show, export and verify proofs.")
def proofs() -> None:
    """List, show, export and verify proofs."""


@proofs.command("list", short_help="List stored proofs by height.")
@click.option("--from-height", type=click.IntRange(min=0, max=2**32 - 1), default=0, help="Lowest height to list.")
@click.option("--limit", type=click.IntRange(min=1), default=_SHOWN, show_default=True, help="How many at most.")
@click.option("--all", "orphans", is_flag=True, help="List proofs of orphaned blocks too.")
@data_dir_option
@config_option
@json_option
def list_proofs(from_height: int, limit: int, orphans: bool, data_dir: Path | None, config: Path | None, as_json: bool) -> None:
    """List stored proofs by height; those of orphaned blocks only with --all."""
    with _opened(data_dir, config) as (database, _):
        found = list(islice(stored_proofs(database, from_height, not orphans), limit))
    if as_json:
        print_json([_row(one) for one in found])
        return
    header = ("height", "kind", "block", "chain", "receipt bytes")
    print_table(header, [(one.block.height, one.kind, one.block.block_id, _place(one), len(one.receipt.encode())) for one in found])


@proofs.command(short_help="Show one proof of a block.")
@click.argument("kind", type=_KIND)
@click.argument("block")
@data_dir_option
@config_option
@json_option
def show(kind: str, block: str, data_dir: Path | None, config: Path | None, as_json: bool) -> None:
    """Show the KIND proof of BLOCK (a height on the chain, or a block hash); a long proof is whole with --json only."""
    with _opened(data_dir, config) as (database, _):
        found = find_proof(database, kind, find_block(database, block))
    row = {**_row(found), "public_values": found.receipt.public_values.hex()}
    if as_json:
        print_json({**row, "proof": found.receipt.proof.hex()})
    else:
        print_fields({**row, "proof": _shortened(found.receipt.proof)})


@proofs.command(short_help="Write receipts as files, with the trust file.")
@click.argument("directory", type=PATH)
@click.option("--from-height", type=click.IntRange(min=0, max=2**32 - 1), default=0, help="Lowest height to export.")
@click.option("--until", type=click.IntRange(min=0, max=2**32 - 1), help="Highest height to export.")
@data_dir_option
@config_option
@json_option
def export(directory: Path, from_height: int, until: int | None, data_dir: Path | None, config: Path | None, as_json: bool) -> None:
    """Write the chain's receipts to DIRECTORY, one file each, with the trust file that verifies them."""
    with _opened(data_dir, config) as (database, trust):
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInputFile(f"{directory} cannot be created: {error.strerror}") from None
        write_durably(directory / TRUST_NAME, trust.to_json().encode())
        written = 0
        for one in stored_proofs(database, from_height, canonical_only=True):
            if until is not None and one.block.height > until:
                break
            name = f"{one.block.height:08d}-{one.kind}-{one.block.block_id.display()[-16:]}.receipt"
            write_durably(directory / name, one.receipt.encode())
            written += 1
    if as_json:
        print_json({"directory": str(directory), "receipts": written})
    else:
        click.echo(f"{written:,} receipts and {TRUST_NAME} in {directory}")


@proofs.command(short_help="Verify exported receipts.")
@click.argument("receipts", type=PATH, nargs=-1, required=True)
@click.option("--trust", type=PATH, help="Trust file. [default: the one beside the first receipt]")
@click.option("--step-key", help="x-only key (hex) for signed (native) steps, if the chain has replaced its first one.")
@json_option
def verify(receipts: tuple[Path, ...], trust: Path | None, step_key: str | None, as_json: bool) -> None:
    """Verify exported RECEIPTS against a trust file alone.

    Exit codes: 0 all hold, 1 one was checked and is invalid, 2 your mistake (a file, an option), 3 one could not be checked (no bb),
    4 one can never be checked by this version.
    """
    root = TrustRoot.read_file(trust or receipts[0].parent / TRUST_NAME)
    predicate = None if step_key is None else Predicate(PredicateKind.SCHNORR, _key(step_key))
    verified = []
    with Checks() as checks:
        for path in receipts:
            claim = _verified(path, root, predicate, checks.check)
            verified.append({"file": str(path), **claim.to_json()})
            if not as_json:
                click.echo(f"{path.name}: {claim.kind} proof of block {claim.to_block} holds under {claim.predicate}")
    if as_json:
        print_json(verified)


@proofs.command("verify-sp1", short_help="Verify an SP1 v5 Groth16 proof.")
@click.argument("proof", type=PATH)
@click.option("--program", required=True, help="Program id the proof must be of (64 hex digits).")
@click.option("--vk", required=True, type=PATH, help="Verifying key of SP1 v5's Groth16 wrapper (396 bytes).")
@json_option
def verify_sp1_command(proof: Path, program: str, vk: Path, as_json: bool) -> None:
    """Verify an SP1 v5 Groth16 PROOF (a receipt file)."""
    from proofplane.crypto.sp1 import Sp1VerifyingKey, verify_sp1  # here, because it loads the pairing library

    receipt = Receipt.decode(_read(proof))
    program_id = hash32(_hex(program, "--program"))
    verify_sp1(receipt, program_id, Sp1VerifyingKey.parse(_read(vk)))
    row: dict[str, Any] = {"program": program_id.hex(), "version": receipt.version, "public_values": receipt.public_values.hex()}
    if len(receipt.public_values) == STEP_SIZE:
        step = StepAttestation.decode(receipt.public_values)
        row["from_block"], row["to_block"] = step.before.reference.display(), step.after.reference.display()
    if as_json:
        print_json({"verified": True, **row})
    else:
        print_fields({**row, "result": "the proof holds"})


def _verified(path: Path, root: TrustRoot, step_predicate: Predicate | None, check: Check) -> VerifiedClaim:
    try:
        return verify_exported(Receipt.decode(_read(path)), root, step_predicate, check)
    except PredicateNotMet as error:
        upgraded = step_predicate is None and error.kind == PredicateKind.SCHNORR
        hint = "; a step behind an upgrade of the step predicate needs the new key: --step-key" if upgraded else ""
        raise Refused(f"{path}: {error}{hint}") from error
    except Refused as error:
        raise Refused(f"{path}: {error}") from error
    except TryAgain as error:
        raise TryAgain(f"{path}: {error}") from error
    except NeverAgain as error:
        raise NeverAgain(f"{path}: {error}") from error


def _opened(data_dir: Path | None, config: Path | None) -> AbstractContextManager[tuple[ReadOnlyDatabase, TrustRoot]]:
    """A data directory for reading."""
    return opened_for_reading(Path(settings_from(config, data_dir).node.data_dir), SCHEMAS)


def _row(one: StoredProof) -> dict[str, Any]:
    receipt = one.receipt
    return {
        "height": one.block.height,
        "kind": one.kind,
        "block": one.block.block_id.display(),
        "chain": _place(one),
        "prover": receipt.prover.name.lower(),
        "version": receipt.version,
        "program": None if receipt.program_id is None else receipt.program_id.hex(),
    }


def _shortened(proof: bytes) -> str:
    """A proof for people: a signature whole, of anything longer the beginning and the size."""
    return proof.hex() if len(proof) <= _SHORT else f"{proof[: _SHORT // 2].hex()}… ({len(proof):,} bytes)"


def _place(one: StoredProof) -> str:
    return "canonical" if one.canonical else "orphan"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise BadInputFile(f"{path} cannot be read: {error.strerror}") from None
    if len(raw) > _MAX_FILE:
        raise BadInputFile(f"{path} is larger than {_MAX_FILE} bytes: it is no receipt and no key")
    return raw


def _key(text: str) -> bytes:
    try:
        return XOnlyKey(_hex(text, "--step-key")).raw
    except MalformedKey as error:
        raise MalformedKey(f"--step-key: {error}") from None


def _hex(text: str, option: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise MalformedId(f"{option} {text!r} is not hex") from None

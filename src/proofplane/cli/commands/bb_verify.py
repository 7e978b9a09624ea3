"""`proofplane bb verify`: one proof, by a `bb` of its own or by a verifier service."""

from __future__ import annotations

import re
import time
from pathlib import Path

import click

from proofplane.barretenberg.errors import CouldNotVerify, ProofRefused
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import MAX_PUBLIC_INPUTS, ChonkProof, UltraHonkProof, public_inputs
from proofplane.barretenberg.service.addresses import default_service
from proofplane.barretenberg.service.client import connect_verifier
from proofplane.barretenberg.verifier import CHONK_KEY_SIZE, open_verifier
from proofplane.base.errors import CallerMistake, ProofplaneError, Refused
from proofplane.cli.exits import OK, exit_code
from proofplane.cli.options import PATH, json_option, run_async
from proofplane.cli.output import print_fields, print_json

_CHONK = "chonk"

_RECEIPT = ".receipt"
"""How the files end that `proofplane proofs export` writes."""

_OWN = ""
"""Stands for the address of this user's own service."""

_MAX_FILE = MAX_PUBLIC_INPUTS * 32
"""Bytes of the largest file that is read: the most public inputs that are looked at."""


class FileUnreadable(CallerMistake):
    """A proof, a key or public inputs cannot be read from their file."""


class Unfit(CallerMistake):
    """The files or options do not go together, so that nothing can be said about the proof."""


class OtherKey(Refused):
    """The verification key is not the expected one."""


@click.command(short_help="Verify a proof.")
@click.argument("proof", type=PATH)
@click.option("--vk", type=PATH, required=True, help="The verification key.")
@click.option("--public-inputs", "inputs", type=PATH, default=None, help="The public inputs. [default: none]")
@click.option("--flavor", type=click.Choice([one.value for one in Flavor]), default=Flavor.NOIR_RECURSIVE.value, show_default=True)
@click.option("--scheme", type=click.Choice(["ultra-honk", _CHONK]), default="ultra-honk", show_default=True)
@click.option("--expect-key", "expected", metavar="SHA256", default=None, help="Refuse, without verifying, if the key's sha256 is another.")
@click.option(
    "--service",
    is_flag=False,
    flag_value=_OWN,
    default=None,
    help="Ask the verifier service at this address (last and without one: where `verifier serve` listens) instead of starting a bb.",
)
@json_option
def verify(
    proof: Path, vk: Path, inputs: Path | None, flavor: str, scheme: str, expected: str | None, service: str | None, as_json: bool
) -> int:
    """Verify PROOF under a verification key: files as `bb` writes them, field elements of 32 bytes joined.

    Exit codes: 0 the proof holds, 1 it was checked and is invalid (or the key is not the expected one), 2 your mistake (a file, an option),
    3 it could not be checked.

    That it holds says that somebody proved what the key stands for: give the key's sha256 that you expect as --expect-key.
    """
    if scheme == _CHONK and inputs is not None:
        raise click.UsageError("a Chonk proof carries its public inputs: leave --public-inputs away")
    if expected is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", expected):
        raise click.BadParameter("a SHA-256 has 64 hexadecimal digits", param_hint="--expect-key")
    if proof.suffix == _RECEIPT:
        raise Unfit(f"{proof} is a receipt, not a proof as bb writes it: `proofplane proofs verify` verifies receipts")
    key = VerificationKey(_read(vk))
    if expected is not None and key.sha256.hex() != expected.lower():
        raise OtherKey(f"the key is {key.sha256.hex()}, expected {expected.lower()}")
    form = None if scheme == _CHONK else Flavor(flavor)
    _require_fit(key, form, given=inputs is not None)
    raw, raw_inputs = _read(proof), _read(inputs) if inputs is not None else b""
    started = time.monotonic()
    try:
        run_async(_verify(key, raw, raw_inputs, form, service))
    except ProofRefused as error:
        _print(as_json, key, {"verdict": "invalid", "reason": error.reason.value, "message": error.detail})
        return exit_code(Refused())
    except CallerMistake:
        raise
    except ProofplaneError as error:  # a damaged binary, for example, is refused, and says nothing about the proof
        raise CouldNotVerify(f"could not check the proof: {error}") from error
    _print(as_json, key, {"verdict": "valid", "seconds": round(time.monotonic() - started, 3)})
    return OK


async def _verify(key: VerificationKey, raw: bytes, raw_inputs: bytes, flavor: Flavor | None, service: str | None) -> None:
    """Returns if the proof holds; `flavor` None: it is a Chonk proof."""
    async with open_verifier(processes=1) if service is None else connect_verifier(service or default_service()) as verifier:
        if flavor is None:
            await verifier.verify_chonk(key, ChonkProof(raw))
        else:
            await verifier.verify(key, public_inputs(raw_inputs), UltraHonkProof(raw), flavor)


def _require_fit(key: VerificationKey, flavor: Flavor | None, *, given: bool) -> None:
    """Raises `Unfit` if the options are wrong for the key, which a library's caller is told as a flaw of the proof.

    Args:
        key: The key.
        flavor: None: Chonk.
        given: Whether there is a file of public inputs.
    """
    size = CHONK_KEY_SIZE if flavor is None else flavor.key_size
    if len(key.raw) != size:
        fitting = [one.value for one in Flavor if one.key_size == len(key.raw)]
        scheme = "--scheme ultra-honk and " if flavor is None else ""
        remedy = f"give {scheme}--flavor, one of {', '.join(fitting)}" if fitting else "it is no key that a proof is verified under alone"
        raise Unfit(f"the key has {len(key.raw):,} bytes, and those of {flavor.value if flavor else _CHONK} have {size:,}: {remedy}")
    if flavor is None or given:
        return
    inputs = key.public_inputs - flavor.own_inputs
    if inputs < 0:
        raise Unfit(
            f"the key counts {key.public_inputs} public inputs, and every one of {flavor.value} at least {flavor.own_inputs}: give --flavor"
        )
    if inputs:
        raise Unfit(
            f"the key is for {inputs:,} public inputs, and none are given: give --public-inputs FILE (or --flavor, if it is another)"
        )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise FileUnreadable(f"cannot read {path}: {error.strerror or error}") from error
    if len(raw) > _MAX_FILE:
        raise FileUnreadable(f"{path} has more than {_MAX_FILE:,} bytes: it is no proof, no key and no public inputs")
    return raw


def _print(as_json: bool, key: VerificationKey, fields: dict[str, str | float]) -> None:
    document = {"key": key.sha256.hex(), **fields}
    if as_json:
        print_json(document)
    else:
        print_fields(document)

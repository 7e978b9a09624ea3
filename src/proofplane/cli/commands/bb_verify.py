"""`proofplane bb verify`: one proof, by a `bb` of its own or by a verifier service."""

from __future__ import annotations

import time
from pathlib import Path

import click

from proofplane.barretenberg.errors import CouldNotVerify, ProofRefused
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import MAX_PUBLIC_INPUTS, ChonkProof, UltraHonkProof, public_inputs
from proofplane.barretenberg.service.addresses import default_service
from proofplane.barretenberg.service.client import connect_verifier
from proofplane.barretenberg.verifier import open_verifier
from proofplane.base.errors import CallerMistake, ProofplaneError, Refused
from proofplane.cli.exits import OK, exit_code
from proofplane.cli.options import PATH, json_option, run_async
from proofplane.cli.output import print_fields, print_json

_CHONK = "chonk"

_OWN = ""
"""Stands for the address of this user's own service."""

_MAX_FILE = MAX_PUBLIC_INPUTS * 32
"""Bytes of the largest file that is read: the most public inputs that are looked at."""


class FileUnreadable(CallerMistake):
    """A proof, a key or public inputs cannot be read from their file."""


@click.command(short_help="Verify a proof.")
@click.argument("proof", type=PATH)
@click.option("--vk", type=PATH, required=True, help="The verification key.")
@click.option("--public-inputs", "inputs", type=PATH, default=None, help="The public inputs. [default: none]")
@click.option("--flavor", type=click.Choice([one.value for one in Flavor]), default=Flavor.NOIR_RECURSIVE.value, show_default=True)
@click.option("--scheme", type=click.Choice(["ultra-honk", _CHONK]), default="ultra-honk", show_default=True)
@click.option(
    "--service",
    is_flag=False,
    flag_value=_OWN,
    default=None,
    help="Ask the verifier service at this address (last and without one: where `verifier serve` listens) instead of starting a bb.",
)
@json_option
def verify(proof: Path, vk: Path, inputs: Path | None, flavor: str, scheme: str, service: str | None, as_json: bool) -> int:
    """Verify PROOF under a verification key: files as `bb` writes them, field elements of 32 bytes joined.

    Exit codes: 0 the proof holds, 1 it was checked and is invalid, 2 your mistake (a file, an option), 3 it could not be checked.

    That it holds says that somebody proved what the key stands for: compare the key's sha256 with the one that you expect.
    """
    if scheme == _CHONK and inputs is not None:
        raise click.UsageError("a Chonk proof carries its public inputs: leave --public-inputs away")
    key = VerificationKey(_read(vk))
    raw, raw_inputs = _read(proof), _read(inputs) if inputs is not None else b""
    started = time.monotonic()
    try:
        run_async(_verify(key, raw, raw_inputs, None if scheme == _CHONK else Flavor(flavor), service))
    except ProofRefused as error:
        _print(as_json, key, {"verdict": "invalid", "reason": error.reason.value, "message": str(error)})
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

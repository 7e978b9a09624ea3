"""Verifies a proof that `bb prove` wrote, for example of a Noir circuit: `verify_noir_proof.py PROOF VK PUBLIC_INPUTS [FLAVOR]`."""

import asyncio
import sys
from pathlib import Path

from proofplane.barretenberg.errors import ProofRefused
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import UltraHonkProof, public_inputs
from proofplane.barretenberg.verifier import open_verifier
from proofplane.base.errors import ProofplaneError


async def main(proof: bytes, key: bytes, inputs: bytes, flavor: str = "noir-recursive") -> None:
    async with open_verifier(processes=1) as verifier:
        verified = await verifier.verify(VerificationKey(key), public_inputs(inputs), UltraHonkProof(proof), Flavor(flavor))
    print(f"verified under the key {verified.key.hex()}")
    print("public inputs:", *map(int, verified.public_inputs))


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit("usage: verify_noir_proof.py PROOF VK PUBLIC_INPUTS [FLAVOR]")
    try:
        asyncio.run(main(*(Path(name).read_bytes() for name in sys.argv[1:4]), *sys.argv[4:]))
    except (ProofplaneError, OSError, ValueError) as error:
        sys.exit(f"{'refused' if isinstance(error, ProofRefused) else 'not verified'}: {error}")

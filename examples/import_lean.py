"""Imports a directory of signed Lean blocks with the library; `proofplane chain generate DIR` makes one."""

import asyncio
import sys
from pathlib import Path

from proofplane.chain.directory import read_chain
from proofplane.crypto.xmss import PROD
from proofplane.lean.clock import first_interval
from proofplane.lean.codec import decode_signed_block
from proofplane.lean.errors import Rejected
from proofplane.node.chain_session import Anchor, ChainSession


async def main(path: Path) -> None:
    chain = read_chain(path)
    anchor = Anchor(chain.state, chain.anchor, chain.scheme or PROD)
    async with ChainSession(None, anchor) as session:  # None: in memory
        importer = session.importer
        for step in chain.steps:
            raw = step.read()
            slot = decode_signed_block(raw).block.slot
            await importer.tick(first_interval(slot), has_proposal=True, is_aggregator=False)
            try:
                result = await importer.import_block(raw)
                said = f"{result.outcome.value}, head {importer.store.head.hex()[:12]}, finalized {importer.store.latest_finalized.slot}"
            except Rejected as refusal:
                said = refusal.reason.name
            print(f"{step.path.name}: {said}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: import_lean.py DIR")
    asyncio.run(main(Path(sys.argv[1])))

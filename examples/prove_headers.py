"""Proves a file of raw headers with the library and prints the last block proved.

python examples/prove_headers.py FILE FIRST_HEIGHT DATA_DIR
"""

import asyncio
import sys
from pathlib import Path

from proofplane.anchor.headers_file import HeadersFile
from proofplane.anchor.types import AnchorParams, Mode
from proofplane.base.ids import Height
from proofplane.bitcoin.networks import Network
from proofplane.node.config import Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.node import Node


async def main(path: Path, first: Height, data_dir: Path) -> None:
    with HeadersFile(path, Network.MAINNET, first) as file:
        point = file.anchor(first)
        params = AnchorParams(point.network, Mode.HEADERS_ONLY, b"ALPN", point.block, point.next_bits, point.epoch_start)
        with DataDirectory(data_dir, params) as directory:
            async with Node(directory, file, Settings()) as node:
                await node.drive(file.run(node.asm, node.tip))
                await node.proven()
                print(node.prover_status().last_proven)


if len(sys.argv) != 4:
    sys.exit(__doc__)
asyncio.run(main(Path(sys.argv[1]), Height(int(sys.argv[2])), Path(sys.argv[3])))

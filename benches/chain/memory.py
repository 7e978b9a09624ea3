"""How much memory does parallel import take at its peak, against sequential import of the same chain?

Each import runs in a process of its own, whose peak is read from the kernel ("VmHWM"); the interpreter with everything loaded is part
of both. Run as a program it is that process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from imports import ORDERS, import_chain
from measuring import Case, Ratio

from proofplane.chain.directory import ChainDirectory, read_chain
from proofplane.cli.options import run_async


def cases(chains: dict[int, ChainDirectory]) -> list[Case]:
    """A case for each chain, by its number of validators; over SQLite, because in memory all blocks stay."""
    return [_case(validators, chain) for validators, chain in chains.items()]


def _case(validators: int, chain: ChainDirectory) -> Case:
    def contestant(name: str) -> Callable[[], list[float]]:
        return lambda: [_peak_of_child(chain.path, name)]

    return Case(
        f"peak memory, {len(chain.steps)} blocks of {validators} validators, SQLite",
        "MiB",
        {name: contestant(name) for name in ORDERS},
        (Ratio("parallel", "sequential", "<= 1.25"),),
    )


def _peak_of_child(chain: Path, order: str) -> float:
    done = subprocess.run([sys.executable, __file__, str(chain), order], stdout=subprocess.PIPE, check=True, text=True)
    return float(done.stdout)


def _own_peak() -> float:
    """MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("this system does not tell a process's peak memory")


if __name__ == "__main__":
    run_async(import_chain(read_chain(Path(sys.argv[1])), ORDERS[sys.argv[2]], on_disk=True, steps=None))
    print(_own_peak())

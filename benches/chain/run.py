"""How fast are blocks checked and imported, against the bare work and against doing one thing after the other?

Every case lets its contestants run in turn, round by round, in this one process; what counts is the ratio. Turns in which others used
the machine do not count if there are enough without (`measuring`).

    python benches/chain/run.py [--rounds 7] [--only TEXT ...] [--json FILE]

leanSpec's own Python is not measured: it needs Python 3.12 and its repository.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import imports
import kernels
import memory
import signatures
import transition
from measuring import Case, measure, report
from signed_blocks import unpacked_block

from proofplane import _native
from proofplane.base.cores import usable_cores
from proofplane.chain.directory import ChainDirectory, read_chain
from proofplane.chain.generate import ChainPlan
from proofplane.chain.generated import write_chain
from proofplane.chain.workers import ThreadWorkers
from proofplane.crypto.xmss import PROD

VALIDATORS = (8, 64, 192)
"""Of the chains that are imported: a proof holds 202 signatures."""

SLOTS = 16
"""Of these chains."""

QUESTIONS = ("signatures", "transition", "imports", "kernels", "memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", action="append", choices=QUESTIONS, help="only this question; may be given several times")
    parser.add_argument("--json", type=Path, help="write every figure of every round to this file")
    arguments = parser.parse_args()
    machine = f"{platform.machine()}, {usable_cores()} cores, kernel {_native.xmss_kernel()}, Python {platform.python_version()}"
    print(f"{machine}; load {os.getloadavg()[0]:.2f}")
    with tempfile.TemporaryDirectory(prefix="pp-bench-") as scratch, ThreadWorkers() as workers:
        cases = prepared(arguments.only or QUESTIONS, Path(scratch), workers)
        measured = measure(cases, arguments.rounds)
    print(f"load {os.getloadavg()[0]:.2f} at the end")
    for case in cases:
        print("\n".join(report(case, measured[case.name])))
    if arguments.json:
        figures = {name: [asdict(turn) for turn in turns] for name, turns in measured.items()}
        arguments.json.write_text(json.dumps({"machine": machine, "turns": figures}, indent=1))


def prepared(questions: list[str] | tuple[str, ...], scratch: Path, workers: ThreadWorkers) -> list[Case]:
    """Makes what the questions need, and their cases."""
    print("preparing keys, signatures and chains", file=sys.stderr, flush=True)
    blocks = {count: unpacked_block(count) for count in kernels.VALIDATORS} if {"signatures", "kernels"} & set(questions) else {}
    chains = {count: chain(scratch, count) for count in VALIDATORS} if {"imports", "memory"} & set(questions) else {}
    cases: list[Case] = []
    if "signatures" in questions:
        cases += signatures.cases(blocks[max(blocks)].claims)
    if "transition" in questions:
        cases += transition.cases()
    if "imports" in questions:
        cases += imports.cases(chains)
    if "kernels" in questions:
        cases += kernels.cases(blocks, workers)
    if "memory" in questions:
        cases += memory.cases(chains)
    return cases


def chain(scratch: Path, validators: int) -> ChainDirectory:
    """A chain of production signatures in which everybody votes."""
    path = scratch / f"prod-{validators}"
    write_chain(ChainPlan(PROD, validators, SLOTS, "bench"), path, lambda what, done, of: None)
    return read_chain(path)


if __name__ == "__main__":
    main()

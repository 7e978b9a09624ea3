"""What does the library cost over the real `bb` by hand: verifying, waiting, starting, batching, proving?

Every case lets its contestants run in turn, round by round; what counts is the ratio. Turns in which others used the machine do not count
if there are enough without (`measuring`). The peers (`bare`) are the least that can be written: prebuilt requests over raw sockets.

    PROOFPLANE_DATA=... python benches/barretenberg/run.py [--rounds 5] [--only QUESTION ...] [--json FILE]

Chonk's proofs are of the tests' insecure development setup, for an insecure copy of `bb`; everything else is genuine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

import chonk
import header_steps
import latency
import spawn
import spawns
import verify
from measuring import Case, measure, report
from setting import Setting, setting

QUESTIONS: dict[str, Callable[[Setting], list[Case]]] = {
    "verify": verify.cases,
    "latency": latency.cases,
    "spawn": spawn.cases,
    "chonk": chonk.cases,
    "spawns": spawns.cases,
    "header-step": header_steps.cases,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=list(QUESTIONS), help="only this question; may be given several times")
    parser.add_argument("--json", type=Path, help="write every figure of every round to this file")
    arguments = parser.parse_args()
    given = setting()
    machine = f"{platform.machine()}, {given.cores} cores, bb {given.binary.version}, Python {platform.python_version()}"
    print(f"{machine}; load {os.getloadavg()[0]:.2f}")
    print("making proofs, the first time only", file=sys.stderr, flush=True)
    cases = [case for question in arguments.only or QUESTIONS for case in QUESTIONS[question](given)]
    measured = measure(cases, arguments.rounds)
    print(f"load {os.getloadavg()[0]:.2f} at the end")
    for case in cases:
        print("\n".join(report(case, measured[case.name])))
    if arguments.json:
        figures = {name: [asdict(turn) for turn in turns] for name, turns in measured.items()}
        arguments.json.write_text(json.dumps({"machine": machine, "turns": figures}, indent=1))


if __name__ == "__main__":
    main()

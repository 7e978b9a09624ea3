"""What does proving a header step cost, in `bb`, around it, and with the whole node around that?

Bare is `CircuitProve` alone, packed before, on all cores. "Prover" proves the same by the library, which verifies every proof. The node is
`proofplane prove --backend barretenberg` over real headers, with witnesses, attestations and a database. It is run for a few and for more:
the difference is what each further header costs; "with its start" has the interpreters' starts and the circuit's description in it.
In Python, a circuit is described once in a process, and a witness computed for each header.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import environ
from pathlib import Path
from tempfile import TemporaryDirectory

from bare import Question, bare, question
from cost import Cost, Watch, contestants, processor
from material import BEFORE, Step, step
from measuring import Case, Figures, Ratio, children_seconds
from setting import FIRST_HEIGHT, Setting

from kit import bb_cache
from proofplane.barretenberg.circuits.header_step import StepCircuit
from proofplane.barretenberg.generated.barretenberg import CircuitComputeVk, CircuitInputNoVk
from proofplane.barretenberg.prover import open_prover
from proofplane.barretenberg.verifier import open_verifier
from proofplane.cli.options import run_async

PROOFS = 3
"""Of a measurement, for each circuit."""

FEW, MORE = 2, 10
"""Headers that the node proves in the two runs of a measurement."""

_FURTHER, _WHOLE = "node, each further header", "node, with its start"

_DESCRIBE = """
import sys, time
from proofplane.barretenberg.circuits.header_step import StepCircuit
began = time.perf_counter()
StepCircuit(int(sys.argv[1])).circuit()
print((time.perf_counter() - began) * 1000)
"""

_COMMAND_SECONDS = 300.0
"""For the node; it takes some ten."""


def cases(setting: Setting) -> list[Case]:
    """A case for each circuit, one for the node, one for what is done in Python."""
    steps = {which: step(setting, which) for which in StepCircuit}
    found = [_proving(setting, which.name.lower(), each) for which, each in steps.items()]
    return [*found, _node(setting, steps[StepCircuit.PLAIN]), _python(steps)]


def _proving(setting: Setting, name: str, given: Step) -> Case:
    key = CircuitComputeVk(CircuitInputNoVk(given.circuit.name, given.circuit.bytecode), given.circuit.flavor.settings)
    runs = {
        "bare": lambda: _bare(setting, [question(given.request())] * PROOFS),
        "prover, verified": lambda: run_async(_prover(setting, given)),
        "bare, the key": lambda: _bare(setting, [question(key)]),
    }
    ratios = [Ratio("prover, verified", "bare", ""), Ratio(processor("prover, verified"), processor("bare"), "")]
    return Case(f"a header step proved, {name}", "ms", contestants(runs), tuple(ratios))


def _node(setting: Setting, given: Step) -> Case:
    alone = contestants({"bare": lambda: _bare(setting, [question(given.request())] * (MORE - FEW))})
    figures = Figures(lambda: _node_figures(setting))
    names = (_FURTHER, processor(_FURTHER), _WHOLE, processor(_WHOLE))
    ratios = [Ratio(each, "bare", "") for each in (_FURTHER, _WHOLE)] + [Ratio(processor(_FURTHER), processor("bare"), "")]
    return Case("a real header proved by the node", "ms", {**alone, **{name: figures.figure(name) for name in names}}, tuple(ratios))


def _node_figures(setting: Setting) -> Mapping[str, Sequence[float]]:
    (few, few_used), (more, more_used) = _prove_headers(setting, FEW), _prove_headers(setting, MORE)
    further = MORE - FEW
    return {
        _FURTHER: [(more - few) * 1000 / further],
        processor(_FURTHER): [(more_used - few_used) * 1000 / further],
        _WHOLE: [more * 1000 / MORE],
        processor(_WHOLE): [more_used * 1000 / MORE],
    }


def _python(steps: Mapping[StepCircuit, Step]) -> Case:
    found: dict[str, Callable[[], Sequence[float]]] = {}
    for which, given in steps.items():
        name = which.name.lower()
        found |= {f"{name}, program": partial(_program, which), f"{name}, witness": partial(_timed, given.witness)}
    return Case("a header step in Python", "ms", found, ())


def _bare(setting: Setting, questions: list[Question]) -> Cost:
    with bare(setting.prover()) as (bb,):
        watch = Watch()
        ended = []
        for asked in questions:
            bb.ask(asked)
            ended.append(time.perf_counter())
        return watch.cost(ended)


async def _prover(setting: Setting, given: Step) -> Cost:
    witness = given.witness()
    async with (
        open_verifier(setting.binary, setting.verification, processes=1) as verifier,
        open_prover(verifier, setting.binary, setting.proving) as prover,
    ):
        await prover.gates(given.circuit)
        watch = Watch()
        ended = []
        for _ in range(PROOFS):
            await prover.prove(given.circuit, witness, given.key)
            ended.append(time.perf_counter())
        return watch.cost(ended)


def _prove_headers(setting: Setting, number: int) -> tuple[float, float]:
    """Seconds by the clock and of processor time for the command as a whole."""
    first = BEFORE[StepCircuit.PLAIN]
    with TemporaryDirectory(prefix="pp-bench-") as place:
        command = [sys.executable, "-m", "proofplane", "prove", "--backend", "barretenberg", "--network", "mainnet", "--json", "--quiet"]
        command += ["--headers", str(setting.headers), "--first-height", str(FIRST_HEIGHT), "--from-height", str(first)]
        command += ["--until", str(first + number), "--data-dir", str(Path(place) / "data")]
        variables = {**environ, **bb_cache.proving_environment(setting.data)}
        used, began = children_seconds(), time.perf_counter()
        done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, check=True, timeout=_COMMAND_SECONDS)
        took = time.perf_counter() - began
    if (proved := json.loads(done.stdout)["proved"]) != number:
        raise SystemExit(f"the node proved {proved} of {number} headers")
    return took, children_seconds() - used


def _program(which: StepCircuit) -> list[float]:
    """Description and bytecode, which a process computes once; so each time in one of its own."""
    done = subprocess.run([sys.executable, "-c", _DESCRIBE, str(int(which))], stdout=subprocess.PIPE, check=True, text=True)
    return [float(done.stdout)]


def _timed(work: Callable[[], object]) -> list[float]:
    began = time.perf_counter()
    work()
    return [(time.perf_counter() - began) * 1000]

"""Directories with small signed chains, made once and copied."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from proofplane.chain.generate import ChainPlan
from proofplane.chain.generated import write_chain
from proofplane.crypto.xmss import TEST

SMALL = ChainPlan(TEST, validators=5, slots=9, seed="small", missed=frozenset({5}), forks=frozenset({8}), bad=frozenset({3}))
"""8 blocks, five bad ones and a duplicate."""

STEPS = 14
"""Files with blocks in a directory of `SMALL`."""


def quietly(stage: str, done: int, total: int) -> None:
    """Tells nobody."""


def write(out: Path, plan: ChainPlan = SMALL) -> Path:
    """Writes the directory of a plan."""
    write_chain(plan, out, quietly)
    return out


@cache
def _small() -> dict[str, bytes]:
    with TemporaryDirectory() as place:
        return {file.name: file.read_bytes() for file in write(Path(place) / "chain").iterdir()}


def small(out: Path) -> Path:
    """A directory of `SMALL`, to be changed at will."""
    out.mkdir(parents=True)
    for name, raw in _small().items():
        (out / name).write_bytes(raw)
    return out

"""Small vectors in the form of the recorded ones, for tests of their runners, and how one of them ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proofplane.chain.vectors.run import run_vectors
from proofplane.chain.vectors.types import Mode, VectorResult

JUSTIFIABILITY = {"slot": 16, "finalizedSlot": 10, "output": {"delta": 6, "isJustifiable": True}}
SSZ = {"typeName": "Uint16", "value": "258", "serialized": "0x0201", "root": "0x0201" + "00" * 30}
DECODE_FAILURE = {
    "typeName": "SmokeBitlist8",
    "value": {"data": [False]},
    "serialized": "0x",
    "root": "",
    "rawBytes": "0x0010",
    "rejectionReason": "DECODE_ERROR",
}
SLOT_CLOCK = {
    "operation": {"kind": "current_slot", "genesisTime": 1000, "currentTimeMilliseconds": 1008500.0},
    "config": {"secondsPerSlot": 4, "intervalsPerSlot": 5, "millisecondsPerInterval": 800},
    "output": {"slot": 2},
}


def vector(content: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A vector with what all have; `changes` replace fields, None takes one away."""
    whole = {"network": "Lstar", "leanEnv": "test", "proofSetting": 1, "_info": {}, **content, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def write(place: Path, family: str, content: Any, name: str = "test.json") -> Path:
    """Writes one vector as a file of its family."""
    file = place / family / "module" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"test": content}))
    return file


async def results(place: Path, mode: Mode | None = None) -> list[VectorResult]:
    """Runs a folder."""
    return [result async for result in run_vectors(place, mode or Mode())]

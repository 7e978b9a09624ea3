"""Contracts for the tests of the schema: a small right one whose parts can be replaced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

RIGHT: Mapping[str, Any] = {
    "service": "Test",
    "aliases": {"Fr": "bin32", "TreeId": "u32"},
    "types": {"Point": {"x": "Fr", "y": "Fr"}},
    "error": {"message": "string"},
    "commands": {"Walk": {"request": {"to": "Point"}, "response": {}}},
}


def text(**changed: Any) -> str:
    """The right contract with these keys changed; None leaves one out."""
    return json.dumps({key: value for key, value in {**RIGHT, **changed}.items() if value is not None}, indent=1)


def command(request: Any, response: Any = None) -> dict[str, Any]:
    """Commands with one command `Act` of these fields."""
    return {"Act": {"request": request, "response": {} if response is None else response}}

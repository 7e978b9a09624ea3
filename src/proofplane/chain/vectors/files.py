"""Where vectors lie: `<family>/.../<test>.json`, each file a map from test ids to vectors."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from proofplane.chain.vectors.types import NoVectors, Vector

_MAX_FILE = 64 << 20
"""Bytes of a file; the largest recorded one has not even one mebibyte, and its JSON takes a few times as much memory."""


def read_vectors(place: Path, families: Collection[str]) -> Iterator[Vector]:
    """Yields every vector below a folder, by path; a file that cannot be read comes as one unreadable vector.

    A family is the first folder below `place`, or `place` itself if that is named like one, so that a single family can be run.

    Raises:
        NoVectors: `place` is no folder, or there is no JSON file in it.
    """
    if not place.is_dir():
        raise NoVectors(f"{place} is no directory: name the one that holds a folder of vectors for each family")
    files = sorted(file for file in place.rglob("*.json") if file.is_file())
    if not files:
        raise NoVectors(f"there is no vector (*.json) below {place}")
    only = place.resolve().name
    for file in files:
        relative = file.relative_to(place)
        first = relative.parts[0]
        yield from _read(file, only if only in families and first not in families else first, str(relative))


def _read(file: Path, family: str, name: str) -> Iterator[Vector]:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MAX_FILE + 1)
        if len(raw) > _MAX_FILE:
            raise ValueError(f"it is larger than {_MAX_FILE >> 20} MiB")
        content = msgspec.json.decode(raw)
        if not isinstance(content, dict) or not content:
            raise ValueError("it is no map from test ids to vectors")
    except OSError as error:
        yield Vector(family, name, f"cannot be read: {error.strerror}", readable=False)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        yield Vector(family, name, f"is no file of vectors: {error}", readable=False)
    else:
        for test in content:
            yield Vector(family, name if len(content) == 1 else f"{name} {test}", content[test])

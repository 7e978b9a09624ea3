"""Builds that tests need: each once in a test run, also when several test processes run side by side."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Callable

from kit.generated import ROOT

_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
"""Names this test run in all its processes."""


def once(name: str, build: Callable[[], object]) -> None:
    """Builds unless a process of this run has; the others wait, since a program must not be rewritten while another test runs it."""
    place = ROOT / "target" / "test-builds"
    place.mkdir(parents=True, exist_ok=True)
    with (place / name).open("a+") as last:
        fcntl.flock(last, fcntl.LOCK_EX)
        last.seek(0)
        if last.read() != _RUN:
            build()
            last.truncate(0)
            last.write(_RUN)

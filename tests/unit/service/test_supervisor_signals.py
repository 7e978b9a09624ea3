"""Signals to a real process under a supervisor: the first stops it gracefully, the second at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from proofplane.service.supervisor import GRACEFUL_TIMEOUT

SCRIPT = """
import asyncio, logging, os, signal, sys
from typing import ClassVar
from proofplane.service.service import Flow, Service
from proofplane.service.supervisor import Supervisor

class Quiet:
    async def recv_next(self):
        print("ready", flush=True)
        await asyncio.Event().wait()

class Part(Service):
    name: ClassVar[str] = "part"
    def status(self): return None
    async def process_input(self, message): return Flow.CONTINUE
    async def before_shutdown(self, error):
        print("told", flush=True)
        if sys.argv[1] == "stuck":
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    pass
        print("stopped", flush=True)

class Eager(logging.Handler):
    def emit(self, record):
        if "once more" in record.getMessage():
            os.kill(os.getpid(), signal.SIGTERM)

if sys.argv[1] == "eager":
    logging.getLogger().addHandler(Eager())

async def main():
    async with Supervisor() as supervisor:
        supervisor.install_signals(asyncio.get_running_loop())
        supervisor.launch(Part(), Quiet())
        await supervisor.wait()
    print("clean", flush=True)

asyncio.run(main())
"""


@contextmanager
def process_of(kind: str) -> Iterator[subprocess.Popen[str]]:
    """A real process under a supervisor that has said that it is ready."""
    with subprocess.Popen([sys.executable, "-c", SCRIPT, kind], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.checklist(24)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_gives_a_clean_exit_within_30_s(number: signal.Signals) -> None:
    with process_of("willing") as process:
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    assert output == "told\nstopped\nclean\n"
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once(number: signal.Signals) -> None:
    with process_of("stuck") as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "told\n"
        process.send_signal(number)
        output, errors = process.communicate(timeout=GRACEFUL_TIMEOUT / 2)
    assert output == ""
    assert errors == "SIGTERM: stopping; once more to stop at once\n"  # and not a line of Python after the second signal
    assert process.returncode == -number


def test_a_second_signal_the_moment_it_is_offered_stops_at_once() -> None:
    with process_of("eager") as process:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=GRACEFUL_TIMEOUT / 2)
    assert output == ""
    assert process.returncode == -signal.SIGTERM

"""Fixtures of every test: where the real inputs are. With them given, no test that needs them may skip."""

import os
import signal
from pathlib import Path

import pytest

pytest_plugins = ["kit.echo_table"]

_DATA = "PROOFPLANE_DATA"


def pytest_configure() -> None:
    """Makes Ctrl-C heard: who starts the tests with a shell's `&` has it ignored, by us and all that we start, and some tests send it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real inputs; without PROOFPLANE_DATA the test is skipped (and counted)."""
    place = os.environ.get(_DATA)
    if not place:
        pytest.skip(f"{_DATA} is not set")
    return Path(place)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fails a run that was given the real inputs and yet skipped a test that needs them."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get(_DATA) or reporter is None:
        return
    skipped = [report.nodeid for report in reporter.stats.get("skipped", []) if "data" in getattr(report, "keywords", {})]
    if skipped and exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{_DATA} is set, so these must not skip: {', '.join(skipped)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

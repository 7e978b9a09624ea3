"""Fixtures of the crash tests: the uninterrupted run that every other one is compared with."""

from pathlib import Path

import pytest

from kit.crash_dump import Reference, check_rules, dump
from kit.crash_runs import CrashSite


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The uninterrupted run."""
    site = CrashSite.new(tmp_path_factory.mktemp("reference"))
    ran = site.run()
    check_rules(site)
    return Reference(site.data_dir, ran, dump(site.data_dir))


@pytest.fixture
def site(tmp_path: Path) -> CrashSite:
    """A data directory with nothing but the fixed keys."""
    return CrashSite.new(tmp_path)

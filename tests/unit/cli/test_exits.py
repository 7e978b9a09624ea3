"""Exit codes: one a family, asserted whole."""

import pytest

from proofplane.base.errors import Broken, CallerMistake, NeverAgain, Refused, TryAgain
from proofplane.cli.exits import exit_code
from proofplane.storage.errors import DirectoryInUse, StorageFull


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("x"), 1),
        (CallerMistake("x"), 2),
        (TryAgain("x"), 3),
        (NeverAgain("x"), 4),
        (Broken("x"), 5),
        (DirectoryInUse("x"), 2),
        (StorageFull("x"), 5),
        (ZeroDivisionError("x"), 70),
    ],
)
def test_each_family_has_its_code(error: Exception, code: int) -> None:
    assert exit_code(error) == code

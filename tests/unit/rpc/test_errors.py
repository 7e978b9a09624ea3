"""Every error of the package has its family, and what the extension raises has one of ours."""

from __future__ import annotations

import inspect

import pytest

from proofplane import _native
from proofplane.base import errors as base
from proofplane.rpc import errors

FAMILIES = {
    "BadAddress": base.CallerMistake,
    "BadOptions": base.CallerMistake,
    "BadRequest": base.CallerMistake,
    "BadService": base.CallerMistake,
    "UnknownRequest": base.CallerMistake,
    "FrameTooLarge": base.CallerMistake,
    "AlreadyAnswered": base.CallerMistake,
    "Closed": base.CallerMistake,
    "ForkedClient": base.CallerMistake,
    "Ended": base.TryAgain,
    "CannotConnect": base.TryAgain,
    "DeadlinePassed": base.TryAgain,
    "AddressInUse": base.TryAgain,
    "ConnectionBroken": base.Broken,
    "BadReply": base.Broken,
    "CannotServe": base.Broken,
    "SchemaMismatch": base.NeverAgain,
    "NotServed": base.NeverAgain,
    "CallFailed": base.NeverAgain,
}


def test_every_error_is_of_the_family_that_says_what_to_do() -> None:
    ours = {name: one.__base__ for name, one in vars(errors).items() if inspect.isclass(one) and one.__module__ == errors.__name__}

    assert ours == FAMILIES


@pytest.mark.parametrize("name", sorted(set(_native.__all__) - {"Busy"}))
def test_what_the_extension_raises_on_purpose_has_one_of_ours(name: str) -> None:
    raised = getattr(_native, name)
    if not (inspect.isclass(raised) and issubclass(raised, Exception)):
        return

    ours = errors.typed(raised("why"))

    assert raised in errors.NATIVE
    assert str(ours) == "why"
    assert isinstance(ours, base.ProofplaneError)

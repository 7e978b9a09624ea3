"""Every constraint of the step circuits outside the hash is needed: a lie that it alone keeps out, or a reason why others imply it."""

from collections.abc import Iterator

import pytest

from kit.step_lies import IMPLIED, WORK, Lie, lies_about, lies_about_plain, lies_about_retarget
from kit.step_stories import broken, computed
from proofplane.barretenberg.circuits.header_step import StepCircuit


def lies(circuit: StepCircuit) -> Iterator[Lie]:
    yield from lies_about(circuit)
    yield from lies_about_plain() if circuit is StepCircuit.PLAIN else lies_about_retarget()


def told(lie: Lie) -> set[str]:
    """What the lie breaks; for a header that nobody mined, besides work."""
    found = broken(lie.story, computed(lie.story, lie.inputs, lie.lies))
    return {name for name in found if not (lie.unmined and name.startswith(WORK))}


def constraints(circuit: StepCircuit) -> set[str]:
    return {each.name for each in circuit.program().constraints if not each.name.startswith(("header/", "hash/"))}


def test_a_lie_is_kept_out_by_the_one_constraint_that_it_is_about() -> None:
    about = list(lies(StepCircuit.PLAIN))
    assert {lie.constraint: told(lie) for lie in about} == {lie.constraint: {lie.constraint} for lie in about}


def test_so_it_is_for_the_retarget() -> None:
    about = list(lies_about_retarget())
    assert {lie.constraint: told(lie) for lie in about} == {lie.constraint: {lie.constraint} for lie in about}


@pytest.mark.slow
def test_so_it_is_for_what_the_retarget_circuit_has_in_common_with_the_other() -> None:
    about = list(lies_about(StepCircuit.RETARGET))
    assert {lie.constraint: told(lie) for lie in about} == {lie.constraint: {lie.constraint} for lie in about}


@pytest.mark.parametrize("circuit", StepCircuit)
def test_there_is_a_lie_about_every_constraint_that_others_do_not_imply(circuit: StepCircuit) -> None:
    about = {lie.constraint for lie in lies(circuit)}
    implied = {name for name in constraints(circuit) if name.startswith(tuple(IMPLIED[circuit]))}
    assert (about & implied, about | implied) == (set(), constraints(circuit))
    assert len(implied) < 20

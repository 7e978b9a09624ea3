"""Tests of the predicate upgrade, through the transition."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from proofplane.anchor.logs import NewPredicate
from proofplane.anchor.state import Section
from proofplane.anchor.subprotocols.carrier import carrier
from proofplane.anchor.subprotocols.upgrade import MalformedSection, UpgradeSection, upgrade_digest, upgrade_transaction
from proofplane.anchor.types import Log
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate
from proofplane.bitcoin.sps50 import TEST_MAGIC, Tag
from proofplane.bitcoin.transaction import Transaction
from unit.anchor.chains import KEYS, SIGNERS, Chain, full_params, regtest_params

NEXT = Predicate(10, b"next key".ljust(32, b"\0"))
OTHER = Predicate(1)
BY_0_AND_2 = {0: SIGNERS[0], 2: SIGNERS[2]}


def accepted(predicate: Predicate) -> tuple[Log, ...]:
    """What the block of an accepted upgrade emits."""
    return (NewPredicate(predicate).encode(),)


def sequence(chain: Chain) -> int:
    """How many upgrades the chain has seen."""
    return UpgradeSection.decode(chain.state.sections[0].data).sequence


def rewitnessed(change: Callable[[tuple[bytes, ...]], tuple[bytes, ...]]) -> Transaction:
    """A valid upgrade whose witness was changed."""
    valid = upgrade_transaction(TEST_MAGIC, 0, NEXT, BY_0_AND_2)
    return replace(valid, inputs=(replace(valid.inputs[0], witness=change(valid.inputs[0].witness)),))


@pytest.mark.parametrize("voters", [(0, 1), (2, 0), (0, 1, 2)])
def test_enough_votes_replace_the_predicate_and_raise_the_sequence(voters: tuple[int, ...]) -> None:
    chain = Chain(full_params())
    done = chain.extend(upgrade_transaction(TEST_MAGIC, 0, NEXT, {index: SIGNERS[index] for index in voters}))
    assert done.logs == accepted(NEXT)
    assert sequence(chain) == 1


@pytest.mark.parametrize(
    "transaction",
    [
        pytest.param(upgrade_transaction(TEST_MAGIC, 0, NEXT, {1: SIGNERS[1]}), id="too few votes"),
        pytest.param(upgrade_transaction(TEST_MAGIC, 0, NEXT, {}), id="no votes"),
        pytest.param(upgrade_transaction(TEST_MAGIC, 1, NEXT, BY_0_AND_2), id="a later sequence"),
        pytest.param(upgrade_transaction(b"mine", 0, NEXT, BY_0_AND_2), id="another magic"),
        pytest.param(upgrade_transaction(TEST_MAGIC, 0, NEXT, {0: SIGNERS[1], 1: SIGNERS[0]}), id="each other's votes"),
        pytest.param(upgrade_transaction(TEST_MAGIC, 0, NEXT, {0: SIGNERS[0], 3: SIGNERS[2]}), id="a key that there is not"),
        pytest.param(rewitnessed(lambda witness: ()), id="no witness"),
        pytest.param(rewitnessed(lambda witness: witness[1:]), id="no predicate"),
        pytest.param(rewitnessed(lambda witness: (b"\x0a\6\0\0\0", *witness[1:])), id="a malformed predicate"),
        pytest.param(rewitnessed(lambda witness: (OTHER.encode(), *witness[1:])), id="another predicate than voted for"),
        pytest.param(rewitnessed(lambda witness: (witness[0], witness[1], witness[1])), id="a vote twice"),
        pytest.param(rewitnessed(lambda witness: (*witness, witness[1])), id="a vote twice beside enough"),
        pytest.param(rewitnessed(lambda witness: (*witness, b"")), id="an empty vote beside enough"),
        pytest.param(rewitnessed(lambda witness: (*witness, b"\1" + bytes(64))), id="a false vote beside enough"),
        pytest.param(rewitnessed(lambda witness: (*witness[:2], witness[2] + b"\0")), id="a vote too long"),
        pytest.param(rewitnessed(lambda witness: (*witness[:2], witness[2][:-1])), id="a vote too short"),
        pytest.param(rewitnessed(lambda witness: (*witness[:2], b"\1" + witness[2][1:])), id="a vote under another's index"),
    ],
)
def test_anything_less_is_ignored(transaction: Transaction) -> None:
    chain = Chain(full_params())
    assert chain.extend(transaction).logs == ()
    assert sequence(chain) == 0


@pytest.mark.parametrize("tag", [Tag(80, 2), Tag(80, 1, b"x"), Tag(81, 1)])
def test_a_tag_of_another_form_is_ignored(tag: Tag) -> None:
    chain = Chain(full_params())
    witness = upgrade_transaction(TEST_MAGIC, 0, NEXT, BY_0_AND_2).inputs[0].witness
    assert chain.extend(carrier(TEST_MAGIC, tag, b"salt", witness)).logs == ()


def test_votes_cannot_be_replayed() -> None:
    chain = Chain(full_params())
    first = upgrade_transaction(TEST_MAGIC, 0, NEXT, BY_0_AND_2)
    chain.extend(first)
    assert chain.extend(upgrade_transaction(TEST_MAGIC, 1, OTHER, BY_0_AND_2)).logs == accepted(OTHER)
    assert chain.extend(first).logs == ()
    assert chain.extend(upgrade_transaction(TEST_MAGIC, 0, NEXT, BY_0_AND_2, salt=b"again")).logs == ()
    assert sequence(chain) == 2


def test_a_block_takes_the_first_upgrade_that_holds_and_leaves_the_next_one_valid() -> None:
    chain = Chain(full_params())
    too_few = upgrade_transaction(TEST_MAGIC, 0, OTHER, {0: SIGNERS[0]}, salt=b"1")
    first = upgrade_transaction(TEST_MAGIC, 0, NEXT, BY_0_AND_2, salt=b"2")
    second = upgrade_transaction(TEST_MAGIC, 1, OTHER, BY_0_AND_2, salt=b"3")
    assert chain.extend(too_few, first, second).logs == accepted(NEXT)
    assert sequence(chain) == 1
    assert chain.extend(second).logs == accepted(OTHER)


def test_without_a_quorum_nobody_upgrades() -> None:
    chain = Chain(regtest_params(exports=True))
    assert chain.extend(upgrade_transaction(TEST_MAGIC, 0, NEXT, BY_0_AND_2)).logs == ()


def test_the_digest_binds_magic_sequence_and_predicate() -> None:
    digests = {
        upgrade_digest(TEST_MAGIC, 0, NEXT),
        upgrade_digest(b"mine", 0, NEXT),
        upgrade_digest(TEST_MAGIC, 1, NEXT),
        upgrade_digest(TEST_MAGIC, 0, OTHER),
    }
    assert len(digests) == 4


def test_the_largest_predicate_fits_its_log() -> None:
    chain = Chain(full_params())
    largest = Predicate(20, bytes(1024))
    assert chain.extend(upgrade_transaction(TEST_MAGIC, 0, largest, BY_0_AND_2)).logs == accepted(largest)


@pytest.mark.parametrize(("threshold", "keys"), [(0, KEYS), (4, KEYS), (0, ()), (2, (KEYS[0], KEYS[0], KEYS[1]))])
def test_a_section_with_a_quorum_that_no_parameters_have_is_refused(threshold: int, keys: tuple[Hash32, ...]) -> None:
    assert UpgradeSection.decode(UpgradeSection(5, 2, KEYS).encode()) == UpgradeSection(5, 2, KEYS)
    with pytest.raises(MalformedSection, match="quorum"):
        UpgradeSection.decode(UpgradeSection(5, threshold, keys).encode())


def test_at_the_last_sequence_no_upgrade_is_accepted() -> None:
    for number, counts in ((2**64 - 2, True), (2**64 - 1, False)):
        chain = Chain(full_params())
        section = Section(80, UpgradeSection(number, 2, KEYS).encode())
        chain.state = replace(chain.state, sections=(section, chain.state.sections[1]))
        done = chain.extend(upgrade_transaction(TEST_MAGIC, number, NEXT, BY_0_AND_2))
        assert done.logs == (accepted(NEXT) if counts else ())
        assert sequence(chain) == 2**64 - 1

"""The one check of a node: it loads and starts what `bb` needs only with the first proof that needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.crypto.predicates import CheckUnavailable, PredicateHolds, UnknownPredicate
from proofplane.crypto.schnorr import SigningKey
from proofplane.node.checks import Checks
from proofplane.node.header_check import UnknownKeys


def test_native_proofs_load_nothing_of_barretenberg() -> None:
    code = (
        "import sys\n"
        "from proofplane.base.predicate import Predicate\n"
        "import proofplane.cli.commands.verify_chain, proofplane.cli.commands.proofs, proofplane.cli.commands.prove, "
        "proofplane.cli.commands.status, proofplane.node.prover_process\n"
        "from proofplane.node.checks import Checks\n"
        "with Checks(2) as checks: checks.check(Predicate(1), b'', b'')\n"
        "print(*(name for name in sys.modules if name.startswith(('proofplane.barretenberg', 'proofplane.pool'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == ""


def test_it_knows_the_built_in_kinds_and_header_steps_and_no_other() -> None:
    key = SigningKey(b"\x01" * 32)
    schnorr = Predicate(PredicateKind.SCHNORR, key.public().raw)
    with Checks() as checks:
        assert checks.check(schnorr, b"claim", key.sign(b"claim")) == PredicateHolds(schnorr, b"claim")
        with pytest.raises(UnknownKeys):
            checks.check(Predicate(PredicateKind.ULTRA_HONK, b"others"), bytes(128), b"")
        with pytest.raises(UnknownPredicate):
            checks.check(Predicate(65), b"", b"")


@pytest.mark.parametrize("used", [False, True])
def test_closed_it_starts_nothing_and_says_nothing_about_a_proof(used: bool) -> None:
    step = (Predicate(PredicateKind.ULTRA_HONK, b"others"), bytes(128), b"")
    checks = Checks()
    if used:
        with pytest.raises(UnknownKeys):
            checks.check(*step)

    checks.close()
    checks.close()

    with pytest.raises(CheckUnavailable, match="closed"):
        checks.check(*step)

"""The one place that checks a claim and its witness under a predicate.

`check` knows the kinds that need nothing but this process. Kinds that need more (a proof system in a process of its own) are added by
`checker`, and whoever checks takes the `Check` as an argument. "Does not hold" is `PredicateNotMet` and nothing else;
`UnknownPredicate` and whatever an added kind raises besides it mean that nobody has checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from proofplane.base.errors import CallerMistake, NeverAgain, Refused, TryAgain
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.crypto.schnorr import SIGNATURE_SIZE, InvalidSignature, MalformedKey, XOnlyKey

_BUILT_IN = (PredicateKind.NEVER_ACCEPT, PredicateKind.ALWAYS_ACCEPT, PredicateKind.SCHNORR, PredicateKind.SP1_GROTH16)
"""What `check` knows."""

_KEYS_KEPT = 64
"""Parsed Schnorr keys that are remembered: a chain uses one until its predicate is upgraded."""


class PredicateReason(Enum):
    """Why a predicate does not hold."""

    NEVER = "the predicate accepts nothing"
    CONDITION = "the condition is malformed"
    WITNESS_LENGTH = "the witness has the wrong length"
    SIGNATURE = "the signature does not hold"
    PROOF = "the proof was refused"


class PredicateNotMet(Refused):
    """The witness does not prove the claim under the predicate; `reason` says which check failed."""

    def __init__(self, predicate: Predicate, reason: PredicateReason, detail: str = "") -> None:
        name = PredicateKind(predicate.kind).name.lower().replace("_", "-")
        super().__init__(f"{name} predicate not met: {reason.value}" + (f": {detail}" if detail else ""))
        self.kind = predicate.kind
        self.reason = reason


class UnknownPredicate(NeverAgain):
    """A predicate id that is not checked here: nothing is said about the claim, and never can be by this check."""

    def __init__(self, kind: int, added: Mapping[int, object] | None = None) -> None:
        """`added` are the kinds that were asked for besides the built-in ones."""
        known = sorted({*map(int, _BUILT_IN), *(added or {})})
        super().__init__(f"predicate id {kind} cannot be checked here; those that can be: {', '.join(map(str, known))}")
        self.kind = kind


class CheckUnavailable(TryAgain):
    """What checks this kind of predicate cannot work now (a binary, a file or a process is missing): nothing is said about the claim.

    The message says what to do. A kind added by `checker` raises it, or any other `TryAgain`, instead of what it met itself:
    a `Refused` of its own set-up would be taken for a verdict about the claim.
    """


@dataclass(frozen=True, slots=True)
class PredicateHolds:
    """The claim holds under the predicate; made only by a `Check`."""

    predicate: Predicate
    claim: bytes


Check = Callable[[Predicate, bytes, bytes], PredicateHolds]
"""(predicate, claim, witness); raises as `check` does. Safe to be called from any thread, several at a time."""

CheckKind = Callable[[Predicate, bytes, bytes], None]
"""Checks one kind; raises `PredicateNotMet` if the witness does not prove the claim, a `TryAgain` if it could not look."""


def checker(added: Mapping[int, CheckKind]) -> Check:
    """Returns a check that knows the kinds in `added` besides those of `check`; a kind that both know is checked by `check`."""

    def check_all(predicate: Predicate, claim: bytes, witness: bytes) -> PredicateHolds:
        if predicate.kind in _BUILT_IN:
            return check(predicate, claim, witness)
        if predicate.kind not in added:
            raise UnknownPredicate(predicate.kind, added)
        added[predicate.kind](predicate, claim, witness)
        return PredicateHolds(predicate, claim)

    return check_all


def check(predicate: Predicate, claim: bytes, witness: bytes) -> PredicateHolds:
    """Checks that `witness` proves `claim` under `predicate`.

    Always-accept looks at neither condition nor witness, as upstream's does not. A Schnorr check takes some 40 microseconds,
    an SP1 check about half a second (and the first one imports py_ecc).

    Raises:
        PredicateNotMet: It does not; `reason` says why.
        UnknownPredicate: The predicate's id has no meaning.
    """
    match predicate.kind:
        case PredicateKind.ALWAYS_ACCEPT:
            pass
        case PredicateKind.NEVER_ACCEPT:
            raise PredicateNotMet(predicate, PredicateReason.NEVER)
        case PredicateKind.SCHNORR:
            _check_schnorr(predicate, claim, witness)
        case PredicateKind.SP1_GROTH16:
            _check_sp1(predicate, claim, witness)
        case _:
            raise UnknownPredicate(predicate.kind)
    return PredicateHolds(predicate, claim)


def _check_schnorr(predicate: Predicate, claim: bytes, witness: bytes) -> None:
    try:
        key = _key(predicate.condition)
    except MalformedKey as error:
        raise PredicateNotMet(predicate, PredicateReason.CONDITION, str(error)) from None
    if len(witness) != SIGNATURE_SIZE:
        raise PredicateNotMet(predicate, PredicateReason.WITNESS_LENGTH, f"{SIGNATURE_SIZE} bytes expected, found {len(witness)}")
    try:
        key.verify(claim, witness)
    except InvalidSignature as error:
        raise PredicateNotMet(predicate, PredicateReason.SIGNATURE, str(error)) from None


def _check_sp1(predicate: Predicate, claim: bytes, witness: bytes) -> None:
    from proofplane.crypto import sp1  # here, because it imports py_ecc, which a start-up without SP1 proofs must not pay for

    if len(witness) != sp1.PROOF_SIZE:
        raise PredicateNotMet(predicate, PredicateReason.WITNESS_LENGTH, f"{sp1.PROOF_SIZE} bytes expected, found {len(witness)}")
    try:
        sp1.verify_under_condition(predicate.condition, claim, witness)
    except sp1.ProofRefused as error:
        raise PredicateNotMet(predicate, PredicateReason.PROOF, str(error)) from None
    except (CallerMistake, NeverAgain) as error:  # of the key inside the condition, which is content here and nobody's argument
        raise PredicateNotMet(predicate, PredicateReason.CONDITION, str(error)) from None


@lru_cache(maxsize=_KEYS_KEPT)
def _key(condition: bytes) -> XOnlyKey:
    return XOnlyKey(condition)

"""Every command of `bb`, typed: field elements are held to their one form before they are sent, and every call has a deadline.

`bb` reads past the end of a short field element, and answers for a large one with an error that looks like a refusal of the content;
so both are the caller's mistakes here. Sizes are checked where a request is made, by its generated class; values are checked here, by
one walk that is built from a command's field types: an alias of the contract says which modulus a value is below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeVar

from msgspec import inspect

from proofplane.barretenberg import points
from proofplane.barretenberg.field import MODULUS, SIZE, NotCanonical
from proofplane.barretenberg.generated.barretenberg import BarretenbergClient
from proofplane.barretenberg.ports import Asked
from proofplane.wire import Command, Message

R = TypeVar("R", bound=Message)

Check = Callable[[Any, str], None]
"""Raises `NotCanonical` for a value; the second argument is the value's place, for the message."""

MODULI: Mapping[str, int] = {
    "Fr": MODULUS,
    "Fq": points.FIELD,
    "Uint256": MODULUS,
    "Secp256k1Fq": 2**256 - 2**32 - 977,
    "Secp256k1Fr": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    "Secp256r1Fq": 2**256 - 2**224 + 2**192 + 2**96 - 1,
    "Secp256r1Fr": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}
"""What a value of each alias is below. `Uint256` stands for the field elements of proofs, keys and public inputs, in every flavour."""


class CheckedCaller:
    """A caller that sends only canonical field elements, and gives every call a deadline."""

    def __init__(self, caller: Asked, timeout: float) -> None:
        """Takes what sends the requests, such as a worker that a pool lends, and the seconds of a call that is given none."""
        self._caller = caller
        self._timeout = timeout

    async def call(self, request: Command[R], *, timeout: float | None = None) -> R:
        """Sends a request of `bb`'s contract and returns its reply.

        Args:
            request: Of a class of `generated.barretenberg`.
            timeout: Seconds; None for this caller's own.

        Raises:
            NotCanonical: A field element of the request is not less than its modulus; nothing was sent.
            CallFailed: `bb` answered with an error.
            TryAgain, Broken: What the caller beneath raises when there is no answer.
        """
        canonical(request)
        return await self._caller.call(request, timeout=self._timeout if timeout is None else timeout)


def commands(caller: Asked, *, timeout: float) -> BarretenbergClient:
    """A method for every command, over a caller; `timeout` in seconds is the deadline of calls that are given none."""
    return BarretenbergClient(CheckedCaller(caller, timeout))


def canonical(request: Command[Any]) -> None:
    """Checks every field element within a request.

    Raises:
        NotCanonical: One is not less than its modulus; the message has its place.
    """
    check = _check_of(type(request))
    if check is not None:
        check(request, type(request).__name__)


@cache
def _check_of(message: type[Message]) -> Check | None:
    """The walk over messages of a class; None if there is nothing to check. There are as many as the contract has classes."""
    return _check(inspect.type_info(message))


def _check(kind: inspect.Type) -> Check | None:
    """The walk over values of one type; None if no field element can be within."""
    match kind:
        case inspect.Metadata(extra_json_schema={"title": str() as alias}) if alias in MODULI:
            return partial(_element, MODULI[alias].to_bytes(SIZE, "big"), alias)
        # The tuples of this contract have one type of item.
        case inspect.ListType(item_type=item) | inspect.TupleType(item_types=(item, *_)):
            match item:
                case inspect.Metadata(extra_json_schema={"title": str() as alias}) if alias in MODULI:
                    return partial(_elements, MODULI[alias].to_bytes(SIZE, "big"), alias)
            check = _check(item)
            return None if check is None else partial(_items, check)
        case inspect.StructType(fields=fields):
            checks = tuple((field.name, check) for field in fields if (check := _check(field.type)) is not None)
            return partial(_fields, checks) if checks else None
        case _:
            return None


def _element(modulus: bytes, alias: str, value: object, place: str) -> None:
    if not isinstance(value, bytes) or len(value) != SIZE:
        raise NotCanonical(f"{place} is no {alias}: it has to be {SIZE} bytes")
    if value >= modulus:
        raise NotCanonical(f"{place} is not less than the modulus of {alias}: {value.hex()}")


def _elements(modulus: bytes, alias: str, values: Sequence[Any], place: str) -> None:
    """For hundreds of field elements: one comparison tells that all are good, their sizes being known."""
    try:
        if max(values, default=b"") < modulus:
            return
    except TypeError:  # something is not bytes, and is named below
        pass
    for index, value in enumerate(values):
        _element(modulus, alias, value, f"{place}[{index}]")


def _items(check: Check, values: Iterable[object], place: str) -> None:
    for index, value in enumerate(values):
        check(value, f"{place}[{index}]")


def _fields(checks: tuple[tuple[str, Check], ...], message: object, place: str) -> None:
    for name, check in checks:
        check(getattr(message, name), f"{place}.{name}")

"""Generated Python: values survive the wire, wrong sizes cannot be made, and the wire's form is canonical."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.generated import BOTH, contract
from kit.small_contracts import command, text
from proofplane import wire
from proofplane.base.errors import CallerMistake
from proofplane.codegen.generate import generate, language
from proofplane.codegen.language import Sides
from proofplane.wire.dynamic import pack, unpack
from proofplane.wire.schema.model import Schema, Struct
from proofplane.wire.schema.parse import parse_contract

ENCODER = msgspec.msgpack.Encoder(enc_hook=wire.enc_hook)
_NUMBERS = itertools.count()


def load(schema: Schema, folder: Path, sides: Sides = BOTH) -> ModuleType:
    """The module that is generated for a contract."""
    (path,) = generate(schema, language("python"), sides, folder)
    name = f"generated_for_test_{next(_NUMBERS)}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def decode(data: bytes, type_: Any) -> Any:
    return msgspec.msgpack.decode(data, type=type_, dec_hook=wire.dec_hook)


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return load(contract("echo"), tmp_path_factory.mktemp("echo"))


def act(folder: Path, request: dict[str, str], **others: Any) -> Any:
    """The request class of a contract with one command of these fields."""
    return load(parse_contract(text(commands=command(request), **others)), folder).Act


FR = st.binary(min_size=32, max_size=32)
POINT = st.fixed_dictionaries({"x": FR, "y": FR})
EVERYTHING = st.fixed_dictionaries(
    {
        "small": st.integers(0, 2**8 - 1),
        "medium": st.integers(0, 2**16 - 1),
        "word": st.integers(0, 2**32 - 1),
        "large": st.integers(0, 2**64 - 1),
        "ratio": st.floats(allow_nan=False),
        "flag": st.booleans(),
        "text": st.text(),
        "blob": st.binary(),
        "field": FR,
        "maybe": st.none() | st.integers(0, 2**32 - 1),
        "numbers": st.lists(st.integers(0, 2**64 - 1)),
        "pair": st.lists(FR, min_size=2, max_size=2),
        "state": st.dictionaries(st.integers(0, 2**32 - 1), st.tuples(FR, st.integers(0, 2**64 - 1)).map(list)),
        "nested": POINT,
        "points": st.lists(POINT),
        "maybePoint": st.none() | POINT,
    }
)
"""Values of `Everything` as the reference codec has them."""


@given(EVERYTHING)
@settings(max_examples=200, deadline=None)
def test_what_the_reference_packs_is_read_and_packed_to_the_same_bytes(echo: ModuleType, value: dict[str, Any]) -> None:
    schema = contract("echo")
    everything = next(struct for struct in schema.types if struct.name == "Everything")
    assert isinstance(everything, Struct)
    packed = pack(schema, everything, value)
    read = decode(packed, echo.Everything)
    assert ENCODER.encode(read) == packed
    assert unpack(schema, everything, ENCODER.encode(read)) == value


@pytest.mark.parametrize("size", [0, 1, 31, 33])
def test_fixed_bytes_of_another_size_cannot_be_made_nor_read(echo: ModuleType, size: int) -> None:
    with pytest.raises(wire.WrongSize, match=rf"Point.y must have a size of 32, not {size}") as raised:
        echo.Point(x=bytes(32), y=bytes(size))
    assert isinstance(raised.value, CallerMistake)
    with pytest.raises(msgspec.ValidationError):
        decode(msgspec.msgpack.encode({"x": bytes(32), "y": bytes(size)}), echo.Point)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("bin4[]", [b"1234", b"123"]),
        ("bin4?", b"12345"),
        ("bin4[2]", (b"1234",)),
        ("bin4[2]", (b"1234", b"123")),
        ("(u8, bin4)", (1, b"123")),
        ("{u8: bin4}", {1: b"123"}),
        ("packed<bin4>", wire.Packed(b"123")),
        ("bin4?[]", [None, b"1234", b""]),
        ("(bin4[], u8)[]", [([b"1234"], 1), ([b""], 1)]),
    ],
)
def test_fixed_bytes_are_checked_wherever_they_stand(tmp_path: Path, type_: str, value: object) -> None:
    with pytest.raises(wire.WrongSize):
        act(tmp_path, {"field": type_})(field=value)


def test_map_keys_leave_in_ascending_order_wherever_the_map_stands(tmp_path: Path) -> None:
    act_ = act(tmp_path, {"direct": "{u32: u8}", "listed": "{u32: u8}[]", "deep": "{u8: {u8: u8}}?"})
    value = act_(direct={300: 1, 2: 2}, listed=[{5: 1, 4: 2}], deep={9: {3: 1, 2: 1}, 1: {}})
    assert list(value.direct) == [2, 300]
    assert list(value.listed[0]) == [4, 5]
    assert [(key, list(inner)) for key, inner in value.deep.items()] == [(1, []), (9, [2, 3])]


def test_an_integer_given_for_an_f64_leaves_as_nine_bytes(tmp_path: Path) -> None:
    value = act(tmp_path, {"ratio": "f64", "listed": "f64[]", "maybe": "f64?"})(ratio=1, listed=[2, 0.5], maybe=None)
    assert (value.ratio, value.listed, value.maybe) == (1.0, [2.0, 0.5], None)
    assert ENCODER.encode(value).count(b"\xcb") == 3


@pytest.mark.parametrize(("type_", "most"), [("u8", 2**8 - 1), ("u16", 2**16 - 1), ("u32", 2**32 - 1), ("u64", 2**64 - 1)])
def test_integers_out_of_range_are_refused_when_read(tmp_path: Path, type_: str, most: int) -> None:
    act_ = act(tmp_path, {"number": type_})
    assert decode(msgspec.msgpack.encode({"number": most}), act_).number == most
    wrong = [-1, 1.0, True] + ([most + 1] if type_ != "u64" else [])
    for value in wrong:
        with pytest.raises(msgspec.ValidationError):
            decode(msgspec.msgpack.encode({"number": value}), act_)


@pytest.mark.parametrize(
    ("type_", "bits", "wrap"),
    [
        ("u8", 8, lambda value: value),
        ("u16", 16, lambda value: value),
        ("u32", 32, lambda value: value),
        ("u64", 64, lambda value: value),
        ("TreeId", 32, lambda value: value),
        ("u8?", 8, lambda value: value),
        ("u16[]", 16, lambda value: [0, value]),
        ("u32[2]", 32, lambda value: (0, value)),
        ("(bytes, u64)", 64, lambda value: (b"", value)),
        ("{u8: bytes}", 8, lambda value: {value: b""}),
        ("{u8: u64}", 64, lambda value: {0: value}),
        ("packed<u32>", 32, wire.Packed),
    ],
)
def test_integers_out_of_range_cannot_be_made_wherever_they_stand(tmp_path: Path, type_: str, bits: int, wrap: Any) -> None:
    act_ = act(tmp_path, {"number": type_})
    for value in (0, 2**bits - 1):
        made = act_(number=wrap(value))
        assert decode(ENCODER.encode(made), act_) == made
    for value in (-1, 2**bits, -(2**70), 2**70):
        with pytest.raises(wire.OutOfRange, match=rf"must be 0 to {2**bits - 1}, not {value}") as raised:
            act_(number=wrap(value))
        assert isinstance(raised.value, CallerMistake)


def test_a_missing_field_is_named_and_an_unknown_one_ignored(echo: ModuleType) -> None:
    with pytest.raises(msgspec.ValidationError, match="missing required field `y`"):
        decode(msgspec.msgpack.encode({"x": bytes(32)}), echo.Point)
    assert decode(msgspec.msgpack.encode({"x": bytes(32), "z": 1, "y": bytes(32)}), echo.Point) == echo.Point(bytes(32), bytes(32))


def test_fields_with_the_names_of_builtins_keep_their_names(tmp_path: Path) -> None:
    fields = {"bytes": "bytes", "list": "u8[]", "later": "bytes", "hash": "bin32", "input": "string", "timeout": "u32"}
    module = load(parse_contract(text(commands=command(fields))), tmp_path)
    value = module.Act(bytes=b"1", list=[2], later=b"3", hash=bytes(32), input="4", timeout=5)
    assert decode(ENCODER.encode(value), module.Act) == value


def test_fields_and_commands_with_the_names_of_what_generated_code_uses_keep_their_names(tmp_path: Path) -> None:
    names = ("Str", "Bytes2", "Float2", "Wire", "Typing", "Abc", "Builtins", "Msgspec", "Coroutine", "Timeout", "Int2", "Object2")
    fields = {"wire": "u8", "typing": "bin2", "msgspec": "u8?", "abc": "f64", "builtins": "{u8: u8}", "str": "string", "coroutine": "bool"}
    commands = {name: {"request": fields, "response": fields} for name in names} | {
        "Tuple2": {"request": {}, "response": {}},
        "Zebra": {"request": {"text": "string", "numbers": "u8[]", "wire": "u8"}, "response": {}},
    }
    module = load(parse_contract(text(commands=commands)), tmp_path)
    values = {"wire": 1, "typing": b"12", "msgspec": None, "abc": 0.5, "builtins": {1: 2}, "str": "s", "coroutine": True}
    for name in names:
        value = getattr(module, name)(**values)
        assert decode(ENCODER.encode(value), type(value)) == value

    class Caller:
        def call(self, request: Any, *, timeout: float | None = None) -> Any:
            return request

    client = module.TestBlockingClient(Caller())
    assert client.str(**values) == module.Str(**values)
    assert client.wire(**values) == module.Wire(**values)
    assert client.zebra(text="t", numbers=[1], wire=2) == module.Zebra(text="t", numbers=[1], wire=2)


def test_type_checkers_see_what_generated_code_means_whatever_the_names(tmp_path: Path) -> None:
    fields = {"wire": "u8", "typing": "bin2", "str": "string", "bytes": "bytes", "list": "u8[]"}
    names = ("Str", "Wire", "Typing", "Coroutine", "Float2", "Zebra")
    commands = {name: {"request": fields, "response": fields} for name in names}
    (path,) = generate(parse_contract(text(commands=commands)), language("python"), BOTH, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_a_client_calls_its_caller_with_the_request_and_the_timeout(echo: ModuleType) -> None:
    calls: list[tuple[Any, float | None]] = []

    class Caller:
        async def call(self, request: Any, *, timeout: float | None = None) -> Any:
            calls.append((request, timeout))
            return echo.SleepResponse(token=7)

    assert await echo.EchoClient(Caller()).sleep(milliseconds=1, token=7, timeout=2.5) == echo.SleepResponse(token=7)
    assert calls == [(echo.Sleep(milliseconds=1, token=7), 2.5)]


def test_a_blocking_client_does_the_same_without_a_loop(echo: ModuleType) -> None:
    class Caller:
        def call(self, request: Any, *, timeout: float | None = None) -> Any:
            return request, timeout

    assert echo.EchoBlockingClient(Caller()).forget() == (echo.Forget(), None)


def test_a_service_with_a_missing_method_cannot_be_made(echo: ModuleType) -> None:
    with pytest.raises(TypeError, match="abstract method"):
        type("Half", (echo.EchoService,), {"sleep": None})()


def test_the_contract_names_everything_as_the_wire_does(echo: ModuleType) -> None:
    assert echo.CONTRACT.by_name["EchoBytes"].request is echo.EchoBytes
    assert echo.CONTRACT.by_name["EchoBytes"].response_name == "EchoBytesResponse"
    assert (echo.CONTRACT.error_name, echo.CONTRACT.error("x").message) == ("ErrorResponse", "x")


def test_a_response_that_is_also_a_type_is_one_class(tmp_path: Path) -> None:
    commands = {"Act": {"request": {"at": "Point"}, "response": "Point"}}
    module = load(parse_contract(text(commands=commands)), tmp_path)
    assert module.CONTRACT.methods[0].response is module.Point


@pytest.mark.parametrize(
    ("sides", "there", "absent"), [(Sides(True, False), "TestClient", "TestService"), (Sides(False, True), "TestService", "TestClient")]
)
def test_one_side_alone_has_no_trace_of_the_other(tmp_path: Path, sides: Sides, there: str, absent: str) -> None:
    module = load(parse_contract(text()), tmp_path, sides)
    assert hasattr(module, there)
    assert not hasattr(module, absent)


@pytest.mark.parametrize(
    "said",
    [
        'Ends """ here \\ and "quoted"',
        'Ends in three """',
        "Ends in a backslash \\",
        *(f'{"x" * at} {"y" * at}""" \\N{{no}} \\x {"z" * 60} """ "end"' for at in (52, 55, 58)),
        *(f'{"x" * at}\\"""' for at in (117, 118, 119, 120)),
        "x" * 119 + "\\" * 5,
    ],
)
def test_documentation_of_the_contract_is_kept_whatever_is_in_it(tmp_path: Path, said: str) -> None:
    source = text().replace('"Walk"', f'// {said}\n"Walk"')
    doc = load(parse_contract(source), tmp_path).TestClient.walk.__doc__
    assert "".join(doc.split()) == "".join(said.split())  # long lines are wrapped

"""A contract of every type in every other, with fields named as generated code names its own variables."""

from __future__ import annotations

from proofplane.wire.schema.model import (
    Alias,
    Array,
    Command,
    Field,
    FixedBytes,
    List,
    Map,
    Named,
    Optional,
    Packed,
    Scalar,
    Schema,
    Struct,
    Tuple,
)

POINT = Struct("Point", (Field("treeId", Named("Fr")),), doc="A point.\n\n  On `a` curve.")

NESTED = Struct(
    "Nested",
    (
        Field("maps", List(Map(Scalar.U64, Optional(Tuple((Packed(Named("Point")), Array(Scalar.STRING, 2))))))),
        Field("inPacked", Packed(Optional(List(Scalar.BYTES)))),
        Field("inTuple", Tuple((Tuple((Scalar.U8,)), Map(Scalar.U8, Named("Point")), Optional(Scalar.F64)))),
        Field("inArray", Array(Tuple((Named("Fr"), Scalar.BOOL)), 3)),
        Field("numbers", List(Scalar.U8)),
        Field("perhaps", Optional(Packed(Named("Pair")))),
        Field("pair", Named("Pair")),
        Field("pairs", List(Named("Pair"))),
    ),
)

VARIABLES = Struct(
    "Variables",
    tuple(
        Field(name, type_)
        for name, type_ in (
            ("key", Scalar.STRING),
            ("reader", List(Scalar.U8)),
            ("writer", Optional(Named("Fr"))),
            ("r", List(Named("Point"))),
            ("w", List(List(Scalar.BYTES))),
            ("v", Tuple((Scalar.U8, Scalar.U16))),
            ("value", Scalar.F64),
            ("codec", Scalar.U32),
            ("name", Scalar.STRING),
            ("client", Scalar.BOOL),
        )
    ),
)

AWKWARD = Schema(
    service="awkward",
    aliases=(Alias("Fr", FixedBytes(32)), Alias("Pair", Tuple((Named("Fr"), Scalar.U64)), doc="Two.")),
    types=(POINT, NESTED, VARIABLES),
    error=Struct("ErrorResponse", (Field("message", Scalar.STRING),)),
    commands=(
        Command(Struct("GetPoint", ()), POINT, doc="Answers a type of the contract."),
        Command(Struct("Dispatch", (Field("nested", Named("Nested")),)), Struct("Dispatched", (Field("variables", Named("Variables")),))),
        *(Command(Struct(name, ()), Struct(f"{name}Response", ())) for name in ("Client", "Request", "Rpc", "Std", "Types", "Self2")),
    ),
)

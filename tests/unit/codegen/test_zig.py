"""The Zig target: what types become, what is written, and that the compiler takes whole contracts, every declaration of them."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from kit.awkward_contract import AWKWARD
from kit.generated import BOTH, ROOT, contract
from proofplane.codegen.generate import generate
from proofplane.codegen.language import Sides
from proofplane.codegen.languages.zig import LANGUAGE, codec_text, type_text
from proofplane.wire.names import camel, pascal
from proofplane.wire.schema.model import Array, FixedBytes, List, Map, Named, Optional, Packed, Scalar, Schema, Tuple, Type

ZIG = ROOT / "bindings" / "zig"

pytestmark = pytest.mark.skipif(find_spec("ziglang") is None, reason="needs the package ziglang")


@pytest.mark.parametrize(
    ("type_", "text", "codec"),
    [
        (Scalar.U8, "u8", "msgpack.Integer"),
        (Scalar.F64, "f64", "msgpack.Float"),
        (Scalar.STRING, "[]const u8", "msgpack.String"),
        (Scalar.BYTES, "[]const u8", "msgpack.Bytes"),
        (List(Scalar.U8), "[]const u8", "msgpack.List(msgpack.Integer)"),
        (FixedBytes(3), "[3]u8", "msgpack.FixedBytes"),
        (Array(Scalar.U8, 3), "[3]u8", "msgpack.Array(msgpack.Integer)"),
        (Named("Fr"), "Fr", "msgpack.FixedBytes"),
        (Optional(Named("Point")), "?Point", "msgpack.Optional(Point.Codec)"),
        (Packed(Named("Point")), "Point", "msgpack.Packed(Point.Codec)"),
        (
            Map(Scalar.U32, Tuple((Named("Fr"), Scalar.U64))),
            "[]const msgpack.Entry(u32, struct { Fr, u64 })",
            "msgpack.Map(msgpack.Tuple(.{ msgpack.FixedBytes, msgpack.Integer }))",
        ),
    ],
)
def test_a_type_has_its_zig_type_and_the_codec_that_tells_it_from_others_of_that_type(type_: Type, text: str, codec: str) -> None:
    assert (type_text(type_), codec_text(AWKWARD, type_)) == (text, codec)


def test_only_the_wanted_sides_are_written(tmp_path: Path) -> None:
    generate(AWKWARD, LANGUAGE, Sides(client=False, server=False), tmp_path / "none")
    generate(AWKWARD, LANGUAGE, BOTH, tmp_path / "both")
    assert sorted(path.name for path in (tmp_path / "none").iterdir()) == ["root.zig", "types.zig"]
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["client.zig", "root.zig", "server.zig", "types.zig"]


def test_a_field_is_snake_case_in_zig_and_keeps_its_name_on_the_wire() -> None:
    types = LANGUAGE.render(AWKWARD, BOTH)["types.zig"]
    assert "tree_id: Fr," in types
    assert '.{ "tree_id", "treeId", msgpack.FixedBytes },' in types


def test_a_response_that_is_also_a_type_stands_once() -> None:
    assert LANGUAGE.render(AWKWARD, BOTH)["types.zig"].count("pub const Point = struct {") == 1


def test_what_is_written_by_hand_is_formatted() -> None:
    sources = [path for path in ZIG.rglob("*.zig") if not {".zig-cache", "zig-out"} & set(path.parts)]
    assert len(sources) > 10
    command = [sys.executable, "-m", "ziglang", "fmt", "--check", *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def everything_used(schema: Schema) -> str:
    """A program that packs and unpacks every struct, calls every method and serves them all: Zig compiles only what is used.

    Its own names have an underscore, which no method has: Zig lets no method hide a name of its file.
    """
    names = {struct.name for struct in (*schema.types, schema.error, *(one for c in schema.commands for one in (c.request, c.response)))}
    structs = "".join(f"    our_echo.types.{pascal(name)},\n" for name in sorted(names))
    handlers = "".join(
        f"    pub fn {camel(one.name)}(_: *Service, _: our_echo.types.{pascal(one.request.name)},"
        f" _: *our_rpc.Responder(our_echo.types.{pascal(one.response.name)})) !void {{}}\n"
        for one in schema.commands
    )
    client = f"our_echo.{pascal(schema.service)}Client"
    calls = "".join(f"    _ = &{client}.{camel(one.name)};\n" for one in schema.commands)
    return f"""
const our_std = @import("std");
const our_rpc = @import("proofplane");
const our_echo = @import("generated/root.zig");

const structs = .{{
{structs}}};

const Service = struct {{
{handlers}}};

fn again(comptime T: type, allocator: our_std.mem.Allocator, bytes: []const u8) ![]u8 {{
    return our_rpc.msgpack.encode(allocator, try our_rpc.msgpack.decode(T, allocator, bytes, null));
}}

fn serve(allocator: our_std.mem.Allocator, service: *Service) !our_rpc.Server {{
    return our_echo.serve(allocator, "a.sock", .{{}}, service);
}}

export fn all(bytes: [*]const u8, len: usize) void {{
    inline for (structs) |T| _ = again(T, our_std.heap.c_allocator, bytes[0..len]) catch {{}};
    _ = &serve;
    _ = &our_echo.connect;
    _ = &{client}.close;
{calls}}}
"""


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C ABI as Zig sees it."""
    command = [sys.executable, "-m", "ziglang", "translate-c", "-lc", str(ROOT / "rust" / "capi" / "include" / "proofplane.h")]
    path = tmp_path_factory.mktemp("header") / "c.zig"
    # Zig keeps its cache where it is started.
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=path.parent)
    assert done.returncode == 0, done.stderr
    path.write_text(done.stdout)
    return path


@pytest.mark.parametrize("name", ["echo", "bb", "aztec_wsdb", "awkward"])
def test_a_whole_contract_compiles(name: str, header: Path, tmp_path: Path) -> None:
    schema = AWKWARD if name == "awkward" else contract(name)
    generate(schema, LANGUAGE, BOTH, tmp_path / "generated")
    (tmp_path / "all.zig").write_text(everything_used(schema))
    modules = [
        "--dep",
        "proofplane",
        f"-Mroot={tmp_path / 'all.zig'}",
        "--dep",
        "c",
        f"-Mproofplane={ZIG / 'src' / 'root.zig'}",
        f"-Mc={header}",
    ]
    command = [sys.executable, "-m", "ziglang", "build-obj", "-lc", "-fno-emit-bin", *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr

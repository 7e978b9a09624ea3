"""The C++ target: what types become, what is written, and that a C++ compiler takes the whole contracts."""

import shutil
import subprocess
from pathlib import Path

import pytest

from kit.generated import BOTH, ROOT, contract
from proofplane.codegen.generate import generate
from proofplane.codegen.language import Sides, program
from proofplane.codegen.languages.cpp import LANGUAGE, STYLE, codec_text, type_text
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
    Type,
)

CPP = ROOT / "bindings" / "cpp"


def tiny(**parts: object) -> Schema:
    point = Struct("Point", (Field("treeId", Named("Fr")),))
    whole: dict[str, object] = {
        "service": "Tiny",
        "aliases": (Alias("Fr", FixedBytes(32)),),
        "types": (point,),
        "error": Struct("ErrorResponse", (Field("message", Scalar.STRING),)),
        "commands": (Command(Struct("GetPoint", ()), point),),
    }
    return Schema(**{**whole, **parts})  # type: ignore[arg-type]  # a test's parts are right by the test


@pytest.mark.parametrize(
    ("type_", "text", "codec"),
    [
        (Scalar.U8, "std::uint8_t", "codec::U8"),
        (Scalar.F64, "double", "codec::F64"),
        (Scalar.STRING, "std::string", "codec::String"),
        (Scalar.BYTES, "std::vector<std::uint8_t>", "codec::Binary"),
        (List(Scalar.U8), "std::vector<std::uint8_t>", "codec::List<codec::U8>"),
        (FixedBytes(3), "std::array<std::uint8_t, 3>", "codec::Fixed<3>"),
        (Array(Scalar.U8, 3), "std::array<std::uint8_t, 3>", "codec::Array<codec::U8, 3>"),
        (Named("Fr"), "Fr", "codec::Fixed<32>"),
        (Optional(Named("Point")), "std::optional<Point>", "codec::Maybe<codec::Struct<Point>>"),
        (Packed(Named("Point")), "proofplane::Packed<Point>", "codec::InBin<codec::Struct<Point>>"),
        (
            Map(Scalar.U32, Tuple((Named("Fr"), Scalar.U64))),
            "std::map<std::uint32_t, std::tuple<Fr, std::uint64_t>>",
            "codec::Map<codec::U32, codec::Tuple<codec::Fixed<32>, codec::U64>>",
        ),
    ],
)
def test_a_type_has_its_cpp_type_and_the_codec_that_tells_it_from_others_of_that_type(type_: Type, text: str, codec: str) -> None:
    assert (type_text(type_), codec_text(tiny(), type_)) == (text, codec)


def test_only_the_wanted_sides_are_written(tmp_path: Path) -> None:
    generate(tiny(), LANGUAGE, Sides(client=False, server=False), tmp_path / "none")
    generate(tiny(), LANGUAGE, BOTH, tmp_path / "both")
    assert sorted(path.name for path in (tmp_path / "none").iterdir()) == ["tiny_types.hpp"]
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["tiny_client.hpp", "tiny_service.hpp", "tiny_types.hpp"]


def test_a_field_is_snake_case_in_cpp_and_keeps_its_name_on_the_wire() -> None:
    types = LANGUAGE.render(tiny(), BOTH)["tiny_types.hpp"]
    assert "Fr tree_id{};" in types
    assert 'codec::write_field<codec::Fixed<32>>(writer, "treeId", value.tree_id);' in types


def test_a_response_that_is_also_a_type_stands_once() -> None:
    assert LANGUAGE.render(tiny(), BOTH)["tiny_types.hpp"].count("struct Point {") == 1


def test_a_comment_cannot_swallow_the_line_behind_it(tmp_path: Path) -> None:
    schema = tiny(types=(Struct("Point", (Field("x", Scalar.U8, doc="ends with a backslash \\\nand goes on"),), doc="\\"),))
    generate(schema, LANGUAGE, BOTH, tmp_path)
    text = (tmp_path / "tiny_types.hpp").read_text()
    assert "\\\n" not in text
    assert "and goes on" in text


def test_what_is_written_by_hand_is_formatted_as_what_is_generated() -> None:
    assert (CPP / ".clang-format").read_bytes() == STYLE.read_bytes()
    sources = [path for path in CPP.rglob("*.?pp") if "build" not in path.parts]
    assert len(sources) > 10
    done = subprocess.run(
        [program("clang-format"), "--dry-run", "-Werror", f"--style=file:{STYLE}", *map(str, sources)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
@pytest.mark.parametrize("name", ["echo", *(pytest.param(name, marks=pytest.mark.slow) for name in ("bb", "aztec_wsdb"))])
def test_a_whole_contract_compiles_without_a_warning(name: str, tmp_path: Path) -> None:
    headers = [path for path in generate(contract(name), LANGUAGE, BOTH, tmp_path) if not path.name.endswith("_types.hpp")]
    (tmp_path / "all.cpp").write_text("".join(f'#include "{path.name}"\n' for path in headers))
    command = ["g++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only"]
    includes = [f"-I{path}" for path in (ROOT / "rust/capi/include", CPP / "include", tmp_path)]
    done = subprocess.run([*command, *includes, str(tmp_path / "all.cpp")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

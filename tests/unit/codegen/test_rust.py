"""The Rust target: what types become, what is written, and that the compiler takes whole contracts without a warning."""

import shutil
import subprocess
from pathlib import Path

import pytest

from kit.awkward_contract import AWKWARD
from kit.cargo import build
from kit.generated import BOTH, contract
from proofplane.codegen.generate import generate
from proofplane.codegen.language import Sides
from proofplane.codegen.languages.rust import LANGUAGE, read_expression, type_text, write_statement
from proofplane.wire.schema.model import Array, FixedBytes, List, Map, Named, Optional, Packed, Scalar, Schema, Tuple, Type


@pytest.mark.parametrize(
    ("type_", "text", "written", "read"),
    [
        (Scalar.U8, "u8", "writer.u8(&self.x);", "reader.u8()?"),
        (Scalar.F64, "f64", "writer.f64(&self.x);", "reader.f64()?"),
        (Scalar.STRING, "String", "writer.string(&self.x);", "reader.string()?"),
        (Scalar.BYTES, "Vec<u8>", "writer.bytes(&self.x);", "reader.bytes()?"),
        (List(Scalar.U8), "Vec<u8>", "writer.list(&self.x, Writer::u8);", "reader.list(Reader::u8)?"),
        (FixedBytes(3), "[u8; 3]", "writer.bytes(&self.x);", "reader.fixed()?"),
        (Array(Scalar.U8, 3), "[u8; 3]", "writer.list(&self.x, Writer::u8);", "reader.items(Reader::u8)?"),
        (Named("Fr"), "Fr", "writer.bytes(&self.x);", "reader.fixed()?"),
        (Optional(Named("Point")), "Option<Point>", "writer.optional(&self.x, Writer::value);", "reader.optional(Reader::value)?"),
        (Packed(Named("Point")), "Point", "writer.packed(&self.x, Writer::value);", "reader.packed(Reader::value)?"),
        (
            Map(Scalar.U32, Tuple((Named("Fr"), Scalar.U64))),
            "BTreeMap<u32, (Fr, u64)>",
            "writer.map(&self.x, Writer::u32, |w, v| { w.array(2); w.bytes(&v.0); w.u64(&v.1); });",
            "reader.map(Reader::u32, |r| Ok({ r.tuple(2)?; (r.fixed()?, r.u64()?) }))?",
        ),
    ],
)
def test_a_type_has_its_rust_type_and_is_written_and_read_by_its_kind(type_: Type, text: str, written: str, read: str) -> None:
    given = (type_text(type_), write_statement(AWKWARD, type_, "&self.x", "self.x"), read_expression(AWKWARD, type_, "reader"))
    assert given == (text, written, read)


@pytest.mark.skipif(shutil.which("rustfmt") is None, reason="needs rustfmt")
def test_only_the_wanted_sides_are_written(tmp_path: Path) -> None:
    generate(AWKWARD, LANGUAGE, Sides(client=False, server=False), tmp_path / "none")
    generate(AWKWARD, LANGUAGE, BOTH, tmp_path / "both")
    assert sorted(path.name for path in (tmp_path / "none").iterdir()) == ["mod.rs", "types.rs"]
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["client.rs", "mod.rs", "server.rs", "types.rs"]


def test_a_field_is_snake_case_in_rust_and_keeps_its_name_on_the_wire() -> None:
    types = LANGUAGE.render(AWKWARD, BOTH)["types.rs"]
    assert "pub tree_id: Fr," in types
    assert 'DecodeError::MissingField("treeId")' in types


def test_a_response_that_is_also_a_type_stands_once() -> None:
    assert LANGUAGE.render(AWKWARD, BOTH)["types.rs"].count("pub struct Point {") == 1


@pytest.mark.skipif(shutil.which("rustfmt") is None, reason="needs rustfmt")
def test_settings_beside_the_output_do_not_change_it(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "rustfmt.toml").write_text("max_width = 60\nhard_tabs = true\n")
    plain = [path.read_bytes() for path in generate(AWKWARD, LANGUAGE, BOTH, tmp_path / "plain")]
    assert [path.read_bytes() for path in generate(AWKWARD, LANGUAGE, BOTH, tmp_path / "odd")] == plain


@pytest.fixture(scope="module")
def runtime() -> Path:
    """The compiled crate that generated code stands on."""
    (library,) = (
        path for path in build("--package=proofplane-rpc") if path.name.startswith("libproofplane_rpc") and path.suffix == ".rlib"
    )
    return library


@pytest.mark.skipif(shutil.which("cargo") is None, reason="needs cargo")
@pytest.mark.parametrize("name", ["echo", "bb", "aztec_wsdb", "awkward"])
def test_a_whole_contract_compiles_without_a_warning(name: str, runtime: Path, tmp_path: Path) -> None:
    schema: Schema = AWKWARD if name == "awkward" else contract(name)
    generate(schema, LANGUAGE, BOTH, tmp_path / "generated")
    # As a library, nothing public is unused; a second time without sides, whose code must then stand alone.
    generate(schema, LANGUAGE, Sides(client=False, server=False), tmp_path / "only_types")
    (tmp_path / "lib.rs").write_text("//! All of it.\npub mod generated;\npub mod only_types;\n")
    search = [f"-Ldependency={path}" for path in (runtime.parent, runtime.parent / "deps")]
    command = ["rustc", "--edition=2024", "--crate-type=lib", "--emit=metadata", "-Dwarnings", "-Wmissing-docs", *search]
    given = [f"--extern=proofplane_rpc={runtime}", f"--out-dir={tmp_path}", str(tmp_path / "lib.rs")]
    done = subprocess.run([*command, *given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

"""Settings: precedence, and refusal of what nobody defined."""

import re
from pathlib import Path

import msgspec
import pytest

from proofplane.node.config import BadConfig, Settings, load_settings


def test_without_any_source_the_defaults_hold() -> None:
    assert load_settings(None, {}, {}) == Settings()


def test_flags_win_over_environment_and_environment_over_file(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text("[prover]\nmax_in_flight = 1\nprocesses = 1\ntick_seconds = 3.0\n")
    environment = {"PROOFPLANE_PROVER_MAX_IN_FLIGHT": "2", "PROOFPLANE_PROVER_PROCESSES": "2"}

    settings = load_settings(file, environment, {"prover": {"processes": 3, "max_in_flight": None}})

    assert (settings.prover.processes, settings.prover.max_in_flight, settings.prover.tick_seconds) == (3, 2, 3.0)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[prover]\nspeed = 9\n", "speed"),
        ("[turbo]\non = true\n", "turbo"),
        ("[prover]\nprocesses = 'many'\n", "processes"),
        ("[prover]\nprocesses = 0\n", "processes"),
        ("[prover]\nbackend = 'sp1'\n", "backend"),
        ("[anchor]\nmagic = 'LONGER'\n", "magic"),
        ("[anchor]\nupgrade_threshold = 2\nupgrade_keys = ['aa']\n", "upgrade_threshold"),
        ("[prover\n", "node.toml"),
    ],
)
def test_a_bad_file_is_refused_and_the_setting_named(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "node.toml"
    file.write_text(text)

    with pytest.raises(BadConfig, match=word):
        load_settings(file, {}, {})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"absent\.toml"):
        load_settings(tmp_path / "absent.toml", {}, {})


@pytest.mark.parametrize("name", ["PROOFPLANE_PROVER_SPEED", "PROOFPLANE_TURBO", "PROOFPLANE_NODE_"])
def test_an_unknown_variable_with_our_prefix_is_refused(name: str) -> None:
    with pytest.raises(BadConfig, match=name):
        load_settings(None, {name: "1"}, {})


def test_a_variable_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(BadConfig, match="PROOFPLANE_NODE_CORES"):
        load_settings(None, {"PROOFPLANE_NODE_CORES": "many"}, {})


def test_lists_come_comma_separated_from_the_environment() -> None:
    settings = load_settings(None, {"PROOFPLANE_ANCHOR_UPGRADE_KEYS": "aa,bb", "PROOFPLANE_ANCHOR_UPGRADE_THRESHOLD": "2"}, {})

    assert settings.anchor.upgrade_keys == ("aa", "bb")


def test_the_tests_own_variable_is_no_setting() -> None:
    assert load_settings(None, {"PROOFPLANE_DATA": "somewhere"}, {}) == Settings()


def test_the_backend_can_come_from_each_source(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text("[prover]\nbackend = 'barretenberg'\n")

    assert load_settings(tmp_path / "node.toml", {}, {}).prover.backend == "barretenberg"
    assert load_settings(None, {"PROOFPLANE_PROVER_BACKEND": "barretenberg"}, {}).prover.backend == "barretenberg"
    assert load_settings(tmp_path / "node.toml", {}, {"prover": {"backend": "native"}}).prover.backend == "native"


def test_the_places_of_bb_and_of_what_it_needs_are_no_settings() -> None:
    assert load_settings(None, {"PROOFPLANE_BB": "x", "PROOFPLANE_CACHE": "y", "PROOFPLANE_DATA": "z"}, {}) == Settings()


def test_of_a_setting_with_a_list_of_values_a_refusal_names_them_and_the_source(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text("[prover]\nbackend = 'bb'\n")
    words = r"\[prover\] backend must be native or barretenberg, not 'bb'"

    with pytest.raises(BadConfig, match=f"^environment variable PROOFPLANE_PROVER_BACKEND: {words}$"):
        load_settings(None, {"PROOFPLANE_PROVER_BACKEND": "bb"}, {})
    with pytest.raises(BadConfig, match=rf"node\.toml: {words}$"):
        load_settings(tmp_path / "node.toml", {}, {})


def test_the_page_names_every_setting_and_every_variable() -> None:
    page = (Path(__file__).parents[3] / "docs" / "settings.md").read_text()

    sections = msgspec.structs.fields(Settings)
    names = {f"PROOFPLANE_{section.name}_{field.name}".upper() for section in sections for field in msgspec.structs.fields(section.type)}
    assert set(re.findall(r"`((?:PROOFPLANE_|CRS_)\w+)`", page)) == names | {"PROOFPLANE_BB", "PROOFPLANE_CACHE", "CRS_PATH"}

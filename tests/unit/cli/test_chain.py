"""`proofplane chain`: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit.cli_run import Ended, here
from kit.lean_directories import STEPS, small
from proofplane.chain.delivery import unix_ms
from proofplane.chain.directory import read_chain
from proofplane.lean.codec import (
    decode_signed_block,
    decode_state,
    encode_block,
    encode_signed_block,
    encode_state,
    make_block,
    state_root,
)
from proofplane.lean.genesis import genesis_block
from proofplane.lean.types import ZERO_ROOT, SignedBlock, Slot, ValidatorIndex


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return small(tmp_path / "chain")


def import_(place: Path, *more: object) -> Ended:
    return here("chain", "import", place, "--quiet", *more)


def change_step(place: Path, number: int, **changes: Any) -> None:
    steps = json.loads((place / "steps.json").read_text())
    steps["steps"][number].update(changes)
    (place / "steps.json").write_text(json.dumps(steps))


# Generate


def test_generate_writes_a_directory_that_import_accepts(tmp_path: Path) -> None:
    out = tmp_path / "new" / "chain"
    options = ("--validators", 4, "--slots", 8, "--missed", "3,5-6", "--fork", 8, "--voters", "two-thirds", "--seed", "x")

    made = here("chain", "generate", out, *options, "--quiet", "--json").json()

    assert (made["directory"], made["scheme"], made["validators"], made["blocks"]) == (str(out), "test", 4, 5)
    done = import_(out, "--json").json()
    assert (done["imported"], done["as_recorded"], done["not_as_recorded"], done["head_slot"]) == (5, 5, 0, 8)


def test_generate_says_what_it_made_and_what_to_do_next(tmp_path: Path) -> None:
    done = here("chain", "generate", tmp_path / "chain", "--slots", 2).succeeded()

    assert f"proofplane chain import {tmp_path / 'chain'}" in done.out
    assert "lean slots 2/2" in done.err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--missed", "x"), "'x' is no slot"),
        (("--missed", "3-"), "'3-' is no slot"),
        (("--missed", "9-3"), "'9-3' is no range"),
        (("--fork", "1-999999999"), "no range of 1 to"),
        (("--fork", "13"), "fork: the slots of this chain are 1 to 12"),
        (("--voters", "most"), "'most' is neither"),
        (("--voters", "4097"), "a number from 1 to 4096"),
        (("--voters", "0"), "a number from 1 to 4096"),
        (("--voters", "9"), "1 to 8 validators vote"),
        (("--scheme", "prod", "--validators", "202"), "let 201 or fewer vote in a slot"),
        (("--slots", "300"), "1 to 255 slots"),
        (("--validators", "5000"), "5000"),
    ],
)
def test_a_chain_that_cannot_be_made_is_refused_before_anything_is_written(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    here("chain", "generate", tmp_path / "chain", *arguments).refused(2, word)

    assert list(tmp_path.iterdir()) == []


def test_generate_never_writes_into_something_that_exists(place: Path) -> None:
    here("chain", "generate", place).refused(2, "exists already")


# Import


@pytest.mark.parametrize("mode", [(), ("--sequential",), ("--threads", 2)])
def test_import_in_memory_gives_the_recorded_verdicts(place: Path, mode: tuple[object, ...]) -> None:
    done = import_(place, *mode, "--json").json()

    assert (done["imported"], done["already_known"], done["refused"]) == (8, 1, 5)
    assert (done["as_recorded"], done["verdict_as_recorded"], done["not_as_recorded"]) == (STEPS, 0, 0)
    assert done["steps_ms"].keys() == {"decode", "guards", "signatures", "transition", "fork choice", "commit"} | (
        {"barrier"} & done["steps_ms"].keys()
    )
    assert [block["outcome"] for block in done["blocks"]][2:7] == [
        "INVALID_BLOCK_PROOF",
        "STATE_ROOT_MISMATCH",
        "INVALID_BLOCK_PROOF",
        "UNKNOWN_PARENT_BLOCK",
        "INVALID_BLOCK_PROOF",
    ]


def test_import_prints_refusals_a_summary_and_a_table_of_steps(place: Path) -> None:
    done = here("chain", "import", place).succeeded()

    assert "block_003.ssz (bad state root): STATE_ROOT_MISMATCH, as recorded" in done.out
    for word in (
        "8 imported, 1 known already, 5 refused",
        "14 as recorded, 0 not",
        "blocks a second",
        "in memory only",
        "transition",
        "mean ms",
    ):
        assert word in done.out
    assert f"lean blocks {STEPS}/{STEPS}, head slot 9" in done.err.splitlines()[-1]


def test_a_chain_that_is_kept_is_known_the_next_time_and_can_be_looked_at(place: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = import_(place, "--data-dir", data, "--json").json()

    again = import_(place, "--data-dir", data, "--json").json()

    assert (again["imported"], again["not_as_recorded"], again["head"]) == (0, 0, first["head"])
    head = here("chain", "head", "--data-dir", data, "--json").json()
    assert head["head"] == f"9:{first['head']}"
    assert (head["blocks"], head["branches"], head["scheme"], head["validators"], head["clock"]) == (9, 2, "test", 5, "slot 9, interval 0")
    assert head["finalized"].startswith(f"{first['finalized_slot']}:")


def test_blocks_and_states_are_shown_and_written_as_ssz(place: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_(place, "--data-dir", data).succeeded()
    chain = read_chain(place)
    second = decode_signed_block(chain.steps[1].read())

    block = here("chain", "block", second.block.root.hex(), "--data-dir", data, "--out", tmp_path / "block.ssz", "--json").json()
    state = here("chain", "state", "0x" + chain.anchor.root.hex(), "--data-dir", data, "--out", tmp_path / "state.ssz", "--json").json()

    assert (block["slot"], block["parent"], block["attestations"][0]["voters"]) == (2, second.block.parent_root.hex(), 5)
    assert (tmp_path / "block.ssz").read_bytes() == chain.steps[1].read()
    assert (state["root"], state["slot"], state["validators"]) == (chain.anchor.state_root.hex(), 0, 5)
    assert (tmp_path / "state.ssz").read_bytes() == encode_state(chain.state)
    assert here("chain", "state", "--data-dir", data, "--json").json()["slot"] == 9
    assert "state root" in here("chain", "block", "--data-dir", data).succeeded().out


def test_one_block_goes_into_a_chain_that_is_there(place: Path, tmp_path: Path) -> None:
    data, last = tmp_path / "data", place / f"block_{STEPS - 1:03d}.ssz"
    shorter = json.loads((place / "steps.json").read_text())
    shorter["steps"].pop()
    (place / "steps.json").write_text(json.dumps(shorter))
    import_(place, "--data-dir", data).succeeded()

    done = here("chain", "import", last, "--data-dir", data, "--json").json()

    assert (done["outcome"], done["slot"], done["head"]) == ("imported", 9, done["block"])
    assert here("chain", "import", last, "--data-dir", data, "--json").json()["outcome"] == "already known"
    here("chain", "import", place / "block_003.ssz", "--data-dir", data).refused(1, "STATE_ROOT_MISMATCH")
    refused = here("chain", "import", place / "block_003.ssz", "--data-dir", data, "--json")
    document = json.loads(refused.out)
    assert (refused.code, document["outcome"], document["head"]) == (1, "STATE_ROOT_MISMATCH", done["head"])
    assert refused.err.startswith("proofplane: STATE_ROOT_MISMATCH")
    last.write_bytes(b"no block")
    here("chain", "import", last, "--data-dir", data).refused(1, "DECODE_ERROR")
    orphan = encode_signed_block(SignedBlock(make_block(Slot(1), ValidatorIndex(0), ZERO_ROOT, ZERO_ROOT, ()), b""))
    last.write_bytes(orphan)
    here("chain", "import", last, "--data-dir", data).refused(1, "UNKNOWN_PARENT_BLOCK", "import its parent first")
    assert "head slot" in here("chain", "import", place / "block_000.ssz", "--data-dir", data).succeeded().out


def test_a_refused_file_does_not_move_the_stored_clock_beyond_the_machines(tmp_path: Path) -> None:
    place, data = small(tmp_path / "chain"), tmp_path / "data"
    chain = read_chain(place)
    begun = unix_ms() // 1000 - 4 * 100
    state = decode_state(encode_state(chain.state))
    state.config.genesis_time = begun
    anchor = genesis_block(state)
    (place / "genesis_state.ssz").write_bytes(encode_state(state))
    (place / "anchor_block.ssz").write_bytes(encode_block(anchor))
    (place / "steps.json").write_text(json.dumps({**json.loads((place / "steps.json").read_text()), "steps": []}))
    import_(place, "--data-dir", data).succeeded()
    file = tmp_path / "hostile.ssz"
    for parent, reason in ((anchor.root, "BLOCK_SLOT_IN_FUTURE"), (ZERO_ROOT, "UNKNOWN_PARENT_BLOCK")):
        file.write_bytes(encode_signed_block(SignedBlock(make_block(Slot(200_000), ValidatorIndex(0), parent, ZERO_ROOT, ()), b"")))
        here("chain", "import", file, "--data-dir", data).refused(1, reason)

    slot = int(here("chain", "head", "--data-dir", data, "--json").json()["clock"].removeprefix("slot ").split(",")[0])
    assert 100 <= slot <= (unix_ms() // 1000 - begun) // 4


def test_blocks_that_came_before_their_parents_are_counted_by_what_became_of_them(place: Path) -> None:
    (place / "steps.json").unlink()
    names = [
        f"block_{number:03d}.ssz" for number in (0, 7, 8, 1, 9, 10)
    ]  # the second and the third, which are one block, come before the fourth, their parent
    raws = [(place / name).read_bytes() for name in names]
    for file in place.glob("block_*.ssz"):
        file.unlink()
    for number, raw in enumerate(raws):
        (place / f"block_{number}.ssz").write_bytes(raw)

    done = import_(place, "--scheme", "test", "--json").json()

    assert [block["outcome"] for block in done["blocks"]] == ["imported"] * 2 + ["already known"] + ["imported"] * 3
    assert (done["imported"], done["already_known"], done["refused"]) == (5, 1, 0)


def test_one_block_needs_a_chain(place: Path, tmp_path: Path) -> None:
    here("chain", "import", place / "block_000.ssz").refused(2, "--data-dir")
    here("chain", "import", place / "block_000.ssz", "--data-dir", tmp_path / "data").refused(2, "holds no chain")
    assert not (tmp_path / "data").exists(), "a refusal creates nothing"


def test_another_verdict_than_recorded_ends_with_1_and_says_where(place: Path) -> None:
    change_step(place, 1, head="0x" + "00" * 32)

    done = import_(place)

    assert done.code == 1
    assert done.err == "proofplane: 1 of 14 blocks not as recorded\n"
    assert "block_001.ssz (canonical): imported, NOT as recorded: head 0x" in done.out
    assert "13 as recorded, 1 not" in done.out
    assert json.loads(import_(place, "--json").out)["not_as_recorded"] == 1


def test_refused_blocks_that_nobody_recorded_end_with_1(place: Path) -> None:
    (place / "steps.json").unlink()

    done = import_(place, "--scheme", "test")

    assert done.code == 1
    assert done.err == "proofplane: 5 of 14 blocks were refused\n"
    assert "block_002.ssz: INVALID_BLOCK_PROOF, not recorded" in done.out.splitlines()
    assert "nothing recorded to compare with (no steps.json)" in done.out


def test_a_data_directory_of_another_chain_is_refused(place: Path, tmp_path: Path) -> None:
    here("chain", "generate", tmp_path / "other", "--slots", 2, "--quiet").succeeded()
    import_(tmp_path / "other", "--data-dir", tmp_path / "data").succeeded()

    import_(place, "--data-dir", tmp_path / "data").refused(2, "holds another chain", "name another --data-dir")


def test_a_trace_shows_both_tasks_of_every_block(place: Path, tmp_path: Path) -> None:
    import_(place, "--trace", tmp_path / "trace.json").succeeded()

    events = json.loads((tmp_path / "trace.json").read_text())
    names = [event["name"] for event in events]
    assert names.count("signatures") >= 8
    assert names.count("transition") >= 8
    import_(place, "--trace", tmp_path / "nowhere" / "trace.json").refused(2, "trace")


def test_a_trace_that_cannot_be_written_to_its_end_is_one_line_after_the_result(place: Path) -> None:
    done = import_(place, "--trace", "/dev/full", "--json")

    assert (done.code, json.loads(done.out)["imported"]) == (5, 8)
    assert done.err == "proofplane: the trace could not be written to the end: No space left on device; the import itself is done\n"


def test_metrics_are_those_of_the_whole_import_and_replace_what_was_there(place: Path, tmp_path: Path) -> None:
    file = tmp_path / "metrics.prom"
    file.write_text("old")
    done = import_(place, "--metrics", file, "--data-dir", tmp_path / "data", "--json").json()

    lines = file.read_text().splitlines()
    assert f"lean_head_slot {done['head_slot']}" in lines
    assert "lean_fork_choice_block_processing_time_seconds_count 8" in lines
    assert "lean_pq_sig_aggregated_signatures_invalid_total 3" in lines
    assert [one.name for one in tmp_path.iterdir() if "metrics" in one.name] == ["metrics.prom"]
    import_(place, "--metrics", file, "--data-dir", tmp_path / "data").succeeded()
    assert f"lean_head_slot {done['head_slot']}" in file.read_text().splitlines(), "also if nothing new comes"


@pytest.mark.parametrize("name", ["nowhere/metrics.prom", "/dev/null"])
def test_metrics_that_cannot_be_written_are_refused_before_anything_is_done(place: Path, tmp_path: Path, name: str) -> None:
    import_(place, "--metrics", tmp_path / name, "--data-dir", tmp_path / "data").refused(2, "the metrics")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [("genesis_state.ssz", b"", "malformed"), ("steps.json", b"{}", "malformed"), ("anchor_block.ssz", None, "cannot be read")],
)
def test_bad_files_end_with_2(place: Path, name: str, content: bytes | None, word: str) -> None:
    (place / name).unlink() if content is None else (place / name).write_bytes(content)

    import_(place).refused(2, word)


def test_an_anchor_beyond_all_counting_is_refused_and_leaves_nothing(place: Path, tmp_path: Path) -> None:
    state = read_chain(place).state
    anchor = make_block(Slot(2**63), ValidatorIndex(0), ZERO_ROOT, state_root(state), ())
    (place / "anchor_block.ssz").write_bytes(encode_block(anchor))

    import_(place, "--data-dir", tmp_path / "data").refused(2, f"the anchor block is of slot {2**63}")
    assert not (tmp_path / "data").exists()


def test_an_anchor_of_another_state_is_refused(place: Path, tmp_path: Path) -> None:
    here("chain", "generate", tmp_path / "other", "--slots", 1, "--quiet").succeeded()
    (place / "anchor_block.ssz").write_bytes((tmp_path / "other" / "anchor_block.ssz").read_bytes())

    import_(place).refused(2, "do not belong together")


@pytest.mark.parametrize("arguments", [("--scheme", "prod"), ("--threads", "0")])
def test_options_that_contradict_the_directory_or_make_no_sense_are_refused(place: Path, arguments: tuple[str, ...]) -> None:
    import_(place, *arguments).refused(2)


@pytest.mark.parametrize("command", ["head", "state", "block"])
def test_looking_at_a_directory_without_a_chain_is_refused(tmp_path: Path, command: str) -> None:
    here("chain", command, "--data-dir", tmp_path).refused(2, "holds no chain")


@pytest.mark.parametrize("root", ["ab" * 32, "tip", "0x12"])
def test_a_block_that_is_not_there_is_named(place: Path, tmp_path: Path, root: str) -> None:
    import_(place, "--data-dir", tmp_path / "data").succeeded()

    for command in ("state", "block"):
        here("chain", command, root, "--data-dir", tmp_path / "data").refused(2, root)

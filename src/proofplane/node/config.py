"""Settings of a node: flags over environment over TOML file, unknown keys refused.

Every setting has one name: `[section] key` in the file, `PROOFPLANE_SECTION_KEY` in the environment, a flag on the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from proofplane.base.errors import CallerMistake

ENVIRONMENT_PREFIX = "PROOFPLANE_"

_FOREIGN_VARIABLES = frozenset({"PROOFPLANE_DATA", "PROOFPLANE_BB", "PROOFPLANE_CACHE"})
"""Variables with our prefix that are no settings: the tests' real inputs, the path of `bb`, and where what it needs is kept."""


BackendName = Literal["native", "barretenberg"]


class BadConfig(CallerMistake):
    """A setting that is unknown, of the wrong type or out of range; the message names it and where it came from."""


class NodeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[node]`: where the data is and how much of the machine to use."""

    data_dir: str = ".proofplane"
    cores: int | None = None
    """Upper bound on cores; None = all that affinity and cgroup allow."""


class ProverSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[prover]`: the proving service."""

    backend: BackendName = "native"
    """Who proves steps: child processes that sign, or circuits by the real `bb`. Recursive proofs are native with both."""
    processes: int | None = None
    """Child processes of the native prover; None = cores - 1, at least 1."""
    max_in_flight: int = 256
    """Jobs handed to the prover at a time."""
    tick_seconds: float = 1.0
    """How often everything in flight is asked about; completions are acted on at once anyway."""


class AnchorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[anchor]`: what a new data directory is created with; an existing one made with others is refused."""

    magic: str = "ALPN"
    """Four ASCII characters that open an SPS-50 tag."""
    upgrade_keys: tuple[str, ...] = ()
    """x-only keys (hex) of the quorum that may replace the step predicate; none = no such subprotocol."""
    upgrade_threshold: int = 0
    """How many of them must sign."""


class BitcoindSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[bitcoind]`: the full node that blocks come from."""

    url: str | None = None
    cookie_file: str | None = None
    user: str | None = None
    password: str | None = None
    poll_seconds: float = 1.0


class VerifierSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[verifier]`: processes that verify, and how much the verifier service takes in."""

    processes: int | None = None
    """Verifications at a time, each by a `bb` of its own; None = as many as cores. More than cores are not run."""
    queue: int = 1024
    """Unanswered requests of the low-latency queue; beyond it one is refused with the time after which to ask again."""
    gossip_queue: int = 2048
    """The same of the batching queue."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings, by section."""

    node: NodeSettings = NodeSettings()
    prover: ProverSettings = ProverSettings()
    anchor: AnchorSettings = AnchorSettings()
    bitcoind: BitcoindSettings = BitcoindSettings()
    verifier: VerifierSettings = VerifierSettings()


_LIMITS = {
    ("node", "cores"): 4096,
    ("prover", "processes"): 256,
    ("prover", "max_in_flight"): 2048,
    ("prover", "tick_seconds"): 3600,
    ("bitcoind", "poll_seconds"): 3600,
    ("verifier", "processes"): 256,
    ("verifier", "queue"): 65536,
    ("verifier", "gossip_queue"): 65536,
}
"""Upper bounds of numbers that must be above 0. In flight: half of what the native prover keeps, so that it never has to refuse."""


_CHOICES = {("prover", "backend"): get_args(BackendName)}
"""Settings with a list of values, which a refusal names."""


def load_settings(file: Path | None, environment: Mapping[str, str], flags: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Merges the three sources.

    Args:
        file: A TOML file, or None.
        environment: The process environment; only names with our prefix are looked at.
        flags: section -> key -> value; None values mean "not given".

    Raises:
        BadConfig: Unreadable file, unknown key, wrong type or a value out of range.
    """
    merged: dict[str, dict[str, Any]] = {}
    if file is not None:
        try:
            loaded = msgspec.toml.decode(file.read_bytes())
        except OSError as error:
            raise BadConfig(f"configuration {file}: {error.strerror}") from None
        except msgspec.DecodeError as error:
            raise BadConfig(f"configuration {file}: {error}") from None
        _checked(loaded, f"configuration {file}")
        merged = {section: dict(values) for section, values in loaded.items()}
    for section, key, value in _from_environment(environment):
        merged.setdefault(section, {})[key] = value
    for section, values in flags.items():
        merged.setdefault(section, {}).update({key: value for key, value in values.items() if value is not None})
    return _checked(merged, "settings")


def _from_environment(environment: Mapping[str, str]) -> list[tuple[str, str, Any]]:
    found: list[tuple[str, str, Any]] = []
    sections = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    for name in sorted(environment):
        if not name.startswith(ENVIRONMENT_PREFIX) or name in _FOREIGN_VARIABLES:
            continue
        section, _, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("_")
        fields = {field.name: field.type for field in msgspec.structs.fields(sections[section])} if section in sections else {}
        if key not in fields:
            raise BadConfig(f"environment variable {name} is no setting of ours")
        text = environment[name]
        _check_choice(section, key, text, f"environment variable {name}")
        try:
            value: Any = tuple(text.split(",")) if fields[key] == tuple[str, ...] else msgspec.convert(text, fields[key], strict=False)
        except msgspec.ValidationError as error:
            raise BadConfig(f"environment variable {name}: {error}") from None
        found.append((section, key, value))
    return found


def _check_choice(section: str, key: str, value: object, source: str) -> None:
    allowed = _CHOICES.get((section, key))
    if allowed is not None and value not in allowed:
        raise BadConfig(f"{source}: [{section}] {key} must be {' or '.join(allowed)}, not {value!r}")


def _checked(values: Mapping[str, Any], source: str) -> Settings:
    try:
        settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        for section, key in _CHOICES:
            given = values.get(section)
            if isinstance(given, Mapping) and key in given:
                _check_choice(section, key, given[key], source)
        raise BadConfig(f"{source}: {error}") from None
    for (section, key), limit in _LIMITS.items():
        value = getattr(getattr(settings, section), key)
        if value is not None and not 0 < value <= limit:
            raise BadConfig(f"{source}: [{section}] {key} must be above 0 and at most {limit}, not {value}")
    if len(settings.anchor.magic.encode()) != 4:
        raise BadConfig(f"{source}: [anchor] magic must have 4 characters, not {settings.anchor.magic!r}")
    if not 0 <= settings.anchor.upgrade_threshold <= len(settings.anchor.upgrade_keys):
        raise BadConfig(f"{source}: [anchor] upgrade_threshold must be 0 to the number of upgrade_keys")
    return settings

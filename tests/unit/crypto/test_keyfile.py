"""Unit tests of `proofplane.crypto.keyfile`."""

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from proofplane.crypto import keyfile
from proofplane.crypto.keyfile import KeyFileBroken, KeyFileUnusable, load_or_create_key
from proofplane.crypto.schnorr import SigningKey

SECRET_HEX = "01" * 32


def put(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_bytes(text.encode())
    path.chmod(mode)
    return path


def test_a_new_key_is_kept_and_read_again(tmp_path: Path) -> None:
    key = load_or_create_key(tmp_path / "key")
    assert load_or_create_key(tmp_path / "key").public() == key.public()
    assert (tmp_path / "key").read_text() == key.reveal().hex() + "\n"


def test_a_new_file_is_for_its_owner_alone_and_the_only_one_left(tmp_path: Path) -> None:
    load_or_create_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["key"]


@pytest.mark.parametrize("text", [SECRET_HEX, SECRET_HEX + "\n"])
def test_a_file_is_read_with_and_without_a_line_feed(tmp_path: Path, text: str) -> None:
    assert load_or_create_key(put(tmp_path / "key", text)).public() == SigningKey(b"\x01" * 32).public()


def test_a_link_to_a_key_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(put(tmp_path / "key", SECRET_HEX))
    assert load_or_create_key(tmp_path / "link").reveal().hex() == SECRET_HEX


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o602, 0o644])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = put(tmp_path / "key", SECRET_HEX, mode)
    with pytest.raises(KeyFileUnusable, match="chmod 600"):
        load_or_create_key(path)
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        SECRET_HEX[:-1],
        SECRET_HEX + "0",
        SECRET_HEX + "\n\n",
        SECRET_HEX + "\r\n",
        " " + SECRET_HEX[:-1],
        "zz" * 32,
        "00" * 32,
        "ff" * 32,
        SECRET_HEX * 1000,
    ],
)
def test_a_file_without_a_key_is_refused_and_neither_replaced_nor_shown(tmp_path: Path, text: str) -> None:
    path = put(tmp_path / "key", text)
    with pytest.raises(KeyFileUnusable) as caught:
        load_or_create_key(path)
    assert path.read_bytes() == text.encode()
    assert SECRET_HEX[:16] not in str(caught.value)


def test_a_place_that_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("pipe", "folder", "dangling"):
        with pytest.raises(KeyFileUnusable, match=name):
            load_or_create_key(tmp_path / name)


def test_a_missing_folder_or_a_file_in_its_place_is_the_callers_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "missing" / "key", tmp_path / "file" / "key"):
        with pytest.raises(KeyFileUnusable, match="key file"):
            load_or_create_key(place)


def test_all_who_start_together_get_the_same_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = 8
    together = Barrier(threads)
    link = os.link

    def link_together(source: Path, target: Path) -> None:
        together.wait(timeout=30)
        link(source, target)

    monkeypatch.setattr(keyfile.os, "link", link_together)
    with ThreadPoolExecutor(threads) as pool:
        keys = list(pool.map(lambda _: load_or_create_key(tmp_path / "key"), range(threads)))
    assert len({key.public() for key in keys}) == 1
    assert os.listdir(tmp_path) == ["key"]


@pytest.mark.parametrize("call", ["fsync", "link"])
def test_a_failing_disk_is_reported_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(keyfile.os, call, fail)
    with pytest.raises(KeyFileBroken, match="No space left"):
        load_or_create_key(tmp_path / "key")
    assert os.listdir(tmp_path) == []


def test_the_key_is_on_disk_before_its_name_and_the_name_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def watch(name: str, real: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            if name == "fsync":
                seen.append("fsync " + ("folder" if os.path.isdir(f"/proc/self/fd/{arguments[0]}") else "file"))
            else:
                seen.append(name)
            real(*arguments)

        return call

    monkeypatch.setattr(keyfile.os, "fsync", watch("fsync", os.fsync))
    monkeypatch.setattr(keyfile.os, "link", watch("link", os.link))
    load_or_create_key(tmp_path / "key")
    assert seen == ["fsync file", "link", "fsync folder"]

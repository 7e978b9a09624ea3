"""Small disks: a limit on file sizes, and a file system in memory that is really full."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


def file_limit(kib: int) -> Sequence[str]:
    """What to run a command under so that no file grows beyond `kib` KiB; a write beyond it fails, as the signal is ignored."""
    return ("bash", "-c", f'trap "" XFSZ; ulimit -f {kib}; exec "$@"', "bash")


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A file system in memory that only commands under `under` see."""

    path: Path
    under: Sequence[str]

    def resize(self, kib: int) -> None:
        """Gives it another size; it must not be below what is used."""
        subprocess.run([*self.under, "mount", "-o", f"remount,size={kib}k", str(self.path)], check=True, capture_output=True)


@contextmanager
def small_disk(path: Path, kib: int) -> Iterator[SmallDisk]:
    """Mounts it at `path` in a mount namespace of its own, which ends with the context; skips the test where that is not allowed."""
    path.mkdir()
    own_user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    if not shutil.which("unshare"):
        pytest.skip("a small file system needs unshare of util-linux")
    script = f'mount -t tmpfs -o size={kib}k none "{path}" && echo mounted && read -r _'
    holder = subprocess.Popen(
        ["unshare", *own_user, "--mount", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with holder:
        if holder.stdout is None or holder.stdout.readline() != b"mounted\n":
            holder.kill()
            pytest.skip("a small file system needs the right to mount one in a namespace")
        enter_user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
        try:
            yield SmallDisk(path, ("nsenter", "--target", str(holder.pid), *enter_user, "--mount", "--"))
        finally:
            if holder.stdin is not None:
                holder.stdin.close()  # the reader ends, and the namespace with it

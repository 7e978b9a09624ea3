"""Fetching ceremony points from their official host: only the bytes that are needed, resumed, and checked before they get their name.

Rules:

1. What has come stands in `bn254_g1.dat.partial`; a later attempt or run asks for the bytes behind it only.
2. A host that ignores the range sends the file from its beginning: then the partial file is begun anew.
3. The first two points are compared as soon as they are there, and a host with others is not asked again; the whole is checked by
   `ceremony.check_file`. What fails is removed, or every later run would resume it; so is everything when the disk is full.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import httpx

from proofplane.barretenberg.cache import flush_folder, locked, typed_errors
from proofplane.barretenberg.ceremony import PATIENCE, Placed, Progress, check_file, points_in, silent
from proofplane.barretenberg.crs import POINTS_FILE
from proofplane.barretenberg.points import MAX_POINTS, POINT_SIZE, START
from proofplane.barretenberg.setup_errors import BadDownload, CacheFull, CrsWrong, FetchFailed

HOSTS = ("https://crs.aztec-cdn.foundation/g1.dat", "https://crs.aztec-labs.com/g1.dat")
"""Where Aztec serves the uncompressed points of its Ignition ceremony: the first, and the one to fall back on."""

ATTEMPTS = 6
"""Requests in one run, over all hosts; what they fetched stays, and the next run goes on behind it."""

_FIRST_PAUSE = 0.5
"""Seconds before the second attempt; doubled each time, so a run gives up after 16 s of pauses."""

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
"""Seconds without a byte, and to connect."""

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class _Interrupted(Exception):
    """One attempt failed; the next may not."""


def download(
    directory: Path,
    points: int,
    urls: Sequence[str] = HOSTS,
    progress: Progress = silent,
    pause: Callable[[float], None] = time.sleep,
) -> Placed:
    """Brings the first `points` points into a CRS directory; if it has as many genuine ones, nothing is fetched.

    Args:
        directory: Made if need be.
        points: 2 to `MAX_POINTS`.
        urls: Of the uncompressed file, tried in turn.
        progress: Told how far it is.
        pause: Waits so many seconds.

    Raises:
        BadDownload: `points` or a URL cannot be.
        FetchFailed: No host handed over everything; what came is kept for the next run.
        CrsWrong: What came is not the ceremony's; it was removed.
        CacheFull: No room.
        CacheBusy: Another process is bringing points.
        CacheUnusable: The directory may not be made or written.
    """
    if not 2 <= points <= MAX_POINTS:
        raise BadDownload(f"the ceremony's file has {MAX_POINTS:,} points to ask for, at least 2, not {points:,}")
    for url in urls:
        _check_url(url)
    target, partial = directory / POINTS_FILE, directory / f"{POINTS_FILE}.partial"
    present = points_in(directory)
    if present >= points:  # asked before the lock, too: a directory that needs nothing may be read-only
        return Placed(target, present, fresh=False)
    with locked(directory, PATIENCE):
        present = points_in(directory)
        if present >= points:  # another process brought them while we waited
            return Placed(target, present, fresh=False)
        try:
            with typed_errors(directory):
                _fetch(partial, points, urls, progress, pause)
                check_file(partial, progress)
        except CrsWrong as error:
            partial.unlink(missing_ok=True)
            raise CrsWrong(f"what {', '.join(urls)} served was removed: {error}") from None
        except CacheFull:
            partial.unlink(missing_ok=True)  # it would keep the disk full
            raise
        with typed_errors(directory):
            partial.chmod(0o644)
            partial.replace(target)
            flush_folder(directory)
    return Placed(target, points, fresh=True)


def _fetch(partial: Path, points: int, urls: Sequence[str], progress: Progress, pause: Callable[[float], None]) -> None:
    size = points * POINT_SIZE
    failure = ""
    honest = list(urls)
    with partial.open("ab") as file, httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as client:
        if _length(file) > size:
            file.truncate(size)
        for attempt in range(ATTEMPTS):
            if attempt:
                pause(_FIRST_PAUSE * 2 ** (attempt - 1))
            url = honest[attempt % len(honest)]
            try:
                _attempt(client, url, file, size, lambda done: progress("downloaded", done // POINT_SIZE, points))
                os.fsync(file.fileno())
                return
            except (_Interrupted, httpx.HTTPError) as error:
                failure = f"{url}: {str(error) or type(error).__name__}"
            except CrsWrong:
                file.truncate(0)
                honest.remove(url)
                if not honest:
                    raise
        fetched = _length(file) // POINT_SIZE
    raise FetchFailed(
        f"{fetched:,} of {points:,} ceremony points are here after {ATTEMPTS} attempts ({failure}): "
        "run it again to go on from there, or give --crs-file FILE"
    )


def _attempt(client: httpx.Client, url: str, file: BinaryIO, size: int, progress: Callable[[int], None]) -> None:
    """One request for what is missing; returns when all is there."""
    have = _length(file)
    if have == size:
        return
    with client.stream("GET", url, headers={"Range": f"bytes={have}-{size - 1}", "Accept-Encoding": "identity"}) as response:
        if response.status_code == httpx.codes.OK:
            file.truncate(have := 0)
        elif response.status_code == httpx.codes.PARTIAL_CONTENT:
            begin = _RANGE.fullmatch(response.headers.get("content-range", ""))
            if begin is None or int(begin[1]) != have:
                raise _Interrupted(f"asked for bytes from {have:,} on, it answered with {response.headers.get('content-range')!r}")
        else:
            raise _Interrupted(f"it answered with status {response.status_code}")
        for block in response.iter_raw():
            file.write(block[: size - have])
            file.flush()
            if have < len(START):
                _look_at_start(file)
            have = min(size, have + len(block))
            progress(have)
            if have == size:
                return
    raise _Interrupted(f"the answer ended after {have:,} of {size:,} bytes")


def _look_at_start(file: BinaryIO) -> None:
    with open(file.name, "rb") as written:
        begin = written.read(len(START))
    if begin != START[: len(begin)]:
        raise CrsWrong("it does not begin with the ceremony's first two points")


def _length(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _check_url(url: str) -> None:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise BadDownload(f"{url} is no URL: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise BadDownload(f"{url} is no http:// or https:// URL")

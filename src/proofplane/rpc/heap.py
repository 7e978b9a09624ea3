"""Keeps the C library from giving memory back between two large messages.

glibc returns the top of its heap to the system whenever 128 KiB there are free. A pipeline of 64 KiB messages then faults the same pages in
again for every batch: measured, 50 of 70 microseconds a message, and four times fewer messages a second over shared memory.
"""

import ctypes
from functools import cache

KEPT_BYTES = 32 << 20
"""Freed memory that may stay with the process: the most that glibc accepts for the second setting, and small beside what it saves."""

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


@cache
def keep_freed_memory() -> bool:
    """Raises both thresholds to `KEPT_BYTES` for the whole process, once; false where the C library has no such settings.

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)) and bool(mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES))

"""How many cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_V1_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_CGROUP_V1_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def usable_cores(limit: int | None = None) -> int:
    """Returns min(CPU affinity, cgroup quota rounded up, `limit`), at least 1; never the machine's count."""
    candidates = [len(os.sched_getaffinity(0))]
    quota = _cgroup_quota()
    if quota is not None:
        candidates.append(quota)
    if limit is not None:
        candidates.append(limit)
    return max(1, min(candidates))


def _cgroup_quota() -> int | None:
    try:
        if _CGROUP_V2.exists():
            quota, period = _CGROUP_V2.read_text().split()
        else:
            quota, period = _CGROUP_V1_QUOTA.read_text().strip(), _CGROUP_V1_PERIOD.read_text().strip()
        if quota in ("max", "-1"):
            return None
        return -(-int(quota) // int(period))
    except (OSError, ValueError):
        return None

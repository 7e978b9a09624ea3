"""How many cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

_MEMBERSHIP = "proc/self/cgroup"
_MOUNT = "sys/fs/cgroup"


def usable_cores(limit: int | None = None) -> int:
    """Returns min(CPU affinity, cgroup quota rounded up, `limit`), at least 1; never the machine's count."""
    candidates = [len(os.sched_getaffinity(0))]
    quota = cgroup_quota()
    if quota is not None:
        candidates.append(quota)
    if limit is not None:
        candidates.append(limit)
    return max(1, min(candidates))


def cgroup_quota(root: Path = Path("/")) -> int | None:
    """The smallest CPU quota of this process's control groups and their parents, in cores rounded up, or none.

    Both versions of cgroups are read: `cpu.max` of the unified tree, `cpu.cfs_quota_us` of the cpu controller.
    A group that cannot be read sets no limit: inside a container only its own part of the tree is mounted, at the top.

    Args:
        root: Where `proc` and `sys` are.
    """
    try:
        lines = (root / _MEMBERSHIP).read_text().splitlines()
    except OSError:
        return None
    quotas = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        tree = root / _MOUNT / controllers
        place = tree / group.lstrip("/")
        for folder in (place, *place.parents):
            quotas.append(_quota_of(folder, unified=not controllers))
            if folder == tree:
                break
    return min((quota for quota in quotas if quota is not None), default=None)


def _quota_of(folder: Path, *, unified: bool) -> int | None:
    try:
        if unified:
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = (folder / "cpu.cfs_quota_us").read_text(), (folder / "cpu.cfs_period_us").read_text()
        return -(-int(quota) // int(period)) if int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):  # absent, or "max"
        return None

"""Unit tests of `proofplane.base.cores` on made-up control group trees."""

import os
from pathlib import Path

import pytest

from proofplane.base.cores import cgroup_quota, usable_cores


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def unified(root: Path, group: str, **quotas: str) -> Path:
    files = {"proc/self/cgroup": f"0::{group}\n"}
    return tree(root, files | {f"sys/fs/cgroup/{place.replace('_', '/')}/cpu.max": text for place, text in quotas.items()})


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert cgroup_quota(tmp_path) is None


def test_a_quota_is_rounded_up_to_whole_cores(tmp_path: Path) -> None:
    assert cgroup_quota(unified(tmp_path, "/job", job="150000 100000\n")) == 2


def test_no_limit_is_no_quota(tmp_path: Path) -> None:
    assert cgroup_quota(unified(tmp_path, "/job", job="max 100000\n")) is None


def test_a_parents_smaller_quota_counts(tmp_path: Path) -> None:
    assert cgroup_quota(unified(tmp_path, "/slice/job", slice="100000 100000", slice_job="800000 100000")) == 1


def test_a_container_that_sees_only_its_own_part_reads_it_at_the_top(tmp_path: Path) -> None:
    root = tree(tmp_path, {"proc/self/cgroup": "0::/host/path\n", "sys/fs/cgroup/cpu.max": "300000 100000"})
    assert cgroup_quota(root) == 3


def test_nothing_above_the_tree_is_read(tmp_path: Path) -> None:
    root = tree(tmp_path, {"proc/self/cgroup": "0::/job\n", "sys/fs/cpu.max": "100000 100000", "cpu.max": "100000 100000"})
    assert cgroup_quota(root) is None


def test_the_cpu_controller_of_the_first_version_is_read(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "3:memory:/job\n2:cpu,cpuacct:/job\n1:name=systemd:/\n0::/\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        },
    )
    assert cgroup_quota(root) == 3


@pytest.mark.parametrize("text", ["", "x y", "100000", "100000 0"])
def test_an_unreadable_quota_sets_no_limit(tmp_path: Path, text: str) -> None:
    assert cgroup_quota(unified(tmp_path, "/job", job=text)) is None


def test_the_callers_limit_counts_and_one_core_always_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3})
    monkeypatch.setattr("proofplane.base.cores.cgroup_quota", lambda: None)
    assert [usable_cores(limit) for limit in (None, 2, 100, 0)] == [4, 2, 4, 1]


def test_the_quota_counts_where_it_is_smaller_than_the_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3})
    monkeypatch.setattr("proofplane.base.cores.cgroup_quota", lambda: 3)
    assert usable_cores() == 3

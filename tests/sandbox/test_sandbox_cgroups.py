"""Control groups of both versions, on folders that stand in for the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from wideload.sandbox.cgroups import Group, Hierarchies, find_hierarchies, sweep


def proc(folder: Path, mounts: str, cgroup: str) -> Path:
    (folder / "proc").mkdir()
    (folder / "proc" / "mounts").write_text(mounts)
    (folder / "proc" / "cgroup").write_text(cgroup)
    return folder / "proc"


def v2_group(path: Path, controllers: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "cgroup.subtree_control").write_text(controllers)
    (path / "cgroup.procs").write_text("")
    return path


def test_v1_groups_lie_below_our_own(tmp_path: Path) -> None:
    (tmp_path / "memory" / "ours").mkdir(parents=True)
    (tmp_path / "cpu,cpuacct").mkdir()
    found = find_hierarchies(
        proc(
            tmp_path,
            f"cgroup {tmp_path}/memory cgroup rw,memory 0 0\n"
            f"cgroup {tmp_path}/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
            "proc /proc proc rw 0 0\n",
            "3:memory:/ours\n2:cpu,cpuacct:/not/seen/from/this/container\n1:name=systemd:/x\n",
        )
    )
    assert found == Hierarchies(
        {"memory": tmp_path / "memory" / "ours", "cpu": tmp_path / "cpu,cpuacct"}
    )
    assert found.gives("memory")
    assert not found.gives("freezer")


def test_v2_groups_lie_where_memory_can_be_given(tmp_path: Path) -> None:
    root = v2_group(tmp_path / "fs", "cpu io memory pids")
    user = v2_group(root / "user.slice", "memory pids")
    v2_group(user / "session.scope", "")
    found = find_hierarchies(
        proc(tmp_path, f"cgroup2 {root} cgroup2 rw 0 0\n", "0::/user.slice/session.scope\n")
    )
    assert found == Hierarchies({}, root, frozenset({"memory", "cpu"}))
    (root / "cgroup.subtree_control").write_text("pids")
    (tmp_path / "again").mkdir()
    found = find_hierarchies(
        proc(
            tmp_path / "again",
            f"cgroup2 {root} cgroup2 rw 0 0\n",
            "0::/user.slice/session.scope\n",
        )
    )
    assert found == Hierarchies({}, user, frozenset({"memory"}))
    assert found.gives("freezer")
    assert not found.gives("cpu")


def test_limits_of_a_v2_group(tmp_path: Path) -> None:
    group = Group(Hierarchies({}, tmp_path, frozenset({"memory", "cpu"})), "name", 512)
    folder = tmp_path / "name"
    assert group.folders == [folder]
    assert (folder / "memory.max").read_text() == str(512 << 20)
    group.limit_cpu(0.5)
    assert (folder / "cpu.max").read_text() == "10000 20000"
    assert group.thawing == [(str(folder / "cgroup.freeze"), "0")]
    (folder / "cgroup.events").write_text("populated 1\nfrozen 1\n")
    group.freeze()
    assert (folder / "cgroup.freeze").read_text() == "1"
    group.thaw()
    assert (folder / "cgroup.freeze").read_text() == "0"
    (folder / "memory.peak").write_text("4096\n")
    (folder / "memory.events").write_text("oom 5\noom_kill 2\noom_group_kill 0\n")
    assert group.peak() == 4096
    assert group.out_of_memory() == 2
    (folder / "cgroup.procs").write_text("12\n13\n")
    assert group.pids() == [12, 13]


def test_limits_of_v1_groups(tmp_path: Path) -> None:
    parents = {kind: tmp_path / kind for kind in ("memory", "cpu", "freezer")}
    for parent in parents.values():
        parent.mkdir()
    group = Group(Hierarchies(parents), "name", 128)
    assert (tmp_path / "memory/name/memory.limit_in_bytes").read_text() == str(128 << 20)
    group.limit_cpu(2)
    assert (tmp_path / "cpu/name/cpu.cfs_quota_us").read_text() == "40000"
    assert (tmp_path / "cpu/name/cpu.cfs_period_us").read_text() == "20000"
    assert group.thawing == [(str(tmp_path / "freezer/name/freezer.state"), "THAWED")]
    assert all(group.holds(kind) for kind in parents)


def test_without_groups_nothing_is_held_and_that_is_said(tmp_path: Path) -> None:
    group = Group(Hierarchies({}), "name", 128)
    assert group.folders == []
    assert not group.holds("memory")
    assert "run as root" in group.why_not("memory")
    group.limit_cpu(1)
    assert group.peak() == 0
    assert group.out_of_memory() == 0
    assert group.thawing == []


def test_a_limit_that_is_refused_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "name" / "memory.max").mkdir(parents=True)  # cannot be written
    group = Group(Hierarchies({}, tmp_path, frozenset({"memory"})), "name", 128)
    assert not group.holds("memory")
    assert group.why_not("memory") == "Is a directory"


def test_a_parent_that_is_not_there_is_not_held(tmp_path: Path) -> None:
    group = Group(Hierarchies({"memory": tmp_path / "gone"}), "name", 128)
    assert not group.holds("memory")
    assert group.folders == []


@pytest.mark.parametrize("name", ["wideload-1-0-ab", "wideload-4194304999-77-cd"])
def test_sweep_removes_groups_of_owners_that_are_gone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / "somebody-elses").mkdir()
    sweep(Hierarchies({"memory": tmp_path}))
    assert [each.name for each in tmp_path.iterdir()] == ["somebody-elses"]

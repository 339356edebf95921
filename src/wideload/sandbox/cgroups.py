"""Control groups: the memory and the CPU time that an environment may have, and its freezing.

Both versions of the interface are spoken, also side by side, as far as this user may write
to them. https://docs.kernel.org/admin-guide/cgroup-v2.html and …/cgroup-v1/
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path

import msgspec

CPU_PERIOD_US = 20_000
"""The scheduling period that functions have been seen to be throttled by in Lambda."""
_PREFIX = "wideload-"
_CONTROLLERS = ("memory", "cpu", "freezer")


class Hierarchies(msgspec.Struct, frozen=True):
    """Where groups can be made: for each controller the parent folder, as far as there is one."""

    v1: dict[str, Path]
    v2: Path | None = None
    v2_controllers: frozenset[str] = frozenset()
    """Of memory and cpu, those that groups below `v2` have."""

    def gives(self, controller: str) -> bool:
        """Whether memory, cpu or freezer can be had. Every v2 group can be frozen."""
        if controller in self.v1:
            return True
        return self.v2 is not None and (
            controller == "freezer" or controller in self.v2_controllers
        )


def find_hierarchies(proc: Path = Path("/proc/self")) -> Hierarchies:
    """What of the control groups of this machine this process may use."""
    mounts: dict[str, Path] = {}
    for line in (proc / "mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2":
            mounts[""] = Path(where)
        elif kind == "cgroup":
            for controller in set(options.split(",")) & set(_CONTROLLERS):
                mounts[controller] = Path(where)
    v1: dict[str, Path] = {}
    v2: Path | None = None
    for line in (proc / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            if controller not in mounts:
                continue
            root = mounts[controller]
            # In a container the path may be one of the machine's outside of it.
            own = root / path.lstrip("/")
            own = own if own.is_dir() else root
            if controller:
                if os.access(own, os.W_OK):
                    v1[controller] = own
            else:
                v2 = _delegated(own, root)
    given = frozenset[str]()
    if v2 is not None:
        given = frozenset((v2 / "cgroup.subtree_control").read_text().split())
    return Hierarchies(v1, v2, given & {"memory", "cpu"})


def _delegated(own: Path, root: Path) -> Path | None:
    """The nearest group above where processes of ours may be put into groups of ours.

    One with memory and CPU time to give is better than one without.
    """
    candidates = []
    for group in (own, *own.parents):
        if not os.access(group, os.W_OK) or not os.access(group / "cgroup.procs", os.W_OK):
            break
        candidates.append(group)
        if group == root:
            break

    def worth(group: Path) -> int:
        given = (group / "cgroup.subtree_control").read_text().split()
        return 2 * ("memory" in given) + ("cpu" in given)

    return max(candidates, key=worth, default=None)


class Group:
    """The control groups of one environment, one of each hierarchy; made at once.

    :ivar folders: all of them, for the process that joins and the one that removes them.
    :ivar refused: controllers that were there but would not take the limit, and why.
    """

    def __init__(self, hierarchies: Hierarchies, name: str, memory: int) -> None:
        self._v1 = {kind: parent / name for kind, parent in hierarchies.v1.items()}
        self._v2 = hierarchies.v2 / name if hierarchies.v2 else None
        self._gives = {kind for kind in _CONTROLLERS if hierarchies.gives(kind)}
        self.folders: list[Path] = []
        self.refused: dict[str, str] = {}
        for kind, folder in list(self._v1.items()):
            if not self._make(folder, kind):
                del self._v1[kind]
        if self._v2 and not self._make(self._v2, *self._gives - self._v1.keys()):
            self._v2 = None
        self._limit_memory(memory << 20)

    def holds(self, controller: str) -> bool:
        """Whether memory or cpu is held to, or freezer can be asked to freeze."""
        return controller in self._gives and controller not in self.refused

    def why_not(self, controller: str) -> str:
        """Why :meth:`holds` says no, and what would mend it."""
        return self.refused.get(controller) or why_not(controller)

    def limit_cpu(self, vcpus: float) -> None:
        """Give that many vCPUs' time from now on."""
        quota = max(1000, round(CPU_PERIOD_US * vcpus))
        if "cpu" in self._v1:
            self._write("cpu", self._v1["cpu"] / "cpu.cfs_period_us", str(CPU_PERIOD_US))
            self._write("cpu", self._v1["cpu"] / "cpu.cfs_quota_us", str(quota))
        elif self._v2 and "cpu" in self._gives:
            self._write("cpu", self._v2 / "cpu.max", f"{quota} {CPU_PERIOD_US}")

    def freeze(self) -> None:
        """Stop all processes, and return when they have."""
        path, frozen, _ = self._freezer()
        path.write_text(frozen)
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline and not self._is_frozen():
            time.sleep(0.0005)

    def thaw(self) -> None:
        """Let all processes go on."""
        path, _, thawed = self._freezer()
        path.write_text(thawed)

    @property
    def thawing(self) -> list[tuple[str, str]]:
        """Which files to write what to, for :meth:`thaw` to be done by someone else."""
        if not self.holds("freezer"):
            return []
        path, _, thawed = self._freezer()
        return [(str(path), thawed)]

    def peak(self) -> int:
        """The most memory that it ever used, in bytes; 0 where the kernel does not count."""
        if "memory" in self._v1:
            return _number(self._v1["memory"] / "memory.max_usage_in_bytes")
        return _number(self._v2 / "memory.peak") if self._v2 else 0

    def out_of_memory(self) -> int:
        """How many processes the kernel has killed in it for want of memory."""
        if "memory" in self._v1:
            file = self._v1["memory"] / "memory.oom_control"
        elif self._v2:
            file = self._v2 / "memory.events"
        else:
            return 0
        try:
            match = re.search(r"^oom_kill (\d+)$", file.read_text(), re.MULTILINE)
        except OSError:
            return 0
        return int(match[1]) if match else 0

    def pids(self) -> list[int]:
        """The processes in it; none where there is no group at all."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
        return []

    def remove(self) -> None:
        """Remove what is still there, once it is empty."""
        for folder in self.folders:
            _remove(folder)

    def _make(self, folder: Path, *controllers: str) -> bool:
        try:
            folder.mkdir(exist_ok=True)  # two controllers may share a hierarchy
        except OSError as error:
            self.refused |= dict.fromkeys(controllers, error.strerror or str(error))
            return False
        if folder not in self.folders:
            self.folders.append(folder)
        return True

    def _limit_memory(self, limit: int) -> None:
        if "memory" in self._v1:
            folder = self._v1["memory"]
            self._write("memory", folder / "memory.limit_in_bytes", str(limit))
            swap, least = folder / "memory.memsw.limit_in_bytes", folder / "memory.swappiness"
            if swap.exists():
                self._write("memory", swap, str(limit))
            else:
                self._write("memory", least, "0")
        elif self._v2 and "memory" in self._gives:
            self._write("memory", self._v2 / "memory.max", str(limit))
            if (self._v2 / "memory.swap.max").exists():
                self._write("memory", self._v2 / "memory.swap.max", "0")

    def _freezer(self) -> tuple[Path, str, str]:
        if "freezer" in self._v1:
            return self._v1["freezer"] / "freezer.state", "FROZEN", "THAWED"
        assert self._v2 is not None
        return self._v2 / "cgroup.freeze", "1", "0"

    def _is_frozen(self) -> bool:
        if "freezer" in self._v1:
            return self._freezer()[0].read_text().strip() == "FROZEN"
        assert self._v2 is not None
        return "frozen 1" in (self._v2 / "cgroup.events").read_text()

    def _write(self, controller: str, path: Path, text: str) -> None:
        try:
            path.write_text(text)
        except OSError as error:
            self.refused[controller] = error.strerror or str(error)


def why_not(controller: str) -> str:
    """What is in the way where :meth:`Hierarchies.gives` says no, and what would mend it."""
    return (
        f"no control group with {controller} that this user may write to; run as root, or "
        "under `systemd-run --user --scope --property=Delegate=yes`"
    )


def group_name() -> str:
    """A new name, which tells whose group it is."""
    return f"{_PREFIX}{os.getpid()}-{_started(os.getpid())}-{os.urandom(4).hex()}"


def sweep(hierarchies: Hierarchies) -> None:
    """Remove the groups of owners that are gone, which were killed with all that watched."""
    parents = [*hierarchies.v1.values(), *([hierarchies.v2] if hierarchies.v2 else [])]
    for folder in [each for parent in parents for each in parent.glob(f"{_PREFIX}*-*-*")]:
        _, pid, started, _ = folder.name.split("-")
        if _started(int(pid)) == int(started):
            continue
        # What was frozen when it was killed dies only once it is not.
        for file, thawed in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            with contextlib.suppress(OSError), (folder / file).open("r+") as state:
                state.write(thawed)
        _remove(folder)


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:  # the kernel is still taking its processes down
            time.sleep(0.005)


def _started(pid: int) -> int:
    """When a process began, in clock ticks since boot; 0: there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0

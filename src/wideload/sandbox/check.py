"""What of Lambda this machine can guarantee, and what not."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess

import msgspec

from wideload.sandbox import cgroups
from wideload.values.target import Target


class Capability(msgspec.Struct, frozen=True):
    """One guarantee of Lambda's."""

    guarantee: str
    given: bool
    why: str
    """By what it is given, or what is in the way and what would mend it."""


def capabilities(target: Target) -> tuple[Capability, ...]:
    """Every guarantee with whether it is given here to functions of this target.

    Looks, and starts at most an empty sandbox; it fetches nothing and changes nothing.
    """
    hierarchies = cgroups.find_hierarchies()
    bwrap = shutil.which("bwrap")
    own_machine = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
    is_root = os.geteuid() == 0
    missing_tools = [tool for tool in ("mke2fs", "mount") if not _system_tool(tool)]
    disk = is_root and not missing_tools and os.path.exists("/dev/loop-control")  # noqa: PTH110
    return (
        Capability(
            "architecture",
            own_machine == target.architecture,
            f"this machine is {platform.machine()}",
        ),
        _isolation(bwrap),
        *(_controlled(hierarchies, *each) for each in _CONTROLLED),
        Capability(
            "/tmp of its exact size, outside of memory",
            disk,
            "an ext4 image"
            if disk
            else "kept in memory instead: needs "
            + ("root" if not is_root else ", ".join(missing_tools) or "loop devices"),
        ),
        c_library(target),
    )


_CONTROLLED = (
    ("memory limit", "memory"),
    ("CPU share of the memory size", "cpu"),
)


def _controlled(hierarchies: cgroups.Hierarchies, guarantee: str, controller: str) -> Capability:
    given = hierarchies.gives(controller)
    return Capability(guarantee, given, "control groups" if given else cgroups.why_not(controller))


def _isolation(bwrap: str | None) -> Capability:
    guarantee = "own file system, network and processes"
    if bwrap is None:
        return Capability(guarantee, False, "install the package `bubblewrap`")
    tried = subprocess.run(
        [bwrap, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--", "/bin/true"],
        capture_output=True,
        text=True,
        check=False,
    )
    given = tried.returncode == 0
    return Capability(guarantee, given, "bubblewrap" if given else tried.stderr.strip())


def c_library(target: Target) -> Capability:
    """Whether functions of this target meet the glibc that they meet in Lambda."""
    there = platform.libc_ver()[1]
    wanted = ".".join(map(str, target.glibc))
    return Capability(
        "C library of the runtime",
        there == wanted,
        f"glibc {there} here, {wanted} in Lambda"
        + ("" if there == wanted else ": what needs a newer one is only refused there"),
    )


def _system_tool(name: str) -> str | None:
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")

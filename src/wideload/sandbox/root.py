"""The file system that a function sees, as arguments for bubblewrap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wideload.values.environment import Mount

UID, GID = 993, 990
"""Those of ``sbx_user1051``, as whom functions run in Lambda."""

_NAMESPACES = (
    *("--unshare-user", "--uid", str(UID), "--gid", str(GID)),
    *("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"),
    *("--hostname", "localhost", "--die-with-parent", "--new-session", "--clearenv"),
)
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_CERTIFICATES = (
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates",
)


def system_files(hosts: dict[str, str], cpus: int) -> dict[str, str]:
    """Files that are written for one environment, by their path below its scratch folder.

    :param hosts: names beside localhost, with the addresses that they stand for.
    :param cpus: how many CPUs the function is to see.
    """
    lines = ["127.0.0.1 localhost localhost.localdomain", "::1 localhost"]
    lines += [f"{address} {name}" for name, address in hosts.items()]
    numbers = f"0-{cpus - 1}\n" if cpus > 1 else "0\n"
    return {
        "etc/passwd": (
            "root:x:0:0:root:/root:/bin/bash\n"
            f"sbx_user1051:x:{UID}:{GID}::/home/sbx_user1051:/sbin/nologin\n"
        ),
        "etc/group": f"root:x:0:\nsbx_user1051:x:{GID}:\n",
        "etc/hosts": "\n".join(lines) + "\n",
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "etc/resolv.conf": "",
        "cpu/online": numbers,
        "cpu/possible": numbers,
        "cpu/present": numbers,
    }


def system(scratch: str, *, network: bool) -> list[str]:
    """The machine: namespaces, /usr, /etc, /dev, /proc; all of it read-only.

    There is no /dev/shm, as in Lambda: what wants POSIX semaphores fails there too.

    :param network: whether names are to be resolved as on this machine.
    """
    arguments = [*_NAMESPACES, "--ro-bind", "/usr", "/usr"]
    for folder in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/") / folder
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    arguments += [*_kernel(scratch), *_names(scratch, network=network)]
    for name in ("passwd", "group", "nsswitch.conf"):
        arguments += ["--ro-bind", f"{scratch}/etc/{name}", f"/etc/{name}"]
    arguments += ["--symlink", "/usr/share/zoneinfo/UTC", "/etc/localtime"]
    for path_ in ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", *_CERTIFICATES):
        arguments += ["--ro-bind-try", path_, path_]
    return arguments


def image(root: str, scratch: str, *, network: bool) -> list[str]:
    """A container image's own machine: nothing of this one's but the kernel.

    :param root: folder that becomes the root, with places for all that is put there.
    :param network: whether names are to be resolved as on this machine.
    """
    return [
        *(*_NAMESPACES, "--ro-bind", root, "/"),
        *_kernel(scratch),
        *_names(scratch, network=network),
    ]


def _kernel(scratch: str) -> list[str]:
    """/proc, /dev and what tells of the processors."""
    arguments = ["--proc", "/proc", "--tmpfs", "/dev"]
    for device in _DEVICES:
        arguments += ["--dev-bind-try", f"/dev/{device}", f"/dev/{device}"]
    arguments += ["--symlink", "/proc/self/fd", "/dev/fd"]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        arguments += ["--symlink", f"/proc/self/fd/{number}", f"/dev/{name}"]
    arguments += ["--remount-ro", "/dev"]
    return [*arguments, "--ro-bind", f"{scratch}/cpu", "/sys/devices/system/cpu"]


def _names(scratch: str, *, network: bool) -> list[str]:
    """What hosts are called."""
    resolver = "/etc/resolv.conf" if network else f"{scratch}/etc/resolv.conf"
    return [
        *("--ro-bind", f"{scratch}/etc/hosts", "/etc/hosts"),
        *("--ro-bind-try", resolver, "/etc/resolv.conf"),
    ]


def function(task: str, layers: list[str], mounts: tuple[Mount, ...], tmp: list[str]) -> list[str]:
    """What is the function's own: /var/task, /opt, /mnt and /tmp; then all is made read-only.

    :param layers: arguments that make /opt, see :func:`layered`.
    :param tmp: arguments that make /tmp.
    """
    arguments = ["--ro-bind", task, "/var/task", *layers, *tmp]
    for mount in mounts:
        arguments += ["--ro-bind" if mount.read_only else "--bind", mount.folder, mount.path]
    return [*arguments, "--remount-ro", "/", "--chdir", "/var/task"]


def image_function(
    folder: str, layers: list[str], mounts: tuple[Mount, ...], tmp: list[str]
) -> list[str]:
    """What else an image's function has: /mnt and /tmp; then all is made read-only.

    :param folder: that it is started in.
    :param layers: arguments that make /opt, where it is not the image's own.
    :param tmp: arguments that make /tmp.
    """
    arguments = [*layers, *tmp]
    if mounts:
        # There is no place for them in the image, whose root is read-only from the start.
        arguments += ["--tmpfs", "/mnt"]
    for mount in mounts:
        arguments += ["--ro-bind" if mount.read_only else "--bind", mount.folder, mount.path]
    if mounts:
        arguments += ["--remount-ro", "/mnt"]
    return [*arguments, "--remount-ro", "/", "--chdir", folder]


def layered(layers: tuple[str, ...]) -> list[str]:
    """Arguments that lay folders over each other at /opt, later ones on top, by binding.

    For machines without overlayfs, for which this is exact too, only slower to set up: a
    folder that a single layer has is bound whole, one that several have is gone into.
    """
    if not layers:
        return ["--dir", "/opt"]
    return _merged([Path(layer) for layer in layers], "/opt")


def environment(variables: dict[str, str]) -> list[str]:
    """The environment variables."""
    return [part for name, value in variables.items() for part in ("--setenv", name, value)]


def _merged(folders: list[Path], inside: str) -> list[str]:
    if len(folders) == 1:
        return ["--ro-bind", str(folders[0]), inside]
    tops: dict[str, list[Path]] = {}
    for folder in folders:
        for entry in sorted(folder.iterdir()):
            is_folder = entry.is_dir() and not entry.is_symlink()
            below = tops.get(entry.name, [])
            # A file hides what is below it, and a folder hides a file.
            merges = is_folder and below and below[-1].is_dir() and not below[-1].is_symlink()
            tops[entry.name] = [*below, entry] if merges else [entry]
    arguments = ["--dir", inside]
    for name, entries in tops.items():
        top = entries[-1]
        if top.is_symlink():
            arguments += ["--symlink", str(top.readlink()), f"{inside}/{name}"]
        else:
            arguments += _merged(entries, f"{inside}/{name}")
    return arguments

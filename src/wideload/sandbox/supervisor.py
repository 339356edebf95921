"""The process that holds one execution environment; run as a script, with nothing imported.

It gives the environment what must not outlive it: a private mount namespace (the file
system of /tmp, the layers laid over each other), a network namespace with listening sockets
in it, the control groups. It then starts bubblewrap, as often as it is told, and waits. When
the control socket closes, for whatever reason, it ends the environment and what the kernel
does not take back by itself. So nothing is left even where the caller was killed.

It is a process of its own, and stays, because a thread cannot change the namespaces of the
others, and because the kernel ties ``--die-with-parent`` to the *thread* that forked: under
a server with a thread for each request an environment would die with the request.

Standard library only, as little of it as may be: its start is part of every cold start.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import time

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REC, _MS_PRIVATE = 1, 2, 4, 0x4000, 0x40000
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x41
_BLOCK = 4096
_MESSAGE = 1 << 20
_WATCH_MS = 50

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    arguments = (source.encode(), target.encode(), kind.encode(), flags, options.encode())
    _check(_libc.mount(*arguments), f"mount {kind}")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _enter_namespaces(network: bool) -> None:
    uid, gid = os.getuid(), os.getgid()
    flags = _CLONE_NEWNS | (_CLONE_NEWNET if network else 0)
    if uid != 0:
        flags |= _CLONE_NEWUSER
    _check(_libc.unshare(flags), "unshare")
    if uid != 0:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")
    _mount("none", "/", "none", _MS_REC | _MS_PRIVATE, "")


def _listen(addresses: list[tuple[str, int]], network: bool) -> list[socket.socket]:
    if network:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            request = struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING)
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)
    sockets = []
    for address, port in addresses:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
        sockets.append(listener)
    return sockets


def _run(*command: str) -> None:
    """Run a tool with our inheritable descriptors; its words on standard error are the why."""
    reader, writer = os.pipe()
    pid = os.posix_spawnp(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, writer, 1),
            (os.POSIX_SPAWN_DUP2, writer, 2),
        ],
    )
    os.close(writer)
    with os.fdopen(reader, "rb") as words:
        said = words.read().decode(errors="replace").strip()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status != 0:
        raise OSError(errno.EIO, said or f"exit status {status}", command[0])


def _unnamed_file(folder: str) -> int:
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError:
        path = f"{folder}/tmp-{os.getpid()}.img"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        os.unlink(path)  # noqa: PTH108 (pathlib would be most of this script's start)
        return descriptor


def _free_blocks(image: int) -> int:
    superblock = os.pread(image, 1024, 1024)
    low = int(struct.unpack_from("<I", superblock, 0x0C)[0])
    return low + (int(struct.unpack_from("<I", superblock, 0x158)[0]) << 32)


def _mount_image(folder: str, size: int, target: str) -> None:
    """An ext4 file system with exactly `size` bytes free at `target`, on an unnamed file.

    The loop device lets go of itself and the file's space comes back when the mount goes.
    """
    image = _unnamed_file(folder)
    os.set_inheritable(image, True)
    path = f"/proc/self/fd/{image}"
    wanted = size // _BLOCK
    lost_and_found = 4
    blocks = wanted + wanted // 64 + 64
    # What ext4 spends on itself grows in steps with the size, so it is found by trying; a
    # few milliseconds each. Two steps settle it, or circle by a block or two at most.
    for _ in range(5):
        os.ftruncate(image, 0)
        os.ftruncate(image, blocks * _BLOCK)
        features = "^has_journal,^resize_inode"
        _run(
            *("mke2fs", "-F", "-q", "-t", "ext4", "-b", str(_BLOCK), "-m", "0"),
            *("-O", features, "-E", "lazy_itable_init=1,nodiscard", path),
        )
        surplus = _free_blocks(image) + lost_and_found - wanted
        if surplus == 0:
            break
        blocks -= surplus
    _run("mount", "-c", "-t", "ext4", "-o", "loop,nosuid,nodev,discard,noatime", path, target)
    os.close(image)
    os.rmdir(f"{target}/lost+found")  # noqa: PTH106
    device = _device_of(target)
    # By default ext4 withholds up to 4096 clusters from everyone.
    _write(f"/sys/fs/ext4/{device}/reserved_clusters", "0")


def _device_of(target: str) -> str:
    with open("/proc/self/mounts", encoding="utf-8") as mounts:  # noqa: PTH123
        for line in mounts:
            source, where = line.split()[:2]
            if where.encode().decode("unicode_escape") == target:
                return source.rpartition("/")[2]
    raise OSError(errno.ENOENT, "not mounted", target)


def _lay(layers: list[str], target: str) -> None:
    escaped = [
        layer.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
        for layer in reversed(layers)  # overlayfs names the topmost first
    ]
    _mount("overlay", target, "overlay", _MS_RDONLY, "lowerdir=" + ":".join(escaped))


class _Sandbox:
    """The sandboxed process, started and ended as often as told."""

    def __init__(
        self, bwrap: str, log: int, arguments: int, groups: list[str], cpus: list[int]
    ) -> None:
        self._bwrap = bwrap
        self._log = log
        self._arguments = arguments
        self._groups = groups
        self._cpus = cpus
        self._status = -1
        self._said = b""
        self.pid = 0
        self.inner = 0
        self.pidfd = -1

    def start(self, program: list[str]) -> None:
        reader, writer = os.pipe()
        options = ("--json-status-fd", str(writer), "--args", str(self._arguments))
        command = (self._bwrap, *options, "--", *program)
        os.lseek(self._arguments, 0, os.SEEK_SET)
        self.pid = os.fork()
        if self.pid == 0:
            self._become(command, (writer, self._arguments))
        os.close(writer)
        self._status, self._said, self.inner = reader, b"", 0
        self.pidfd = os.pidfd_open(self.pid)
        # bubblewrap says which process is the sandbox's first before it lets it go on.
        while b"\n" not in self._said:
            chunk = os.read(reader, 4096)
            if not chunk:
                return
            self._said += chunk
        self.inner = int(json.loads(self._said.split(b"\n", 1)[0])["child-pid"])

    def _become(self, command: tuple[str, ...], kept: tuple[int, ...]) -> None:
        try:
            for descriptor in kept:
                os.set_inheritable(descriptor, True)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            for group in self._groups:
                _write(f"{group}/cgroup.procs", "0")
            if self._cpus:
                os.sched_setaffinity(0, self._cpus)
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.dup2(self._log, 1)
            os.dup2(self._log, 2)
            os.execv(command[0], command)
        except OSError as error:
            os.write(self._log, f"{error}\n".encode())
        os._exit(127)

    def kill(self) -> None:
        """End it; `pidfd` tells when it is over.

        The first process inside is killed rather than bubblewrap outside: the kernel lets it
        go only after all others of its namespace, and bubblewrap ends after it.
        """
        victim = self.inner or self.pid
        if self.pid:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                os.kill(self.pid, signal.SIGKILL)

    def reap(self) -> dict[str, object]:
        """How it ended. ``code`` is nothing where bubblewrap could not start it."""
        os.waitpid(self.pid, 0)
        while chunk := os.read(self._status, 4096):
            self._said += chunk
        os.close(self._status)
        os.close(self.pidfd)
        self.pid, self.pidfd = 0, -1
        code = None
        for line in self._said.splitlines():
            code = json.loads(line).get("exit-code", code)
        return {"exit": code}


def _clear(groups: list[str]) -> None:
    deadline = time.monotonic() + 2
    for group in groups:
        while True:
            try:
                os.rmdir(group)  # noqa: PTH106
            except FileNotFoundError:
                break
            except OSError:  # the kernel is still taking the processes down
                if time.monotonic() > deadline:
                    break
                time.sleep(0.005)
            else:
                break


def _prepare(
    config: dict[str, object], scratch: str
) -> tuple[dict[str, object], list[socket.socket]]:
    network = bool(config["network"])
    addresses = config["listen"]
    files = config["files"]
    layers = config["layers"]
    assert isinstance(addresses, list)
    assert isinstance(files, dict)
    assert isinstance(layers, list)
    _enter_namespaces(network)
    _mount("tmpfs", scratch, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,mode=700")
    sockets = _listen([(str(address), int(port)) for address, port in addresses], network)
    for name, text in files.items():
        os.makedirs(os.path.dirname(f"{scratch}/{name}"), exist_ok=True)  # noqa: PTH103, PTH120
        with open(f"{scratch}/{name}", "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(str(text))
    answer: dict[str, object] = {"tmp": False, "opt": False}
    os.mkdir(f"{scratch}/tmp", 0o700)  # noqa: PTH102
    os.mkdir(f"{scratch}/opt")  # noqa: PTH102
    try:
        if config["image"]:
            _mount_image(str(config["disk"]), int(str(config["image"])), f"{scratch}/tmp")
            os.chmod(f"{scratch}/tmp", 0o700)  # noqa: PTH101
            answer["tmp"] = True
    except OSError as error:
        answer["tmp_why"] = str(error)
    try:
        if len(layers) > 1:
            _lay([str(layer) for layer in layers], f"{scratch}/opt")
            answer["opt"] = True
    except OSError as error:
        answer["opt_why"] = str(error)
    return answer, sockets


def _memory(pid: int) -> int:
    """Bytes that this process and all below it hold; what they share counts once."""
    pids, total = [pid], 0
    for each in pids:
        try:
            for task in os.listdir(f"/proc/{each}/task"):  # noqa: PTH208
                with open(f"/proc/{each}/task/{task}/children", encoding="ascii") as file:  # noqa: PTH123
                    pids += map(int, file.read().split())
            with open(f"/proc/{each}/smaps_rollup", encoding="ascii") as file:  # noqa: PTH123
                for line in file:
                    if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                        total += int(line.split()[1]) << 10
        except OSError:  # it has just ended
            continue
    return total


def _serve(
    control: socket.socket, sandbox: _Sandbox, thaw: list[tuple[str, str]], memory: int
) -> None:
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        watching = memory and sandbox.inner and sandbox.pid
        ready = {descriptor for descriptor, _ in poll.poll(_WATCH_MS if watching else None)}
        if watching and not ready and _memory(sandbox.inner) > memory:
            sandbox.kill()
        if sandbox.pid and sandbox.pidfd in ready:
            poll.unregister(sandbox.pidfd)
            control.send(json.dumps(sandbox.reap()).encode())
        if control.fileno() in ready:
            message = control.recv(_MESSAGE)
            if not message:
                break
            order = json.loads(message)
            if "program" in order:
                sandbox.start(order["program"])
                poll.register(sandbox.pidfd, select.POLLIN)
                control.send(json.dumps({"inner": sandbox.inner}).encode())
            else:
                sandbox.kill()
    # A process of a frozen group does not even die.
    for path, word in thaw:
        try:
            _write(path, word)
        except OSError:
            continue
    sandbox.kill()
    if sandbox.pid:
        sandbox.reap()


def main() -> None:
    """Prepare the environment, answer with its sockets, then obey until the other end goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    log, arguments = int(sys.argv[2]), int(sys.argv[3])
    os.set_inheritable(log, False)
    os.set_inheritable(arguments, False)
    config = json.loads(control.recv(_MESSAGE))
    sandbox = _Sandbox(config["bwrap"], log, arguments, config["groups"], config["cpus"])
    try:
        answer, sockets = _prepare(config, config["scratch"])
    except OSError as error:
        control.send(json.dumps({"error": str(error)}).encode())
    else:
        descriptors = [listener.fileno() for listener in sockets]
        socket.send_fds(control, [json.dumps(answer).encode()], descriptors)
        for listener in sockets:
            listener.close()
        try:
            _serve(control, sandbox, config["thaw"], config["memory"])
        except (BrokenPipeError, ConnectionResetError):
            sandbox.kill()
            if sandbox.pid:
                sandbox.reap()
    finally:
        _clear(config["groups"])


if __name__ == "__main__":
    main()

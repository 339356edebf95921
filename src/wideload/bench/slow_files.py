"""A folder seen through FUSE as a function sees a network file system: each answer that the
kernel has not kept takes a round trip, and data come no faster than the function's network is.

``python -m wideload.bench.slow_files FOLDER MOUNTPOINT MILLISECONDS`` serves in the foreground
until it is unmounted. Read-only. What it takes from Linux's NFS client, as EFS is mounted
(https://docs.aws.amazon.com/efs/latest/ug/mount-helper-setting.html):

- A name that is looked up for the first time takes a trip, whether it is there or not; its
  attributes are then kept for a minute (acregmax), and so is that it is not there.
- Listing a folder takes one trip and brings the attributes of all in it (READDIRPLUS).
- An open is always asked, for the sake of close-to-open consistency. A close is not waited for.
- Of what is read the kernel asks for 128 KiB at a time, as far as it reads ahead where nobody says
  more. Each takes a trip, several are under way at once. What was read once is kept until the page
  cache is dropped.

Slower than NFS it is where a name is opened that was never looked at, which NFS 4 does in one trip,
and where a program reads large pieces, of which NFS asks for 1 MiB at a time (rsize).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wideload.bench.shaper import Bucket
from wideload.errors import WideloadError
from wideload.values.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LATENCY_MS = 1.0
"""Of a read or stat that is not cached, about:
https://docs.aws.amazon.com/efs/latest/ug/performance.html"""
_KEPT_S = 60
_OWN_S = 0.0002
"""Seconds that FUSE itself takes for an answer, on a machine with nothing else to do."""
_TOLD_S = 3
"""Seconds for which a listing counts: longer than a program takes from it to what it found, and
shorter than from one start to the next, before which the kernel's caches were dropped."""
_START_S = 10.0
_POLL_S = 0.02


@contextlib.contextmanager
def slowed(folders: Sequence[tuple[Path, Path]], milliseconds: float) -> Iterator[None]:
    """While it lasts each folder is seen at its mountpoint, which is made.

    :param folders: folder and mountpoint.
    :raises WideloadError: this machine has no FUSE.
    """
    with contextlib.ExitStack() as stack:
        for folder, at in folders:
            stack.enter_context(_one(folder, at, milliseconds))
        yield


def lacking() -> str:
    """Why this machine cannot do it; empty where it can."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is not there, or not to be opened"
    if importlib.util.find_spec("mfusepy") is None:
        return "the package mfusepy is not installed"
    if shutil.which("fusermount3") is None:
        return "fusermount3 is not on the PATH (package fuse3)"
    return ""


@contextlib.contextmanager
def _one(folder: Path, at: Path, milliseconds: float) -> Iterator[None]:
    why = lacking()
    if why:
        raise WideloadError(
            "no slow file system can be made here", why=why, hint="install fuse3 and mfusepy"
        )
    at.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder), str(at), str(milliseconds)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end = time.monotonic() + _START_S
        while not at.is_mount():
            if process.poll() is not None or time.monotonic() > end:
                process.kill()
                told = process.communicate()[1]
                raise WideloadError(f"{at} was not mounted", why=told.strip()[-400:])
            time.sleep(_POLL_S)
        yield
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(at)], check=False, capture_output=True)
        try:
            process.communicate(timeout=_START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _serve(folder: str, at: str, milliseconds: float) -> None:
    from mfusepy import (  # type: ignore[import-untyped]  # noqa: PLC0415
        FUSE,
        FuseOSError,
        Operations,
    )

    seconds = milliseconds / 1000
    bucket = Bucket(Network())
    told: dict[str, float] = {}

    @contextlib.contextmanager
    def trip() -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        except OSError as error:
            raise FuseOSError(error.errno or 5) from error
        finally:
            left = seconds - _OWN_S - (time.perf_counter() - began)
            if left > 0:
                time.sleep(left)

    class SlowFiles(Operations):  # type: ignore[misc]
        use_ns = True

        def getattr(self, path: str, _fh: int | None = None) -> dict[str, Any]:
            if told.get(path, 0.0) > time.monotonic():
                return _attributes(folder + path)
            with trip():
                return _attributes(folder + path)

        def readdir(self, path: str, _fh: int) -> list[str]:
            with trip():
                names = os.listdir(folder + path)  # noqa: PTH208
            paths = [f"{path.rstrip('/')}/{name}" for name in names]
            told.update(dict.fromkeys(paths, time.monotonic() + _TOLD_S))
            return [".", "..", *names]

        def readlink(self, path: str) -> str:
            with trip():
                return os.readlink(folder + path)  # noqa: PTH115

        def open(self, path: str, _flags: int) -> int:
            with trip():
                return os.open(folder + path, os.O_RDONLY)

        def read(self, _path: str, size: int, offset: int, fh: int) -> bytes:
            with trip():
                data = os.pread(fh, size, offset)
            bucket.take(len(data))
            return data

        def release(self, _path: str, fh: int) -> int:
            os.close(fh)
            return 0

    FUSE(
        SlowFiles(),
        at,
        foreground=True,
        nothreads=False,
        allow_other=True,
        ro=True,
        kernel_cache=True,
        attr_timeout=_KEPT_S,
        entry_timeout=_KEPT_S,
        negative_timeout=_KEPT_S,
    )


def _attributes(path: str) -> dict[str, Any]:
    found = os.stat(path, follow_symlinks=False)  # noqa: PTH116
    return {
        "st_mode": found.st_mode,
        "st_nlink": found.st_nlink,
        "st_uid": found.st_uid,
        "st_gid": found.st_gid,
        "st_size": found.st_size,
        "st_blocks": found.st_blocks,
        "st_atime": found.st_atime_ns,
        "st_mtime": found.st_mtime_ns,
        "st_ctime": found.st_ctime_ns,
    }


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], float(sys.argv[3]))

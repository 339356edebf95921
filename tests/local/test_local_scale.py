from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from wideload.local import daemon
from wideload.local.database import Database
from wideload.local.objects.files import Files
from wideload.local.objects.versions import Content, Versions

if TYPE_CHECKING:
    from local_aws import Aws

MB = 1 << 20


def _lay(aws: Aws, bucket: str, key: str, size: int) -> None:
    """An object of zeros, laid down without sending it: the file is sparse."""
    files = Files(aws.state / "objects")
    with files.begin() as incoming:
        incoming.file.truncate(size)
        content = Content(incoming.keep(), size, "0" * 32, {}, None)
    Versions(Database(aws.state / "aws.sqlite"), files).put(bucket, key, content, "")


def _resident(aws: Aws) -> int:
    """Bytes of memory of the server."""
    running = daemon.status(aws.state)
    assert running is not None
    for line in Path(f"/proc/{running.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError


class _Zeros(io.RawIOBase):
    """So many zeros, to be read twice (for the digest, then for sending)."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._size - self._at)
        buffer[:count] = bytes(count)
        self._at += count
        return count


def test_a_range_costs_the_same_however_large_the_object(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    sizes = {"small": MB, "large": 1024 * MB}
    for key, size in sizes.items():
        _lay(aws, bucket, key, size)
    before = _resident(aws)
    times: dict[str, list[float]] = {key: [] for key in sizes}
    for _ in range(40):
        for key, size in sizes.items():
            started = time.perf_counter()
            got = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={size - 70000}-{size - 1}")
            assert len(got["Body"].read()) == 70000
            times[key].append(time.perf_counter() - started)
    small, large = (median(times[key]) for key in ("small", "large"))
    assert large < 2 * small
    assert _resident(aws) - before < 16 * MB


def test_memory_stays_flat_however_much_goes_through(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    size = 256 * MB
    _lay(aws, bucket, "down", size)

    def download(_: int) -> int:
        body = s3.get_object(Bucket=bucket, Key="down")["Body"]
        return sum(len(chunk) for chunk in body.iter_chunks(MB))

    s3.put_object(Bucket=bucket, Key="warm", Body=b"")
    before = _resident(aws)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(download, range(3))) == [size] * 3
    plain = aws.client("s3", request_checksum_calculation="when_required")
    plain.put_object(Bucket=bucket, Key="up", Body=_Zeros(size))
    assert s3.head_object(Bucket=bucket, Key="up")["ContentLength"] == size
    assert _resident(aws) - before < 48 * MB


def test_many_clients_at_once(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3

    def visit(number: int) -> bytes:
        key = f"k{number % 7}"
        s3.put_object(Bucket=bucket, Key=key, Body=b"x" * 1000)
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(visit, range(200))) == {b"x" * 1000}
    assert len(s3.list_objects_v2(Bucket=bucket)["Contents"]) == 7
    files = Versions(Database(aws.state / "aws.sqlite"), Files(aws.state / "objects")).files()
    assert all((aws.state / "objects" / name[:2] / name).exists() for name in files)

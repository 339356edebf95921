"""Miniature wheels, honest and odd, written for the tests that read them."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import warnings
import zipfile
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CENTRAL = b"PK\x01\x02"
_END = b"PK\x05\x06"


class Made(msgspec.Struct, frozen=True):
    """A distribution file: its name and its bytes."""

    filename: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def name(self) -> str:
        return self.filename.partition("-")[0].replace("_", "-").lower()

    @property
    def metadata(self) -> bytes:
        """Of a wheel."""
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            found = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            return archive.read(found)

    def with_data(self, data: bytes) -> Made:
        return Made(self.filename, data)


class _Unseekable(io.BytesIO):
    """Makes zipfile write data descriptors, since it cannot go back to the local header."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


def _content(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _record(files: Mapping[str, bytes], record: str) -> bytes:
    lines = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    return "\n".join([*lines, f"{record},,", ""]).encode()


def wheel(
    name: str = "demo",
    version: str = "1.0",
    files: Mapping[str, bytes | str] | None = None,
    *,
    tag: str = "py3-none-any",
    build: str = "",
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
    requires_python: str = "",
    stored: bool = False,
    method: int | None = None,
    comment: bytes = b"",
    prefix: bytes = b"",
    descriptors: bool = False,
    zip64_headers: bool = False,
    executables: Sequence[str] = (),
    record: Literal["right", "wrong", "missing"] = "right",
    metadata: bool = True,
    metadata_first: bool = False,
    folders: Sequence[str] = (),
    more: Sequence[tuple[str, bytes]] = (),
) -> Made:
    """A wheel that an installer takes, unless an option makes it odd.

    :param files: by their name in the wheel; one module where none are given.
    :param stored: members are not deflated.
    :param method: compression of the first member instead.
    :param prefix: bytes before the zip, as of a self-extracting archive.
    :param descriptors: sizes follow the streams instead of standing before them.
    :param zip64_headers: every local header has a zip64 field.
    :param more: members written as they are, after all others, though a name stands twice.
    """
    snake = name.replace("-", "_")
    info = f"{snake}-{version}.dist-info"
    if files is None:
        files = {f"{snake}.py": f"NAME = {name!r}\n"}
    own = {path: _content(value) for path, value in files.items()}
    about = {
        f"{info}/METADATA": "".join(
            [
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
                f"Requires-Python: {requires_python}\n" if requires_python else "",
                *(f"Provides-Extra: {extra}\n" for extra in extras),
                *(f"Requires-Dist: {line}\n" for line in requires),
            ]
        ).encode(),
        f"{info}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: tests\n"
            f"Root-Is-Purelib: {str(tag.endswith('any')).lower()}\nTag: {tag}\n"
        ).encode(),
    }
    if not metadata:
        del about[f"{info}/METADATA"]
    everything = {**about, **own} if metadata_first else {**own, **about}
    if record == "right":
        everything[f"{info}/RECORD"] = _record(everything, f"{info}/RECORD")
    elif record == "wrong":
        wrong = {path: data + b"!" for path, data in everything.items()}
        everything[f"{info}/RECORD"] = _record(wrong, f"{info}/RECORD")
    out = _Unseekable() if descriptors else io.BytesIO()
    usual = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")
        archive.comment = comment
        for folder in folders:
            archive.writestr(zipfile.ZipInfo(folder.rstrip("/") + "/"), b"")
        for number, (path, data) in enumerate([*everything.items(), *more]):
            entry = zipfile.ZipInfo(path)
            entry.compress_type = usual if number or method is None else method
            mode = 0o755 if path in executables else 0o644
            entry.external_attr = (0o100000 | mode) << 16
            with archive.open(entry, "w", force_zip64=zip64_headers) as file:
                file.write(data)
    numbered = f"{version}-{build}" if build else version
    return Made(f"{snake}-{numbered}-{tag}.whl", prefix + out.getvalue())


def _directory_at(data: bytes) -> tuple[int, int, int]:
    """Offset of the end-of-directory record, of the directory, and the number of entries."""
    end = data.rindex(_END)
    count, _, offset = struct.unpack_from("<HII", data, end + 10)
    return end, offset, count


def with_zip64(data: bytes) -> bytes:
    """The same zip, all of whose sizes and offsets stand in zip64 records alone."""
    _, at, count = _directory_at(data)
    directory = b""
    position = at
    for _ in range(count):
        fixed = bytearray(data[position : position + 46])
        name, extra, comment = struct.unpack_from("<HHH", fixed, 28)
        packed, size = struct.unpack_from("<II", fixed, 20)
        (offset,) = struct.unpack_from("<I", fixed, 42)
        field = struct.pack("<HHQQQ", 1, 24, size, packed, offset)
        struct.pack_into("<II", fixed, 20, 0xFFFFFFFF, 0xFFFFFFFF)
        struct.pack_into("<H", fixed, 30, extra + len(field))
        struct.pack_into("<I", fixed, 42, 0xFFFFFFFF)
        tail = data[position + 46 : position + 46 + name + extra + comment]
        directory += bytes(fixed) + tail[: name + extra] + field + tail[name + extra :]
        position += 46 + name + extra + comment
    where = at + len(directory)
    record = struct.pack(
        "<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), at
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, where, 1)
    last = struct.pack("<4sHHHHIIH", _END, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:at] + directory + record + locator + last


def with_encryption_flag(data: bytes) -> bytes:
    """The same zip, whose first member says in both headers that it is encrypted."""
    changed = bytearray(data)
    _, at, _ = _directory_at(data)
    changed[6] |= 1
    changed[at + 8] |= 1
    return bytes(changed)


def with_broken_stream(data: bytes, name: str) -> bytes:
    """The same zip with one byte of a member's stream turned over."""
    changed = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo(name)
    names, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
    start = info.header_offset + 30 + names + extra
    changed[start + info.compress_size // 2] ^= 0xFF
    return bytes(changed)


def with_wrong_crc(data: bytes, name: str) -> bytes:
    """The same zip, whose directory gives another CRC for a member."""
    changed = bytearray(data)
    _, position, count = _directory_at(data)
    for _ in range(count):
        length, extra, comment = struct.unpack_from("<HHH", data, position + 28)
        if data[position + 46 : position + 46 + length] == name.encode():
            changed[position + 16] ^= 0xFF
            return bytes(changed)
        position += 46 + length + extra + comment
    raise KeyError(name)


def with_claimed_size(data: bytes, name: str, size: int, packed: int) -> bytes:
    """The same zip, whose directory claims other sizes for a member than it has."""
    changed = bytearray(data)
    _, position, count = _directory_at(data)
    for _ in range(count):
        length, extra, comment = struct.unpack_from("<HHH", data, position + 28)
        if data[position + 46 : position + 46 + length] == name.encode():
            struct.pack_into("<II", changed, position + 20, packed, size)
            return bytes(changed)
        position += 46 + length + extra + comment
    raise KeyError(name)


def members_of(made: Made) -> dict[str, bytes]:
    """The files of a wheel by their name in it."""
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        return {i.filename: archive.read(i) for i in archive.infolist() if not i.is_dir()}

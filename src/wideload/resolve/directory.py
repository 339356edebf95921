"""What a wheel's central directory and METADATA say, wherever the wheel lies."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

from packaging.utils import canonicalize_name, parse_wheel_filename

from wideload.errors import WideloadError
from wideload.values.resolution import Member
from wideload.values.tree import is_clean_path

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENCRYPTED = 0x1
# What zipfile lets out when the bytes are no zip, or only nearly one.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(OSError, EOFError, ValueError, LookupError, ArithmeticError, RuntimeError),
)


def _corrupt(filename: str, why: str) -> WideloadError:
    return WideloadError(
        f"corrupt wheel {filename}",
        why=why,
        hint="fetch it again; if it stays so, the index serves a broken file: choose another "
        "version",
    )


def install_path(name: str, filename: str) -> str:
    """Where an installer puts a member, relative to site-packages.

    ``NAME-VERSION.data/purelib`` and ``platlib`` are site-packages itself; scripts go to
    ``bin``, headers to ``include/NAME``, data to the root, as ``uv pip install --target``
    lays them.
    """
    head, _, rest = name.partition("/")
    if not head.endswith(".data") or not rest:
        return name
    scheme, _, path = rest.partition("/")
    match scheme:
        case "purelib" | "platlib" | "data":
            return path
        case "scripts":
            return f"bin/{path}"
        case "headers":
            return f"include/{filename.partition('-')[0]}/{path}"
        case _:
            raise _corrupt(filename, f"unknown scheme {scheme!r} in {head}")


def _members(archive: zipfile.ZipFile, filename: str) -> Iterator[Member]:
    seen: set[str] = set()
    for info in archive.infolist():
        if info.is_dir():
            continue
        path = install_path(info.filename, filename)
        if not is_clean_path(path):
            raise _corrupt(filename, f"a member would land outside: {info.filename!r}")
        if path in seen:
            raise _corrupt(filename, f"two members would lie at {path!r}")
        if info.flag_bits & _ENCRYPTED:
            raise _corrupt(filename, f"a member is encrypted: {info.filename!r}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _corrupt(
                filename, f"{info.filename!r} has compression method {info.compress_type}"
            )
        seen.add(path)
        yield Member(
            name=info.filename,
            path=path,
            size=info.file_size,
            compressed_size=info.compress_size,
            crc32=info.CRC,
            stored=info.compress_type == zipfile.ZIP_STORED,
            executable=bool(info.external_attr >> 16 & 0o111),
        )


class Directory:
    """A wheel's table of contents.

    :raises WideloadError: it is no wheel that could be installed.
    """

    def __init__(self, file: BinaryIO | io.RawIOBase, filename: str) -> None:
        try:
            self._archive = zipfile.ZipFile(cast("BinaryIO", file))
            self.members = tuple(_members(self._archive, filename))
        except _BROKEN as error:
            raise _corrupt(filename, str(error)) from error
        self._filename = filename

    def metadata(self) -> tuple[str, ...]:
        """The ``Requires-Dist`` lines of METADATA.

        :raises WideloadError: the wheel has no METADATA of its own name.
        """
        name = parse_wheel_filename(self._filename)[0]
        for member in self.members:
            folder, _, file = member.name.partition("/")
            if file == "METADATA" and folder.endswith(".dist-info"):
                owner = folder.removesuffix(".dist-info").rpartition("-")[0]
                if canonicalize_name(owner) == name:
                    return self._requires(member.name)
        raise _corrupt(self._filename, "it has no METADATA in its dist-info folder")

    def _requires(self, member: str) -> tuple[str, ...]:
        try:
            text = self._archive.read(member).decode("utf-8", errors="replace")
        except _BROKEN as error:
            raise _corrupt(self._filename, f"{member}: {error}") from error
        # Not asked of a wheel that is known, and to import it takes a while.
        from email.parser import HeaderParser  # noqa: PLC0415

        return tuple(HeaderParser().parsestr(text).get_all("Requires-Dist", []))

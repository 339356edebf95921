"""The digests that S3 keeps of an object, taken while its bytes pass."""

from __future__ import annotations

import base64
import enum
import hashlib
import zlib
from typing import TYPE_CHECKING, assert_never

from awscrt import checksums as crt  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterable


class Algorithm(enum.StrEnum):
    """Checksum algorithms by the names that S3's API gives them."""

    CRC32 = "CRC32"
    CRC32C = "CRC32C"
    CRC64NVME = "CRC64NVME"
    SHA1 = "SHA1"
    SHA256 = "SHA256"

    @property
    def header(self) -> str:
        """The header (or trailer) that carries it, lower case."""
        return f"x-amz-checksum-{self.value.lower()}"

    @property
    def element(self) -> str:
        """The XML element that carries it."""
        return f"Checksum{self.value}"


class Checksum:
    """One running checksum."""

    def __init__(self, algorithm: Algorithm) -> None:
        self.algorithm = algorithm
        self._crc = 0
        self._hash = (
            hashlib.new(algorithm.value.lower())
            if algorithm in (Algorithm.SHA1, Algorithm.SHA256)
            else None
        )

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        match self.algorithm:
            case Algorithm.CRC32:
                self._crc = zlib.crc32(data, self._crc)
            case Algorithm.CRC32C:
                self._crc = crt.crc32c(data, self._crc)
            case Algorithm.CRC64NVME:
                self._crc = crt.crc64nvme(data, self._crc)
            case Algorithm.SHA1 | Algorithm.SHA256:
                assert self._hash is not None
                self._hash.update(data)
            case _:
                assert_never(self.algorithm)

    def digest(self) -> bytes:
        """The checksum as S3 counts it: CRCs big-endian."""
        if self._hash is not None:
            return self._hash.digest()
        return self._crc.to_bytes(8 if self.algorithm is Algorithm.CRC64NVME else 4, "big")

    def text(self) -> str:
        """The checksum as S3 writes it: base64."""
        return base64.b64encode(self.digest()).decode()


def composite(algorithm: Algorithm, parts: Iterable[str]) -> str:
    """The checksum of a multipart object made of its parts' checksums: ``BASE64-N``."""
    whole = Checksum(algorithm)
    count = 0
    for part in parts:
        whole.update(base64.b64decode(part))
        count += 1
    return f"{whole.text()}-{count}"


def full(algorithm: Algorithm, parts: Iterable[str], sizes: Iterable[int]) -> str:
    """The checksum of a whole object, worked out from its parts' CRCs without reading it.

    :raises ValueError: the algorithm is no CRC.
    """
    match algorithm:
        case Algorithm.CRC32:
            combine = crt.combine_crc32
        case Algorithm.CRC32C:
            combine = crt.combine_crc32c
        case Algorithm.CRC64NVME:
            combine = crt.combine_crc64nvme
        case _:
            raise ValueError(f"{algorithm} of parts cannot be combined")
    total = 0
    for part, size in zip(parts, sizes, strict=True):
        total = combine(total, int.from_bytes(base64.b64decode(part), "big"), size)
    width = 8 if algorithm is Algorithm.CRC64NVME else 4
    return base64.b64encode(total.to_bytes(width, "big")).decode()


class Digests:
    """All digests of one upload, fed together.

    :param algorithms: of the checksums to take.
    :param sha256: take the SHA-256 too, to hold it against ``x-amz-content-sha256``.
    """

    def __init__(self, algorithms: Iterable[Algorithm], *, sha256: bool) -> None:
        self.checksums = {algorithm: Checksum(algorithm) for algorithm in algorithms}
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256() if sha256 else None
        self.size = 0

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        self.size += len(data)
        self._md5.update(data)
        for checksum in self.checksums.values():
            checksum.update(data)
        if self._sha256 is not None:
            self._sha256.update(data)

    @property
    def md5(self) -> bytes:
        """Of all bytes so far; in hexadecimal it is the ETag."""
        return self._md5.digest()

    @property
    def sha256(self) -> str | None:
        """Of all bytes so far, hexadecimal; nothing where it was not asked for."""
        return None if self._sha256 is None else self._sha256.hexdigest()

"""Taking in a body: streamed, counted, and held against every digest that came with it."""

from __future__ import annotations

import base64
import binascii
import errno
import io
import os
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import xmltodict  # type: ignore[import-untyped]

from wideload.local.aws_chunked import STREAMING, AwsChunked, ChunkSigner
from wideload.local.checksums import Algorithm, Checksum, Digests
from wideload.local.faults import Fault
from wideload.local.objects.versions import StoredChecksum

if TYPE_CHECKING:
    from wideload.local.caller import Caller
    from wideload.local.http import Readable
    from wideload.local.request import Request

# https://docs.aws.amazon.com/general/latest/gr/s3.html: the largest single PUT.
_LARGEST = 5 * 1024**3
# 10,000 parts of a CompleteMultipartUpload, each a few hundred bytes of XML.
_LARGEST_DOCUMENT = 8 * 1024**2
_BLOCK = 1 << 18
_HEX_SHA256 = 64


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> int | None:
        """Take these, all or as many as it says."""
        ...


class Received(msgspec.Struct, frozen=True):
    """What came in, every digest checked."""

    size: int
    etag: str
    """MD5, hexadecimal."""
    checksum: StoredChecksum
    declared: Algorithm | None
    """Of the checksum that the request carried."""


def declared_algorithm(request: Request) -> Algorithm | None:
    """The checksum that a request says it carries; nothing where it says none.

    :raises Fault: more than one, or none that S3 knows.
    """
    names = {algorithm.header: algorithm for algorithm in Algorithm}
    found = {names[name] for name in request.headers if name in names}
    for trailer in request.header("x-amz-trailer").split(","):
        if trailer.strip().lower() in names:
            found.add(names[trailer.strip().lower()])
    if len(found) > 1:
        raise Fault(
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        )
    if found:
        return found.pop()
    name = request.header("x-amz-sdk-checksum-algorithm")
    return named_algorithm(name) if name else None


def named_algorithm(name: str) -> Algorithm:
    """The algorithm of this name.

    :raises Fault: S3 knows none of it.
    """
    try:
        return Algorithm(name.upper())
    except ValueError:
        raise Fault(
            "InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with "
            "any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        ) from None  # fmt: skip


def receive(
    request: Request,
    caller: Caller,
    sink: Sink,
    *,
    keep: Algorithm | None = None,
    largest: int = _LARGEST,
) -> Received:
    """Take a request's body into `sink`.

    Nothing of what lies in the sink may be used unless this returns.

    :param keep: the algorithm of the checksum to keep; by default the one that the request
        carries, or that which S3 takes by itself.
    :raises Fault: it is too large, not whole, or some digest does not fit.
    """
    declared = declared_algorithm(request)
    body, length = _open(request, caller)
    if length > largest:
        raise Fault(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            details={"ProposedSize": str(length), "MaxSizeAllowed": str(largest)},
        )
    kept = keep or declared or Algorithm.CRC64NVME
    digests = Digests({kept, declared or kept}, sha256=len(caller.payload) == _HEX_SHA256)
    try:
        _pour(body, sink, digests, length)
    except ValueError as error:
        raise Fault("IncompleteBody", str(error)) from error
    if digests.size != length:
        raise Fault(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        )
    trailers = body.trailers if isinstance(body, AwsChunked) else {}
    _check_body(request, caller, digests)
    if declared is not None:
        _check_checksum(request, digests.checksums[declared], trailers)
    return Received(
        size=digests.size,
        etag=digests.md5.hex(),
        checksum=StoredChecksum(kept.value, digests.checksums[kept].text()),
        declared=declared,
    )


def _open(request: Request, caller: Caller) -> tuple[Readable, int]:
    streaming = caller.payload.startswith(STREAMING)
    text = request.header("x-amz-decoded-content-length") if streaming else ""
    if text:
        if not text.isdigit():
            raise Fault("InvalidArgument", "Invalid x-amz-decoded-content-length")
        length = int(text)
    elif request.length is None or streaming:
        raise Fault("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    else:
        length = request.length
    if not streaming:
        return request.body, length
    signed = "UNSIGNED" not in caller.payload
    signer = ChunkSigner(caller.claim, caller.key.secret) if signed else None
    return AwsChunked(request.body, signer), length


def _pour(body: Readable, sink: Sink, digests: Digests, length: int) -> None:
    try:
        while data := body.read(_BLOCK):
            digests.update(data)
            if digests.size > length:
                raise Fault("IncompleteBody", "The request body is longer than it said")
            view = memoryview(data)
            while view:
                view = view[sink.write(view) or len(view) :]  # type: ignore[arg-type]
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Fault(
            "InternalError",
            f"The disk that holds the embedded AWS's state is full: {os.strerror(error.errno)}",
            500,
        ) from error


def _check_body(request: Request, caller: Caller, digests: Digests) -> None:
    if digests.sha256 is not None and digests.sha256 != caller.payload:
        raise Fault(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            details={
                "ClientComputedContentSHA256": caller.payload,
                "S3ComputedContentSHA256": digests.sha256,
            },
        )
    md5 = request.header("content-md5")
    if md5:
        if len(_decoded(md5) or b"") != 16:
            raise Fault("InvalidDigest", "The Content-MD5 you specified was invalid.")
        if _decoded(md5) != digests.md5:
            raise Fault(
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
                details={
                    "ExpectedDigest": (_decoded(md5) or b"").hex(),
                    "CalculatedDigest": base64.b64encode(digests.md5).decode(),
                },
            )


def _check_checksum(request: Request, checksum: Checksum, trailers: dict[str, str]) -> None:
    header = checksum.algorithm.header
    stated = request.header(header) or trailers.get(header, "")
    if not stated:
        if header in request.header("x-amz-trailer").lower():
            raise Fault("MalformedTrailerError", "The request contained trailing data that was "
                        "not well-formed or did not conform to our published schema.")  # fmt: skip
        return
    if len(_decoded(stated) or b"") != len(checksum.digest()):
        raise Fault("InvalidRequest", f"Value for {header} header is invalid.")
    if stated != checksum.text():
        raise Fault(
            "BadDigest",
            f"The {checksum.algorithm.value} you specified did not match the calculated checksum.",
        )


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def read_small(request: Request, caller: Caller) -> bytes:
    """The whole body of a request that has no business being large.

    :raises Fault: as :func:`receive`.
    """
    memory = io.BytesIO()
    receive(request, caller, memory, largest=_LARGEST_DOCUMENT)
    return memory.getvalue()


def document(request: Request, caller: Caller, root: str) -> dict[str, Any]:
    """The children of the XML document's root element that a request carries.

    :raises Fault: it is not XML of this root, or a digest does not fit.
    """
    body = read_small(request, caller)
    try:
        parsed = xmltodict.parse(body)
        name, content = next(iter(parsed.items()))
    except Exception as error:  # expat's errors and xmltodict's own have no common base
        raise malformed_xml() from error
    if name.rsplit(":", 1)[-1] != root or not isinstance(content, dict | None):
        raise malformed_xml()
    return dict(content or {})


def malformed_xml() -> Fault:
    """What S3 says of XML that it does not understand."""
    return Fault(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def several(value: Any) -> list[Any]:
    """The elements of one name: xmltodict gives a lone one without a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

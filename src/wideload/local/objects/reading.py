"""GetObject, HeadObject and GetObjectAttributes."""

from __future__ import annotations

import re
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING

from wideload.local.faults import Fault
from wideload.local.objects.versions import Version
from wideload.local.objects.xml import xml_reply
from wideload.local.reply import Reply, Stretch

if TYPE_CHECKING:
    from wideload.local.objects.buckets import Bucket
    from wideload.local.objects.files import Files
    from wideload.local.objects.versions import Versions
    from wideload.local.objects.visit import Visit
    from wideload.local.request import Request

_OVERRIDES = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)


class Reading:
    """Reads objects."""

    def __init__(self, versions: Versions, files: Files) -> None:
        self._versions = versions
        self._files = files

    def get(self, visit: Visit, bucket: Bucket) -> Reply:
        """GetObject and HeadObject."""
        request = visit.request
        version = self.readable(visit, bucket, visit.key, request.parameter("versionId"))
        check_conditions(request, version, "")
        start, length, status = _stretch(request, version)
        headers = dict(describe(version, bucket))
        headers["Accept-Ranges"] = "bytes"
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{version.content.size}"
        elif request.header("x-amz-checksum-mode").upper() == "ENABLED":
            headers.update(checksum_headers(version))
        if request.has("partNumber") and version.content.parts:
            headers["x-amz-mp-parts-count"] = str(len(version.content.parts))
        for name in _OVERRIDES:
            value = request.parameter(f"response-{name}")
            if value is not None:
                headers[name.title()] = value
        if request.method == "HEAD":
            return Reply(status, (*headers.items(), ("Content-Length", str(length))))
        try:
            assert version.content.file is not None
            stretch = Stretch(self._files.path(version.content.file), start, length)
        except FileNotFoundError:
            # It was replaced or deleted between the look-up and here.
            return self.get(visit, bucket)
        return Reply(status, tuple(headers.items()), stretch=stretch)

    def attributes(self, visit: Visit, bucket: Bucket) -> Reply:
        """GetObjectAttributes."""
        version = self.readable(visit, bucket, visit.key, visit.request.parameter("versionId"))
        asked = {
            name.strip() for name in visit.request.header("x-amz-object-attributes").split(",")
        }
        content = version.content
        checksum = content.checksum
        answer: dict[str, object] = {}
        if "ETag" in asked:
            answer["ETag"] = content.etag
        if "Checksum" in asked and checksum is not None:
            answer["Checksum"] = {
                f"Checksum{checksum.algorithm}": checksum.value,
                "ChecksumType": checksum.type,
            }
        if "ObjectParts" in asked and content.parts:
            answer["ObjectParts"] = {"PartsCount": str(len(content.parts))}
        if "StorageClass" in asked:
            answer["StorageClass"] = content.headers.get("x-amz-storage-class", "STANDARD")
        if "ObjectSize" in asked:
            answer["ObjectSize"] = str(content.size)
        headers = [("Last-Modified", formatdate(version.modified, usegmt=True))]
        if bucket.versioning:
            headers.append(("x-amz-version-id", version.version))
        return xml_reply("GetObjectAttributesResponse", answer, tuple(headers))

    def readable(self, visit: Visit, bucket: Bucket, key: str, version_id: str | None) -> Version:
        """The version that is asked for, if the caller may read it and it is one to read.

        :raises Fault: AccessDenied, NoSuchKey, NoSuchVersion, MethodNotAllowed.
        """
        action = "GetObject" if version_id is None else "GetObjectVersion"
        visit.must(action, bucket, key)
        version = self._versions.find(bucket.name, key, version_id)
        if version is None or (version_id is None and version.is_marker):
            # Who may not list must not learn whether the key is there.
            visit.must("ListBucket", bucket)
        if version is None:
            raise missing(key, version_id)
        if version.is_marker:
            marker = (("x-amz-delete-marker", "true"), ("x-amz-version-id", version.version))
            if version_id is None:
                fault = missing(key, None)
                raise Fault(fault.code, fault.message, 404, details=fault.details, headers=marker)
            raise Fault(
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
                405,
                details={"Method": visit.request.method, "ResourceType": "DeleteMarker"},
                headers=(*marker, ("Allow", "DELETE")),
            )
        return version


def missing(key: str, version_id: str | None) -> Fault:
    """What S3 says of a key or a version that is not there."""
    if version_id is None:
        return Fault("NoSuchKey", "The specified key does not exist.", 404, details={"Key": key})
    return Fault(
        "NoSuchVersion",
        "The specified version does not exist.",
        404,
        details={"Key": key, "VersionId": version_id},
    )


def describe(version: Version, bucket: Bucket) -> list[tuple[str, str]]:
    """The headers that tell of a version, its length left out."""
    content = version.content
    headers = [
        ("Last-Modified", formatdate(version.modified, usegmt=True)),
        ("ETag", f'"{content.etag}"'),
        ("x-amz-server-side-encryption", "AES256"),
        *((_title(name), value) for name, value in content.headers.items()),
    ]
    if bucket.versioning:
        headers.append(("x-amz-version-id", version.version))
    if content.tags:
        headers.append(("x-amz-tagging-count", str(len(content.tags))))
    return headers


def checksum_headers(version: Version) -> list[tuple[str, str]]:
    """The headers that tell of a version's checksum."""
    checksum = version.content.checksum
    if checksum is None:
        return []
    return [
        (f"x-amz-checksum-{checksum.algorithm.lower()}", checksum.value),
        ("x-amz-checksum-type", checksum.type),
    ]


def check_conditions(request: Request, version: Version, prefix: str) -> None:
    """Hold the conditions of a request (RFC 9110) against a version.

    :param prefix: ``x-amz-copy-source-`` for a copy's conditions on its source.
    :raises Fault: PreconditionFailed, or NotModified with status 304.
    """
    etag = version.content.etag
    match = request.header(f"{prefix}if-match")
    if match:
        if not _names(match, etag):
            raise failed("If-Match")
    elif _moment(request, f"{prefix}if-unmodified-since", later=version.modified):
        raise failed("If-Unmodified-Since")
    unmatch = request.header(f"{prefix}if-none-match")
    if unmatch:
        unchanged = _names(unmatch, etag)
    else:
        since = f"{prefix}if-modified-since"
        unchanged = bool(request.header(since)) and not _moment(
            request, since, later=version.modified
        )
    if unchanged:
        if prefix:
            raise failed("If-None-Match")
        stamp = formatdate(version.modified, usegmt=True)
        raise Fault(
            "NotModified",
            "Not Modified",
            304,
            headers=(("ETag", f'"{etag}"'), ("Last-Modified", stamp)),
        )


def failed(condition: str) -> Fault:
    """What S3 says where a condition of a request does not hold."""
    return Fault(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        details={"Condition": condition},
    )


def _names(condition: str, etag: str) -> bool:
    named = [each.strip().removeprefix("W/").strip('"') for each in condition.split(",")]
    return "*" in named or etag in named


def _moment(request: Request, header: str, *, later: float) -> bool:
    """Whether the header names a moment and `later` lies after it."""
    text = request.header(header)
    if not text:
        return False
    try:
        return int(later) > parsedate_to_datetime(text).timestamp()
    except ValueError:
        return False


def _stretch(request: Request, version: Version) -> tuple[int, int, int]:
    """Start, length and status."""
    size = version.content.size
    part = request.parameter("partNumber")
    if part is not None:
        sizes = version.content.parts or (size,)
        if not part.isdigit() or not 1 <= int(part) <= len(sizes):
            raise Fault(
                "InvalidPartNumber", "The requested partnumber is not satisfiable", 416,
            )  # fmt: skip
        return sum(sizes[: int(part) - 1]), sizes[int(part) - 1], 206 if size else 200
    text = request.header("range")
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", text.replace(" ", ""))
    # S3 answers what it does not understand, several ranges too, with the whole object.
    if found is None or found.groups() == ("", ""):
        return 0, size, 200
    first, last = found.groups()
    if first and last and int(first) > int(last):
        return 0, size, 200
    if first:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    else:
        start, end = max(size - int(last), 0), size - 1
    if start >= size or (not first and int(last) == 0):
        raise Fault(
            "InvalidRange",
            "The requested range is not satisfiable",
            416,
            details={"RangeRequested": text, "ActualObjectSize": str(size)},
            headers=(("Content-Range", f"bytes */{size}"),),
        )
    return start, end - start + 1, 206


def _title(name: str) -> str:
    return name if name.startswith("x-amz-") else name.title()

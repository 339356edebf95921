"""PutObject, CopyObject, deletions and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from wideload.local.faults import Fault
from wideload.local.objects.bodies import (
    document,
    malformed_xml,
    receive,
    several,
)
from wideload.local.objects.reading import check_conditions, checksum_headers, failed, missing
from wideload.local.objects.versions import Content, Version
from wideload.local.objects.visit import checked_key
from wideload.local.objects.xml import timestamp, xml_reply
from wideload.local.reply import Reply

if TYPE_CHECKING:
    from wideload.local.objects.buckets import Bucket, Buckets
    from wideload.local.objects.files import Files
    from wideload.local.objects.reading import Reading
    from wideload.local.objects.versions import Versions
    from wideload.local.objects.visit import Visit
    from wideload.local.request import Request

_KEPT = (
    "cache-control",
    "content-disposition",
    "content-language",
    "expires",
    "x-amz-website-redirect-location",
)
_METADATA = "x-amz-meta-"
_LARGEST_METADATA = 2048
_PRIVATE = ("", "private", "bucket-owner-full-control", "bucket-owner-read")
_UNKNOWN = (
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
    "x-amz-write-offset-bytes",
)


class Writing:
    """Writes objects."""

    def __init__(
        self, buckets: Buckets, versions: Versions, files: Files, reading: Reading
    ) -> None:
        self._buckets = buckets
        self._versions = versions
        self._files = files
        self._reading = reading

    def put(self, visit: Visit, bucket: Bucket) -> Reply:
        """PutObject."""
        request = visit.request
        visit.must("PutObject", bucket, visit.key)
        headers = stored_headers(request)
        tags = header_tags(request)
        check_write(request, self._versions.find(bucket.name, visit.key))
        with self._files.begin() as incoming:
            received = receive(request, visit.caller, incoming.file)
            content = Content(
                file=incoming.keep(),
                size=received.size,
                etag=received.etag,
                headers=headers,
                checksum=received.checksum,
                tags=tags,
            )
        version = self._keep(visit, bucket, content)
        return Reply(200, (*_written(version, bucket), *checksum_headers(version)))

    def copy(self, visit: Visit, bucket: Bucket) -> Reply:
        """CopyObject: a second name for the same bytes."""
        request = visit.request
        visit.must("PutObject", bucket, visit.key)
        source_bucket, source = self.copy_source(visit)
        same = source_bucket.name == bucket.name and source.key == visit.key
        replace = request.header("x-amz-metadata-directive").upper() == "REPLACE"
        restored = request.header("x-amz-storage-class")
        if same and source.latest and not replace and not restored:
            raise Fault(
                "InvalidRequest",
                "This copy request is illegal because it is trying to copy an object to itself "
                "without changing the object's metadata, storage class, website redirect location "
                "or encryption attributes.",
            )
        retag = request.header("x-amz-tagging-directive").upper() == "REPLACE"
        assert source.content.file is not None
        content = Content(
            file=self._files.link(source.content.file),
            size=source.content.size,
            etag=source.content.etag,
            headers=stored_headers(request) if replace else source.content.headers,
            checksum=source.content.checksum,
            tags=header_tags(request) if retag else source.content.tags,
        )
        version = self._keep(visit, bucket, content)
        answer = {
            "LastModified": timestamp(version.modified),
            "ETag": f'"{version.content.etag}"',
        }
        headers = [pair for pair in _written(version, bucket) if pair[0] != "ETag"]
        if source_bucket.versioning:
            headers.append(("x-amz-copy-source-version-id", source.version))
        return xml_reply("CopyObjectResult", answer, tuple(headers))

    def copy_source(self, visit: Visit) -> tuple[Bucket, Version]:
        """The object that a copy is to be made of, if the caller may read it.

        :raises Fault: he may not, it is not there, or a condition on it does not hold.
        """
        text, _, query = visit.request.header("x-amz-copy-source").partition("?")
        name, _, key = unquote(text).removeprefix("/").partition("/")
        if not name or not key:
            raise Fault(
                "InvalidArgument",
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            )
        version_id = query.removeprefix("versionId=") if query else None
        bucket = self._buckets.get(name)
        version = self._reading.readable(visit, bucket, key, version_id)
        check_conditions(visit.request, version, "x-amz-copy-source-")
        return bucket, version

    def delete(self, visit: Visit, bucket: Bucket) -> Reply:
        """DeleteObject."""
        version_id = visit.request.parameter("versionId")
        headers = self._delete(visit, bucket, visit.key, version_id)
        return Reply(204, tuple(headers.items()))

    def delete_several(self, visit: Visit, bucket: Bucket) -> Reply:
        """DeleteObjects."""
        asked = document(visit.request, visit.caller, "Delete")
        objects = several(asked.get("Object"))
        if not 1 <= len(objects) <= 1000:
            raise malformed_xml()
        deleted: list[dict[str, str]] = []
        errors: list[dict[str, str]] = []
        for each in objects:
            if not isinstance(each, dict) or not each.get("Key"):
                raise malformed_xml()
            key, version_id = each["Key"], each.get("VersionId")
            told = {"Key": key} | ({"VersionId": version_id} if version_id else {})
            try:
                headers = self._delete(visit, bucket, key, version_id)
            except Fault as fault:
                errors.append({**told, "Code": fault.code, "Message": fault.message})
                continue
            if headers.get("x-amz-delete-marker"):
                told["DeleteMarker"] = "true"
                told["DeleteMarkerVersionId"] = headers["x-amz-version-id"]
            deleted.append(told)
        quiet = str(asked.get("Quiet")).lower() == "true"
        return xml_reply(
            "DeleteResult", {"Deleted": None if quiet else deleted, "Error": errors or None}
        )

    def get_tags(self, visit: Visit, bucket: Bucket) -> Reply:
        """GetObjectTagging."""
        version = self._tagged(visit, bucket, "GetObject{}Tagging")
        pairs = [{"Key": name, "Value": value} for name, value in version.content.tags.items()]
        return xml_reply("Tagging", {"TagSet": {"Tag": pairs}})

    def put_tags(self, visit: Visit, bucket: Bucket) -> Reply:
        """PutObjectTagging."""
        version = self._tagged(visit, bucket, "PutObject{}Tagging")
        asked = document(visit.request, visit.caller, "Tagging")
        try:
            pairs = several((asked["TagSet"] or {}).get("Tag"))
            tags = {pair["Key"]: pair["Value"] or "" for pair in pairs}
        except (KeyError, TypeError, AttributeError):
            raise malformed_xml() from None
        self._versions.set_tags(version, checked_tags(tags))
        return Reply(200)

    def delete_tags(self, visit: Visit, bucket: Bucket) -> Reply:
        """DeleteObjectTagging."""
        version = self._tagged(visit, bucket, "DeleteObject{}Tagging")
        self._versions.set_tags(version, {})
        return Reply(204)

    def _tagged(self, visit: Visit, bucket: Bucket, action: str) -> Version:
        version_id = visit.request.parameter("versionId")
        visit.must(action.format("Version" if version_id else ""), bucket, visit.key)
        version = self._versions.find(bucket.name, visit.key, version_id)
        if version is None or version.is_marker:
            raise missing(visit.key, version_id)
        return version

    def _delete(
        self, visit: Visit, bucket: Bucket, key: str, version_id: str | None
    ) -> dict[str, str]:
        visit.must("DeleteObjectVersion" if version_id else "DeleteObject", bucket, key)
        gone = self._versions.delete(bucket.name, key, version_id, bucket.versioning)
        headers = {}
        if gone is not None and bucket.versioning:
            headers["x-amz-version-id"] = gone.version
            if gone.is_marker:
                headers["x-amz-delete-marker"] = "true"
        return headers

    def _keep(self, visit: Visit, bucket: Bucket, content: Content) -> Version:
        request = visit.request
        try:
            return self._versions.put(
                bucket.name,
                checked_key(visit.key),
                content,
                bucket.versioning,
                check=lambda latest: check_write(request, latest),
            )
        except BaseException:
            self._files.remove([content.file])
            raise


def check_write(request: Request, latest: Version | None) -> None:
    """Hold the conditions of a write against the version that it would replace.

    :raises Fault: PreconditionFailed, NoSuchKey, or what is not supported.
    """
    there = latest if latest is not None and not latest.is_marker else None
    unmatch, match = request.header("if-none-match"), request.header("if-match")
    if unmatch and unmatch != "*":
        raise Fault("NotImplemented", "A header you provided implies functionality that is not "
                    "implemented", 501, details={"Header": "If-None-Match"})  # fmt: skip
    if unmatch and there is not None:
        raise failed("If-None-Match")
    if match:
        if there is None:
            raise missing("", None)
        if match.strip('"') != there.content.etag:
            raise failed("If-Match")


def stored_headers(request: Request) -> dict[str, str]:
    """The headers of a write that GetObject gives back.

    :raises Fault: they ask for what is not to be had, or are too large.
    """
    for name in _UNKNOWN:
        if name in request.headers:
            raise Fault(
                "NotImplemented",
                "A header you provided implies functionality that is not implemented",
                501,
                details={"Header": name},
            )
    if request.header("x-amz-acl") not in _PRIVATE:
        raise Fault("AccessControlListNotSupported", "The bucket does not allow ACLs")
    kept = {"content-type": request.header("content-type") or "binary/octet-stream"}
    encoding = [
        each.strip()
        for each in request.header("content-encoding").split(",")
        if each.strip() not in ("", "aws-chunked")
    ]
    if encoding:
        kept["content-encoding"] = ",".join(encoding)
    for name in _KEPT:
        if name in request.headers:
            kept[name] = request.headers[name]
    storage = request.header("x-amz-storage-class")
    if storage not in ("", "STANDARD"):
        kept["x-amz-storage-class"] = storage
    metadata = {
        name: value for name, value in request.headers.items() if name.startswith(_METADATA)
    }
    size = sum(len(name) - len(_METADATA) + len(value) for name, value in metadata.items())
    if size > _LARGEST_METADATA:
        raise Fault(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            details={"Size": str(size), "MaxSizeAllowed": str(_LARGEST_METADATA)},
        )
    return kept | metadata


def header_tags(request: Request) -> dict[str, str]:
    """The tags that a write carries in its header.

    :raises Fault: InvalidTag, BadRequest.
    """
    return checked_tags(dict(parse_qsl(request.header("x-amz-tagging"), keep_blank_values=True)))


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """These tags, if an object may have them.

    :raises Fault: they are too many or too long.
    """
    if len(tags) > 10:
        raise Fault("BadRequest", "Object tags cannot be greater than 10")
    for name, value in tags.items():
        if not 1 <= len(name) <= 128:
            raise Fault("InvalidTag", "The TagKey you have provided is invalid")
        if len(value) > 256:
            raise Fault("InvalidTag", "The TagValue you have provided is invalid")
    return tags


def _written(version: Version, bucket: Bucket) -> list[tuple[str, str]]:
    headers = [
        ("ETag", f'"{version.content.etag}"'),
        ("x-amz-server-side-encryption", "AES256"),
    ]
    if bucket.versioning:
        headers.append(("x-amz-version-id", version.version))
    return headers

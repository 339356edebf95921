"""ListObjects (both versions) and ListObjectVersions."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from wideload.local.faults import Fault
from wideload.local.objects.visit import owner
from wideload.local.objects.xml import boolean, timestamp, xml_reply

if TYPE_CHECKING:
    from wideload.local.objects.buckets import Bucket
    from wideload.local.objects.pages import Page, Pages
    from wideload.local.objects.versions import Version
    from wideload.local.objects.visit import Visit
    from wideload.local.reply import Reply

_MOST_KEYS = 1000


class Listing:
    """Lists what is in buckets."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def first_version(self, visit: Visit, bucket: Bucket) -> Reply:
        """ListObjects, as S3 had it first."""
        visit.must("ListBucket", bucket)
        ask = _Ask(visit)
        marker = visit.request.parameter("marker") or ""
        page = self._pages.latest(bucket.name, ask.prefix, ask.delimiter, marker, ask.limit)
        answer = ask.common(bucket, page)
        answer["Marker"] = ask.text(marker)
        if page.truncated and ask.delimiter:
            answer["NextMarker"] = ask.text(page.last_key)
        answer["Contents"] = [
            ask.entry(version, bucket, with_owner=True) for version in page.versions
        ]
        return xml_reply("ListBucketResult", answer)

    def second_version(self, visit: Visit, bucket: Bucket) -> Reply:
        """ListObjectsV2."""
        visit.must("ListBucket", bucket)
        request = visit.request
        ask = _Ask(visit)
        token = request.parameter("continuation-token")
        after = request.parameter("start-after") or ""
        page = self._pages.latest(
            bucket.name,
            ask.prefix,
            ask.delimiter,
            after if token is None else _from_token(token),
            ask.limit,
        )
        answer = ask.common(bucket, page)
        answer["KeyCount"] = str(len(page.versions) + len(page.prefixes))
        answer["ContinuationToken"] = token
        answer["StartAfter"] = ask.text(after) if after else None
        if page.truncated:
            answer["NextContinuationToken"] = _to_token(page.last_key)
        with_owner = request.parameter("fetch-owner") == "true"
        answer["Contents"] = [ask.entry(version, bucket, with_owner) for version in page.versions]
        return xml_reply("ListBucketResult", answer)

    def versions(self, visit: Visit, bucket: Bucket) -> Reply:
        """ListObjectVersions."""
        visit.must("ListBucketVersions", bucket)
        ask = _Ask(visit)
        key_marker = visit.request.parameter("key-marker") or ""
        version_marker = visit.request.parameter("version-id-marker") or ""
        page = self._pages.versions(
            bucket.name, ask.prefix, ask.delimiter, key_marker, version_marker, ask.limit
        )
        answer = ask.common(bucket, page)
        answer["KeyMarker"] = ask.text(key_marker)
        answer["VersionIdMarker"] = version_marker
        if page.truncated:
            answer["NextKeyMarker"] = ask.text(page.last_key)
            answer["NextVersionIdMarker"] = page.last_version or None
        answer["Version"] = [
            ask.entry(version, bucket, with_owner=True) | _version_fields(version)
            for version in page.versions
            if not version.is_marker
        ]
        answer["DeleteMarker"] = [
            {
                "Key": ask.text(version.key),
                "LastModified": timestamp(version.modified),
                "Owner": owner(bucket.account),
                **_version_fields(version),
            }
            for version in page.versions
            if version.is_marker
        ]
        return xml_reply("ListVersionsResult", answer)


class _Ask:
    """What all listings can be asked for."""

    def __init__(self, visit: Visit) -> None:
        request = visit.request
        self.prefix = request.parameter("prefix") or ""
        self.delimiter = request.parameter("delimiter") or ""
        self._encoding = request.parameter("encoding-type")
        if self._encoding not in (None, "", "url"):
            raise Fault("InvalidArgument", "Invalid Encoding Method specified in Request")
        text = request.parameter("max-keys") or str(_MOST_KEYS)
        if not text.isdigit():
            raise Fault(
                "InvalidArgument", "Provided max-keys not an integer or within integer range"
            )
        self.limit = min(int(text), _MOST_KEYS)

    def text(self, key: str) -> str:
        """A key as the answer writes it."""
        return quote(key, safe="/") if self._encoding == "url" else key

    def common(self, bucket: Bucket, page: Page) -> dict[str, Any]:
        """The elements that all answers have."""
        return {
            "Name": bucket.name,
            "Prefix": self.text(self.prefix),
            "Delimiter": self.text(self.delimiter) or None,
            "MaxKeys": str(self.limit),
            "EncodingType": self._encoding or None,
            "IsTruncated": boolean(page.truncated),
            "CommonPrefixes": [{"Prefix": self.text(prefix)} for prefix in page.prefixes],
        }

    def entry(self, version: Version, bucket: Bucket, with_owner: bool) -> dict[str, Any]:
        """The element of one object."""
        content = version.content
        fields: dict[str, Any] = {
            "Key": self.text(version.key),
            "LastModified": timestamp(version.modified),
            "ETag": f'"{content.etag}"',
            "Size": str(content.size),
            "StorageClass": content.headers.get("x-amz-storage-class", "STANDARD"),
        }
        if content.checksum is not None:
            fields["ChecksumAlgorithm"] = content.checksum.algorithm
            fields["ChecksumType"] = content.checksum.type
        if with_owner:
            fields["Owner"] = owner(bucket.account)
        return fields


def _version_fields(version: Version) -> dict[str, str]:
    return {"VersionId": version.version, "IsLatest": boolean(version.latest)}


def _to_token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _from_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError):
        raise Fault("InvalidArgument", "The continuation token provided is incorrect") from None

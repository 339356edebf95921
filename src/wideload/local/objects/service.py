"""S3: which operation a request asks for, and who answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.local.boundaries import NoSuchBucket, NoSuchKey, StoredObject
from wideload.local.faults import Fault
from wideload.local.objects.bucket_calls import SUBRESOURCES, BucketCalls
from wideload.local.objects.buckets import Bucket, Buckets
from wideload.local.objects.files import Files
from wideload.local.objects.listing import Listing
from wideload.local.objects.multipart import Multipart
from wideload.local.objects.pages import Pages
from wideload.local.objects.reading import Reading
from wideload.local.objects.uploads import Uploads
from wideload.local.objects.versions import Versions
from wideload.local.objects.visit import Visit, owner
from wideload.local.objects.writing import Writing
from wideload.local.objects.xml import xml_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from wideload.local.caller import Caller
    from wideload.local.control import Control
    from wideload.local.database import Database
    from wideload.local.iam import Authority
    from wideload.local.reply import Reply
    from wideload.local.request import Request

    _Call = Callable[[Visit, Bucket], Reply]


_PAGE = 1000


class ObjectService:
    """S3 for clients, and `Objects` for the Lambda service."""

    def __init__(
        self, state: Path, database: Database, control: Control, authority: Authority
    ) -> None:
        """Open the objects of a state folder and clear what a killed process left there."""
        self._authority = authority
        self._files = Files(state / "objects")
        self._buckets = Buckets(database)
        self._versions = Versions(database, self._files)
        self._files.sweep(self._versions.files())
        uploads = Uploads(database, self._files)
        self._reading = Reading(self._versions, self._files)
        self._writing = Writing(self._buckets, self._versions, self._files, self._reading)
        self._multipart = Multipart(uploads, self._versions, self._files, self._writing)
        self._pages = Pages(database)
        self._listing = Listing(self._pages)
        self._bucket_calls = BucketCalls(self._buckets, control)
        self._versioning_calls: dict[tuple[str, str], _Call] = {
            ("GET", "versioning"): self._bucket_calls.get_versioning,
            ("PUT", "versioning"): self._bucket_calls.put_versioning,
        }
        self._whole_bucket_calls: dict[str, _Call] = {
            "HEAD": self._bucket_calls.head,
            "DELETE": self._bucket_calls.delete,
        }
        self._upload_calls: dict[str, _Call] = {
            "POST": self._multipart.complete,
            "PUT": self._multipart.put_part,
            "DELETE": self._multipart.abort,
            "GET": self._multipart.list_parts,
        }
        self._object_calls: dict[tuple[str, str | None], _Call] = {
            ("GET", None): self._reading.get,
            ("HEAD", None): self._reading.get,
            ("PUT", None): self._writing.put,
            ("DELETE", None): self._writing.delete,
            ("GET", "tagging"): self._writing.get_tags,
            ("PUT", "tagging"): self._writing.put_tags,
            ("DELETE", "tagging"): self._writing.delete_tags,
            ("GET", "attributes"): self._reading.attributes,
            ("GET", "acl"): self._acl,
        }

    def locate(self, bucket: str, key: str, version_id: str | None = None) -> StoredObject:
        """The object under this key.

        :raises NoSuchBucket: there is no such bucket.
        :raises NoSuchKey: there is no such key or version in it.
        """
        there = self._buckets.find(bucket)
        if there is None:
            raise NoSuchBucket(bucket)
        version = self._versions.find(bucket, key, version_id)
        if version is None or version.content.file is None:
            raise NoSuchKey(key)
        return StoredObject(
            path=self._files.path(version.content.file),
            size=version.content.size,
            etag=version.content.etag,
            version_id=version.version if there.versioning else None,
        )

    def under(self, bucket: str, prefix: str) -> Iterator[tuple[str, StoredObject]]:
        """The keys that begin so, each with its object, as they are now."""
        after, more = "", True
        while more:
            page = self._pages.latest(bucket, prefix, "", after, _PAGE)
            for version in page.versions:
                content = version.content
                if content.file is not None:
                    path = self._files.path(content.file)
                    stored = StoredObject(path, content.size, content.etag, version.version)
                    yield version.key, stored
            after, more = page.last_key, page.truncated

    def is_versioned(self, bucket: str) -> bool:
        """Whether the bucket is there and keeps the versions of its objects."""
        there = self._buckets.find(bucket)
        return there is not None and there.versioning == "Enabled"

    def answer(self, request: Request, caller: Caller) -> Reply:
        """Answer a request whose signature is right.

        :raises Fault: whatever S3 has to object.
        """
        bucket_name, key = place_of(request)
        visit = Visit(request, caller, self._authority, bucket_name, key)
        if not bucket_name:
            if request.method != "GET":
                raise _not_allowed()
            return self._bucket_calls.list_all(visit)
        subresource = next((name for name, _ in request.query if name in SUBRESOURCES), None)
        if not key and subresource is None and request.method == "PUT":
            return self._bucket_calls.create(visit)
        bucket = self._buckets.get(bucket_name)
        if not key:
            return self._on_bucket(visit, bucket, subresource)
        if request.has("uploads") or request.has("uploadId"):
            return self._on_upload(visit, bucket)
        return self._on_object(visit, bucket)

    def _on_bucket(self, visit: Visit, bucket: Bucket, subresource: str | None) -> Reply:
        request = visit.request
        if subresource is not None:
            call = self._versioning_calls.get((request.method, subresource))
            if call is None:
                return self._bucket_calls.subresource(visit, bucket, subresource)
            return call(visit, bucket)
        if request.method == "GET":
            return self._list(visit, bucket)
        if request.method == "POST" and request.has("delete"):
            return self._writing.delete_several(visit, bucket)
        call = self._whole_bucket_calls.get(request.method)
        if call is None:
            raise _not_implemented()
        return call(visit, bucket)

    def _list(self, visit: Visit, bucket: Bucket) -> Reply:
        request = visit.request
        if request.has("location"):
            return self._bucket_calls.location(visit, bucket)
        if request.has("versions"):
            return self._listing.versions(visit, bucket)
        if request.has("uploads"):
            return self._multipart.list_uploads(visit, bucket)
        if request.parameter("list-type") == "2":
            return self._listing.second_version(visit, bucket)
        return self._listing.first_version(visit, bucket)

    def _on_upload(self, visit: Visit, bucket: Bucket) -> Reply:
        method = visit.request.method
        if method == "POST" and visit.request.has("uploads"):
            return self._multipart.create(visit, bucket)
        if method == "PUT" and "x-amz-copy-source" in visit.request.headers:
            return self._multipart.copy_part(visit, bucket)
        call = self._upload_calls.get(method)
        if call is None:
            raise _not_allowed()
        return call(visit, bucket)

    def _on_object(self, visit: Visit, bucket: Bucket) -> Reply:
        request = visit.request
        special = next((name for name in _SPECIAL if request.has(name)), None)
        if (request.method, special) == ("PUT", None) and "x-amz-copy-source" in request.headers:
            return self._writing.copy(visit, bucket)
        call = self._object_calls.get((request.method, special))
        if call is None:
            raise _not_implemented()
        return call(visit, bucket)

    def _acl(self, visit: Visit, bucket: Bucket) -> Reply:
        visit.must("GetObjectAcl", bucket, visit.key)
        self._reading.readable(visit, bucket, visit.key, visit.request.parameter("versionId"))
        return _acl(bucket)


_SPECIAL = (
    "acl",
    "attributes",
    "legal-hold",
    "renameObject",
    "restore",
    "retention",
    "select",
    "tagging",
    "torrent",
)


def place_of(request: Request) -> tuple[str, str]:
    """Bucket and key of a request, in path style or (``BUCKET.localhost``) in host style.

    :raises Fault: the path is not UTF-8.
    """
    path = request.path.removeprefix("/")
    host = request.header("host").rsplit(":", 1)[0]
    for suffix in (".s3.localhost", ".localhost"):
        if host.endswith(suffix) and host != f"s3{suffix}":
            return host.removesuffix(suffix), path
    bucket, _, key = path.partition("/")
    return bucket, key


def _acl(bucket: Bucket) -> Reply:
    grantee = {
        "@xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "@xsi:type": "CanonicalUser",
        **owner(bucket.account),
    }
    grant = {"Grantee": grantee, "Permission": "FULL_CONTROL"}
    answer = {"Owner": owner(bucket.account), "AccessControlList": {"Grant": grant}}
    return xml_reply("AccessControlPolicy", answer)


def _not_allowed() -> Fault:
    return Fault(
        "MethodNotAllowed", "The specified method is not allowed against this resource.", 405
    )


def _not_implemented() -> Fault:
    return Fault(
        "NotImplemented",
        "A header or query you provided requested a function that is not implemented.",
        501,
    )

"""Multipart uploads: begun, fed part by part, completed or aborted."""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Any

from wideload.local.checksums import Algorithm, Digests, composite, full
from wideload.local.faults import Fault
from wideload.local.objects.bodies import (
    declared_algorithm,
    document,
    malformed_xml,
    named_algorithm,
    receive,
    several,
)
from wideload.local.objects.uploads import Part, Upload, end
from wideload.local.objects.versions import Content, StoredChecksum
from wideload.local.objects.visit import checked_key, owner
from wideload.local.objects.writing import check_write, header_tags, stored_headers
from wideload.local.objects.xml import boolean, timestamp, xml_reply
from wideload.local.reply import Reply, Stretch

if TYPE_CHECKING:
    from wideload.local.objects.buckets import Bucket
    from wideload.local.objects.files import Files
    from wideload.local.objects.uploads import Uploads
    from wideload.local.objects.versions import Versions
    from wideload.local.objects.visit import Visit
    from wideload.local.objects.writing import Writing

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_SMALLEST_PART = 5 * 1024**2
_MOST_PARTS = 10_000
_FULL, _COMPOSITE = "FULL_OBJECT", "COMPOSITE"


class Multipart:
    """Answers what has to do with uploads in parts."""

    def __init__(
        self, uploads: Uploads, versions: Versions, files: Files, writing: Writing
    ) -> None:
        self._uploads = uploads
        self._versions = versions
        self._files = files
        self._writing = writing

    def create(self, visit: Visit, bucket: Bucket) -> Reply:
        """CreateMultipartUpload."""
        request = visit.request
        visit.must("PutObject", bucket, visit.key)
        name = request.header("x-amz-checksum-algorithm")
        algorithm = named_algorithm(name) if name else None
        only_full = algorithm in (None, Algorithm.CRC64NVME)
        kind = request.header("x-amz-checksum-type") or (_FULL if only_full else _COMPOSITE)
        hashes = algorithm in (Algorithm.SHA1, Algorithm.SHA256)
        if (kind == _COMPOSITE and only_full) or (kind == _FULL and hashes):
            raise Fault(
                "InvalidRequest",
                f"The {kind} checksum type cannot be used with the "
                f"{(algorithm or Algorithm.CRC64NVME).lower()} checksum algorithm.",
            )
        upload = self._uploads.begin(
            bucket.name,
            checked_key(visit.key),
            stored_headers(request),
            algorithm,
            kind,
            header_tags(request),
        )
        headers = (("x-amz-checksum-algorithm", algorithm or ""), ("x-amz-checksum-type", kind))
        answer = {"Bucket": bucket.name, "Key": visit.key, "UploadId": upload.id}
        return xml_reply("InitiateMultipartUploadResult", answer, headers if algorithm else ())

    def put_part(self, visit: Visit, bucket: Bucket) -> Reply:
        """UploadPart."""
        upload, number = self._place(visit, bucket)
        declared = declared_algorithm(visit.request)
        if None not in (declared, upload.algorithm) and declared is not upload.algorithm:
            raise Fault(
                "InvalidRequest",
                f"Checksum Type mismatch occurred, expected checksum Type: "
                f"{str(upload.algorithm).lower()}, actual checksum Type: {str(declared).lower()}",
            )
        with self._files.begin() as incoming:
            received = receive(
                visit.request, visit.caller, incoming.file, keep=upload.kept_algorithm
            )
            checksum = received.checksum
            self._keep_part(upload, number, incoming.keep(), received.size, received.etag, checksum)
        headers = [("ETag", f'"{received.etag}"')]
        if upload.algorithm is not None:
            headers.append((upload.algorithm.header, checksum.value))
        return Reply(200, tuple(headers))

    def copy_part(self, visit: Visit, bucket: Bucket) -> Reply:
        """UploadPartCopy."""
        upload, number = self._place(visit, bucket)
        _, source = self._writing.copy_source(visit)
        start, length = _copied_range(visit, source.content.size)
        assert source.content.file is not None
        stretch = Stretch(self._files.path(source.content.file), start, length)
        digests = Digests({upload.kept_algorithm}, sha256=False)
        with self._files.begin() as incoming:
            for data in stretch.chunks():
                digests.update(data)
                incoming.file.write(data)
            etag = digests.md5.hex()
            algorithm = upload.kept_algorithm
            checksum = StoredChecksum(algorithm, digests.checksums[algorithm].text())
            self._keep_part(upload, number, incoming.keep(), length, etag, checksum)
        answer = {"LastModified": timestamp(time.time()), "ETag": f'"{etag}"'}
        return xml_reply("CopyPartResult", answer)

    def complete(self, visit: Visit, bucket: Bucket) -> Reply:
        """CompleteMultipartUpload."""
        visit.must("PutObject", bucket, visit.key)
        upload = self._uploads.get(bucket.name, visit.key, self._upload_id(visit))
        asked = document(visit.request, visit.caller, "CompleteMultipartUpload")
        parts = _chosen(several(asked.get("Part")), self._uploads.parts(upload), upload)
        checksum = _whole_checksum(upload, parts)
        stated = visit.request.header(upload.kept_algorithm.header)
        if stated and stated != checksum.value:
            raise Fault(
                "BadDigest",
                f"The {upload.kept_algorithm} you specified did not match the calculated checksum.",
            )
        digest = hashlib.md5(usedforsecurity=False)
        for part in parts:
            digest.update(bytes.fromhex(part.etag))
        content = Content(
            file=self._files.join([part.file for part in parts]),
            size=sum(part.size for part in parts),
            etag=f"{digest.hexdigest()}-{len(parts)}",
            headers=upload.headers,
            checksum=checksum,
            parts=tuple(part.size for part in parts),
            tags=upload.tags,
        )
        uploaded = [part.file for part in self._uploads.parts(upload)]
        try:
            version = self._versions.put(
                bucket.name,
                visit.key,
                content,
                bucket.versioning,
                check=lambda latest: check_write(visit.request, latest),
                also=lambda connection: end(connection, upload),
            )
        except BaseException:
            self._files.remove([content.file])
            raise
        self._files.remove(uploaded)
        answer = {
            "Location": f"http://{visit.request.header('host')}/{bucket.name}/{visit.key}",
            "Bucket": bucket.name,
            "Key": visit.key,
            "ETag": f'"{content.etag}"',
            f"Checksum{checksum.algorithm}": checksum.value,
            "ChecksumType": checksum.type,
        }
        headers = (("x-amz-version-id", version.version),) if bucket.versioning else ()
        return xml_reply("CompleteMultipartUploadResult", answer, headers)

    def abort(self, visit: Visit, bucket: Bucket) -> Reply:
        """AbortMultipartUpload."""
        visit.must("AbortMultipartUpload", bucket, visit.key)
        self._uploads.abort(self._uploads.get(bucket.name, visit.key, self._upload_id(visit)))
        return Reply(204)

    def list_parts(self, visit: Visit, bucket: Bucket) -> Reply:
        """ListParts."""
        visit.must("ListMultipartUploadParts", bucket, visit.key)
        upload = self._uploads.get(bucket.name, visit.key, self._upload_id(visit))
        after = _number(visit, "part-number-marker", 0)
        limit = min(_number(visit, "max-parts", 1000), 1000)
        parts = [part for part in self._uploads.parts(upload) if part.number > after]
        shown = parts[:limit]
        answer: dict[str, Any] = {
            "Bucket": bucket.name,
            "Key": visit.key,
            "UploadId": upload.id,
            "PartNumberMarker": str(after),
            "NextPartNumberMarker": str(shown[-1].number if shown else 0),
            "MaxParts": str(limit),
            "IsTruncated": boolean(len(parts) > len(shown)),
            "Part": [
                {
                    "PartNumber": str(part.number),
                    "LastModified": timestamp(part.modified),
                    "ETag": f'"{part.etag}"',
                    "Size": str(part.size),
                    **({upload.algorithm.element: part.checksum.value} if upload.algorithm else {}),
                }
                for part in shown
            ],
            "Initiator": owner(bucket.account),
            "Owner": owner(bucket.account),
            "StorageClass": "STANDARD",
            "ChecksumAlgorithm": upload.algorithm,
            "ChecksumType": upload.checksum_type if upload.algorithm else None,
        }
        return xml_reply("ListPartsResult", answer)

    def list_uploads(self, visit: Visit, bucket: Bucket) -> Reply:
        """ListMultipartUploads; all on one page, for there are never many on one machine."""
        visit.must("ListBucketMultipartUploads", bucket)
        prefix = visit.request.parameter("prefix") or ""
        uploads = self._uploads.of_bucket(bucket.name, prefix)
        answer: dict[str, Any] = {
            "Bucket": bucket.name,
            "Prefix": prefix,
            "MaxUploads": str(max(len(uploads), 1000)),
            "IsTruncated": "false",
            "Upload": [
                {
                    "Key": upload.key,
                    "UploadId": upload.id,
                    "Initiator": owner(bucket.account),
                    "Owner": owner(bucket.account),
                    "StorageClass": "STANDARD",
                    "Initiated": timestamp(upload.initiated),
                    "ChecksumAlgorithm": upload.kept_algorithm,
                    "ChecksumType": upload.checksum_type,
                }
                for upload in uploads
            ],
        }
        return xml_reply("ListMultipartUploadsResult", answer)

    def _place(self, visit: Visit, bucket: Bucket) -> tuple[Upload, int]:
        visit.must("PutObject", bucket, visit.key)
        number = visit.request.parameter("partNumber") or ""
        if not number.isdigit() or not 1 <= int(number) <= _MOST_PARTS:
            raise Fault(
                "InvalidArgument",
                "Part number must be an integer between 1 and 10000, inclusive",
                details={"ArgumentName": "partNumber", "ArgumentValue": number},
            )
        return self._uploads.get(bucket.name, visit.key, self._upload_id(visit)), int(number)

    def _keep_part(
        self,
        upload: Upload,
        number: int,
        file: str,
        size: int,
        etag: str,
        checksum: StoredChecksum,
    ) -> None:
        try:
            self._uploads.put_part(upload, Part(number, file, size, etag, checksum, time.time()))
        except BaseException:
            self._files.remove([file])
            raise

    @staticmethod
    def _upload_id(visit: Visit) -> str:
        return visit.request.parameter("uploadId") or ""


def _number(visit: Visit, name: str, default: int) -> int:
    text = visit.request.parameter(name)
    if text is None or not text:
        return default
    if not text.isdigit():
        raise Fault("InvalidArgument", f"Provided {name} not an integer or within integer range")
    return int(text)


def _copied_range(visit: Visit, size: int) -> tuple[int, int]:
    text = visit.request.header("x-amz-copy-source-range")
    if not text:
        return 0, size
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", text)
    if found is None or not int(found.group(1)) <= int(found.group(2)) < size:
        raise Fault(
            "InvalidArgument",
            f"Range specified is not valid for source object of size: {size}",
            details={"ArgumentName": "x-amz-copy-source-range", "ArgumentValue": text},
        )
    return int(found.group(1)), int(found.group(2)) - int(found.group(1)) + 1


def _chosen(asked: list[Any], there: list[Part], upload: Upload) -> list[Part]:
    """The parts that a completion names, in its order, all checked."""
    if not asked or len(asked) > _MOST_PARTS:
        raise malformed_xml()
    by_number = {part.number: part for part in there}
    chosen: list[Part] = []
    for each in asked:
        try:
            number, etag = int(each["PartNumber"]), each["ETag"].strip('"')
        except (KeyError, TypeError, ValueError, AttributeError):
            raise malformed_xml() from None
        if chosen and number <= chosen[-1].number:
            raise Fault(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part "
                "number.",
                details={"UploadId": upload.id},
            )
        part = by_number.get(number)
        stated = each.get(upload.algorithm.element) if upload.algorithm else None
        if (
            part is None
            or part.etag != etag
            or (stated is not None and stated != part.checksum.value)
        ):
            raise Fault(
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have "
                "been uploaded, or the specified entity tag may not match the part's entity tag.",
                details={"UploadId": upload.id, "PartNumber": str(number), "ETag": etag},
            )
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size < _SMALLEST_PART:
            raise Fault(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                details={
                    "ETag": part.etag,
                    "MinSizeAllowed": str(_SMALLEST_PART),
                    "ProposedSize": str(part.size),
                    "PartNumber": str(part.number),
                },
            )
    return chosen


def _whole_checksum(upload: Upload, parts: list[Part]) -> StoredChecksum:
    algorithm = upload.kept_algorithm
    values = [part.checksum.value for part in parts]
    if upload.checksum_type == _COMPOSITE:
        return StoredChecksum(algorithm, composite(algorithm, values), _COMPOSITE)
    return StoredChecksum(algorithm, full(algorithm, values, [p.size for p in parts]))

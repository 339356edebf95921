from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest
from boto3.s3.transfer import TransferConfig
from local_aws import refused

if TYPE_CHECKING:
    from pathlib import Path

    from local_aws import Aws

MB = 1 << 20


def test_a_large_file_goes_up_in_parts_and_comes_down_whole(aws: Aws, tmp_path: Path) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    content = os.urandom(30 * MB + 17)
    (tmp_path / "up").write_bytes(content)
    config = TransferConfig(multipart_threshold=8 * MB, multipart_chunksize=8 * MB)
    s3.upload_file(str(tmp_path / "up"), bucket, "big", Config=config)
    head = s3.head_object(Bucket=bucket, Key="big")
    assert head["ContentLength"] == len(content)
    parts = [content[at : at + 8 * MB] for at in range(0, len(content), 8 * MB)]
    etag = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert head["ETag"] == f'"{etag}-4"'
    s3.download_file(bucket, "big", str(tmp_path / "down"), Config=config)
    assert (tmp_path / "down").read_bytes() == content
    across = s3.get_object(Bucket=bucket, Key="big", Range=f"bytes={8 * MB - 2}-{8 * MB + 1}")
    assert across["Body"].read() == content[8 * MB - 2 : 8 * MB + 2]
    last = s3.get_object(Bucket=bucket, Key="big", PartNumber=4)
    assert last["PartsCount"] == 4
    assert last["Body"].read() == parts[3]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_checksums_of_parts_make_up_that_of_the_whole(aws: Aws, algorithm: Any, kind: Any) -> None:
    if (algorithm, kind) in {
        ("CRC64NVME", "COMPOSITE"),
        ("SHA1", "FULL_OBJECT"),
        ("SHA256", "FULL_OBJECT"),
    }:
        with refused("InvalidRequest", 400, "checksum type cannot be used"):
            aws.s3.create_multipart_upload(
                Bucket=aws.bucket(), Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind
            )
        return
    bucket, s3 = aws.bucket(), aws.s3
    content = [os.urandom(5 * MB), b"end"]
    upload = s3.create_multipart_upload(
        Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind
    )["UploadId"]
    field = f"Checksum{algorithm}"
    parts: list[Any] = []
    for number, data in enumerate(content, 1):
        put: Any = s3.upload_part(
            Bucket=bucket,
            Key="k",
            UploadId=upload,
            PartNumber=number,
            Body=data,
            ChecksumAlgorithm=algorithm,
        )
        parts.append({"PartNumber": number, "ETag": put["ETag"], field: put[field]})
    wrong = [parts[0], {**parts[1], field: parts[0][field]}]
    with refused("InvalidPart", 400):
        s3.complete_multipart_upload(
            Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": wrong}
        )
    done: Any = s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    assert done["ChecksumType"] == kind
    whole: Any = s3.put_object(
        Bucket=bucket, Key="whole", Body=b"".join(content), ChecksumAlgorithm=algorithm
    )
    if kind == "FULL_OBJECT":
        assert done[field] == whole[field]
    else:
        assert done[field].endswith("-2")
    got: Any = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got[field] == done[field]
    assert got["Body"].read() == b"".join(content)


def test_what_is_wrong_with_a_completion(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    etags = [
        s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=b"tiny")[
            "ETag"
        ]
        for number in (1, 2)
    ]

    def complete(*parts: tuple[int, str], upload_id: str = upload) -> None:
        s3.complete_multipart_upload(
            Bucket=bucket,
            Key="k",
            UploadId=upload_id,
            MultipartUpload={"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in parts]},
        )

    with refused("EntityTooSmall", 400, "smaller than the minimum allowed size"):
        complete((1, etags[0]), (2, etags[1]))
    with refused("InvalidPart", 400):
        complete((1, '"00000000000000000000000000000000"'))
    with refused("InvalidPart", 400):
        complete((7, etags[0]))
    with refused("InvalidPartOrder", 400):
        complete((2, etags[1]), (1, etags[0]))
    with refused("NoSuchUpload", 404):
        complete((1, etags[0]), upload_id="nosuchupload")
    with refused("MalformedXML", 400):
        complete()
    with refused("404"):
        s3.head_object(Bucket=bucket, Key="k")
    complete((2, etags[1]))
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"tiny"
    with refused("NoSuchUpload", 404):
        complete((2, etags[1]))


def test_uploads_under_way_are_listed_and_aborted(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", Metadata={"a": "b"})["UploadId"]
    for number in (3, 1):
        s3.upload_part(
            Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=b"x" * number
        )
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=3, Body=b"new")
    first = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload, MaxParts=1)
    assert [part["PartNumber"] for part in first["Parts"]] == [1]
    assert first["IsTruncated"] is True
    rest = s3.list_parts(
        Bucket=bucket,
        Key="k",
        UploadId=upload,
        PartNumberMarker=first["NextPartNumberMarker"],
    )
    assert [(part["PartNumber"], part["Size"]) for part in rest["Parts"]] == [(3, 3)]
    listed = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [(each["Key"], each["UploadId"]) for each in listed] == [("k", upload)]
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    with refused("NoSuchUpload", 404):
        s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)
    with refused("NoSuchUpload", 404):
        s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_parts_are_copied_out_of_other_objects(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    copied = s3.upload_part_copy(
        Bucket=bucket,
        Key="k",
        UploadId=upload,
        PartNumber=1,
        CopySource={"Bucket": bucket, "Key": "source"},
        CopySourceRange="bytes=2-5",
    )["CopyPartResult"]
    s3.complete_multipart_upload(
        Bucket=bucket,
        Key="k",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": copied["ETag"]}]},
    )
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2345"
    digest = base64.b64encode(hashlib.md5(hashlib.md5(b"2345").digest()).digest())
    etag = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    assert etag == f'"{base64.b64decode(digest).hex()}-1"'

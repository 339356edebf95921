from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from local_aws import refused

if TYPE_CHECKING:
    from local_aws import Aws


def test_what_is_put_is_got_with_all_that_was_said_of_it(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    s3.put_object(
        Bucket=bucket,
        Key="folder/a b+c/ü%.txt",
        Body=b"hello",
        ContentType="text/plain",
        CacheControl="no-store",
        ContentEncoding="gzip",
        Metadata={"with_underscore": "one", "plain": "two"},
        Tagging="colour=red&size=",
    )
    got = s3.get_object(Bucket=bucket, Key="folder/a b+c/ü%.txt")
    assert got["Body"].read() == b"hello"
    assert got["ContentType"] == "text/plain"
    assert got["CacheControl"] == "no-store"
    assert got["ContentEncoding"] == "gzip"
    assert got["Metadata"] == {"with_underscore": "one", "plain": "two"}
    assert got["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert got["TagCount"] == 2
    assert abs(got["LastModified"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert "VersionId" not in got


@pytest.mark.parametrize(
    ("asked", "expected", "content_range"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=7-999", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=4-2", b"0123456789", None),
        ("bytes=0-1,3-4", b"0123456789", None),
        ("lines=1-2", b"0123456789", None),
    ],
)
def test_ranges(aws: Aws, asked: str, expected: bytes, content_range: str | None) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    s3.put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="digits", Range=asked)
    assert got["Body"].read() == expected
    assert got.get("ContentRange") == content_range
    assert got["ResponseMetadata"]["HTTPStatusCode"] == (206 if content_range else 200)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(aws: Aws, asked: str) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    s3.put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
    with refused("InvalidRange", 416, "The requested range is not satisfiable"):
        s3.get_object(Bucket=bucket, Key="digits", Range=asked)


def test_what_is_not_there(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    with refused("NoSuchBucket", 404, "The specified bucket does not exist"):
        s3.get_object(Bucket="no-such-bucket-at-all", Key="k")
    with refused("NoSuchKey", 404, "The specified key does not exist."):
        s3.get_object(Bucket=bucket, Key="k")
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="k")
    with refused("404", 404):
        s3.head_bucket(Bucket="no-such-bucket-at-all")
    with refused("KeyTooLongError", 400):
        s3.put_object(Bucket=bucket, Key="k" * 1025, Body=b"")
    s3.delete_object(Bucket=bucket, Key="k")


def test_conditions(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch='"other"')
    assert s3.get_object(Bucket=bucket, Key="k", IfMatch=etag)["Body"].read() == b"1"
    with refused("PreconditionFailed", 412):
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"other"')
    with refused("304", 304):
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    with refused("304", 304):
        s3.get_object(
            Bucket=bucket, Key="k", IfModifiedSince=datetime.now(UTC) + timedelta(minutes=1)
        )
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_response_headers_can_be_asked_for(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    got = s3.get_object(
        Bucket=bucket, Key="k", ResponseContentType="image/png", ResponseCacheControl="max-age=1"
    )
    assert (got["ContentType"], got["CacheControl"]) == ("image/png", "max-age=1")


def test_copies_keep_or_replace_what_is_said(aws: Aws) -> None:
    bucket, other, s3 = aws.bucket(), aws.bucket(), aws.s3
    s3.put_object(Bucket=bucket, Key="a ü", Body=b"12", Metadata={"a": "1"}, Tagging="t=1")
    source: Any = {"Bucket": bucket, "Key": "a ü"}
    s3.copy_object(Bucket=other, Key="b", CopySource=source)
    s3.copy_object(
        Bucket=other,
        Key="c",
        CopySource=source,
        Metadata={"b": "2"},
        MetadataDirective="REPLACE",
    )
    s3.delete_object(Bucket=bucket, Key="a ü")
    kept, replaced = (s3.get_object(Bucket=other, Key=key) for key in "bc")
    assert (kept["Body"].read(), kept["Metadata"], kept["TagCount"]) == (b"12", {"a": "1"}, 1)
    assert (replaced["Body"].read(), replaced["Metadata"]) == (b"12", {"b": "2"})
    with refused("InvalidRequest", 400, "trying to copy an object to itself"):
        s3.copy_object(Bucket=other, Key="b", CopySource={"Bucket": other, "Key": "b"})
    with refused("NoSuchKey", 404):
        s3.copy_object(Bucket=other, Key="b", CopySource={"Bucket": other, "Key": "z"})


def test_tags(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    tags: Any = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_attributes_and_acl(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    s3.put_object(Bucket=bucket, Key="k", Body=b"123", ChecksumAlgorithm="SHA256")
    told = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "ObjectSize", "Checksum"]
    )
    assert told["ObjectSize"] == 3
    assert told["ETag"] == "202cb962ac59075b964b07152d234b70"
    assert told["Checksum"]["ChecksumSHA256"] == "pmWkWSBCL51Bfkhn79xPuKBKHz//H6B+mY6G9/eieuM="
    grants = s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL"]
    with refused("AccessControlListNotSupported"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="public-read")


def test_many_are_deleted_at_once(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    for key in ("a", "b", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    told = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": key} for key in ("a", "b", "absent")]}
    )
    assert sorted(each["Key"] for each in told["Deleted"]) == ["a", "absent", "b"]
    listed = s3.list_objects_v2(Bucket=bucket)
    assert [each["Key"] for each in listed["Contents"]] == ["c"]


def test_versions_are_kept_where_they_are_asked_for(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"first")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"second")["VersionId"]
    assert first != second
    read = [
        s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read()
        for version in ("null", first, second)
    ]
    assert read == [b"before", b"first", b"second"]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="k")
    with refused("MethodNotAllowed", 405):
        s3.get_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    with refused("NoSuchVersion", 404):
        s3.get_object(Bucket=bucket, Key="k", VersionId="nosuchversion")
    listed = s3.list_object_versions(Bucket=bucket)
    assert [each["VersionId"] for each in listed["Versions"]] == [second, first, "null"]
    assert listed["DeleteMarkers"][0]["IsLatest"] is True
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"second"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"after")
    listed = s3.list_object_versions(Bucket=bucket)
    assert [each["VersionId"] for each in listed["Versions"]] == ["null", first]


def test_versions_are_listed_page_by_page(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put = [
        (key, s3.put_object(Bucket=bucket, Key=key, Body=b"")["VersionId"])
        for key in ("a", "b", "a", "b", "a", "c")
    ]
    expected = sorted(put, key=lambda pair: (pair[0], -put.index(pair)))
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 2}
    )
    listed = [(each["Key"], each["VersionId"]) for page in pages for each in page["Versions"]]
    assert listed == expected


def _model(keys: set[str], prefix: str, delimiter: str) -> list[str]:
    entries = set()
    for key in keys:
        if key.startswith(prefix):
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            entries.add(key if end < 0 else key[: end + len(delimiter)])
    return sorted(entries, key=str.encode)


@given(
    keys=st.sets(st.text("ab/é😀 +%", min_size=1, max_size=6), min_size=1, max_size=12),
    prefix=st.text("ab/", max_size=2),
    delimiter=st.sampled_from(["", "/", "a", "b/"]),
    page=st.integers(1, 4),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_listings_are_what_a_sorted_set_would_give(
    aws: Aws, keys: set[str], prefix: str, delimiter: str, page: int
) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    for operation in ("list_objects", "list_objects_v2"):
        pages: Any = s3.get_paginator(operation).paginate(
            Bucket=bucket,
            Prefix=prefix,
            Delimiter=delimiter,
            PaginationConfig={"PageSize": page},
        )
        listed: list[str] = []
        for each in pages:
            here = [content["Key"] for content in each.get("Contents", [])]
            here += [common["Prefix"] for common in each.get("CommonPrefixes", [])]
            assert len(here) <= page
            listed += sorted(here, key=str.encode)
        assert listed == _model(keys, prefix, delimiter)


def test_buckets(aws: Aws) -> None:
    s3 = aws.s3
    bucket = aws.bucket()
    assert bucket in [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    s3.create_bucket(Bucket=bucket)
    for name in ("UPPER", "under_score", "1.2.3.4", "a..b"):
        with refused("InvalidBucketName", 400, "The specified bucket is not valid."):
            s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    with refused("BucketNotEmpty", 409, "The bucket you tried to delete is not empty"):
        s3.delete_bucket(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    with refused("404"):
        s3.head_bucket(Bucket=bucket)


def test_a_bucket_of_another_region(aws: Aws) -> None:
    frankfurt = aws.with_keys(region="eu-central-1").s3
    with refused("IllegalLocationConstraintException", 400):
        frankfurt.create_bucket(Bucket="bucket-of-frankfurt")
    where: Any = {"LocationConstraint": "eu-central-1"}
    frankfurt.create_bucket(Bucket="bucket-of-frankfurt", CreateBucketConfiguration=where)
    told = frankfurt.get_bucket_location(Bucket="bucket-of-frankfurt")
    assert told["LocationConstraint"] == "eu-central-1"


def test_the_control_plane_knows_the_bucket(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    with refused("NoSuchLifecycleConfiguration", 404):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    tags: Any = [{"Key": "a", "Value": "1"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True}
    )
    told = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert told["BlockPublicAcls"] is True


def test_host_style_addresses(aws: Aws) -> None:
    bucket = aws.bucket()
    aws.s3.put_object(Bucket=bucket, Key="a/k", Body=b"here")
    port = aws.endpoint.url.rsplit(":", 1)[1]
    for host in (f"{bucket}.localhost:{port}", f"{bucket}.s3.localhost:{port}"):
        client = aws.client(
            "s3",
            url=f"http://{host.removeprefix(bucket + '.')}",
            s3={"addressing_style": "virtual"},
            signature_version="s3v4",
        )
        url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a/k"})
        assert url.startswith(f"http://{host}/a/k?")
        answer = urllib3.request(
            "GET", url.replace(f"http://{host}", aws.endpoint.url), headers={"Host": host}
        )
        assert (answer.status, answer.data) == (200, b"here")

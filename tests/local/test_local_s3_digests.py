from __future__ import annotations

import base64
import hashlib
import http.client
import io
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from local_aws import refused

from wideload.local.aws_chunked import AwsChunked, ChunkSigner
from wideload.local.faults import Fault
from wideload.local.http import Dechunked
from wideload.local.signature import Claim

if TYPE_CHECKING:
    from local_aws import Aws

# The worked example of
# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
_EXAMPLE_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
_EXAMPLE = Claim(
    version=4,
    access_key="AKIAIOSFODNN7EXAMPLE",
    signature="4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    signed_at=0,
    stamp="20130524T000000Z",
    scope_date="20130524",
    region="us-east-1",
)
_CHUNKS = (
    (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
    (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
)


def _example(fill: bytes = b"a") -> bytes:
    return b"".join(
        f"{size:x};chunk-signature={signature}\r\n".encode() + fill * size + b"\r\n"
        for size, signature in _CHUNKS
    )


def _read_all(body: AwsChunked | Dechunked, size: int) -> bytes:
    return b"".join(iter(lambda: body.read(size), b""))


@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_signed_chunks_of_the_documented_example(size: int) -> None:
    body = AwsChunked(io.BytesIO(_example()), ChunkSigner(_EXAMPLE, _EXAMPLE_SECRET))
    assert _read_all(body, size) == b"a" * 66560


def test_a_chunk_that_was_tampered_with() -> None:
    body = AwsChunked(io.BytesIO(_example(b"b")), ChunkSigner(_EXAMPLE, _EXAMPLE_SECRET))
    with pytest.raises(Fault, match="SignatureDoesNotMatch"):
        _read_all(body, 1000)


@pytest.mark.parametrize("cut", [1, 50, 66000, len(_example()) - 90])
def test_a_chunked_body_that_ends_early(cut: int) -> None:
    body = AwsChunked(io.BytesIO(_example()[:cut]), ChunkSigner(_EXAMPLE, _EXAMPLE_SECRET))
    with pytest.raises(Fault, match="IncompleteBody"):
        _read_all(body, 1000)


def test_trailers_of_unsigned_chunks() -> None:
    raw = b"3\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:hYfVEQ==\r\n\r\n"
    body = AwsChunked(io.BytesIO(raw), None)
    assert _read_all(body, 2) == b"abcde"
    assert body.trailers == {"x-amz-checksum-crc32": "hYfVEQ=="}


def test_http_chunks_are_read_to_their_end_and_no_further() -> None:
    raw = io.BytesIO(b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\nGET /next")
    body = Dechunked(raw)
    assert _read_all(body, 2) == b"abcde"
    assert raw.read() == b"GET /next"
    with pytest.raises(ValueError, match="ends within a chunk"):
        _read_all(Dechunked(io.BytesIO(b"5\r\nab")), 10)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_every_checksum_is_checked_and_told(aws: Aws, algorithm: Any) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    field = f"Checksum{algorithm}"
    put: Any = s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", ChecksumAlgorithm=algorithm)
    # The check values of https://reveng.sourceforge.io/crc-catalogue/, and hashlib's digests.
    expected = {
        "CRC32": bytes.fromhex("cbf43926"),
        "CRC32C": bytes.fromhex("e3069283"),
        "CRC64NVME": bytes.fromhex("ae8b14860a799888"),
        "SHA1": hashlib.sha1(b"123456789").digest(),
        "SHA256": hashlib.sha256(b"123456789").digest(),
    }[algorithm]
    assert put[field] == base64.b64encode(expected).decode()
    got: Any = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got[field] == put[field]
    wrong: Any = {field: base64.b64encode(bytes(len(expected))).decode()}
    with refused("BadDigest", 400, f"The {algorithm} you specified did not match"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"other", **wrong)
    malformed: Any = {field: "AAAA"}
    with refused("InvalidRequest", 400, f"x-amz-checksum-{algorithm.lower()} header is invalid"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"other", **malformed)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"123456789"


def test_a_checksum_is_kept_where_none_was_sent(aws: Aws) -> None:
    bucket = aws.bucket()
    plain = aws.client("s3", request_checksum_calculation="when_required")
    plain.put_object(Bucket=bucket, Key="k", Body=b"123456789")
    got = plain.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["ChecksumCRC64NVME"] == base64.b64encode(bytes.fromhex("ae8b14860a799888")).decode()


def test_content_md5(aws: Aws) -> None:
    bucket, s3 = aws.bucket(), aws.s3
    right = base64.b64encode(hashlib.md5(b"body").digest()).decode()
    s3.put_object(Bucket=bucket, Key="k", Body=b"body", ContentMD5=right)
    with refused("BadDigest", 400, "The Content-MD5 you specified did not match what we received."):
        s3.put_object(Bucket=bucket, Key="k", Body=b"other", ContentMD5=right)
    with refused("InvalidDigest", 400, "The Content-MD5 you specified was invalid."):
        s3.put_object(Bucket=bucket, Key="k", Body=b"other", ContentMD5="AAAA")


def _send(
    aws: Aws,
    bucket: str,
    signed: bytes,
    sent: bytes | list[bytes],
    headers: dict[str, str] | None = None,
    length: int | None = None,
) -> tuple[int, str]:
    """PUT a body that may not be the one that was signed."""
    url = f"{aws.endpoint.url}/{bucket}/k"
    digest = {"X-Amz-Content-SHA256": hashlib.sha256(signed).hexdigest()}
    request = AWSRequest("PUT", url, headers={**digest, **(headers or {})}, data=signed)
    if headers:
        request.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
    credentials = Credentials(aws.endpoint.access_key, aws.endpoint.secret)
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    everything = dict(request.headers.items())
    if length is not None:
        everything["Content-Length"] = str(length)
    connection.request(
        "PUT", urlsplit(url).path, sent, everything, encode_chunked=isinstance(sent, list)
    )
    if length is not None:
        assert connection.sock is not None
        connection.sock.shutdown(1)
    answer = connection.getresponse()
    text = answer.read().decode()
    # The connection serves on, whatever became of the first request.
    if length is None:
        connection.request("GET", "/_wideload/health")
        assert connection.getresponse().read().startswith(b"{")
    connection.close()
    return answer.status, text


def test_a_body_that_was_tampered_with(aws: Aws) -> None:
    bucket = aws.bucket()
    assert _send(aws, bucket, b"signed", b"signed")[0] == 200
    status, text = _send(aws, bucket, b"signed", b"tamper")
    assert status == 400
    assert "<Code>XAmzContentSHA256Mismatch</Code>" in text
    assert aws.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"signed"


def test_a_body_that_ends_early(aws: Aws) -> None:
    bucket = aws.bucket()
    status, text = _send(aws, bucket, b"x" * 100, b"x" * 50, length=100)
    assert status == 400
    assert "<Code>IncompleteBody</Code>" in text
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=bucket)


def test_chunks_with_a_trailer_over_http_chunks(aws: Aws) -> None:
    bucket = aws.bucket()
    data = b"streamed" * 1000
    crc = base64.b64encode(zlib.crc32(data).to_bytes(4, "big"))
    headers = {
        "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "X-Amz-Decoded-Content-Length": str(len(data)),
        "X-Amz-Trailer": "x-amz-checksum-crc32",
        "Content-Encoding": "aws-chunked",
        "Transfer-Encoding": "chunked",
    }
    coded = [f"{len(data):x}\r\n".encode(), data, b"\r\n0\r\n", b"x-amz-checksum-crc32:" + crc]
    assert _send(aws, bucket, b"", [*coded, b"\r\n\r\n"], headers)[0] == 200
    got = aws.s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == data
    assert got["ChecksumCRC32"] == crc.decode()
    assert "content-encoding" not in got["ResponseMetadata"]["HTTPHeaders"]
    coded[3] = b"x-amz-checksum-crc32:AAAAAA=="
    status, text = _send(aws, bucket, b"", [*coded, b"\r\n\r\n"], headers)
    assert (status, "<Code>BadDigest</Code>" in text) == (400, True)
    status, text = _send(aws, bucket, b"", [*coded[:3], b"\r\n"], headers)
    assert (status, "<Code>MalformedTrailerError</Code>" in text) == (400, True)

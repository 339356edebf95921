from __future__ import annotations

import http.client
import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import urllib3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials
from local_aws import refused

from wideload.local.database import Database
from wideload.local.principals import Keyring, Principal

if TYPE_CHECKING:
    from local_aws import Aws

_KEY = "UnrecognizedClientException"
_SIGNATURE = "InvalidSignatureException"
# Service, a call of it, and what it says of a bad key, a bad signature, a late clock.
_SERVICES = [
    ("s3", "list_buckets", "InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"),
    ("iam", "list_roles", "InvalidClientTokenId", *["SignatureDoesNotMatch"] * 2),
    ("sts", "get_caller_identity", "InvalidClientTokenId", *["SignatureDoesNotMatch"] * 2),
    ("ec2", "describe_vpcs", "AuthFailure", "AuthFailure", "RequestExpired"),
    ("logs", "describe_log_groups", _KEY, _SIGNATURE, _SIGNATURE),
    ("lambda", "list_functions", _KEY, _SIGNATURE, _SIGNATURE),
    ("efs", "describe_file_systems", _KEY, _SIGNATURE, _SIGNATURE),
]


@pytest.mark.parametrize(("name", "operation", "bad_key", "bad_signature", "bad_clock"), _SERVICES)
def test_each_protocol_refuses_in_its_own_words(
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    operation: str,
    bad_key: str,
    bad_signature: str,
    bad_clock: str,
) -> None:
    def call(client: Any) -> None:
        client._make_api_call(client._PY_TO_OP_NAME[operation], {})

    with refused(bad_key):
        call(aws.with_keys("AKIAAAAAAAAAAAAAAAAA", "x" * 40).client(name))
    with refused(bad_signature):
        call(aws.with_keys(secret="x" * 40).client(name))
    with refused(bad_key if name != "s3" else "InvalidToken"):
        call(aws.with_keys(token="a token that root has not").client(name))
    for seconds in (-1000, 1000):
        with refused(bad_clock):
            call(_with_clock(aws, name, seconds, monkeypatch))


def _with_clock(aws: Aws, service: str, seconds: float, patch: pytest.MonkeyPatch) -> Any:
    """A client whose requests are signed at another time, by botocore's own Python signer."""
    client = aws.client(service)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    keys = Credentials(aws.endpoint.access_key, aws.endpoint.secret)
    patch.setattr(
        "botocore.auth.get_current_datetime",
        lambda: datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=seconds),
    )

    def sign_again(request: AWSPreparedRequest, **_: Any) -> None:
        sent: dict[str, Any] = dict(request.headers)
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in sent.items()
        }
        fresh = AWSRequest(request.method, request.url, headers, request.body)
        signer(keys, client.meta.service_model.signing_name, aws.region).add_auth(fresh)
        request.headers = fresh.prepare().headers

    client.meta.events.register("before-send", sign_again)
    return client


def test_a_clock_that_is_a_little_off_is_let_pass(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_clock(aws, "s3", -800, monkeypatch).list_buckets()
    _with_clock(aws, "iam", 800, monkeypatch).list_roles()


def test_unsigned_requests_are_refused(aws: Aws) -> None:
    bucket = aws.bucket()
    answer = urllib3.request("GET", f"{aws.endpoint.url}/{bucket}/k")
    assert answer.status == 403
    assert b"<Code>AccessDenied</Code>" in answer.data
    answer = urllib3.request("GET", f"{aws.endpoint.url}/2015-03-31/functions/")
    assert (answer.status, answer.json()) == (403, {"message": "Missing Authentication Token"})
    assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    answer = urllib3.request(
        "POST",
        aws.endpoint.url,
        body="Action=ListRoles&Version=2010-05-08",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status, b"<Code>MissingAuthenticationToken</Code>" in answer.data) == (403, True)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls(aws: Aws, version: str) -> None:
    bucket = aws.bucket()
    client = aws.client("s3", signature_version=version)
    aws.s3.put_object(Bucket=bucket, Key="a b/ü+", Body=b"here")
    key: Any = {"Bucket": bucket, "Key": "a b/ü+"}
    url = client.generate_presigned_url(
        "get_object", Params={**key, "ResponseContentType": "text/css"}
    )
    answer = urllib3.request("GET", url)
    assert (answer.status, answer.data) == (200, b"here")
    assert answer.headers["Content-Type"] == "text/css"
    assert urllib3.request("GET", url, headers={"Range": "bytes=1-2"}).data == b"er"
    put = client.generate_presigned_url("put_object", Params={**key, "ContentType": "text/x"})
    answer = urllib3.request("PUT", put, body=b"new", headers={"Content-Type": "text/x"})
    assert answer.status == 200
    assert aws.s3.get_object(**key)["Body"].read() == b"new"
    for spoilt in (
        url.replace("text%2Fcss", "text%2Fxml"),
        url.replace(f"/{bucket}/", f"/{bucket}/other"),
        url.replace("Signature=", "Signature=0"),
    ):
        assert spoilt != url
        answer = urllib3.request("GET", spoilt)
        assert answer.status == 403
        assert b"<Code>SignatureDoesNotMatch</Code>" in answer.data
    assert urllib3.request("DELETE", url).status == 403
    short = client.generate_presigned_url("get_object", Params=key, ExpiresIn=1)
    time.sleep(2.1)
    answer = urllib3.request("GET", short)
    assert answer.status == 403
    assert b"<Message>Request has expired</Message>" in answer.data


def test_a_presigned_url_of_a_session(aws: Aws) -> None:
    bucket = aws.bucket()
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"here")
    session = aws.assume(aws.role({"Action": "s3:GetObject", "Resource": "*"}))
    for version in ("s3", "s3v4"):
        client = session.client("s3", signature_version=version)
        url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
        assert urllib3.request("GET", url).data == b"here"


def test_a_header_signed_with_version_2(aws: Aws) -> None:
    bucket = aws.bucket()
    old = aws.client("s3", signature_version="s3")
    old.put_object(Bucket=bucket, Key="k", Body=b"here", Metadata={"a": "b"})
    assert old.get_object(Bucket=bucket, Key="k")["Metadata"] == {"a": "b"}
    with refused("SignatureDoesNotMatch"):
        aws.with_keys(secret="x" * 40).client("s3", signature_version="s3").list_buckets()


def test_a_body_of_another_service_that_was_tampered_with(aws: Aws) -> None:
    sent: dict[str, Any] = {}
    client = aws.client("lambda")

    def catch(request: Any, **_: Any) -> Any:
        sent.update(url=request.url, headers=dict(request.headers), body=request.body)
        raise ConnectionAbortedError

    client.meta.events.register("before-send.lambda.Invoke", catch)
    with pytest.raises(ConnectionAbortedError):
        client.invoke(FunctionName="f", Payload=b'{"a": 1}')

    def send(body: bytes) -> tuple[int, str]:
        connection = http.client.HTTPConnection(urlsplit(sent["url"]).netloc, timeout=10)
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in sent["headers"].items()
        }
        connection.request("POST", urlsplit(sent["url"]).path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    assert send(sent["body"])[0] == 201
    status, text = send(sent["body"].replace(b"1", b"2"))
    assert status == 403
    assert "The request signature we calculated does not match" in json.loads(text)["message"]


def test_an_expired_session(aws: Aws) -> None:
    # Behind the server's back, for it makes no session this short.
    root = Principal("123456789012", "arn:aws:iam::123456789012:root", "123456789012")
    expired = Keyring(Database(aws.state / "aws.sqlite")).session(root, -10)
    late = aws.with_keys(expired.id, expired.secret, expired.token)
    with refused("ExpiredToken", 400, "The provided token has expired."):
        late.s3.list_buckets()
    with refused("ExpiredToken", 403, "The security token included in the request is expired"):
        late.iam.list_roles()
    with refused("ExpiredTokenException", 400):
        late.logs.describe_log_groups()
    with refused("ExpiredTokenException", 403):
        late.client("lambda").list_functions()


def test_keys_of_users(aws: Aws) -> None:
    aws.iam.create_user(UserName="ann")
    made = aws.iam.create_access_key(UserName="ann")["AccessKey"]
    ann = aws.with_keys(made["AccessKeyId"], made["SecretAccessKey"])
    assert ann.sts.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/ann"
    aws.iam.update_access_key(UserName="ann", AccessKeyId=made["AccessKeyId"], Status="Inactive")
    with refused("InvalidClientTokenId", 403, "The security token included in the request"):
        ann.sts.get_caller_identity()
    aws.iam.delete_access_key(UserName="ann", AccessKeyId=made["AccessKeyId"])
    with refused("InvalidAccessKeyId", 403):
        ann.s3.list_buckets()


def test_who_am_i(aws: Aws) -> None:
    told = aws.sts.get_caller_identity()
    assert told["Arn"] == "arn:aws:iam::123456789012:root"
    assert (told["UserId"], told["Account"]) == ("123456789012", "123456789012")
    role = aws.role()
    told = aws.assume(role).sts.get_caller_identity()
    name = role.rsplit("/", 1)[1]
    assert told["Arn"] == f"arn:aws:sts::123456789012:assumed-role/{name}/test"
    assert told["UserId"].endswith(":test")
    keys = aws.sts.get_session_token()["Credentials"]
    root = aws.with_keys(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert root.sts.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:root"
    with refused("AccessDenied", 403, "is not authorized to perform: sts:AssumeRole on resource"):
        aws.sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/absent", RoleSessionName="test")

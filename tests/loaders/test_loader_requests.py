"""The host that is asked, and the signature: as the AWS SDK would do it."""

from __future__ import annotations

import calendar
import time

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from wideload.loaders.python.credentials import Keyring, Keys
from wideload.loaders.python.place import Place
from wideload.loaders.python.signature import signed
from wideload.loaders.python.trouble import BundleError
from wideload.values.bundle import BUNDLE_VARIABLE, BundleLocation


def place(location: BundleLocation, **environ: str) -> Place:
    return Place({BUNDLE_VARIABLE: location.variable()} | environ)


@pytest.mark.parametrize(
    ("bucket", "region", "environ", "url"),
    [
        ("b", "eu-west-1", {}, "https://b.s3.eu-west-1.amazonaws.com/k%20%C3%BC"),
        ("b", "cn-north-1", {}, "https://b.s3.cn-north-1.amazonaws.com.cn/k%20%C3%BC"),
        ("b", "us-gov-west-1", {}, "https://b.s3.us-gov-west-1.amazonaws.com/k%20%C3%BC"),
        ("my.b", "us-east-1", {}, "https://s3.us-east-1.amazonaws.com/my.b/k%20%C3%BC"),
        (
            "b",
            "us-east-1",
            {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
            "https://b.s3.dualstack.us-east-1.amazonaws.com/k%20%C3%BC",
        ),
        (
            "b",
            "us-east-1",
            {"AWS_USE_FIPS_ENDPOINT": "true"},
            "https://b.s3-fips.us-east-1.amazonaws.com/k%20%C3%BC",
        ),
        (
            "b",
            "us-east-1",
            {"AWS_ENDPOINT_URL": "http://localhost:5000/base/"},
            "http://localhost:5000/base/b/k%20%C3%BC",
        ),
        (
            "b",
            "us-east-1",
            {"AWS_ENDPOINT_URL": "http://one:1", "AWS_ENDPOINT_URL_S3": "https://two"},
            "https://two/b/k%20%C3%BC",
        ),
        (
            "b",
            "us-east-1",
            {"AWS_ENDPOINT_URL": "http://one:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "https://b.s3.us-east-1.amazonaws.com/k%20%C3%BC",
        ),
    ],
)
def test_the_host(bucket: str, region: str, environ: dict[str, str], url: str) -> None:
    found = place(BundleLocation(bucket, "k ü", region), **environ)
    scheme = "https" if found.secure else "http"
    assert f"{scheme}://{found.authority}{found.path}" == url
    assert found.authority.startswith(found.host)


def test_the_region_of_the_function_is_taken_where_none_is_told() -> None:
    found = Place({BUNDLE_VARIABLE: "s3://b/k", "AWS_REGION": "eu-north-1"})
    assert found.host == "b.s3.eu-north-1.amazonaws.com"


@pytest.mark.parametrize("value", ["", "https://b/k", "s3://b", "s3:///k", "s3://b/"])
def test_what_is_no_place_is_refused(value: str) -> None:
    with pytest.raises(BundleError, match="does not say where the bundle lies"):
        Place({BUNDLE_VARIABLE: value})


def by_botocore(url: str, headers: dict[str, str], credentials: Credentials) -> dict[str, str]:
    """The headers with which the SDK would send this."""
    request = AWSRequest("GET", url, headers=headers)
    S3SigV4Auth(credentials, "s3", "eu-west-1").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize("key", ["plain", "a b/ü+~_-.(1)!*'", "100%/&=?#;:@,$"])
@pytest.mark.parametrize("token", ["", "a/token+="])
@pytest.mark.parametrize("version", ["", "v 1/+="])
def test_the_signature_is_botocores(key: str, token: str, version: str) -> None:
    found = place(BundleLocation("bucket", key, "eu-west-1", version=version))
    headers = {"Range": "bytes=5-10", "If-Match": '"etag"'}
    url = f"https://{found.authority}{found.path}" + (f"?{found.query}" if found.query else "")
    theirs = by_botocore(url, headers, Credentials("AK", "secret", token or None))
    now = calendar.timegm(time.strptime(theirs["x-amz-date"], "%Y%m%dT%H%M%SZ"))
    mine = signed(found, headers, Keys("AK", "secret", token), now)
    del mine["host"]
    assert mine == theirs


def test_keys_come_from_the_environment_first() -> None:
    keys = Keyring({"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"}).keys()
    assert (keys.access, keys.secret, keys.token) == ("A", "B", "")


def test_keys_are_asked_of_this_machine_only() -> None:
    ring = Keyring({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://keys.example/x"})
    with pytest.raises(BundleError, match="is not on this machine"):
        ring.keys()

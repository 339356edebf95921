"""Where the Node.js loader asks, and how it signs what it asks."""

from __future__ import annotations

import calendar
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials
from test_loader_requests import by_botocore

import wideload
from wideload.cache import default_root
from wideload.loaders.python.place import Place
from wideload.nodejs import find_node
from wideload.values.bundle import BUNDLE_VARIABLE, BundleLocation

pytestmark = pytest.mark.network

_LOADER = Path(wideload.__file__).parent / "loaders" / "node"


def node(program: str, **given: Any) -> Any:
    """What a program of the loader's modules says, all of whose parts are in scope."""
    names = {"place": "Place", "signature": "signed", "credentials": "Keyring"}
    imports = "".join(
        f'import {{ {name} }} from "{_LOADER}/{module}.mjs";\n' for module, name in names.items()
    )
    text = f"{imports}const given = {json.dumps(given)};\nconst told = {program};\n"
    executable = find_node(20, default_root()).executable
    asked = subprocess.run(
        [executable, "--input-type=module", "-e", f"{text}console.log(JSON.stringify(told));"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


@pytest.mark.parametrize("key", ["plain", "a b/ü+~_-.(1)!*'", "100%/&=?#;:@,$"])
@pytest.mark.parametrize("token", ["", "a/token+="])
@pytest.mark.parametrize("version", ["", "v 1/+="])
def test_the_signature_is_botocores(key: str, token: str, version: str) -> None:
    location = BundleLocation("bucket", key, "eu-west-1", version=version)
    environ = {BUNDLE_VARIABLE: location.variable()}
    found = Place(environ)
    headers = {"Range": "bytes=5-10", "If-Match": '"etag"'}
    url = f"https://{found.authority}{found.path}" + (f"?{found.query}" if found.query else "")
    theirs = by_botocore(url, headers, Credentials("AK", "secret", token or None))
    now = calendar.timegm(time.strptime(theirs["x-amz-date"], "%Y%m%dT%H%M%SZ"))
    mine = node(
        "signed(new Place(given.environ), given.headers, given.keys, given.now)",
        environ=environ,
        headers=headers,
        keys={"access": "AK", "secret": "secret", "token": token},
        now=now * 1000,
    )
    del mine["host"]
    assert mine == theirs


PLACES: list[tuple[str, str, dict[str, str]]] = [
    ("bucket", "eu-west-1", {}),
    ("dotted.bucket", "eu-west-1", {}),
    ("bucket", "cn-north-1", {}),
    ("bucket", "us-gov-west-1", {"AWS_USE_FIPS_ENDPOINT": "true"}),
    ("bucket", "eu-west-1", {"AWS_USE_DUALSTACK_ENDPOINT": "TRUE"}),
    ("bucket", "eu-west-1", {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566/base/"}),
    (
        "bucket",
        "eu-west-1",
        {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_S3": "https://b:8443"},
    ),
    (
        "bucket",
        "eu-west-1",
        {"AWS_ENDPOINT_URL": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    ),
    ("bucket", "", {"AWS_REGION": "ap-south-2"}),
]


@pytest.mark.parametrize(("bucket", "region", "more"), PLACES)
def test_the_host_is_the_python_loaders(bucket: str, region: str, more: dict[str, str]) -> None:
    variable = BundleLocation(bucket, "a/key ü", region, version="v").variable()
    environ = {BUNDLE_VARIABLE: variable, **more}
    theirs = Place(environ)
    mine = node("new Place(given.environ)", environ=environ)
    for name in ("secure", "host", "port", "authority", "path", "query", "region"):
        assert mine[name] == vars(theirs)[name], name


@pytest.mark.parametrize("value", ["", "bucket/key", "s3://bucket", "s3://bucket/", "https://b/k"])
def test_what_is_no_place_is_refused(value: str) -> None:
    caught = "(() => { try { new Place(given); } catch (error) { return error.message; } })()"
    message = node(caught, **{BUNDLE_VARIABLE: value})
    assert "does not say where the bundle lies" in message


def test_keys_are_asked_of_this_machine_only() -> None:
    ask = "await new Keyring(given).keys().catch((error) => error.message)"
    for host in ("keys.example", "169.254.170.2.example", "127.0.0.1.example"):
        message = node(ask, AWS_CONTAINER_CREDENTIALS_FULL_URI=f"http://{host}/x")
        assert "is not on this machine" in message

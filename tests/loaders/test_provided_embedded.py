"""Against the embedded AWS, which checks every signature and every right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parents[1] / "local"))

from local_aws import Aws, start

from wideload.local import daemon
from wideload.local.principals import DEFAULT_ACCOUNT
from wideload.values.bundle import BUNDLE_VARIABLE, BundleLocation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provided_world import ProvidedWorld


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    state = tmp_path_factory.mktemp("aws")
    yield start(state)
    daemon.stop(state)


def environ(keys: Aws, location: BundleLocation) -> dict[str, str]:
    credentials = keys._session.get_credentials()
    assert credentials is not None
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key or "",
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key or "",
        "AWS_SESSION_TOKEN": credentials.token or "",
        BUNDLE_VARIABLE: location.variable(),
    }


@pytest.mark.parametrize("key", ["bundles/plain", "a key+with/ünïcode~(1)=&?#%!*'"])
def test_a_role_that_may_read_one_object_starts_the_function(
    provided: ProvidedWorld, aws: Aws, key: str
) -> None:
    bucket = aws.bucket()
    aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put = aws.s3.put_object(Bucket=bucket, Key=key, Body=provided.content)
    arn = f"arn:aws:s3:::{bucket}/{key}"
    allowed = aws.assume(aws.role({"Action": "s3:GetObject", "Resource": arn}))
    location = BundleLocation(bucket, key, "us-east-1", owner=DEFAULT_ACCOUNT)
    outcome = provided.run(aws.endpoint.url, **environ(allowed, location))
    provided.right(outcome)
    assert outcome.timings["retries"] == 0

    provided.clear()
    foreign = BundleLocation(bucket, key, "us-east-1", owner="000000000000")
    assert provided.run(aws.endpoint.url, **environ(allowed, foreign)).code == 1

    provided.clear()
    pinned = BundleLocation(bucket, key, "us-east-1", version=put["VersionId"])
    aws.s3.put_object(Bucket=bucket, Key=key, Body=b"another")
    action = ["s3:GetObject", "s3:GetObjectVersion"]
    versions = aws.assume(aws.role({"Action": action, "Resource": arn}))
    provided.right(provided.run(aws.endpoint.url, **environ(versions, pinned)))

    provided.clear()
    replaced = provided.run(aws.endpoint.url, **environ(allowed, location))
    assert replaced.code == 1
    assert "deploy the function again" in replaced.error


def test_a_role_that_may_read_another_object_is_told_what_it_lacks(
    provided: ProvidedWorld, aws: Aws
) -> None:
    bucket = aws.bucket()
    aws.s3.put_object(Bucket=bucket, Key="mine", Body=provided.content)
    other = aws.role({"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/other"})
    location = BundleLocation(bucket, "mine", "us-east-1")
    outcome = provided.run(aws.endpoint.url, **environ(aws.assume(other), location))
    assert outcome.code == 1
    assert f"s3:GetObject on arn:aws:s3:::{bucket}/mine" in outcome.error

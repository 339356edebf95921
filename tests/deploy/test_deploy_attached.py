"""Layers made by others, as AWS describes them, or refuses to."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from wideload.deploy.aws_attached import AwsAttached
from wideload.errors import WideloadError
from wideload.values.attached import LayerSource, PublishedLayer

LAYER = "arn:aws:lambda:eu-central-1:111122223333:layer:made"
ARN = f"{LAYER}:7"
DIGEST = hashlib.sha256(b"zip")
URL = "https://awslambda-eu-cent-1-layers.s3.eu-central-1.amazonaws.com/snapshots/made"
ANSWER: dict[str, Any] = {
    "LayerVersionArn": ARN,
    "LayerArn": LAYER,
    "Version": 7,
    "Content": {
        "Location": URL,
        "CodeSha256": base64.b64encode(DIGEST.digest()).decode(),
        "CodeSize": 3,
    },
}


@pytest.fixture
def client() -> Any:
    return boto3.client(
        "lambda",
        region_name="eu-central-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )


@pytest.fixture
def aws(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def source(client: Any, aws: Stubber) -> LayerSource:
    return AwsAttached(client)


def test_a_layer_version_is_described(aws: Stubber, source: LayerSource) -> None:
    more = {"CompatibleRuntimes": ["python3.13"], "CompatibleArchitectures": ["arm64"]}
    aws.add_response("get_layer_version_by_arn", ANSWER | more, {"Arn": ARN})
    assert source.describe(ARN) == PublishedLayer(
        ARN, DIGEST.hexdigest(), 3, ("python3.13",), ("arm64",), URL
    )
    aws.add_response("get_layer_version_by_arn", ANSWER, {"Arn": ARN})
    bare = source.describe(ARN)
    assert (bare.runtimes, bare.architectures) == ((), ())


def test_a_digest_that_is_none_stops(aws: Stubber, source: LayerSource) -> None:
    content = ANSWER["Content"] | {"CodeSha256": "n o n e"}
    aws.add_response("get_layer_version_by_arn", ANSWER | {"Content": content}, {"Arn": ARN})
    with pytest.raises(WideloadError, match="not understood"):
        source.describe(ARN)


def test_the_latest_of_all_pages_is_found(aws: Stubber, source: LayerSource) -> None:
    def page(*numbers: int, **more: str) -> dict[str, Any]:
        versions = [{"Version": one, "LayerVersionArn": f"{LAYER}:{one}"} for one in numbers]
        return {"LayerVersions": versions, **more}

    aws.add_response("list_layer_versions", page(9, 3, NextMarker="next"), {"LayerName": LAYER})
    aws.add_response("list_layer_versions", page(12, 1), {"LayerName": LAYER, "Marker": "next"})
    assert source.latest(LAYER) == f"{LAYER}:12"
    aws.add_response("list_layer_versions", page(), {"LayerName": LAYER})
    with pytest.raises(WideloadError, match="has no version") as caught:
        source.latest(LAYER)
    assert "number" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "status", "what", "hint"),
    [
        ("AccessDeniedException", 403, "may not be read", "add-layer-version-permission"),
        ("ResourceNotFoundException", 404, "cannot be read", "check the ARN"),
    ],
)
def test_refusals_are_told_in_the_words_of_aws(
    aws: Stubber, source: LayerSource, code: str, status: int, what: str, hint: str
) -> None:
    for method in ("get_layer_version_by_arn", "list_layer_versions"):
        aws.add_client_error(method, code, "No, said AWS.", status)
    for ask, name in ((source.describe, ARN), (source.latest, LAYER)):
        with pytest.raises(WideloadError, match=what) as caught:
            ask(name)
        assert caught.value.what == f"layer {name} {what}"
        assert caught.value.why == f"AWS answered {code}: No, said AWS."
        assert hint in caught.value.hint
        assert "--to aws" not in caught.value.hint


def test_the_embedded_aws_has_only_what_was_published_to_it(client: Any, aws: Stubber) -> None:
    aws.add_client_error("get_layer_version_by_arn", "ResourceNotFoundException", "Gone.", 404)
    with pytest.raises(WideloadError) as caught:
        AwsAttached(client, embedded=True).describe(ARN)
    assert "--to aws" in caught.value.hint


def test_a_layer_of_another_region_is_not_asked_for(source: LayerSource) -> None:
    elsewhere = LAYER.replace("eu-central-1", "us-east-1")
    for ask, name in ((source.describe, f"{elsewhere}:1"), (source.latest, elsewhere)):
        with pytest.raises(WideloadError, match="another region") as caught:
            ask(name)
        assert "Layers are expected to be in region eu-central-1." in caught.value.why

"""boto3 as a `Cloud`: IAM, S3, STS and logs against moto, Lambda against botocore's stubber."""

from __future__ import annotations

import base64
import hashlib
import io
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import Stubber
from deploy_builds import NAME, Build, build
from moto import mock_aws

from wideload.deploy import names, operate
from wideload.deploy.aws import Aws
from wideload.deploy.aws_functions import AwsFunctions
from wideload.deploy.aws_layers import AwsLayers
from wideload.deploy.cloud import Cloud, Refused
from wideload.deploy.deployment import deploy
from wideload.deploy.execute import execute
from wideload.deploy.states import Answer
from wideload.errors import WideloadError
from wideload.values.deployment import DeploymentResult
from wideload.values.function import Settings, Strategy
from wideload.values.instruction import Configuration, StoredCode

REGION = "eu-central-1"
ACCOUNT = "123456789012"
BUCKET = "wideload-123456789012-eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/wideload-f"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
CONFIGURATION = Configuration(
    role=ROLE,
    runtime="python3.13",
    handler="app.handler",
    memory=1024,
    timeout=30,
    ephemeral=512,
    environment={"MODE": "x"},
    layers=(),
    description="",
)
ANSWER = {
    "FunctionName": "f",
    "FunctionArn": ARN,
    "Runtime": "python3.13",
    "Role": ROLE,
    "Handler": "app.handler",
    "CodeSize": 5,
    "Description": "",
    "Timeout": 30,
    "MemorySize": 1024,
    "CodeSha256": "c2hh",
    "Version": "$LATEST",
    "Environment": {"Variables": {"MODE": "x"}},
    "RevisionId": "r1",
    "State": "Active",
    "LastUpdateStatus": "Successful",
    "PackageType": "Zip",
    "Architectures": ["arm64"],
    "EphemeralStorage": {"Size": 512},
}
# botocore's model wants at least 84 characters.
HIDDEN = "no right to see the tags, which needs lambda:ListTags on the function " + ARN
SETTINGS = {
    "FunctionName": "f",
    "Role": ROLE,
    "Runtime": "python3.13",
    "Handler": "app.handler",
    "MemorySize": 1024,
    "Timeout": 30,
    "EphemeralStorage": {"Size": 512},
    "Environment": {"Variables": {"MODE": "x"}},
    "Layers": [],
    "Description": "",
    "SnapStart": {"ApplyOn": "None"},
}


@pytest.fixture(autouse=True)
def no_credentials_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def aws() -> Iterator[Aws]:
    with mock_aws():
        yield Aws(region=REGION, keys=("testing", "testing"))


@pytest.fixture
def stub() -> Iterator[tuple[AwsFunctions, Stubber]]:
    client = boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION
    ).client("lambda")
    with Stubber(client) as stubber:
        yield AwsFunctions(client, client), stubber
        stubber.assert_no_pending_responses()


def test_aws_is_a_cloud(aws: Aws) -> None:
    cloud: Cloud = aws
    identity = cloud.identity()
    assert (identity.account, identity.region, identity.partition) == (ACCOUNT, REGION, "aws")
    assert not identity.is_custom


def test_aws_role_lives_and_goes(aws: Aws) -> None:
    assert aws.roles.find("wideload-f") is None
    aws.roles.create("wideload-f", names.trust_policy(), {"wideload": "1"})
    policy = names.logs_policy("f", aws.identity())
    aws.roles.put_policy("wideload-f", "logs", policy)
    found = aws.roles.find("wideload-f")
    assert found is not None
    assert found.arn == ROLE
    assert found.trust == names.trust_policy()
    assert found.policies == ("logs",)
    assert found.tags == {"wideload": "1"}
    assert aws.roles.policy("wideload-f", "logs") == policy
    assert aws.roles.policy("wideload-f", "other") is None
    with pytest.raises(Refused) as refused:
        aws.roles.create("wideload-f", names.trust_policy(), {})
    assert refused.value.code == "EntityAlreadyExists"
    assert refused.value.action == "iam:CreateRole"
    other = names.trust_policy().replace("lambda.", "ec2.")
    aws.roles.set_trust("wideload-f", other)
    changed = aws.roles.find("wideload-f")
    assert changed is not None
    assert changed.trust == other
    aws.roles.delete("wideload-f")
    assert aws.roles.find("wideload-f") is None


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1"])
def test_aws_bucket_is_private(region: str) -> None:
    with mock_aws():
        aws = Aws(region=region, keys=("testing", "testing"))
        assert aws.storage.find_bucket(BUCKET, ACCOUNT) is None
        assert aws.storage.keys(BUCKET, "", ACCOUNT) == ()
        aws.storage.create_bucket(BUCKET, region)
        made = aws.storage.find_bucket(BUCKET, ACCOUNT)
        assert made is not None
        assert not made.is_private
        aws.storage.secure_bucket(BUCKET, ACCOUNT)
        secured = aws.storage.find_bucket(BUCKET, ACCOUNT)
        assert secured is not None
        assert secured.is_private
        aws.storage.delete_bucket(BUCKET, ACCOUNT)
        assert aws.storage.find_bucket(BUCKET, ACCOUNT) is None


# 16 MiB is where uploads begin to go in parts.
@pytest.mark.parametrize("size", [1000, 17 * 1024**2])
def test_aws_upload_is_found_again(aws: Aws, tmp_path: Path, size: int) -> None:
    data = bytes(size)
    path = tmp_path / "function.zip"
    path.write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    key = names.object_key("f", sha256)
    aws.storage.create_bucket(BUCKET, REGION)
    assert aws.storage.find_object(BUCKET, key, ACCOUNT) is None
    sent: list[int] = []
    aws.storage.upload(path, BUCKET, key, sha256=sha256, owner=ACCOUNT, sent=sent.append)
    assert sum(sent) == size
    found = aws.storage.find_object(BUCKET, key, ACCOUNT)
    assert found is not None
    assert (found.size, found.sha256) == (size, sha256)
    assert aws.storage.keys(BUCKET, names.key_prefix("f"), ACCOUNT) == (key,)
    aws.storage.delete_objects(BUCKET, (key, "functions/f/gone.zip"), ACCOUNT)
    assert aws.storage.keys(BUCKET, "", ACCOUNT) == ()


def test_aws_upload_without_a_bucket(aws: Aws, tmp_path: Path) -> None:
    path = tmp_path / "function.zip"
    path.write_bytes(b"x")
    with pytest.raises(Refused) as refused:
        aws.storage.upload(path, BUCKET, "k", sha256="", owner=ACCOUNT, sent=lambda _: None)
    assert (refused.value.action, refused.value.code) == ("s3:PutObject", "NoSuchBucket")


def test_aws_log_group_lives_and_goes(aws: Aws) -> None:
    aws.logs.create("/aws/lambda/f-two")
    assert aws.logs.find("/aws/lambda/f") is None
    aws.logs.create("/aws/lambda/f")
    found = aws.logs.find("/aws/lambda/f")
    assert found is not None
    assert found.retention_days is None
    aws.logs.set_retention("/aws/lambda/f", 30)
    kept = aws.logs.find("/aws/lambda/f")
    assert kept is not None
    assert kept.retention_days == 30
    with pytest.raises(Refused) as refused:
        aws.logs.create("/aws/lambda/f")
    assert refused.value.code == "ResourceAlreadyExistsException"
    aws.logs.delete("/aws/lambda/f")
    assert aws.logs.find("/aws/lambda/f") is None
    with pytest.raises(Refused) as gone:
        list(aws.logs.events("/aws/lambda/f", 0))
    assert gone.value.code == "ResourceNotFoundException"


def test_aws_log_events(aws: Aws) -> None:
    client = boto3.client(
        "logs",
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_log_group(logGroupName="/aws/lambda/f")
    client.create_log_stream(logGroupName="/aws/lambda/f", logStreamName="s")
    now = int(time.time() * 1000) - 1000
    client.put_log_events(
        logGroupName="/aws/lambda/f",
        logStreamName="s",
        logEvents=[{"timestamp": now + at, "message": f"at {at}"} for at in (0, 5)],
    )
    found = list(aws.logs.events("/aws/lambda/f", now + 1))
    assert [(event.timestamp - now, event.stream, event.message) for event in found] == [
        (5, "s", "at 5")
    ]


def test_aws_function_is_read(stub: tuple[AwsFunctions, Stubber]) -> None:
    functions, stubber = stub
    answer = {"Configuration": ANSWER, "Tags": {"wideload": "1"}}
    stubber.add_response("get_function", answer, {"FunctionName": "f"})
    found = functions.find("f")
    assert found is not None
    assert found.tags == {"wideload": "1"}
    assert found.latest.configuration == CONFIGURATION
    assert found.latest.architecture == "arm64"
    assert (found.latest.state, found.latest.last_update) == ("Active", "Successful")


def test_aws_function_that_is_not_there(stub: tuple[AwsFunctions, Stubber]) -> None:
    functions, stubber = stub
    stubber.add_client_error("get_function", "ResourceNotFoundException", "not found", 404)
    assert functions.find("f") is None
    stubber.add_client_error("get_function", "AccessDeniedException", "no", 403)
    with pytest.raises(Refused) as refused:
        functions.find("f")
    assert refused.value.action == "lambda:GetFunction"
    stubber.add_client_error("get_alias", "ResourceNotFoundException", "not found", 404)
    assert functions.find_alias("f", "live") is None


def test_aws_hidden_tags_are_not_taken_for_none(stub: tuple[AwsFunctions, Stubber]) -> None:
    functions, stubber = stub
    hidden = {"ErrorCode": "AccessDeniedException", "Message": HIDDEN}
    stubber.add_response("get_function", {"Configuration": ANSWER, "TagsError": hidden})
    with pytest.raises(Refused, match="no right to see the tags"):
        functions.find("f")


def test_aws_unreadable_variables_are_not_taken_for_none(
    stub: tuple[AwsFunctions, Stubber],
) -> None:
    functions, stubber = stub
    error = {"ErrorCode": "KMSAccessDeniedException", "Message": "key is denied"}
    stubber.add_response("get_function_configuration", {**ANSWER, "Environment": {"Error": error}})
    with pytest.raises(Refused, match="key is denied"):
        functions.state("f", "$LATEST")


def test_aws_function_with_little_to_say(stub: tuple[AwsFunctions, Stubber]) -> None:
    functions, stubber = stub
    little = {
        key: value
        for key, value in ANSWER.items()
        if key not in {"State", "LastUpdateStatus", "Environment", "EphemeralStorage"}
    }
    pages = [{**little, "Version": version} for version in ("$LATEST", "10", "9")]
    stubber.add_response("list_versions_by_function", {"Versions": pages}, {"FunctionName": "f"})
    found = functions.versions("f")
    assert [version.version for version in found] == ["9", "10"]
    assert found[0].configuration.environment == {}
    assert found[0].configuration.ephemeral == 512
    assert found[0].state == "Active"


def test_aws_function_is_made_and_changed(stub: tuple[AwsFunctions, Stubber]) -> None:
    functions, stubber = stub
    stored = StoredCode("bucket", "key", "0", 5)
    stubber.add_response(
        "create_function",
        ANSWER,
        {
            **SETTINGS,
            "Code": {"S3Bucket": "bucket", "S3Key": "key"},
            "PackageType": "Zip",
            "Architectures": ["arm64"],
            "Tags": {"wideload": "1"},
        },
    )
    functions.create("f", stored, "arm64", CONFIGURATION, {"wideload": "1"})
    stubber.add_response(
        "update_function_code",
        ANSWER,
        {"FunctionName": "f", "Architectures": ["arm64"], "ZipFile": b"bytes"},
    )
    functions.update_code("f", b"bytes", "arm64")
    stubber.add_response(
        "update_function_code",
        ANSWER,
        {
            "FunctionName": "f",
            "Architectures": ["arm64"],
            "S3Bucket": "bucket",
            "S3Key": "key",
        },
    )
    functions.update_code("f", stored, "arm64")
    stubber.add_response("update_function_configuration", ANSWER, SETTINGS)
    functions.update_configuration("f", CONFIGURATION)
    stubber.add_response("tag_resource", {}, {"Resource": ARN, "Tags": {"wideload": "2"}})
    functions.tag(ARN, {"wideload": "2"})
    stubber.add_response("delete_function", {}, {"FunctionName": "f"})
    functions.delete("f")


def test_aws_version_and_alias(stub: tuple[AwsFunctions, Stubber]) -> None:
    functions, stubber = stub
    stubber.add_response(
        "publish_version",
        {**ANSWER, "Version": "3"},
        {"FunctionName": "f", "CodeSha256": "c2hh", "Description": "d"},
    )
    assert functions.publish("f", "c2hh", "d").version == "3"
    alias = {"AliasArn": f"{ARN}:live", "Name": "live", "FunctionVersion": "3"}
    stubber.add_response(
        "create_alias",
        alias,
        {
            "FunctionName": "f",
            "Name": "live",
            "FunctionVersion": "3",
            "Description": "served: 3",
        },
    )
    functions.create_alias("f", "live", "3")
    moved = {
        "FunctionName": "f",
        "Name": "live",
        "FunctionVersion": "4",
        "Description": "served: 2, 3, 4",
        "RoutingConfig": {"AdditionalVersionWeights": {}},
    }
    stubber.add_response("update_alias", alias, {**moved, "RevisionId": "r1"})
    functions.update_alias("f", "live", "4", "r1", ("2", "3"))
    stubber.add_response("update_alias", alias, moved)
    functions.update_alias("f", "live", "4", "", ("2", "3"))
    weighted = {"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}, "RevisionId": "r2"}
    noted = {"Description": "served: 2, 3"}
    stubber.add_response("get_alias", {**alias, **weighted, **noted})
    found = functions.find_alias("f", "live")
    assert found is not None
    assert (found.version, found.revision, found.is_weighted) == ("3", "r2", True)
    assert found.served == ("2", "3")
    stubber.add_response("delete_alias", {}, {"FunctionName": "f", "Name": "live"})
    functions.delete_alias("f", "live")


LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer"


def listed(layer: str, number: int, description: str = "wideload: numpy 2.1") -> dict[str, object]:
    return {
        "LayerVersionArn": f"{LAYER}:{layer}:{number}",
        "Version": number,
        "Description": description,
        "CreatedDate": "2026-11-21T10:00:00.500+0000",
    }


@pytest.fixture
def layers_stub() -> Iterator[tuple[AwsLayers, Stubber]]:
    client = boto3.client(
        "lambda", region_name=REGION, aws_access_key_id="k", aws_secret_access_key="s"
    )
    with Stubber(client) as stubber:
        yield AwsLayers(client), stubber
        stubber.assert_no_pending_responses()


def test_aws_layers_are_found_by_their_digest(layers_stub: tuple[AwsLayers, Stubber]) -> None:
    layers, stubber = layers_stub
    items = [listed("l", 3), listed("l", 2), listed("l", 1)]
    stubber.add_response("list_layer_versions", {"LayerVersions": items}, {"LayerName": "l"})
    for number, digest in ((1, "c2hh"), (2, "other"), (3, "c2hh")):
        stubber.add_response(
            "get_layer_version",
            {"Content": {"CodeSha256": digest}},
            {"LayerName": "l", "VersionNumber": number},
        )
    assert layers.find("l", "c2hh") == (f"{LAYER}:l:1", f"{LAYER}:l:3")


def test_aws_layers_that_go_while_they_are_looked_at(
    layers_stub: tuple[AwsLayers, Stubber],
) -> None:
    layers, stubber = layers_stub
    stubber.add_response("list_layer_versions", {"LayerVersions": [listed("l", 1)]})
    stubber.add_client_error("get_layer_version", "ResourceNotFoundException")
    assert layers.find("l", "c2hh") == ()
    stubber.add_client_error("list_layer_versions", "ResourceNotFoundException")
    assert layers.find("l", "c2hh") == ()
    stubber.add_client_error("list_layer_versions", "AccessDeniedException")
    with pytest.raises(Refused) as refused:
        layers.find("l", "c2hh")
    assert refused.value.action == "lambda:ListLayerVersions"


def test_aws_layers_are_published_listed_and_deleted(
    layers_stub: tuple[AwsLayers, Stubber],
) -> None:
    layers, stubber = layers_stub
    stubber.add_response(
        "publish_layer_version",
        {"LayerVersionArn": f"{LAYER}:l:4"},
        {
            "LayerName": "l",
            "Description": "d",
            "Content": {"S3Bucket": "bucket", "S3Key": "layers/k.zip"},
            "CompatibleRuntimes": ["python3.13"],
            "CompatibleArchitectures": ["arm64"],
        },
    )
    stored = StoredCode("bucket", "layers/k.zip", "00", 5)
    assert layers.publish("l", stored, "d", "python3.13", "arm64") == f"{LAYER}:l:4"
    stubber.add_response(
        "list_layers", {"Layers": [{"LayerName": "wideload-b"}, {"LayerName": "other"}]}
    )
    stubber.add_response(
        "list_layer_versions",
        {"LayerVersions": [listed("wideload-b", 1)]},
        {"LayerName": "wideload-b"},
    )
    (found,) = layers.listed("wideload-")
    assert (found.layer, found.version, found.arn) == ("wideload-b", 1, f"{LAYER}:wideload-b:1")
    assert found.created == 1795255200.5
    stubber.add_response(
        "list_functions",
        {"Functions": [{**ANSWER, "Layers": [{"Arn": f"{LAYER}:l:4"}]}], "NextMarker": "more"},
        {"FunctionVersion": "ALL"},
    )
    stubber.add_response(
        "list_functions", {"Functions": [ANSWER]}, {"FunctionVersion": "ALL", "Marker": "more"}
    )
    assert layers.in_use() == {f"{LAYER}:l:4"}
    stubber.add_response("delete_layer_version", {}, {"LayerName": "l", "VersionNumber": 4})
    layers.delete("l", 4)


def test_aws_invocation(stub: tuple[AwsFunctions, Stubber]) -> None:
    functions, stubber = stub
    payload = b'{"errorMessage":"boom"}'
    stubber.add_response(
        "invoke",
        {
            "StatusCode": 200,
            "FunctionError": "Unhandled",
            "LogResult": base64.b64encode(b"START\n").decode(),
            "ExecutedVersion": "3",
            "Payload": StreamingBody(io.BytesIO(payload), len(payload)),
        },
        {"FunctionName": "f", "Qualifier": "live", "LogType": "Tail", "Payload": b"{}"},
    )
    assert functions.invoke("f", "live", b"{}") == Answer(payload, "Unhandled", "START\n", "3")


def zipped(text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), text)
    return file.getvalue()


def test_aws_whole_life_of_a_function(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoWaiting:
        def now(self) -> float:
            return 0.0

        def sleep(self, seconds: float) -> None:
            raise AssertionError(f"waits {seconds} s for something that is there at once")

    def run(wanted: Build) -> DeploymentResult:
        folder = wanted.write(tmp_path)
        return deploy(wanted.manifest, wanted.function, folder, aws, clock=NoWaiting())

    # moto has no provisioned concurrency.
    monkeypatch.setattr(aws.concurrency, "listed", lambda _: ())
    first = build(zipped("1"), strategy=Strategy.S3_ZIP)
    second = build(zipped("2"), settings=Settings(memory=2048, environment={"MODE": "x"}))
    assert run(first).version == "1"
    assert run(first).instructions == ()
    assert run(second).version == "2"
    assert run(second).instructions == ()
    execute(operate.rollback(aws, NAME), aws)
    told = operate.status(aws, NAME)
    assert (told.version, len(told.versions), told.strategy) == ("1", 2, "direct-zip")
    execute(operate.destroy(aws, NAME, bucket=True), aws)
    assert operate.destroy(aws, NAME, bucket=True) == ()
    with pytest.raises(WideloadError, match="is not deployed"):
        operate.status(aws, NAME)


def test_aws_without_region() -> None:
    with pytest.raises(WideloadError, match="no AWS region") as told:
        Aws()
    assert "AWS_REGION" in told.value.hint


def test_aws_without_profile() -> None:
    with pytest.raises(WideloadError, match="no such AWS profile") as told:
        Aws(profile="nobody", region=REGION)
    assert "nobody" in told.value.why


def test_aws_without_credentials() -> None:
    with pytest.raises(WideloadError, match="no AWS credentials") as told:
        Aws(region=REGION, endpoint="http://127.0.0.1:9").identity()
    assert "AWS_PROFILE" in told.value.hint


def test_aws_that_is_not_reached() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        client = boto3.Session(
            aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION
        ).client("lambda", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))
        with pytest.raises(WideloadError, match="AWS cannot be reached") as told:
            AwsFunctions(client, client).find("f")
        assert endpoint in told.value.why


def test_aws_endpoint_that_is_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    with pytest.raises(WideloadError, match="AWS cannot be reached") as told:
        Aws(region=REGION, keys=("testing", "testing")).identity()
    assert "nonsense" in told.value.why
    assert "AWS_ENDPOINT_URL" in told.value.hint


def test_aws_custom_endpoint_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def style(aws: Aws) -> object:
        settings: dict[str, object] = vars(aws.storage._client.meta.config)
        return settings["s3"]

    plain = Aws(region=REGION, keys=("testing", "testing"))
    assert not plain._is_custom
    given = Aws(region=REGION, keys=("testing", "testing"), endpoint="http://127.0.0.1:9")
    assert given._is_custom
    assert style(given) == {"addressing_style": "path"}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:9")
    found = Aws(region=REGION, keys=("testing", "testing"))
    assert found._is_custom
    assert style(found) == {"addressing_style": "path"}
    assert found.storage._client.meta.endpoint_url == "http://localhost:9"

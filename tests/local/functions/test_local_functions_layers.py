from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from lambda_world import ACCOUNT, LAYERS, World, refusal, zipped

pytest_plugins = ["lambda_fixture"]


def test_layer_lifecycle(world: World) -> None:
    client = world.client()
    package = zipped({"python/a.py": "a = 1"})
    world.objects.put("bucket", "layer.zip", package)
    published = client.publish_layer_version(
        LayerName="base",
        Description="shared",
        Content={"S3Bucket": "bucket", "S3Key": "layer.zip"},
        CompatibleRuntimes=["python3.12", "python3.13"],
        CompatibleArchitectures=["x86_64"],
        LicenseInfo="MIT",
    )
    assert published["LayerArn"] == f"{LAYERS}:base"
    assert published["LayerVersionArn"] == f"{LAYERS}:base:1"
    assert (published["Version"], published["LicenseInfo"]) == (1, "MIT")
    assert published["Content"]["CodeSize"] == len(package)
    by_arn = client.get_layer_version_by_arn(Arn=f"{LAYERS}:base:1")
    with urllib.request.urlopen(by_arn["Content"]["Location"]) as answer:
        assert answer.read() == package
    named = client.get_layer_version(LayerName=f"{LAYERS}:base", VersionNumber=1)
    assert named["CompatibleRuntimes"] == ["python3.12", "python3.13"]
    assert world.layer("base", {"b": "2"}) == f"{LAYERS}:base:2"
    world.layer("other", {"c": "3"})
    versions = client.list_layer_versions(LayerName="base")["LayerVersions"]
    assert [version["Version"] for version in versions] == [2, 1]
    layers = client.list_layers()["Layers"]
    assert [
        (layer["LayerName"], layer["LatestMatchingVersion"]["Version"]) for layer in layers
    ] == [("base", 2), ("other", 1)]
    fitting = client.list_layers(CompatibleRuntime="python3.12", CompatibleArchitecture="x86_64")
    assert [layer["LatestMatchingVersion"]["Version"] for layer in fitting["Layers"]] == [1]
    assert client.list_layers(CompatibleArchitecture="arm64")["Layers"] == []
    client.delete_layer_version(LayerName="base", VersionNumber=2)
    client.delete_layer_version(LayerName="base", VersionNumber=2)
    assert world.layer("base", {"d": "4"}) == f"{LAYERS}:base:3"


def test_a_function_keeps_a_layer_that_is_deleted(world: World) -> None:
    client = world.client()
    arn = world.layer("base", {"python/a.py": "a = 1"})
    world.create(Layers=[arn])
    client.delete_layer_version(LayerName="base", VersionNumber=1)
    layers = client.get_function_configuration(FunctionName="hello")["Layers"]
    assert [layer["Arn"] for layer in layers] == [arn]
    assert layers[0]["CodeSize"] > 0
    client.invoke(FunctionName="hello")
    folder = world.sandbox.started[0].spec.layers[0]
    with open(f"{folder}/python/a.py") as file:  # noqa: PTH123
        assert file.read() == "a = 1"
    assert refusal(lambda: world.create("second", Layers=[arn]))[1] == (
        f"Layer version {arn} does not exist."
    )
    emptied = client.update_function_configuration(FunctionName="hello", Layers=[])
    assert "Layers" not in emptied


def test_a_layer_is_read_by_ranges(world: World) -> None:
    arn = world.layer("base", {"python/a.py": "a = 1", "python/b.bin": bytes(range(256)) * 99})
    location = world.client().get_layer_version_by_arn(Arn=arn)["Content"]["Location"]

    def ask(wanted: str, method: str = "GET") -> tuple[int, bytes, str]:
        headers = {"Range": wanted} if wanted else {}
        request = urllib.request.Request(location, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read(), answer.headers.get("Content-Range", "")
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers.get("Content-Range", "")

    _, whole, _ = ask("")
    size = len(whole)
    assert size > 500
    assert ask("bytes=10-19") == (206, whole[10:20], f"bytes 10-19/{size}")
    assert ask(f"bytes={size - 5}-") == (206, whole[-5:], f"bytes {size - 5}-{size - 1}/{size}")
    assert ask("bytes=-7") == (206, whole[-7:], f"bytes {size - 7}-{size - 1}/{size}")
    assert ask("bytes=-65536") == (206, whole, f"bytes 0-{size - 1}/{size}")
    assert ask(f"bytes=0-{size * 2}") == (206, whole, f"bytes 0-{size - 1}/{size}")
    assert ask(f"bytes={size}-{size + 1}")[0::2] == (416, f"bytes */{size}")
    # S3 serves one range, and does not look at what is none.
    assert ask("bytes=0-1,4-5") == (200, whole, "")
    assert ask("lines=0-1") == (200, whole, "")
    # What is signed is a GET.
    assert ask("", "HEAD")[0] == 403


def test_layer_refusals(world: World) -> None:
    client = world.client()
    world.layer("base", {"a": "1"})
    gone = ("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    assert refusal(lambda: client.get_layer_version(LayerName="none", VersionNumber=1)) == gone
    assert refusal(lambda: client.get_layer_version(LayerName="base", VersionNumber=9)) == gone
    assert refusal(lambda: client.get_layer_version(LayerName="base", VersionNumber=-1))[1] == (
        "Layer Version Cannot be less than 1"
    )
    assert refusal(lambda: client.get_layer_version_by_arn(Arn=f"{LAYERS}:base"))[0] == (
        "ValidationException"
    )
    _, message, _ = refusal(
        lambda: client.publish_layer_version(
            LayerName="base",
            Content={"ZipFile": zipped()},
            CompatibleRuntimes=["invalidruntime"],  # type: ignore[list-item]
            CompatibleArchitectures=["invalidarch"],  # type: ignore[list-item]
        )
    )
    assert message.startswith("2 validation errors detected: ")
    assert (
        "Value '[invalidruntime]' at 'compatibleRuntimes' failed to satisfy constraint: Member "
        "must satisfy enum value set: [" in message
    )
    assert (
        "Value '[invalidarch]' at 'compatibleArchitectures' failed to satisfy constraint: Member "
        "must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member "
        "must not be null]" in message
    )


def test_layers_of_another_account_need_a_permission(world: World) -> None:
    arn = world.layer("base", {"python/a.py": "a = 1"})
    owner = world.client()
    world.account = "222222222222"
    stranger = world.client()
    role = "arn:aws:iam::222222222222:role/runner"
    denied = (
        "AccessDeniedException",
        (
            "User: arn:aws:iam::222222222222:user/tester is not authorized to perform: "
            f"lambda:GetLayerVersion on resource: {arn} because no resource-based policy allows "
            "the lambda:GetLayerVersion action"
        ),
        403,
    )
    assert refusal(lambda: stranger.get_layer_version_by_arn(Arn=arn)) == denied
    assert refusal(lambda: world.create(Layers=[arn], Role=role)) == denied
    world.account = ACCOUNT
    added = owner.add_layer_version_permission(
        LayerName="base",
        VersionNumber=1,
        StatementId="share",
        Action="lambda:GetLayerVersion",
        Principal="222222222222",
    )
    assert json.loads(added["Statement"])["Resource"] == arn
    world.account = "222222222222"
    assert stranger.get_layer_version_by_arn(Arn=arn)["Version"] == 1
    assert world.create(Layers=[arn], Role=role)["Layers"][0]["Arn"] == arn


def test_layer_permissions(world: World) -> None:
    client = world.client()
    world.layer("base", {"a": "1"})

    def add(sid: str = "all", number: int = 1, **more: Any) -> str:
        answer = client.add_layer_version_permission(
            LayerName="base",
            VersionNumber=number,
            StatementId=sid,
            Action="lambda:GetLayerVersion",
            Principal="*",
            **more,
        )
        return answer["RevisionId"]

    assert refusal(lambda: client.get_layer_version_policy(LayerName="base", VersionNumber=1))[
        1
    ] == ("No policy is associated with the given resource.")
    revision = add()
    assert refusal(add)[0] == "ResourceConflictException"
    assert refusal(lambda: add("other", 2)) == (
        "ResourceNotFoundException",
        f"Layer version {LAYERS}:base:2 does not exist.",
        404,
    )
    assert refusal(lambda: add("other", RevisionId="x")) == (
        "PreconditionFailedException",
        (
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetLayerPolicy API to retrieve the latest Revision Id"
        ),
        412,
    )
    second = add("other", RevisionId=revision)
    policy = client.get_layer_version_policy(LayerName="base", VersionNumber=1)
    assert policy["RevisionId"] == second
    assert [item["Sid"] for item in json.loads(policy["Policy"])["Statement"]] == ["all", "other"]
    client.remove_layer_version_permission(LayerName="base", VersionNumber=1, StatementId="all")
    assert refusal(
        lambda: client.remove_layer_version_permission(
            LayerName="base", VersionNumber=1, StatementId="all"
        )
    )[1] == ("Statement all is not found in resource policy.")

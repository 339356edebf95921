from __future__ import annotations

import base64
import hashlib
import io
import urllib.error
import urllib.request
import zipfile
from typing import Any

import pytest
from lambda_world import ACCOUNT, FUNCTIONS, REGION, ROLE, World, eventually, refusal, zipped

from wideload.errors import WideloadError

pytest_plugins = ["lambda_fixture"]


def test_created_function_answers_all_of_its_configuration(world: World) -> None:
    package = zipped()
    created = world.create(
        Code={"ZipFile": package},
        Description="says hello",
        Timeout=30,
        MemorySize=1024,
        EphemeralStorage={"Size": 2048},
        Environment={"Variables": {"STAGE": "test"}},
        TracingConfig={"Mode": "Active"},
        Architectures=["arm64"],
        Tags={"team": "one"},
    )
    got = world.client().get_function(FunctionName="hello")
    configuration = got["Configuration"]
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert configuration["FunctionArn"] == f"{FUNCTIONS}:hello"
    assert configuration["Runtime"] == "python3.13"
    assert configuration["Role"] == ROLE
    assert configuration["Handler"] == "app.handler"
    assert configuration["Timeout"] == 30
    assert configuration["MemorySize"] == 1024
    assert configuration["EphemeralStorage"] == {"Size": 2048}
    assert configuration["Environment"]["Variables"] == {"STAGE": "test"}
    assert configuration["TracingConfig"] == {"Mode": "Active"}
    assert configuration["Architectures"] == ["arm64"]
    assert configuration["PackageType"] == "Zip"
    assert configuration["Version"] == "$LATEST"
    assert configuration["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}
    assert configuration["LoggingConfig"] == {
        "LogFormat": "Text",
        "LogGroup": "/aws/lambda/hello",
    }
    assert configuration["RuntimeVersionConfig"]["RuntimeVersionArn"].startswith(
        f"arn:aws:lambda:{REGION}::runtime:"
    )
    assert configuration["CodeSize"] == len(package)
    digest = base64.b64encode(hashlib.sha256(package).digest()).decode()
    assert configuration["CodeSha256"] == digest
    assert configuration["LastModified"].endswith("+0000")
    assert got["Tags"] == {"team": "one"}


def test_waiters_see_a_function_become_active_and_updated(world: World) -> None:
    world.settle = 0.3
    world.start()
    client = world.client()
    created = world.create()
    assert created["State"] == "Pending"
    assert created["StateReasonCode"] == "Creating"
    assert "LastUpdateStatus" not in created
    pending = "The operation cannot be performed at this time. The function is currently in the "
    pending += "following state: Pending"
    for call in (
        lambda: client.update_function_configuration(FunctionName="hello", Timeout=9),
        lambda: client.update_function_code(FunctionName="hello", ZipFile=zipped()),
        lambda: client.publish_version(FunctionName="hello"),
        lambda: client.invoke(FunctionName="hello"),
    ):
        assert refusal(call) == ("ResourceConflictException", pending, 409)
    client.get_waiter("function_active_v2").wait(FunctionName="hello", WaiterConfig={"Delay": 1})
    active = client.get_function_configuration(FunctionName="hello")
    assert active["RevisionId"] != created["RevisionId"]

    updated = client.update_function_configuration(FunctionName="hello", Timeout=9)
    assert (updated["State"], updated["LastUpdateStatus"]) == ("Active", "InProgress")
    assert refusal(lambda: client.update_function_code(FunctionName="hello", ZipFile=zipped())) == (
        "ResourceConflictException",
        (
            "The operation cannot be performed at this time. An update is in progress for "
            f"resource: {FUNCTIONS}:hello"
        ),
        409,
    )
    client.get_waiter("function_updated_v2").wait(FunctionName="hello", WaiterConfig={"Delay": 1})
    assert client.get_function_configuration(FunctionName="hello")["Timeout"] == 9


def test_calls_go_to_the_old_code_while_an_update_is_in_progress(world: World) -> None:
    now = [1000.0]
    world.now = lambda: now[0]
    world.settle = 10.0
    world.start()
    client = world.client()
    world.sandbox.handler = lambda _event, spec: spec.environment
    world.create(Environment={"Variables": {"COLOUR": "red"}})
    now[0] += 20
    client.update_function_configuration(
        FunctionName="hello", Environment={"Variables": {"COLOUR": "blue"}}
    )
    assert client.invoke(FunctionName="hello")["Payload"].read() == b'{"COLOUR": "red"}'
    now[0] += 20
    assert client.invoke(FunctionName="hello")["Payload"].read() == b'{"COLOUR": "blue"}'


def test_code_location_serves_the_zip_and_only_with_its_signature(world: World) -> None:
    package = zipped({"app.py": "x = 1", "data/a.txt": "a"})
    world.create(Code={"ZipFile": package})
    code = world.client().get_function(FunctionName="hello")["Code"]
    assert code["RepositoryType"] == "S3"
    with urllib.request.urlopen(code["Location"]) as answer:
        fetched = answer.read()
    assert fetched == package
    assert zipfile.ZipFile(io.BytesIO(fetched)).namelist() == ["app.py", "data/a.txt"]
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(code["Location"][:-1] + "x")


def test_a_link_expires_after_ten_minutes(world: World) -> None:
    now = [1000.0]
    world.now = lambda: now[0]
    world.start()
    world.create()
    location = world.client().get_function(FunctionName="hello")["Code"]["Location"]
    now[0] += 601
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(location)


def test_code_is_updated_from_s3_and_dry_run_changes_nothing(world: World) -> None:
    client = world.client()
    world.create()
    before = client.get_function_configuration(FunctionName="hello")
    package = zipped({"app.py": "y = 2"})
    world.objects.put("bucket", "code.zip", package)
    source: dict[str, Any] = {"S3Bucket": "bucket", "S3Key": "code.zip"}
    dry = client.update_function_code(
        FunctionName="hello", S3Bucket="bucket", S3Key="code.zip", DryRun=True
    )
    assert dry["CodeSize"] == len(package)
    after_dry = client.get_function_configuration(FunctionName="hello")
    assert after_dry["CodeSha256"] == before["CodeSha256"]
    assert after_dry["RevisionId"] == before["RevisionId"]
    updated = client.update_function_code(
        FunctionName="hello", RevisionId=before["RevisionId"], **source
    )
    assert updated["CodeSha256"] == dry["CodeSha256"]
    assert refusal(
        lambda: client.update_function_code(
            FunctionName="hello", RevisionId=before["RevisionId"], **source
        )
    ) == (
        "PreconditionFailedException",
        (
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id"
        ),
        412,
    )


@pytest.mark.parametrize(
    "name",
    ["hello", f"{FUNCTIONS}:hello", f"{ACCOUNT}:function:hello", "function:hello", "hello:$LATEST"],
)
def test_functions_are_found_under_every_form_of_their_name(world: World, name: str) -> None:
    world.create()
    got = world.client().get_function_configuration(FunctionName=name)
    assert got["FunctionName"] == "hello"
    assert got["FunctionArn"] == f"{FUNCTIONS}:hello" + (":$LATEST" if "$" in name else "")


def test_names_that_lead_nowhere_are_refused(world: World) -> None:
    client = world.client()
    world.create()
    assert refusal(lambda: client.get_function(FunctionName="nobody")) == (
        "ResourceNotFoundException",
        f"Function not found: {FUNCTIONS}:nobody",
        404,
    )
    assert refusal(lambda: client.get_function(FunctionName="hello", Qualifier="7")) == (
        "ResourceNotFoundException",
        f"Function not found: {FUNCTIONS}:hello:7",
        404,
    )
    assert refusal(lambda: client.get_function(FunctionName="hello:1", Qualifier="2")) == (
        "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
        400,
    )
    elsewhere = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:hello"
    assert refusal(lambda: client.get_function(FunctionName=elsewhere)) == (
        "ResourceNotFoundException",
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
        404,
    )
    foreign = f"arn:aws:lambda:{REGION}:999999999999:function:hello"
    assert refusal(lambda: client.get_function(FunctionName=foreign))[::2] == (
        "AccessDeniedException",
        403,
    )


def test_a_second_function_of_the_name_is_refused(world: World) -> None:
    world.create()
    assert refusal(world.create) == (
        "ResourceConflictException",
        "Function already exist: hello",
        409,
    )


def test_lists_are_paged_and_leave_states_out(world: World) -> None:
    for number in range(5):
        world.create(f"f{number}")
    client = world.client()
    client.publish_version(FunctionName="f0")
    pages = list(client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert [[item["FunctionName"] for item in page["Functions"]] for page in pages] == [
        ["f0", "f1"],
        ["f2", "f3"],
        ["f4"],
    ]
    assert "State" not in pages[0]["Functions"][0]
    every = client.list_functions(FunctionVersion="ALL")["Functions"]
    assert [item["FunctionArn"] for item in every[:2]] == [
        f"{FUNCTIONS}:f0:$LATEST",
        f"{FUNCTIONS}:f0:1",
    ]
    assert refusal(lambda: client.list_functions(Marker="bm9uZQ=="))[1] == (
        "Invalid marker: bm9uZQ=="
    )


def test_deleting(world: World) -> None:
    client = world.client()
    world.create()
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    assert refusal(lambda: client.delete_function(FunctionName="hello", Qualifier="1")) == (
        "ResourceConflictException",
        "Unable to delete version because the following aliases reference it: [live]",
        409,
    )
    assert refusal(lambda: client.delete_function(FunctionName="hello", Qualifier="$LATEST")) == (
        "InvalidParameterValueException",
        "$LATEST version cannot be deleted without deleting the function.",
        400,
    )
    client.delete_alias(FunctionName="hello", Name="live")
    client.delete_function(FunctionName="hello", Qualifier="1")
    # A version that is not there is no error.
    client.delete_function(FunctionName="hello", Qualifier="99")
    versions = client.list_versions_by_function(FunctionName="hello")["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST"]
    answer = client.delete_function(FunctionName="hello")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(lambda: client.delete_function(FunctionName="hello"))[1] == (
        f"Function not found: {FUNCTIONS}:hello"
    )
    # Numbers are never given twice.
    assert world.create(Publish=True)["Version"] == "2"


def test_only_the_function_itself_can_be_changed(world: World) -> None:
    client = world.client()
    world.create(Publish=True)
    for call in (
        lambda: client.update_function_configuration(FunctionName="hello:1", Timeout=9),
        lambda: client.update_function_code(FunctionName="hello:1", ZipFile=zipped()),
        lambda: client.publish_version(FunctionName="hello:1"),
    ):
        assert refusal(call)[1].startswith("This operation is permitted on Lambda functions only.")
    assert refusal(lambda: world.create("other:1"))[0] == "InvalidParameterValueException"
    client.update_function_configuration(FunctionName="hello:$LATEST", Timeout=9)


def test_what_a_kill_leaves_half_done_is_cleared_away(world: World) -> None:
    world.create()
    client = world.client()
    client.invoke(FunctionName="hello")
    state = world.folder / "state" / "lambda"
    (state / "incoming" / "upload").write_bytes(b"half")
    (state / "blobs" / f"{'0' * 64}.zip").write_bytes(b"of no function")
    (state / "unpacked" / ".half").mkdir()
    (state / "functions" / ACCOUNT / REGION / ".hello.json.half").write_bytes(b"{")
    world.start()
    world.client().invoke(FunctionName="hello")
    assert not list((state / "incoming").iterdir())
    assert len(list((state / "blobs").iterdir())) == 1
    assert len(list((state / "unpacked").iterdir())) == 1


def test_a_damaged_document_is_told_of(world: World) -> None:
    world.create()
    path = world.folder / "state" / "lambda" / "functions" / ACCOUNT / REGION / "hello.json"
    path.write_bytes(b"{")
    with pytest.raises(WideloadError, match="the state of the embedded AWS cannot be read"):
        world.start()


def test_everything_survives_a_restart(world: World) -> None:
    client = world.client()
    layer = world.layer("base", {"python/base.py": "b = 1"})
    world.create(Layers=[layer], Tags={"a": "b"})
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=3)
    before = client.get_function(FunctionName="hello", Qualifier="live")
    world.start()
    client = world.client()
    after = client.get_function(FunctionName="hello", Qualifier="live")
    assert after["Configuration"] == before["Configuration"]
    assert after["Concurrency"] == {"ReservedConcurrentExecutions": 3}
    assert client.invoke(FunctionName="hello:live")["StatusCode"] == 200
    assert client.get_layer_version(LayerName="base", VersionNumber=1)["Version"] == 1


def test_packages_are_kept_as_long_as_something_needs_them(world: World) -> None:
    blobs = world.folder / "state" / "lambda" / "blobs"
    client = world.client()
    first, second = zipped({"a.py": "1"}), zipped({"a.py": "2"})
    world.create(Code={"ZipFile": first}, Publish=True)
    client.update_function_code(FunctionName="hello", ZipFile=second)
    client.update_function_code(FunctionName="hello", ZipFile=second)
    names = {hashlib.sha256(data).hexdigest() for data in (first, second)}
    assert {path.stem for path in blobs.iterdir()} == names
    client.delete_function(FunctionName="hello", Qualifier="1")
    assert {path.stem for path in blobs.iterdir()} == {hashlib.sha256(second).hexdigest()}
    client.invoke(FunctionName="hello")
    client.delete_function(FunctionName="hello")
    eventually(lambda: not list(blobs.iterdir()))
    assert not list((blobs.parent / "unpacked").iterdir())


def test_account_settings_tell_what_is_used(world: World) -> None:
    package = zipped()
    world.create(Code={"ZipFile": package})
    client = world.client()
    client.publish_version(FunctionName="hello")
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=50)
    settings = client.get_account_settings()
    assert settings["AccountUsage"] == {"TotalCodeSize": 2 * len(package), "FunctionCount": 1}
    assert settings["AccountLimit"] == {
        "TotalCodeSize": 80530636800,
        "CodeSizeUnzipped": 262144000,
        "CodeSizeZipped": 52428800,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 950,
    }


def test_unknown_and_foreign_operations_are_refused_clearly(world: World) -> None:
    client = world.client()
    world.create()
    assert refusal(
        lambda: client.create_function_url_config(FunctionName="hello", AuthType="NONE")
    ) == (
        "InvalidParameterValueException",
        (
            "CreateFunctionUrlConfig: not embedded. The embedded AWS does not have this part of "
            "Lambda."
        ),
        400,
    )
    assert refusal(client.list_event_source_mappings)[0] == "InvalidParameterValueException"
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        urllib.request.urlopen(f"{world.url}/2015-03-31/nothing")
    assert caught.value.headers["x-amzn-ErrorType"] == "UnknownOperationException"


def test_tags(world: World) -> None:
    client = world.client()
    world.create(Tags={"a": "1"})
    arn = f"{FUNCTIONS}:hello"
    client.tag_resource(Resource=arn, Tags={"b": "2", "a": "3"})
    client.untag_resource(Resource=arn, TagKeys=["b", "none"])
    assert client.list_tags(Resource=arn)["Tags"] == {"a": "3"}
    assert refusal(lambda: client.tag_resource(Resource=f"{arn}:1", Tags={"a": "1"}))[1] == (
        "Tags on function aliases and versions are not supported. Please specify a function ARN."
    )
    assert refusal(
        lambda: client.tag_resource(Resource=arn, Tags={f"k{number}": "" for number in range(50)})
    )[1] == ("Number of tags exceeds resource tag limit.")
    assert refusal(lambda: client.list_tags(Resource=f"{FUNCTIONS}:none"))[1] == (
        f"Function not found: {FUNCTIONS}:none"
    )
    assert refusal(lambda: client.tag_resource(Resource="arn:aws:s3:::b", Tags={"a": "1"}))[0] == (
        "ValidationException"
    )

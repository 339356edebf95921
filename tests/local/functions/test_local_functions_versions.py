from __future__ import annotations

import json
from typing import Any

import pytest
from lambda_world import FUNCTIONS, World, eventually, refusal, zipped

pytest_plugins = ["lambda_fixture"]

_STALE = "The Revision Id provided does not match the latest Revision Id. Call the "


def test_a_version_is_a_snapshot_and_an_unchanged_function_has_one(world: World) -> None:
    client = world.client()
    world.create(Description="first")
    first = client.publish_version(FunctionName="hello", Description="one")
    assert first["FunctionArn"] == f"{FUNCTIONS}:hello:1"
    assert (first["Version"], first["Description"], first["State"]) == ("1", "one", "Active")
    again = client.publish_version(FunctionName="hello")
    assert (again["Version"], again["RevisionId"]) == ("1", first["RevisionId"])
    client.update_function_configuration(FunctionName="hello", Timeout=42)
    second = client.publish_version(FunctionName="hello")
    assert (second["Version"], second["Description"], second["Timeout"]) == ("2", "first", 42)
    kept = client.get_function_configuration(FunctionName="hello", Qualifier="1")
    assert (kept["Timeout"], kept["Description"]) == (3, "one")
    versions = client.list_versions_by_function(FunctionName="hello")["Versions"]
    assert [version["FunctionArn"] for version in versions] == [
        f"{FUNCTIONS}:hello:$LATEST",
        f"{FUNCTIONS}:hello:1",
        f"{FUNCTIONS}:hello:2",
    ]


def test_publishing_with_creation_and_with_code(world: World) -> None:
    client = world.client()
    created = world.create(Publish=True)
    assert (created["Version"], created["FunctionArn"]) == ("1", f"{FUNCTIONS}:hello")
    updated = client.update_function_code(
        FunctionName="hello", ZipFile=zipped({"b.py": ""}), Publish=True
    )
    assert (updated["Version"], updated["FunctionArn"]) == ("2", f"{FUNCTIONS}:hello:2")


def test_publishing_checks_digest_and_revision(world: World) -> None:
    client = world.client()
    digest = world.create()["CodeSha256"]
    assert refusal(lambda: client.publish_version(FunctionName="hello", CodeSha256="x")) == (
        "InvalidParameterValueException",
        (
            f"CodeSHA256 (x) is different from current CodeSHA256 in $LATEST ({digest}). Please "
            "try again with the CodeSHA256 in $LATEST."
        ),
        400,
    )
    assert refusal(lambda: client.publish_version(FunctionName="hello", RevisionId="x")) == (
        "PreconditionFailedException",
        f"{_STALE}GetFunction/GetAlias API to retrieve the latest Revision Id",
        412,
    )
    assert client.publish_version(FunctionName="hello", CodeSha256=digest)["Version"] == "1"


def test_alias_lifecycle(world: World) -> None:
    client = world.client()
    world.create(Publish=True)
    client.update_function_configuration(FunctionName="hello", Timeout=9)
    client.publish_version(FunctionName="hello")
    created = client.create_alias(
        FunctionName="hello",
        Name="live",
        FunctionVersion="1",
        Description="serving",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}},
    )
    arn = f"{FUNCTIONS}:hello:live"
    assert created["AliasArn"] == arn
    assert created["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.25}}
    got = client.get_function_configuration(FunctionName=arn)
    assert (got["FunctionArn"], got["Version"]) == (arn, "1")
    assert refusal(
        lambda: client.update_alias(
            FunctionName="hello", Name="live", FunctionVersion="2", RevisionId="x"
        )
    )[0] == ("PreconditionFailedException")
    moved = client.update_alias(
        FunctionName="hello",
        Name="live",
        FunctionVersion="2",
        RevisionId=created["RevisionId"],
        RoutingConfig={"AdditionalVersionWeights": {}},
    )
    assert (moved["FunctionVersion"], moved["Description"]) == ("2", "serving")
    assert moved.get("RoutingConfig") is None
    assert moved["RevisionId"] != created["RevisionId"]
    client.create_alias(FunctionName="hello", Name="beta", FunctionVersion="$LATEST")
    names = [alias["Name"] for alias in client.list_aliases(FunctionName="hello")["Aliases"]]
    assert names == ["beta", "live"]
    of_two = client.list_aliases(FunctionName="hello", FunctionVersion="2")["Aliases"]
    assert [alias["Name"] for alias in of_two] == ["live"]
    client.delete_alias(FunctionName="hello", Name="live")
    client.delete_alias(FunctionName="hello", Name="live")
    assert refusal(lambda: client.get_alias(FunctionName="hello", Name="live")) == (
        "ResourceNotFoundException",
        f"Cannot find alias arn: {arn}",
        404,
    )
    assert refusal(lambda: client.invoke(FunctionName="hello", Qualifier="live")) == (
        "ResourceNotFoundException",
        f"Function not found: {arn}",
        404,
    )


def test_aliases_that_make_no_sense_are_refused(world: World) -> None:
    client = world.client()
    world.create(Publish=True)
    client.update_function_configuration(FunctionName="hello", Timeout=9)
    client.publish_version(FunctionName="hello")

    def create(
        version: str, weights: dict[str, float] | None = None, function: str = "hello"
    ) -> object:
        return client.create_alias(
            FunctionName=function,
            Name="live",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights or {}},
        )

    assert refusal(lambda: create("10"))[1] == f"Function not found: {FUNCTIONS}:hello:10"
    assert refusal(lambda: create("1", function="none"))[1] == (
        f"Function not found: {FUNCTIONS}:none:1"
    )
    assert refusal(lambda: create("1", {"2": 0.5, "3": 0.5}))[1] == (
        "Number of items in AdditionalVersionWeights cannot be greater than 1"
    )
    assert refusal(lambda: create("1", {"1": 0.5}))[1] == (
        "Invalid function version 1. Function version 1 is already included in routing "
        "configuration."
    )
    assert refusal(lambda: create("$LATEST", {"1": 0.5}))[1] == (
        "$LATEST is not supported for an alias pointing to more than 1 version"
    )
    assert refusal(lambda: create("1", {"2": 2.0})) == (
        "ValidationException",
        (
            "1 validation error detected: Value '{2=2.0}' at "
            "'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must "
            "satisfy constraint: [Member must have value less than or equal to 1.0, Member must "
            "have value greater than or equal to 0.0, Member must not be null]"
        ),
        400,
    )
    assert refusal(lambda: create("1", {"$LATEST": 0.5}))[1] == (
        "1 validation error detected: Value '{$LATEST=0.5}' at "
        "'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must "
        "satisfy constraint: [Member must have length less than or equal to 1024, Member must have "
        "length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]"
    )
    create("1")
    assert refusal(lambda: create("1"))[:2] == (
        "ResourceConflictException",
        f"Alias already exists: {FUNCTIONS}:hello:live",
    )
    assert refusal(
        lambda: client.update_alias(FunctionName="hello", Name="none", FunctionVersion="1")
    )[1] == (f"Alias not found: {FUNCTIONS}:hello:none")
    assert refusal(
        lambda: client.create_alias(FunctionName="hello", Name="2024", FunctionVersion="1")
    )[1] == (
        "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: Member "
        "must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
    )


def test_an_alias_splits_its_calls_by_weight(world: World) -> None:
    client = world.client()
    world.create(Publish=True)
    client.update_function_configuration(FunctionName="hello", Timeout=9)
    client.publish_version(FunctionName="hello")
    for weight, version in ((0.0, "1"), (1.0, "2")):
        client.create_alias(
            FunctionName="hello",
            Name=f"to-{version}",
            FunctionVersion="1",
            RoutingConfig={"AdditionalVersionWeights": {"2": weight}},
        )
        answers = {
            client.invoke(FunctionName=f"hello:to-{version}")["ExecutedVersion"] for _ in range(5)
        }
        assert answers == {version}


def test_function_permissions(world: World) -> None:
    client = world.client()
    world.create(Publish=True)
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    added = client.add_permission(
        FunctionName="hello",
        Qualifier="live",
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::bucket",
        SourceAccount="111111111111",
    )
    statement = {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"{FUNCTIONS}:hello:live",
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "111111111111"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
        },
    }
    assert json.loads(added["Statement"]) == statement
    policy = client.get_policy(FunctionName="hello", Qualifier="live")
    assert json.loads(policy["Policy"]) == {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [statement],
    }

    def add(sid: str = "other", **more: Any) -> object:
        return client.add_permission(
            FunctionName="hello",
            StatementId=sid,
            Action="lambda:InvokeFunction",
            **{"Principal": "111111111111", **more},
        )

    assert refusal(lambda: add("s3", Qualifier="live")) == (
        "ResourceConflictException",
        (
            "The statement id (s3) provided already exists. Please provide a new statement id, or "
            "remove the existing statement."
        ),
        409,
    )
    assert refusal(lambda: add(Qualifier="live", RevisionId="x")) == (
        "PreconditionFailedException",
        f"{_STALE}GetPolicy API to retrieve the latest Revision Id",
        412,
    )
    for changes, message in (
        ({"Qualifier": "$LATEST"}, "We currently do not support adding policies for $LATEST."),
        ({"Qualifier": "none"}, f"Cannot find alias arn: {FUNCTIONS}:hello:none"),
        ({"Qualifier": "42"}, f"Function not found: {FUNCTIONS}:hello:42"),
        (
            {"Principal": "nobody"},
            "The provided principal was invalid. Please check the principal and try again.",
        ),
    ):
        assert refusal(lambda changes=changes: add(**changes))[1] == message  # type: ignore[misc]
    assert refusal(lambda: client.get_policy(FunctionName="hello"))[1] == (
        "The resource you requested does not exist."
    )
    add()
    assert json.loads(client.get_policy(FunctionName="hello")["Policy"])["Statement"][0][
        "Principal"
    ] == {"AWS": "arn:aws:iam::111111111111:root"}
    client.remove_permission(FunctionName="hello", StatementId="other")
    assert refusal(lambda: client.remove_permission(FunctionName="hello", StatementId="other"))[
        1
    ] == ("No policy is associated with the given resource.")
    assert refusal(
        lambda: client.remove_permission(FunctionName="hello", Qualifier="live", StatementId="x")
    )[1] == ("Statement x is not found in resource policy.")
    assert refusal(lambda: client.remove_permission(FunctionName="none", StatementId="x"))[1] == (
        f"No policy found for: {FUNCTIONS}:none"
    )


def test_reserved_concurrency_is_set_within_the_account(world: World) -> None:
    client = world.client()
    world.create(Publish=True)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(
        FunctionName="hello"
    )
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=900)
    got = client.get_function_concurrency(FunctionName="hello")
    assert got["ReservedConcurrentExecutions"] == 900
    assert refusal(
        lambda: client.put_function_concurrency(
            FunctionName="hello", ReservedConcurrentExecutions=901
        )
    )[1] == (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )
    assert refusal(
        lambda: client.put_function_concurrency(
            FunctionName="hello:1", ReservedConcurrentExecutions=1
        )
    )[1].startswith("This operation is permitted on Lambda functions only.")
    client.delete_function_concurrency(FunctionName="hello")
    unreserved = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    assert unreserved == 1000


def test_provisioned_concurrency_is_initialised_before_the_first_call(world: World) -> None:
    client = world.client()
    world.create(Publish=True)
    put = client.put_provisioned_concurrency_config(
        FunctionName="hello", Qualifier="1", ProvisionedConcurrentExecutions=3
    )
    assert put["Status"] == "IN_PROGRESS"

    def status(qualifier: str = "1") -> str:
        return client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier=qualifier)[
            "Status"
        ]

    eventually(lambda: status() == "READY")
    assert len(world.sandbox.started) == 3
    client.invoke(FunctionName="hello:1")
    assert len(world.sandbox.started) == 3
    listed = client.list_provisioned_concurrency_configs(FunctionName="hello")
    assert [
        (item["FunctionArn"], item["AllocatedProvisionedConcurrentExecutions"])
        for item in listed["ProvisionedConcurrencyConfigs"]
    ] == [(f"{FUNCTIONS}:hello:1", 3)]

    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    assert refusal(
        lambda: client.put_provisioned_concurrency_config(
            FunctionName="hello", Qualifier="live", ProvisionedConcurrentExecutions=1
        )
    ) == (
        "ResourceConflictException",
        (
            "Alias can't be used for Provisioned Concurrency configuration on an already "
            "Provisioned version"
        ),
        409,
    )
    # An environment that ends is replaced.
    world.sandbox.handler = lambda _event, _spec: (_ for _ in ()).throw(SystemExit(1))
    client.invoke(FunctionName="hello:1")
    eventually(lambda: len(world.sandbox.started) == 4 and status() == "READY")
    # After a restart they come back by themselves.
    world.start()
    client = world.client()
    eventually(lambda: status() == "READY")
    client.delete_provisioned_concurrency_config(FunctionName="hello", Qualifier="1")
    assert refusal(status) == (
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
        404,
    )
    client.put_provisioned_concurrency_config(
        FunctionName="hello", Qualifier="live", ProvisionedConcurrentExecutions=1
    )
    eventually(lambda: status("live") == "READY")
    assert refusal(
        lambda: client.put_provisioned_concurrency_config(
            FunctionName="hello", Qualifier="1", ProvisionedConcurrentExecutions=1
        )
    )[1] == ("Version is pointed by a Provisioned Concurrency alias")


def test_provisioned_concurrency_has_its_limits(world: World) -> None:
    client = world.client()
    world.create(Publish=True)

    def put(count: int, qualifier: str = "1") -> object:
        return client.put_provisioned_concurrency_config(
            FunctionName="hello", Qualifier=qualifier, ProvisionedConcurrentExecutions=count
        )

    assert refusal(lambda: put(1, "$LATEST"))[1] == (
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )
    assert refusal(lambda: put(0))[1] == (
        "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to "
        "satisfy constraint: Member must have value greater than or equal to 1"
    )
    assert refusal(lambda: put(1001))[1] == (
        "Specified ConcurrentExecutions for function is greater than account's unreserved "
        "concurrency [1000]."
    )
    assert refusal(lambda: put(901))[1] == (
        "Specified ConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )
    assert refusal(lambda: put(1, "none"))[1] == (f"Cannot find alias arn: {FUNCTIONS}:hello:none")
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=2)
    assert refusal(lambda: put(3))[1] == (
        "Requested Provisioned Concurrency should not be greater than the "
        "reservedConcurrentExecution for function"
    )
    put(2)
    assert refusal(
        lambda: client.put_function_concurrency(
            FunctionName="hello", ReservedConcurrentExecutions=1
        )
    )[1] == (
        " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned "
        "concurrency [2]."
    )
    assert refusal(
        lambda: client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier="$LATEST")
    )[1] == ("The function resource provided must be an alias or a published version.")


def test_provisioning_what_cannot_run_fails_with_the_reason(world: World) -> None:
    client = world.client()
    world.create(Publish=True, Architectures=["arm64"])
    client.put_provisioned_concurrency_config(
        FunctionName="hello", Qualifier="1", ProvisionedConcurrentExecutions=1
    )

    def got() -> tuple[str, str]:
        answer = client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier="1")
        return answer["Status"], answer.get("StatusReason", "")

    eventually(lambda: got()[0] == "FAILED")
    assert got()[1].startswith("cannot run arm64 here")


@pytest.mark.parametrize("qualifier", [None, "1"])
def test_event_invoke_configs(world: World, qualifier: str | None) -> None:
    client = world.client()
    world.create(Publish=True)
    which: dict[str, Any] = {"FunctionName": "hello"}
    if qualifier:
        which["Qualifier"] = qualifier
    arn = f"{FUNCTIONS}:hello:{qualifier or '$LATEST'}"
    put = client.put_function_event_invoke_config(**which, MaximumRetryAttempts=0)
    assert (put["FunctionArn"], put["MaximumRetryAttempts"]) == (arn, 0)
    updated = client.update_function_event_invoke_config(**which, MaximumEventAgeInSeconds=60)
    assert (updated["MaximumRetryAttempts"], updated["MaximumEventAgeInSeconds"]) == (0, 60)
    listed = client.list_function_event_invoke_configs(FunctionName="hello")
    assert [item["FunctionArn"] for item in listed["FunctionEventInvokeConfigs"]] == [arn]
    assert refusal(lambda: client.put_function_event_invoke_config(**which))[1] == (
        "You must specify at least one of error handling or destination setting."
    )
    assert refusal(
        lambda: client.put_function_event_invoke_config(
            **which,
            DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:1:q"}},
        )
    )[0] in ("InvalidParameterValueException", "ValidationException")
    client.delete_function_event_invoke_config(**which)
    assert refusal(lambda: client.get_function_event_invoke_config(**which)) == (
        "ResourceNotFoundException",
        f"The function {arn} doesn't have an EventInvokeConfig",
        404,
    )

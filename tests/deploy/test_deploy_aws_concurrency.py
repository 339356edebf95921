"""Provisioned concurrency and SnapStart through boto3, held to botocore's model."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from wideload.deploy.aws_concurrency import AwsConcurrency
from wideload.deploy.aws_functions import AwsFunctions
from wideload.deploy.cloud import Refused
from wideload.deploy.concurrency import ProvisionedState, Room
from wideload.values.instruction import Configuration

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:f"
ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.fixture
def stub() -> Iterator[tuple[AwsConcurrency, Stubber]]:
    client = boto3.client(
        "lambda", region_name="eu-central-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    with Stubber(client) as stubber:
        yield AwsConcurrency(client), stubber
        stubber.assert_no_pending_responses()


def test_what_is_kept_is_listed_page_by_page(stub: tuple[AwsConcurrency, Stubber]) -> None:
    concurrency, stubber = stub
    ready = {
        "FunctionArn": f"{ARN}:live",
        "RequestedProvisionedConcurrentExecutions": 2,
        "AvailableProvisionedConcurrentExecutions": 2,
        "Status": "READY",
    }
    failed = {
        "FunctionArn": f"{ARN}:7",
        "RequestedProvisionedConcurrentExecutions": 3,
        "Status": "FAILED",
        "StatusReason": "FUNCTION_ERROR_INIT_FAILURE",
    }
    stubber.add_response(
        "list_provisioned_concurrency_configs",
        {"ProvisionedConcurrencyConfigs": [ready], "NextMarker": "more"},
        {"FunctionName": "f"},
    )
    stubber.add_response(
        "list_provisioned_concurrency_configs",
        {"ProvisionedConcurrencyConfigs": [failed]},
        {"FunctionName": "f", "Marker": "more"},
    )
    seven, live = concurrency.listed("f")
    assert seven == ProvisionedState("7", 3, 0, "FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert live == ProvisionedState("live", 2, 2, "READY")
    assert (seven.is_of_alias, live.is_of_alias) == (False, True)


def test_the_room_is_of_the_account_and_of_the_function(
    stub: tuple[AwsConcurrency, Stubber],
) -> None:
    concurrency, stubber = stub
    settings = {"AccountLimit": {"UnreservedConcurrentExecutions": 900}}
    stubber.add_response("get_account_settings", settings, {})
    assert concurrency.room(None) == Room(900)
    stubber.add_response("get_account_settings", settings, {})
    stubber.add_response("get_function_concurrency", {}, {"FunctionName": "f"})
    assert concurrency.room("f") == Room(900)
    stubber.add_response("get_account_settings", settings, {})
    reserved = {"ReservedConcurrentExecutions": 10}
    stubber.add_response("get_function_concurrency", reserved, {"FunctionName": "f"})
    assert concurrency.room("f") == Room(900, 10)


def test_it_is_set_and_taken_away(stub: tuple[AwsConcurrency, Stubber]) -> None:
    concurrency, stubber = stub
    stubber.add_response(
        "put_provisioned_concurrency_config",
        {"Status": "IN_PROGRESS"},
        {"FunctionName": "f", "Qualifier": "3", "ProvisionedConcurrentExecutions": 2},
    )
    concurrency.put("f", "3", 2)
    stubber.add_response(
        "delete_provisioned_concurrency_config", {}, {"FunctionName": "f", "Qualifier": "3"}
    )
    concurrency.delete("f", "3")
    stubber.add_client_error("put_provisioned_concurrency_config", "AccessDeniedException", "no")
    with pytest.raises(Refused) as told:
        concurrency.put("f", "3", 2)
    assert told.value.action == "lambda:PutProvisionedConcurrencyConfig"


@pytest.mark.parametrize(
    ("region", "snap_start", "sent"),
    [
        ("eu-central-1", True, {"SnapStart": {"ApplyOn": "PublishedVersions"}}),
        ("eu-central-1", False, {"SnapStart": {"ApplyOn": "None"}}),
        ("ap-southeast-6", False, {}),
    ],
)
def test_snap_start_is_sent_where_there_is_one(
    region: str, snap_start: bool, sent: dict[str, object]
) -> None:
    client = boto3.client(
        "lambda", region_name=region, aws_access_key_id="k", aws_secret_access_key="s"
    )
    configuration = Configuration(
        role=ROLE,
        runtime="python3.13",
        handler="app.handler",
        memory=1024,
        timeout=30,
        ephemeral=512,
        environment={},
        layers=(),
        description="",
        snap_start=snap_start,
    )
    with Stubber(client) as stubber:
        stubber.add_response(
            "update_function_configuration",
            {},
            {
                "FunctionName": "f",
                "Role": ROLE,
                "Runtime": "python3.13",
                "Handler": "app.handler",
                "MemorySize": 1024,
                "Timeout": 30,
                "EphemeralStorage": {"Size": 512},
                "Environment": {"Variables": {}},
                "Layers": [],
                "Description": "",
                **sent,
            },
        )
        AwsFunctions(client, client).update_configuration("f", configuration)
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("version", "status", "awaits"),
    [("$LATEST", "Off", False), ("3", "Off", True), ("3", "On", False)],
)
def test_a_version_awaits_its_snapshot(version: str, status: str, awaits: bool) -> None:
    client = boto3.client(
        "lambda", region_name="eu-central-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    with Stubber(client) as stubber:
        stubber.add_response(
            "get_function_configuration",
            {
                "FunctionArn": ARN,
                "Role": ROLE,
                "MemorySize": 128,
                "Timeout": 3,
                "CodeSha256": "c2hh",
                "CodeSize": 5,
                "Version": version,
                "SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": status},
            },
        )
        state = AwsFunctions(client, client).state("f", version)
    assert state.configuration.snap_start
    assert state.awaits_snapshot is awaits

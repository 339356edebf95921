"""Lambda's provisioned concurrency through boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.deploy.aws_trouble import asking
from wideload.deploy.concurrency import ProvisionedState, Room

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


class AwsConcurrency:
    """A `Concurrency`."""

    def __init__(self, client: LambdaClient) -> None:
        self._client = client

    def listed(self, function: str) -> tuple[ProvisionedState, ...]:
        """What is kept of a function, sorted by qualifier."""
        with asking("lambda"):
            pages = self._client.get_paginator("list_provisioned_concurrency_configs").paginate(
                FunctionName=function
            )
            found = [one for page in pages for one in page["ProvisionedConcurrencyConfigs"]]
        states = [
            ProvisionedState(
                qualifier=one["FunctionArn"].rpartition(":")[2],
                requested=one["RequestedProvisionedConcurrentExecutions"],
                ready=one.get("AvailableProvisionedConcurrentExecutions", 0),
                status=one["Status"],
                reason=one.get("StatusReason", ""),
            )
            for one in found
        ]
        return tuple(sorted(states, key=lambda state: state.qualifier))

    def room(self, function: str | None) -> Room:
        """What the account has left, and this function if it is there."""
        with asking("lambda"):
            limit = self._client.get_account_settings()["AccountLimit"]
            reserved = (
                self._client.get_function_concurrency(FunctionName=function)
                if function is not None
                else None
            )
        return Room(
            unreserved=limit["UnreservedConcurrentExecutions"],
            reserved=reserved.get("ReservedConcurrentExecutions") if reserved else None,
        )

    def put(self, function: str, version: str, count: int) -> None:
        """Keep so many environments of a version initialised."""
        with asking("lambda"):
            self._client.put_provisioned_concurrency_config(
                FunctionName=function, Qualifier=version, ProvisionedConcurrentExecutions=count
            )

    def delete(self, function: str, version: str) -> None:
        """Keep none any more; where none were kept it is no error."""
        with asking("lambda"):
            self._client.delete_provisioned_concurrency_config(
                FunctionName=function, Qualifier=version
            )

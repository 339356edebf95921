"""Clients of an embedded AWS under test."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from wideload.local import daemon
from wideload.local.principals import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_iam.client import IAMClient
    from types_boto3_logs.client import CloudWatchLogsClient
    from types_boto3_s3.client import S3Client
    from types_boto3_sts.client import STSClient

    from wideload.local.daemon import Endpoint

STUB = (sys.executable, str(Path(__file__).with_name("local_stub.py")))


def start(state: Path, account: str = DEFAULT_ACCOUNT, idle_minutes: float = 60) -> Aws:
    endpoint = daemon.ensure(state, account=account, idle_minutes=idle_minutes, command=STUB)
    return Aws(endpoint, state)


class Aws:
    """Clients with the keys of an endpoint, or with others'."""

    def __init__(
        self,
        endpoint: Endpoint,
        state: Path,
        *,
        access_key: str = "",
        secret: str = "",
        token: str | None = None,
        region: str = "us-east-1",
    ) -> None:
        self.endpoint = endpoint
        self.state = state
        self.region = region
        self._session = boto3.Session(
            aws_access_key_id=access_key or endpoint.access_key,
            aws_secret_access_key=secret or endpoint.secret,
            aws_session_token=token,
            region_name=region,
        )

    def with_keys(
        self, access_key: str = "", secret: str = "", token: str | None = None, region: str = ""
    ) -> Aws:
        return Aws(
            self.endpoint,
            self.state,
            access_key=access_key,
            secret=secret,
            token=token,
            region=region or self.region,
        )

    def client(self, service: str, url: str = "", **config: Any) -> Any:
        config.setdefault("retries", {"total_max_attempts": 1})
        return self._session.client(  # type: ignore[call-overload]
            service, endpoint_url=url or self.endpoint.url, config=Config(**config)
        )

    @property
    def s3(self) -> S3Client:
        client: S3Client = self.client("s3")
        return client

    @property
    def iam(self) -> IAMClient:
        client: IAMClient = self.client("iam")
        return client

    @property
    def sts(self) -> STSClient:
        client: STSClient = self.client("sts")
        return client

    @property
    def logs(self) -> CloudWatchLogsClient:
        client: CloudWatchLogsClient = self.client("logs")
        return client

    def bucket(self) -> str:
        name = f"bucket-{uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=name)
        return name

    def role(self, *statements: dict[str, Any], service: str = "lambda.amazonaws.com") -> str:
        """A role with these statements as its policy; its ARN."""
        name = f"role-{uuid4().hex[:12]}"
        trust = policy({"Principal": {"Service": service}, "Action": "sts:AssumeRole"})
        created = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        if statements:
            self.iam.put_role_policy(
                RoleName=name, PolicyName="all", PolicyDocument=policy(*statements)
            )
        return created["Role"]["Arn"]

    def assume(self, role_arn: str, **more: Any) -> Aws:
        keys = self.sts.assume_role(RoleArn=role_arn, RoleSessionName="test", **more)["Credentials"]
        return self.with_keys(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def stub(self, **order: str) -> dict[str, Any]:
        """Have the stub of the Lambda service do something; what it was told besides."""
        answer = self.client("lambda").create_function(
            FunctionName="stub",
            Role="arn:aws:iam::123456789012:role/any",
            Code={"S3Bucket": "bucket", "S3Key": "key"},
            **({"Description": json.dumps(order)} if order else {}),
        )
        told: dict[str, Any] = json.loads(answer["FunctionName"])
        return told


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
    )


@contextmanager
def refused(code: str, status: int | None = None, message: str = "") -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response
    assert error["Error"]["Code"] == code
    assert message in error["Error"]["Message"]
    if status is not None:
        assert error["ResponseMetadata"]["HTTPStatusCode"] == status

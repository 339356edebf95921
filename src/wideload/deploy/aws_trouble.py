"""boto3's exceptions, as those that the rest of deploying knows."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from wideload.deploy.cloud import Refused
from wideload.deploy.refusals import iam_action
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def asking(service: str) -> Iterator[None]:
    """Turn what boto3 raises into `Refused` or `WideloadError`.

    :param service: as IAM calls it: ``iam``, ``lambda``, ``logs``, ``s3``, ``sts``.
    """
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        raise Refused(
            iam_action(service, error.operation_name),
            answer.get("Code", "Unknown"),
            answer.get("Message", str(error)),
        ) from error
    except BotoCoreError as error:
        raise unreachable(error) from error


@contextmanager
def connecting(service: str) -> Iterator[None]:
    """As `asking`, around the making of a client, which sends nothing yet."""
    with asking(service):
        try:
            yield
        except ValueError as error:
            raise WideloadError(
                "AWS cannot be reached",
                why=str(error),
                hint="check AWS_ENDPOINT_URL: it is to be like http://127.0.0.1:4566",
            ) from error


def unreachable(error: BotoCoreError) -> WideloadError:
    """The error to show where AWS gave no answer at all."""
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            what = "there are no AWS credentials"
            hint = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        case CredentialRetrievalError() | TokenRetrievalError() | SSOError():
            what = "the AWS credentials cannot be had"
            hint = "log in again (`aws sso login`)"
        case ProfileNotFound():
            what = "there is no such AWS profile"
            hint = "check AWS_PROFILE and ~/.aws/config"
        case NoRegionError():
            what = "no AWS region is set"
            hint = "set AWS_REGION=eu-central-1, say"
        case EndpointConnectionError() | HTTPClientError():
            what = "AWS cannot be reached"
            hint = "check the network, the region's name, AWS_ENDPOINT_URL and proxies"
        case _:
            what = "AWS's SDK refuses to ask"
            hint = ""
    return WideloadError(what, why=str(error), hint=hint)

"""What things are called in AWS, and the two documents of the execution role."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from wideload import __version__

if TYPE_CHECKING:
    from wideload.deploy.cloud import Identity

VERSION_TAG = "wideload"
"""Its presence says that wideload made the thing; its value is the version that did."""
STRATEGY_TAG = "wideload:strategy"
MADE_BY = {VERSION_TAG: __version__}
"""The tag itself."""

RETENTION_DAYS = 30
"""For log groups that have none: without one CloudWatch keeps events, and bills, for ever."""

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_ROLE_NAME_LENGTH = 64


def role_name(function: str) -> str:
    """The name of a function's execution role; long ones end in a digest of the whole."""
    name = f"wideload-{function}"
    if len(name) <= _ROLE_NAME_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _ROLE_NAME_LENGTH - 9]}-{digest}"


def role_arn(function: str, identity: Identity) -> str:
    """The ARN of a function's execution role."""
    return f"arn:{identity.partition}:iam::{identity.account}:role/{role_name(function)}"


POLICY_PREFIX = "wideload-logs-"


def policy_name(identity: Identity) -> str:
    """The name of the role's inline policy for this region.

    Roles belong to no region: the same function in two regions shares one role, and each
    region adds and removes its own policy.
    """
    return f"{POLICY_PREFIX}{identity.region}"


def bucket_name(identity: Identity) -> str:
    """The bucket for code packages of an account in a region."""
    return f"wideload-{identity.account}-{identity.region}"


def key_prefix(function: str) -> str:
    """What the keys of a function's code packages begin with."""
    return f"functions/{function}/"


def object_key(function: str, sha256: str) -> str:
    """The key of a code package."""
    return f"{key_prefix(function)}{sha256}.zip"


def log_group(function: str) -> str:
    """The log group that Lambda writes a function's output to."""
    return f"/aws/lambda/{function}"


def canonical(document: Any) -> str:
    """JSON in one way only, so that equal documents are equal strings."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def trust_policy() -> str:
    """JSON: Lambda, and nobody else, may assume the role."""
    return canonical(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )


def logs_policy(function: str, identity: Identity) -> str:
    """JSON: the function may write to its own log group, and may do nothing else.

    Without logs:CreateLogGroup, so that a last invocation cannot bring the group back
    after it was deleted.
    """
    group = (
        f"arn:{identity.partition}:logs:{identity.region}:{identity.account}"
        f":log-group:{log_group(function)}:*"
    )
    return canonical(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": group,
                }
            ],
        }
    )

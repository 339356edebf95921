"""What things are called in AWS, and the two documents of the execution role."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from wideload import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

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
BUNDLE_POLICY_PREFIX = "wideload-bundles-"


def policy_name(identity: Identity) -> str:
    """The name of the role's inline policy for this region.

    Roles belong to no region: the same function in two regions shares one role, and each
    region adds and removes its own policy.
    """
    return f"{POLICY_PREFIX}{identity.region}"


def bundle_policy_name(identity: Identity) -> str:
    """The name of the role's inline policy that lets it read its bundles in this region."""
    return f"{BUNDLE_POLICY_PREFIX}{identity.region}"


def bucket_name(identity: Identity) -> str:
    """The bucket for code packages of an account in a region."""
    return f"wideload-{identity.account}-{identity.region}"


def key_prefix(function: str) -> str:
    """What the keys of a function's code packages begin with."""
    return f"functions/{function}/"


def object_key(function: str, sha256: str) -> str:
    """The key of a code package."""
    return f"{key_prefix(function)}{sha256}.zip"


BUNDLE_KEYS = "bundles/"
"""What the keys of bundles begin with."""


def bundle_prefix(function: str) -> str:
    """What the keys of a function's bundles begin with."""
    return f"{BUNDLE_KEYS}{function}/"


def bundle_key(function: str, sha256: str) -> str:
    """The key of a bundle: another content is another key."""
    return f"{bundle_prefix(function)}{sha256}"


LAYER_PREFIX = "wideload-"
LAYER_KEYS = "layers/"
"""What the keys of layers' zips begin with. An object is needed only until its layer is
published: Lambda keeps a copy of its own."""
LAYER_MARK = "wideload: "
"""What the description of a layer version of ours begins with; layers bear no tags."""

# https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html
_DESCRIPTION_LENGTH = 256
_DIGITS = 16
_LAYER_NAME = re.compile(rf"{LAYER_PREFIX}[0-9a-f]{{{_DIGITS}}}")


def layer_name(sha256: str) -> str:
    """The name of the layer with this content, the same for all functions of all projects."""
    return f"{LAYER_PREFIX}{sha256[:_DIGITS]}"


def layer_arn(sha256: str, identity: Identity) -> str:
    """The ARN of the layer with this content, without a version."""
    region, account = identity.region, identity.account
    return f"arn:{identity.partition}:lambda:{region}:{account}:layer:{layer_name(sha256)}"


def is_own_layer(arn: str, identity: Identity) -> bool:
    """Whether wideload may have published this layer version: by its name and account."""
    account, _, layer, _ = arn.split(":")[4:]
    return account == identity.account and is_layer_name(layer)


def is_layer_name(layer: str) -> bool:
    """Whether a layer is called as wideload calls its own."""
    return _LAYER_NAME.fullmatch(layer) is not None


def layer_key(sha256: str) -> str:
    """The key of a layer's zip."""
    return f"{LAYER_KEYS}{sha256}.zip"


def layer_description(packages: list[str]) -> str:
    """What a layer says of itself.

    :param packages: with their versions, e.g. ``numpy 2.3.4``; as many are named as fit.
    """
    for named in range(len(packages), -1, -1):
        rest = len(packages) - named
        shown = ", ".join([*packages[:named], *([f"{rest} more"] if rest else [])])
        if len(LAYER_MARK) + len(shown) <= _DESCRIPTION_LENGTH:
            break
    return f"{LAYER_MARK}{shown}"


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


def bundles_policy(keys: Sequence[str], identity: Identity) -> str:
    """JSON: the function may read these objects of the bucket, and may do nothing else.

    :param keys: of objects, or ending in ``*`` for all that begin so.
    """
    bucket = f"arn:{identity.partition}:s3:::{bucket_name(identity)}"
    return canonical(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "ReadBundles",
                    "Effect": "Allow",
                    "Action": "s3:GetObject",
                    "Resource": [f"{bucket}/{key}" for key in keys],
                }
            ],
        }
    )

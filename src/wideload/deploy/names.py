"""What things are called in AWS, and the two documents of the execution role."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from wideload import __version__
from wideload.values.networking import NEW_POINT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wideload.deploy.states import Identity

VERSION_TAG = "wideload"
"""Its presence says that wideload made the thing; its value is the version that did."""
STRATEGY_TAG = "wideload:strategy"
MADE_BY = {VERSION_TAG: __version__}
"""The tag itself."""

NETWORK_TAG = "wideload:network"
"""On what is made once in a region for all functions that mount."""

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
MOUNT_POLICY_PREFIX = "wideload-mounts-"


def policy_name(identity: Identity) -> str:
    """The name of the role's inline policy for this region.

    Roles belong to no region: the same function in two regions shares one role, and each
    region adds and removes its own policy.
    """
    return f"{POLICY_PREFIX}{identity.region}"


def bundle_policy_name(identity: Identity) -> str:
    """The name of the role's inline policy that lets it read its bundles in this region."""
    return f"{BUNDLE_POLICY_PREFIX}{identity.region}"


def mount_policy_name(identity: Identity) -> str:
    """The name of the role's inline policy that lets it be in a VPC and mount in this region."""
    return f"{MOUNT_POLICY_PREFIX}{identity.region}"


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


# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_FUNCTION_NAME_LENGTH = 64
_FILLER = "wideload-fill-"


SWEEPER = "wideload-sweep"
"""The function that removes mounted directories; there while that is done."""


def filler_name(function: str) -> str:
    """The name of the function that fills another's directory; there while that is done."""
    name = f"{_FILLER}{function}"
    if len(name) <= _FUNCTION_NAME_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _FUNCTION_NAME_LENGTH - 9]}-{digest}"


# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
_IN_A_VPC = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


def mount_policy(
    points: Sequence[str],
    identity: Identity,
    *,
    write: bool = False,
    objects: str = "",
) -> str:
    """JSON: the function may be in a VPC, and mount these file systems to read.

    :param points: ARNs of the access points to come by; for one of EFS that is still to be made
        what stands for it.
    :param write: to write as well.
    :param objects: ARN of objects of S3 that Lambda reads by itself, for a file system of S3
        Files, ending in ``*``.
    """
    actions = ["ClientMount", *(["ClientWrite"] if write else [])]
    statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": _IN_A_VPC, "Resource": "*"}]
    for point in points:
        is_view = ":s3files:" in point or (point == NEW_POINT and bool(objects))
        service = "s3files" if is_view else "elasticfilesystem"
        # The ARN of an access point of EFS does not tell of which file system it is.
        head = f"arn:{identity.partition}:{service}:{identity.region}:{identity.account}"
        system = f"{head}:file-system/*"
        statements.append(
            {
                "Effect": "Allow",
                "Action": [f"{service}:{action}" for action in actions],
                "Resource": system,
                "Condition": {"StringEquals": {f"{service}:AccessPointArn": point}},
            }
        )
    if objects:
        read = ["s3:GetObject", "s3:GetObjectVersion"]
        statements.append({"Effect": "Allow", "Action": read, "Resource": objects})
    return canonical({"Version": "2012-10-17", "Statement": statements})


FILE_PREFIX = "mounts/"
"""What the keys of files that are mounted begin with."""
S3_FILES_ROLE = "wideload-s3-files"


def files_bucket(identity: Identity) -> str:
    """The bucket of mounted files of an account in a region: another than that of packages, for it
    has to keep versions."""
    return f"wideload-files-{identity.account}-{identity.region}"


def s3_files_role(identity: Identity) -> str:
    """The name of the role by which S3 Files gets at the bucket."""
    return f"{S3_FILES_ROLE}-{identity.region}"


def s3_files_trust(identity: Identity) -> str:
    """JSON: S3 Files may assume the role, for this account's sake.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-files-prereq-policies.html
    """
    return canonical(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "elasticfilesystem.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"aws:SourceAccount": identity.account}},
                }
            ],
        }
    )


def s3_files_policy(identity: Identity) -> str:
    """JSON: what S3 Files needs of the bucket, and the rules of EventBridge by which it hears of
    changes there. Those are named by S3 Files itself."""
    bucket = f"arn:{identity.partition}:s3:::{files_bucket(identity)}"
    rules = f"arn:{identity.partition}:events:*:*:rule/DO-NOT-DELETE-S3-Files*"
    events = ["DeleteRule", "DescribeRule", "DisableRule", "EnableRule", "ListRuleNamesByTarget"]
    events += ["ListRules", "ListTargetsByRule", "PutRule", "PutTargets", "RemoveTargets"]
    return canonical(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "s3:ListBucket*", "Resource": bucket},
                {
                    "Effect": "Allow",
                    "Action": [
                        "s3:AbortMultipartUpload",
                        "s3:DeleteObject*",
                        "s3:GetObject*",
                        "s3:List*",
                        "s3:PutObject*",
                    ],
                    "Resource": f"{bucket}/{FILE_PREFIX}*",
                },
                {
                    "Effect": "Allow",
                    "Action": [f"events:{name}" for name in events],
                    "Resource": rules,
                },
            ],
        }
    )


def file_system_policy() -> str:
    """JSON: of a file system of ours. Without any policy everybody who reaches it may all; with
    this one it is for IAM to allow, and nothing goes in the clear.

    https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
    """
    return canonical(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": {"AWS": "*"},
                    "Action": "*",
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
    )

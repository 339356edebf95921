"""AWS's errors told to people: what was being done, AWS's own words, how to mend it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from wideload.deploy.cloud import Refused

NOT_FOUND = frozenset(
    {
        "404",
        "NoSuchBucket",
        "NoSuchEntity",
        "NoSuchKey",
        "NotFound",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
    }
)
"""Codes for things that are not there."""

ALREADY_THERE = frozenset(
    {
        "BucketAlreadyOwnedByYou",
        "EntityAlreadyExists",
        "RepositoryAlreadyExistsException",
        "ResourceAlreadyExistsException",
        "ResourceConflictException",
    }
)
"""Codes for things that were to be made and are there."""

_DENIED = frozenset({"403", "AccessDenied", "AccessDeniedException", "Forbidden"})
_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
_UNKNOWN_KEY = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_HINTS = {
    "BucketAlreadyExists": "another account owns a bucket of this name; names of buckets are "
    "shared by all accounts",
    "CodeStorageExceededException": "delete versions or functions that are not used any more, "
    "or ask AWS for more code storage (`wideload limits` shows the quota)",
    "DeleteConflict": "something else uses it; take that away first",
    "KMSAccessDeniedException": "let the role use the key that encrypts the variables",
    "LimitExceededException": "ask AWS for a higher quota, or delete what is not used any more",
    "LimitExceeded": "ask AWS for a higher quota, or delete what is not used any more",
    "PreconditionFailedException": "somebody else changed it meanwhile; run it again",
    "RequestEntityTooLargeException": 'set strategy = "auto" and build again: a package this '
    "big has to go by way of S3",
    "RequestTimeTooSkewed": "set this machine's clock right",
    "ResourceConflictException": "somebody else is changing it; run it again when that is done",
    "ServiceQuotaExceededException": "ask AWS for a higher quota",
    "SlowDown": "S3 asks for fewer requests; run it again in a minute",
    "TooManyRequestsException": "AWS asks for fewer requests; run it again in a minute",
    "Throttling": "AWS asks for fewer requests; run it again in a minute",
    "ThrottlingException": "AWS asks for fewer requests; run it again in a minute",
    "TooManyBuckets": "delete a bucket that is not used any more, or ask AWS for more",
}
_OF_PARAMETERS = (
    (
        re.compile("Unzipped size"),
        "`wideload plan` shows which ways there are to ship a function this big",
    ),
    (
        re.compile(r":layer:wideload-[0-9a-f]{16}:\d+ does not exist"),
        "the layer was deleted meanwhile; run it again, and it is published anew",
    ),
)
"""Of InvalidParameterValueException, by its message."""
_NOT_AUTHORISED = re.compile(r"not authorized to perform: ([\w-]+:\w+)")

# Operations of S3 whose IAM action is called otherwise.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:UploadPart": "s3:PutObject",
}


def iam_action(service: str, operation: str) -> str:
    """The IAM action that an operation needs, e.g. ``s3:ListBucket`` for HeadBucket."""
    name = f"{service}:{operation}"
    return _ACTIONS.get(name, name)


def told(doing: str, refused: Refused) -> WideloadError:
    """The error to show.

    :param doing: what was being done, as an instruction's line tells it.
    """
    return WideloadError(
        f"AWS refused to {doing}",
        why=f"{refused.code}: {refused.message} (asked for {refused.action})",
        hint=_hint(refused),
    )


def _hint(refused: Refused) -> str:
    if refused.code in _DENIED:
        found = _NOT_AUTHORISED.search(refused.message)
        action = found[1] if found else refused.action
        if action == "s3:ListBucket":
            return (
                f"allow these credentials {action}, or use others (AWS_PROFILE); "
                "or another account owns a bucket of this name"
            )
        return f"allow these credentials {action}, or use others (AWS_PROFILE)"
    if refused.code in _EXPIRED:
        return "the credentials have expired: log in again (`aws sso login`, or new keys)"
    if refused.code in _UNKNOWN_KEY:
        return "AWS does not know these credentials: check AWS_PROFILE or AWS_ACCESS_KEY_ID"
    if refused.code == "InvalidParameterValueException":
        for words, hint in _OF_PARAMETERS:
            if words.search(refused.message):
                return hint
    return _HINTS.get(refused.code, "")

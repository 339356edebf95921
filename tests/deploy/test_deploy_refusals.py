"""AWS's errors as people are told them."""

from __future__ import annotations

import pytest

from wideload.deploy.cloud import Refused
from wideload.deploy.refusals import iam_action, told


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("ExpiredToken", "The security token included in the request is expired", "log in again"),
        ("InvalidClientTokenId", "The security token is invalid.", "AWS_ACCESS_KEY_ID"),
        ("AccessDenied", "Access Denied", "allow these credentials lambda:UpdateFunctionCode"),
        (
            "AccessDeniedException",
            "User: x is not authorized to perform: iam:PassRole on resource: y",
            "allow these credentials iam:PassRole",
        ),
        ("CodeStorageExceededException", "Code storage limit exceeded.", "code storage"),
        (
            "RequestEntityTooLargeException",
            "Request must be smaller than 69905067 bytes for the UpdateFunctionCode operation",
            "S3",
        ),
        (
            "InvalidParameterValueException",
            "Unzipped size must be smaller than 262144000 bytes",
            "wideload plan",
        ),
        ("TooManyRequestsException", "Rate exceeded", "again in a minute"),
    ],
)
def test_refusals_known_ones_have_a_hint(code: str, message: str, hint: str) -> None:
    error = told("update code of f", Refused("lambda:UpdateFunctionCode", code, message))
    assert error.what == "AWS refused to update code of f"
    assert error.why == f"{code}: {message} (asked for lambda:UpdateFunctionCode)"
    assert hint in error.hint


def test_refusals_unknown_ones_are_told_word_for_word() -> None:
    error = told("do it", Refused("lambda:Invoke", "BrandNewException", "words of tomorrow"))
    assert error.why == "BrandNewException: words of tomorrow (asked for lambda:Invoke)"
    assert error.hint == ""


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("s3", "HeadBucket", "s3:ListBucket"),
        ("s3", "UploadPart", "s3:PutObject"),
        ("lambda", "Invoke", "lambda:InvokeFunction"),
        ("iam", "CreateRole", "iam:CreateRole"),
    ],
)
def test_refusals_name_the_action_that_iam_knows(service: str, operation: str, action: str) -> None:
    assert iam_action(service, operation) == action

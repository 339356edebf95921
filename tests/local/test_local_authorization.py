from __future__ import annotations

import fnmatch
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_aws import policy, refused, start

from wideload.local.policies import Ask, Decision, allows_somewhere, decide, trusts_service

if TYPE_CHECKING:
    from local_aws import Aws


def _arn(bucket: str, key: str = "") -> str:
    return f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"


def test_a_session_may_what_its_role_may_and_no_more(aws: Aws) -> None:
    bucket = aws.bucket()
    for key in ("mine/a", "other/a"):
        aws.s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    role = aws.role({"Action": "s3:GetObject", "Resource": _arn(bucket, "mine/*")})
    s3 = aws.assume(role).s3
    assert s3.get_object(Bucket=bucket, Key="mine/a")["Body"].read() == b"1"
    name = role.rsplit("/", 1)[1]
    message = (
        f"User: arn:aws:sts::123456789012:assumed-role/{name}/test is not authorized to perform: "
        f's3:GetObject on resource: "{_arn(bucket, "other/a")}" because no identity-based policy '
        "allows the s3:GetObject action"
    )
    with refused("AccessDenied", 403, message):
        s3.get_object(Bucket=bucket, Key="other/a")
    calls: list[Any] = [
        lambda: s3.put_object(Bucket=bucket, Key="mine/a", Body=b"2"),
        lambda: s3.delete_object(Bucket=bucket, Key="mine/a"),
        lambda: s3.list_objects_v2(Bucket=bucket),
        s3.list_buckets,
        lambda: s3.create_bucket(Bucket="bucket-of-a-session"),
        lambda: s3.delete_bucket(Bucket=bucket),
        lambda: s3.get_bucket_tagging(Bucket=bucket),
        lambda: s3.create_multipart_upload(Bucket=bucket, Key="mine/a"),
        lambda: s3.get_object_tagging(Bucket=bucket, Key="mine/a"),
        lambda: s3.copy_object(
            Bucket=bucket, Key="mine/b", CopySource={"Bucket": bucket, "Key": "mine/a"}
        ),
    ]
    for call in calls:
        with refused("AccessDenied", 403):
            call()
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "mine/a"}]})
    assert [error["Code"] for error in told["Errors"]] == ["AccessDenied"]
    assert aws.s3.get_object(Bucket=bucket, Key="mine/a")["Body"].read() == b"1"


def test_who_may_not_list_does_not_learn_what_is_missing(aws: Aws) -> None:
    bucket = aws.bucket()
    reader = aws.assume(aws.role({"Action": "s3:GetObject", "Resource": _arn(bucket, "*")})).s3
    with refused("AccessDenied", 403, "s3:ListBucket"):
        reader.get_object(Bucket=bucket, Key="absent")
    with refused("403", 403):
        reader.head_object(Bucket=bucket, Key="absent")
    lister = aws.assume(
        aws.role(
            {"Action": "s3:GetObject", "Resource": _arn(bucket, "*")},
            {"Action": "s3:ListBucket", "Resource": _arn(bucket)},
        )
    ).s3
    with refused("NoSuchKey", 404):
        lister.get_object(Bucket=bucket, Key="absent")


def test_a_version_needs_its_own_permission(aws: Aws) -> None:
    bucket = aws.bucket()
    aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = aws.s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    s3 = aws.assume(aws.role({"Action": "s3:GetObject", "Resource": "*"})).s3
    with refused("AccessDenied", 403, "s3:GetObjectVersion"):
        s3.get_object(Bucket=bucket, Key="k", VersionId=version)


def test_an_explicit_deny_wins(aws: Aws) -> None:
    bucket = aws.bucket()
    aws.s3.put_object(Bucket=bucket, Key="secret", Body=b"1")
    role = aws.role(
        {"Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:Get*", "Resource": _arn(bucket, "secret")},
    )
    s3 = aws.assume(role).s3
    with refused("AccessDenied", 403, "with an explicit deny in an identity-based policy"):
        s3.get_object(Bucket=bucket, Key="secret")
    s3.put_object(Bucket=bucket, Key="secret", Body=b"2")


def test_what_bounds_a_session(aws: Aws) -> None:
    bucket = aws.bucket()
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    role = aws.role({"Action": "s3:*", "Resource": "*"})
    reader = policy({"Action": "s3:GetObject", "Resource": "*"})
    s3 = aws.assume(role, Policy=reader).s3
    s3.get_object(Bucket=bucket, Key="k")
    with refused("AccessDenied", 403):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    made = aws.iam.create_policy(PolicyName=f"bound-{bucket}", PolicyDocument=reader)["Policy"]
    aws.iam.put_role_permissions_boundary(
        RoleName=role.rsplit("/", 1)[1], PermissionsBoundary=made["Arn"]
    )
    with refused("AccessDenied", 403):
        aws.assume(role).s3.put_object(Bucket=bucket, Key="k", Body=b"2")


def test_managed_policies_of_aws_and_changes_count_at_once(aws: Aws) -> None:
    bucket = aws.bucket()
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    role = aws.role()
    s3 = aws.assume(role).s3
    with refused("AccessDenied", 403):
        s3.get_object(Bucket=bucket, Key="k")
    name, managed = role.rsplit("/", 1)[1], "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    aws.iam.attach_role_policy(RoleName=name, PolicyArn=managed)
    s3.get_object(Bucket=bucket, Key="k")
    with refused("AccessDenied", 403):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    aws.iam.detach_role_policy(RoleName=name, PolicyArn=managed)
    with refused("AccessDenied", 403):
        s3.get_object(Bucket=bucket, Key="k")


def test_a_condition_on_the_prefix(aws: Aws) -> None:
    bucket = aws.bucket()
    role = aws.role(
        {
            "Action": "s3:ListBucket",
            "Resource": _arn(bucket),
            "Condition": {"StringLike": {"s3:prefix": "mine/*"}},
        }
    )
    s3 = aws.assume(role).s3
    s3.list_objects_v2(Bucket=bucket, Prefix="mine/x")
    with refused("AccessDenied", 403):
        s3.list_objects_v2(Bucket=bucket)


def test_other_services_ask_for_the_action_at_least(aws: Aws) -> None:
    session = aws.assume(aws.role({"Action": "logs:Describe*", "Resource": "*"}))
    session.logs.describe_log_groups()
    with refused("AccessDeniedException", 400, "logs:CreateLogGroup"):
        session.logs.create_log_group(logGroupName="a-group")
    with refused("AccessDenied", 403, "iam:CreateUser"):
        session.iam.create_user(UserName="mallory")
    session.sts.get_caller_identity()


def test_users_are_held_to_their_own_and_their_groups_policies(aws: Aws) -> None:
    bucket = aws.bucket()
    iam = aws.iam
    iam.create_user(UserName="bob")
    made = iam.create_access_key(UserName="bob")["AccessKey"]
    bob = aws.with_keys(made["AccessKeyId"], made["SecretAccessKey"]).s3
    with refused("AccessDenied", 403):
        bob.put_object(Bucket=bucket, Key="bob/k", Body=b"1")
    iam.create_group(GroupName="writers")
    iam.put_group_policy(
        GroupName="writers",
        PolicyName="write",
        PolicyDocument=policy(
            {"Action": "s3:PutObject", "Resource": _arn(bucket, "${aws:username}/*")}
        ),
    )
    iam.add_user_to_group(GroupName="writers", UserName="bob")
    bob.put_object(Bucket=bucket, Key="bob/k", Body=b"1")
    with refused("AccessDenied", 403):
        bob.put_object(Bucket=bucket, Key="ann/k", Body=b"1")


def test_accounts_are_apart(aws: Aws) -> None:
    other = start(aws.state, account="210987654321")
    assert other.sts.get_caller_identity()["Account"] == "210987654321"
    bucket, theirs = aws.bucket(), other.bucket()
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    assert theirs not in [each["Name"] for each in aws.s3.list_buckets()["Buckets"]]
    with refused("AccessDenied", 403):
        other.s3.get_object(Bucket=bucket, Key="k")
    with refused("BucketAlreadyExists", 409):
        other.s3.create_bucket(Bucket=bucket)
    role = other.role({"Action": "s3:*", "Resource": "*"})
    assert role.startswith("arn:aws:iam::210987654321:role/")
    names = [each["Arn"] for each in aws.iam.list_roles()["Roles"]]
    assert role not in names
    other.assume(role).s3.put_object(Bucket=theirs, Key="k", Body=b"2")
    told = other.stub(role=role)
    assert (told["Account"], told["Assumable"]) == ("210987654321", True)


def test_expected_owners(aws: Aws) -> None:
    bucket = aws.bucket()
    aws.s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="123456789012")
    with refused("AccessDenied", 403):
        aws.s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="210987654321")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"}, True),
        ({"Action": "S3:getobject", "Resource": "arn:aws:s3:::b/?"}, True),
        ({"Action": ["x:y", "s3:*"], "Resource": ["arn:aws:s3:::*"]}, True),
        ({"Action": "*", "Resource": "*"}, True),
        ({"NotAction": "s3:Put*", "NotResource": "arn:aws:s3:::c/*"}, True),
        ({"NotAction": "s3:Get*", "Resource": "*"}, False),
        ({"Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"}, False),
        ({"Action": "s3:GetObject"}, False),
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"}, False),
        ({"Action": "s3:GetObject", "Resource": "arn.aws:s3:::b/k"}, False),
        ({"Action": "s3:GetObject", "Resource": "*", "Condition": {"New": {"a": "b"}}}, False),
        (
            {"Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"A:B": ["x", "v"]}}},
            True,
        ),
        (
            {"Action": "s3:*", "Resource": "*", "Condition": {"StringNotEquals": {"a:b": "v"}}},
            False,
        ),
        ({"Action": "s3:*", "Resource": "*", "Condition": {"Null": {"a:c": "true"}}}, True),
        ({"Action": "s3:*", "Resource": "*", "Condition": {"BoolIfExists": {"a:c": "no"}}}, True),
        ({"Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a:c": "true"}}}, False),
        ({"Action": "s3:*", "Resource": "*", "Condition": {"NumericLessThan": {"n": 7}}}, True),
    ],
)
def test_statements(statement: dict[str, Any], expected: bool) -> None:
    ask = Ask("s3:GetObject", "arn:aws:s3:::b/k", {"a:b": "v", "n": "5"})
    decision = Decision.ALLOWED if expected else Decision.SILENT
    assert decide([policy(statement)], ask) is decision


def test_a_deny_that_is_not_understood_denies() -> None:
    everything = {"Action": "*", "Resource": "*"}
    odd = {**everything, "Effect": "Deny", "Condition": {"Unheard": {"of": "it"}}}
    assert decide([policy(everything, odd)], Ask("a:B", "*")) is Decision.DENIED


@given(st.text())
def test_what_cannot_be_read_allows_nothing(document: str) -> None:
    assert decide([document], Ask("s3:GetObject", "*")) is Decision.SILENT
    assert not allows_somewhere([document], "s3:GetObject")
    assert not trusts_service(document, "lambda.amazonaws.com")


@given(st.text("*?a.", max_size=12), st.text("ab.", max_size=12))
def test_wildcards_are_not_regular_expressions(pattern: str, text: str) -> None:
    statement = policy({"Action": "a:b", "Resource": pattern})
    allowed = decide([statement], Ask("a:b", text)) is Decision.ALLOWED
    assert allowed == fnmatch.fnmatchcase(text, pattern)


@pytest.mark.parametrize(
    ("principal", "trusted"),
    [
        ({"Service": "lambda.amazonaws.com"}, True),
        ({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}, True),
        ({"Service": "edgelambda.amazonaws.com"}, False),
        ({"AWS": "*"}, False),
    ],
)
def test_trust(principal: dict[str, Any], trusted: bool) -> None:
    document = policy({"Principal": principal, "Action": "sts:AssumeRole"})
    assert trusts_service(document, "lambda.amazonaws.com") is trusted


def test_roles_as_the_lambda_service_sees_them(aws: Aws) -> None:
    role = aws.role({"Action": "s3:ListAllMyBuckets", "Resource": "*"})
    assert aws.stub(role=role)["Assumable"] is True
    assert aws.stub(role=aws.role(service="ec2.amazonaws.com"))["Assumable"] is False
    assert aws.stub(role="arn:aws:iam::123456789012:role/absent")["Assumable"] is None
    keys = aws.stub(session=role)["Session"]
    assert set(keys) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    function = aws.with_keys(*keys.values())
    function.s3.list_buckets()
    with refused("AccessDenied", 403):
        function.s3.create_bucket(Bucket="bucket-of-a-function")


def test_objects_as_the_lambda_service_sees_them(aws: Aws) -> None:
    bucket = aws.bucket()
    aws.s3.put_object(Bucket=bucket, Key="k.zip", Body=b"12345")
    told = aws.stub(locate=bucket, key="k.zip")
    assert told["Size"] == 5
    assert (aws.state / "objects") in Path(told["Path"]).parents


def test_what_functions_write_is_read_by_the_clients_of_logs(aws: Aws) -> None:
    group = f"/aws/lambda/f-{time.time_ns()}"
    aws.stub(group=group, stream="2026/11/21/[1]abc", text="START 1\nhello\n")
    aws.stub(group=group, stream="2026/11/21/[1]abc", text="END 1")
    events = aws.logs.filter_log_events(logGroupName=group)["events"]
    assert [event["message"] for event in events] == ["START 1", "hello", "END 1"]
    got = aws.logs.get_log_events(
        logGroupName=group, logStreamName="2026/11/21/[1]abc", startFromHead=True
    )
    assert len(got["events"]) == 3
    assert abs(got["events"][0]["timestamp"] - time.time() * 1000) < 60_000

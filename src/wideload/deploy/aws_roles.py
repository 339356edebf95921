"""IAM through boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.deploy.aws_trouble import asking
from wideload.deploy.cloud import Refused
from wideload.deploy.names import canonical
from wideload.deploy.states import RoleState

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient


class AwsRoles:
    """A `Roles`."""

    def __init__(self, client: IAMClient) -> None:
        self._client = client

    def find(self, role: str) -> RoleState | None:
        """The role of this name."""
        try:
            with asking("iam"):
                found = self._client.get_role(RoleName=role)["Role"]
        except Refused as refused:
            if refused.code == "NoSuchEntity":
                return None
            raise
        return RoleState(
            arn=found["Arn"],
            trust=canonical(found["AssumeRolePolicyDocument"]),
            policies=self._policies(role),
            tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
        )

    def policy(self, role: str, policy: str) -> str | None:
        """The inline policy's JSON, keys sorted, no spaces."""
        try:
            with asking("iam"):
                answer = self._client.get_role_policy(RoleName=role, PolicyName=policy)
        except Refused as refused:
            if refused.code == "NoSuchEntity":
                return None
            raise
        return canonical(answer["PolicyDocument"])

    def create(self, role: str, trust: str, tags: dict[str, str]) -> None:
        """Make a role."""
        with asking("iam"):
            self._client.create_role(
                RoleName=role,
                AssumeRolePolicyDocument=trust,
                Description="Execution role of a Lambda function, made by wideload",
                Tags=[{"Key": key, "Value": value} for key, value in sorted(tags.items())],
            )

    def set_trust(self, role: str, trust: str) -> None:
        """Replace the trust policy."""
        with asking("iam"):
            self._client.update_assume_role_policy(RoleName=role, PolicyDocument=trust)

    def put_policy(self, role: str, policy: str, document: str) -> None:
        """Make or replace an inline policy."""
        with asking("iam"):
            self._client.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=document)

    def delete_policy(self, role: str, policy: str) -> None:
        """Take an inline policy away."""
        with asking("iam"):
            self._client.delete_role_policy(RoleName=role, PolicyName=policy)

    def delete(self, role: str) -> None:
        """Take the role away with all its policies."""
        for policy in self._policies(role):
            self.delete_policy(role, policy)
        with asking("iam"):
            pages = self._client.get_paginator("list_attached_role_policies")
            for page in pages.paginate(RoleName=role):
                for attached in page["AttachedPolicies"]:
                    self._client.detach_role_policy(RoleName=role, PolicyArn=attached["PolicyArn"])
            self._client.delete_role(RoleName=role)

    def _policies(self, role: str) -> tuple[str, ...]:
        with asking("iam"):
            pages = self._client.get_paginator("list_role_policies").paginate(RoleName=role)
            return tuple(name for page in pages for name in page["PolicyNames"])

"""One request to S3: who, which bucket and key, and whether he may."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.local.caller import Caller
from wideload.local.faults import Fault
from wideload.local.policies import Ask, Decision
from wideload.local.request import Request

if TYPE_CHECKING:
    from wideload.local.iam import Authority
    from wideload.local.objects.buckets import Bucket

_LONGEST_KEY = 1024


class Visit(msgspec.Struct, frozen=True):
    """A request to S3 whose signature is right."""

    request: Request
    caller: Caller
    authority: Authority
    bucket: str
    key: str

    @property
    def region(self) -> str:
        """The region that was asked; Version 2 signatures name none."""
        return self.caller.claim.region or "us-east-1"

    def must(self, action: str, bucket: Bucket, key: str | None = None) -> None:
        """Stop a caller who may not.

        :param action: without its ``s3:``.
        :raises Fault: AccessDenied.
        """
        owner = self.request.header("x-amz-expected-bucket-owner")
        if bucket.account != self.caller.principal.account or owner not in ("", bucket.account):
            raise Fault("AccessDenied", "Access Denied", 403)
        self._decide(action, _arn(bucket.name, key))

    def must_in_account(self, action: str, resource: str) -> None:
        """Stop a caller who may not do this in his own account.

        :raises Fault: AccessDenied.
        """
        self._decide(action, resource)

    def may(self, action: str, bucket: Bucket, key: str | None = None) -> bool:
        """Whether the caller may."""
        try:
            self.must(action, bucket, key)
        except Fault:
            return False
        return True

    def _decide(self, action: str, resource: str) -> None:
        principal = self.caller.principal
        context = {
            "aws:principalarn": principal.arn,
            "aws:principalaccount": principal.account,
            "aws:userid": principal.user_id,
            "aws:requestedregion": self.region,
            "aws:securetransport": "false",
            "aws:sourceip": "127.0.0.1",
        }
        if principal.arn.split(":")[5].startswith("user/"):
            context["aws:username"] = principal.arn.rsplit("/", 1)[-1]
        for name in ("prefix", "delimiter", "max-keys"):
            value = self.request.parameter(name)
            if value is not None:
                context[f"s3:{name}"] = value
        decision = self.authority.decide(principal, Ask(f"s3:{action}", resource, context))
        if decision is not Decision.ALLOWED:
            reason = (
                "with an explicit deny in an identity-based policy"
                if decision is Decision.DENIED
                else f"because no identity-based policy allows the s3:{action} action"
            )
            raise Fault(
                "AccessDenied",
                f"User: {principal.arn} is not authorized to perform: s3:{action} on resource: "
                f'"{resource}" {reason}',
                403,
            )


def _arn(bucket: str, key: str | None) -> str:
    return f"arn:aws:s3:::{bucket}" if key is None else f"arn:aws:s3:::{bucket}/{key}"


def checked_key(key: str) -> str:
    """The key, if it is one.

    :raises Fault: KeyTooLongError.
    """
    size = len(key.encode())
    if size > _LONGEST_KEY:
        raise Fault(
            "KeyTooLongError",
            "Your key is too long",
            details={"Size": str(size), "MaxSizeAllowed": str(_LONGEST_KEY)},
        )
    return key


def owner(account: str) -> dict[str, str]:
    """The Owner element of an account: S3 knows accounts by an ID of 64 digits."""
    return {"ID": hashlib.sha256(account.encode()).hexdigest()}

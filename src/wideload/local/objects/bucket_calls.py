"""What is asked of buckets themselves. moto knows each bucket too, for all that is not ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import xmltodict  # type: ignore[import-untyped]

from wideload.local.faults import Fault
from wideload.local.journal import Call
from wideload.local.objects.bodies import document, malformed_xml, read_small
from wideload.local.objects.visit import owner
from wideload.local.objects.xml import timestamp, xml_reply
from wideload.local.reply import Reply

if TYPE_CHECKING:
    from wideload.local.control import Answer, Control
    from wideload.local.objects.buckets import Bucket, Buckets
    from wideload.local.objects.visit import Visit

# Sub-resources whose action is not just Get, Put or Delete, "Bucket" and their own name.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_ACTIONS = {
    "accelerate": "AccelerateConfiguration",
    "analytics": "AnalyticsConfiguration",
    "acl": "BucketAcl",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "inventory": "InventoryConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "logging": "BucketLogging",
    "metrics": "MetricsConfiguration",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
SUBRESOURCES = frozenset(_ACTIONS)
"""Query parameters that make a request on a bucket one for the control plane."""


class BucketCalls:
    """Answers requests on buckets."""

    def __init__(self, buckets: Buckets, control: Control) -> None:
        self._buckets = buckets
        self._control = control

    def list_all(self, visit: Visit) -> Reply:
        """ListBuckets."""
        account = visit.caller.principal.account
        visit.must_in_account("ListAllMyBuckets", "*")
        request = visit.request
        prefix = request.parameter("prefix") or ""
        region = request.parameter("bucket-region")
        buckets = [
            {
                "Name": bucket.name,
                "CreationDate": timestamp(bucket.created),
                "BucketRegion": bucket.region,
            }
            for bucket in self._buckets.of_account(account)
            if bucket.name.startswith(prefix) and region in (None, bucket.region)
        ]
        answer = {"Owner": owner(account), "Buckets": {"Bucket": buckets}}
        return xml_reply("ListAllMyBucketsResult", answer)

    def create(self, visit: Visit) -> Reply:
        """CreateBucket. moto checks the region."""
        visit.must_in_account("CreateBucket", f"arn:aws:s3:::{visit.bucket}")
        if not _is_name(visit.bucket):
            raise Fault(
                "InvalidBucketName",
                "The specified bucket is not valid.",
                details={"BucketName": visit.bucket},
            )
        account = visit.caller.principal.account
        there = self._buckets.find(visit.bucket)
        if there is not None and there.account != account:
            raise Fault(
                "BucketAlreadyExists",
                "The requested bucket name is not available. The bucket namespace is shared by "
                "all users of the system. Please select a different name and try again.",
                409,
                details={"BucketName": visit.bucket},
            )
        body = read_small(visit.request, visit.caller)
        answer = self._ask(visit, body)
        # A process killed between moto's record and ours leaves moto's alone: that is
        # mended by asking again.
        known = there is None and b"<Code>BucketAlreadyOwnedByYou<" in answer.body
        if answer.status >= 400 and not known:
            return _reply(answer)
        if there is None:
            self._buckets.add(visit.bucket, account, _location(body) or visit.region)
            if visit.request.header("x-amz-bucket-object-lock-enabled").lower() == "true":
                self._buckets.set_versioning(visit.bucket, "Enabled")
        return Reply(200, (("Location", f"/{visit.bucket}"),))

    def head(self, visit: Visit, bucket: Bucket) -> Reply:
        """HeadBucket."""
        visit.must("ListBucket", bucket)
        return Reply(200, (("x-amz-bucket-region", bucket.region),))

    def delete(self, visit: Visit, bucket: Bucket) -> Reply:
        """DeleteBucket."""
        visit.must("DeleteBucket", bucket)
        self._buckets.remove(bucket.name)
        # moto holds no objects, so it has no reason to refuse; and if it has forgotten the
        # bucket, all is well too.
        self._ask(visit, b"")
        return Reply(204)

    def location(self, visit: Visit, bucket: Bucket) -> Reply:
        """GetBucketLocation: nothing means us-east-1."""
        visit.must("GetBucketLocation", bucket)
        region = bucket.region if bucket.region != "us-east-1" else ""
        return xml_reply("LocationConstraint", region)

    def get_versioning(self, visit: Visit, bucket: Bucket) -> Reply:
        """GetBucketVersioning."""
        visit.must("GetBucketVersioning", bucket)
        return xml_reply("VersioningConfiguration", {"Status": bucket.versioning or None})

    def put_versioning(self, visit: Visit, bucket: Bucket) -> Reply:
        """PutBucketVersioning. moto is told too: some of its checks ask for it."""
        visit.must("PutBucketVersioning", bucket)
        status = document(visit.request, visit.caller, "VersioningConfiguration").get("Status")
        if status not in ("Enabled", "Suspended"):
            raise malformed_xml()
        text = xmltodict.unparse({"VersioningConfiguration": {"Status": status}})
        answer = self._ask(visit, text.encode())
        if answer.status >= 400:
            return _reply(answer)
        self._buckets.set_versioning(bucket.name, status)
        return Reply(200)

    def subresource(self, visit: Visit, bucket: Bucket, name: str) -> Reply:
        """Anything of a bucket that only the control plane knows."""
        if visit.request.method not in ("GET", "PUT", "DELETE"):
            raise Fault(
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
                405,
            )
        verb = visit.request.method.title()
        if verb == "Delete" and name not in ("policy", "website"):
            # Who may put a configuration may take it away.
            verb = "Put"
        visit.must(f"{verb}{_ACTIONS[name]}", bucket)
        return _reply(self._ask(visit, read_small(visit.request, visit.caller)))

    def _ask(self, visit: Visit, body: bytes) -> Answer:
        request, principal = visit.request, visit.caller.principal
        return self._control.call(
            Call(
                service="s3",
                account=principal.account,
                region=visit.region,
                method=request.method,
                path=f"/{quote(visit.bucket)}",
                query=urlencode(
                    [pair for pair in request.query if not _is_signature(pair[0])],
                    quote_via=quote,
                ),
                headers=request.headers,
                body=body,
                access_key=visit.caller.key.id,
            )
        )


def _is_name(name: str) -> bool:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    return (
        re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) is not None
        and ".." not in name
        and re.fullmatch(r"[0-9]+(\.[0-9]+){3}", name) is None
        and not name.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
        and not name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
    )


def _is_signature(name: str) -> bool:
    return name.startswith("X-Amz-") or name in ("AWSAccessKeyId", "Signature", "Expires", "x-id")


def _location(body: bytes) -> str | None:
    if not body:
        return None
    content = next(iter(xmltodict.parse(body).values())) or {}
    return content.get("LocationConstraint")


def _reply(answer: Answer) -> Reply:
    return Reply(answer.status, answer.headers, answer.body)

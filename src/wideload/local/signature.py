"""Who signed a request, and whether he did: Signature Version 4, and 2 where S3 takes it.

Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html.
Version 2: https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html;
boto3 still presigns S3 URLs with it unless it is told otherwise.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from calendar import timegm
from email.utils import parsedate_tz
from urllib.parse import quote, unquote

import msgspec
from botocore.auth import HmacV1Auth

from wideload.local.faults import Fault
from wideload.local.request import Request

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


class Claim(msgspec.Struct, frozen=True):
    """What a request says of its signer. Nothing of it is checked yet."""

    version: int
    access_key: str
    signature: str
    signed_at: float
    """Seconds since 1970."""
    stamp: str = ""
    """``signed_at`` as the signer wrote it."""
    scope_date: str = ""
    region: str = ""
    service: str = "s3"
    signed_headers: tuple[str, ...] = ()
    expires_at: float | None = None
    """Of a presigned URL."""
    token: str | None = None

    @property
    def scope(self) -> str:
        """``DATE/REGION/SERVICE/aws4_request``."""
        return f"{self.scope_date}/{self.region}/{self.service}/aws4_request"


def claim_of(request: Request) -> Claim | None:
    """The claim of a request; nothing where it is unsigned.

    :raises Fault: it is signed in a way that cannot be read.
    """
    authorization = request.header("authorization")
    if authorization.startswith(ALGORITHM):
        return _header_claim(request, authorization)
    if request.parameter("X-Amz-Algorithm") == ALGORITHM:
        return _query_claim(request)
    if authorization.startswith("AWS "):
        access_key, _, signature = authorization[4:].strip().partition(":")
        return Claim(
            version=2,
            access_key=access_key,
            signature=signature,
            signed_at=_http_date(request.header("x-amz-date") or request.header("date")),
            token=request.headers.get("x-amz-security-token"),
        )
    if request.has("AWSAccessKeyId") and request.has("Signature"):
        expires = request.parameter("Expires") or ""
        if not expires.isdigit():
            raise _malformed("Query-string authentication requires a numeric Expires parameter")
        return Claim(
            version=2,
            access_key=request.parameter("AWSAccessKeyId") or "",
            signature=request.parameter("Signature") or "",
            signed_at=time.time(),
            expires_at=float(expires),
            token=request.parameter("x-amz-security-token"),
        )
    if authorization:
        raise Fault("InvalidArgument", "Unsupported Authorization Type")
    return None


def _header_claim(request: Request, authorization: str) -> Claim:
    fields = {}
    for part in authorization[len(ALGORITHM) :].split(","):
        name, _, value = part.strip().partition("=")
        fields[name] = value
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if name not in fields]
    if missing:
        raise _malformed(f"Authorization header requires '{missing[0]}' parameter.")
    access_key, date, region, service = _credential(fields["Credential"])
    stamp = request.header("x-amz-date")
    signed_at = _iso_date(stamp) if stamp else _http_date(request.header("date"))
    if not stamp:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(signed_at))
    return Claim(
        version=4,
        access_key=access_key,
        signature=fields["Signature"],
        signed_at=signed_at,
        stamp=stamp,
        scope_date=date,
        region=region,
        service=service,
        signed_headers=tuple(fields["SignedHeaders"].split(";")),
        token=request.headers.get("x-amz-security-token"),
    )


def _query_claim(request: Request) -> Claim:
    values = {}
    for name in ("Credential", "Date", "Expires", "SignedHeaders", "Signature"):
        value = request.parameter(f"X-Amz-{name}")
        if value is None and name != "Expires":
            raise _malformed(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, "
                "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
                "X-Amz-Expires parameters."
            )
        values[name] = value or ""
    expires = values["Expires"] or "900"
    if not expires.isdigit() or int(expires) > 604800:
        raise _malformed("X-Amz-Expires must be less than a week (in seconds) that is 604800")
    access_key, date, region, service = _credential(values["Credential"])
    signed_at = _iso_date(values["Date"])
    return Claim(
        version=4,
        access_key=access_key,
        signature=values["Signature"],
        signed_at=signed_at,
        stamp=values["Date"],
        scope_date=date,
        region=region,
        service=service,
        signed_headers=tuple(values["SignedHeaders"].split(";")),
        expires_at=signed_at + int(expires),
        token=request.parameter("X-Amz-Security-Token")
        or request.headers.get("x-amz-security-token"),
    )


def _credential(text: str) -> tuple[str, str, str, str]:
    parts = text.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise _malformed(
            f"The Credential '{text}' is mal-formed; expecting "
            '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        )
    return parts[0], parts[1], parts[2], parts[3]


def _malformed(message: str) -> Fault:
    return Fault("AuthorizationHeaderMalformed", message)


def _iso_date(text: str) -> float:
    try:
        return timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise _malformed(f"Date '{text}' is not in the format YYYYMMDD'T'HHMMSS'Z'") from None


def _http_date(text: str) -> float:
    parsed = parsedate_tz(text)
    if parsed is None:
        raise Fault("AccessDenied", "AWS authentication requires a valid Date header", 403)
    return timegm((*parsed[:6], 0, 0, 0)) - (parsed[9] or 0)


def signing_key(secret: str, claim: Claim) -> bytes:
    """The key that signs within the claim's scope."""
    key = f"AWS4{secret}".encode()
    for part in (claim.scope_date, claim.region, claim.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def payload_claim(request: Request, claim: Claim) -> str | None:
    """What the signature covers in place of the body; nothing: the body's own digest."""
    declared = request.headers.get("x-amz-content-sha256") or request.parameter(
        "X-Amz-Content-Sha256"
    )
    if claim.version == 2:
        return UNSIGNED
    if declared is None and claim.service == "s3":
        if claim.expires_at is not None:
            return UNSIGNED
        raise Fault(
            "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"
        )
    return declared


def matches(request: Request, claim: Claim, secret: str, payload: str, resource: str) -> bool:
    """Whether the claim's signature is the one that `secret` makes of this request.

    :param payload: the SHA-256 of the body, or what stands for it.
    :param resource: ``/bucket/key`` of S3 as Version 2 signs it, whatever the host said.
    """
    if claim.version == 2:
        expected = _version_2(request, claim, secret, resource)
    else:
        expected = _version_4(request, claim, secret, payload)
    return hmac.compare_digest(expected.encode(), claim.signature.encode())


def _version_4(request: Request, claim: Claim, secret: str, payload: str) -> str:
    canonical = "\n".join(
        (
            request.method,
            _canonical_path(request.raw_path, claim.service),
            _canonical_query(request),
            *(
                f"{name}:{' '.join(request.headers.get(name, '').split())}"
                for name in claim.signed_headers
            ),
            "",
            ";".join(claim.signed_headers),
            payload,
        )
    )
    # Header values are latin-1 text of the bytes sent; all else is ASCII.
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    to_sign = "\n".join((ALGORITHM, claim.stamp, claim.scope, digest))
    return hmac.new(signing_key(secret, claim), to_sign.encode(), hashlib.sha256).hexdigest()


def _canonical_path(raw_path: str, service: str) -> str:
    if service == "s3":
        return quote(unquote(raw_path, "latin-1").encode("latin-1"), safe="/~")
    parts: list[str] = []
    for part in raw_path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    path = "/" + "/".join(parts)
    if parts and raw_path.endswith("/"):
        path += "/"
    return quote(path, safe="/~")


def _canonical_query(request: Request) -> str:
    pairs = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in request.query
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _version_2(request: Request, claim: Claim, secret: str, resource: str) -> str:
    # A presigned URL carries in its query what would else be a header.
    carried = {
        name.lower(): value
        for name, value in request.query
        if name.lower().startswith("x-amz-") or name.lower() in ("content-md5", "content-type")
    }
    headers = {name: request.header(name) for name in request.headers} | carried
    date = headers.get("date", "") if "x-amz-date" not in headers else ""
    if claim.expires_at is not None:
        date = str(int(claim.expires_at))
    custom = sorted((name, value) for name, value in headers.items() if name.startswith("x-amz-"))
    subresources = sorted(
        f"{name}={value}" if value else name
        for name, value in request.query
        if name in HmacV1Auth.QSAOfInterest
    )
    text = "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            date,
            *(f"{name}:{value.strip()}" for name, value in custom),
            resource + ("?" + "&".join(subresources) if subresources else ""),
        )
    )
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()

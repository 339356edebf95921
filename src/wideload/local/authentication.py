"""From a claim to a caller: the key is known and alive, the clock right, the signature too."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING

from wideload.local.caller import Caller
from wideload.local.faults import Fault, Protocol
from wideload.local.request import protocol_of
from wideload.local.signature import UNSIGNED, Claim, claim_of, matches, payload_claim

if TYPE_CHECKING:
    from wideload.local.principals import Key, Keyring
    from wideload.local.request import Request

_SKEW = 15 * 60
_MISMATCH_S3 = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your key and signing method."
)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)


class Authentication:
    """Checks who signed a request."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def claim(self, request: Request, service: str) -> Claim:
        """What the request says of its signer.

        :param service: that an unsigned request seems to be for.
        :raises Fault: it is unsigned, or signed in a way that cannot be read.
        """
        claim = claim_of(request)
        if claim is not None:
            return claim
        match protocol_of(request, service):
            case Protocol.S3:
                raise Fault("AccessDenied", "Access Denied", 403)
            case Protocol.QUERY | Protocol.EC2:
                raise Fault(
                    "MissingAuthenticationToken",
                    "Request is missing Authentication Token",
                    403,
                )
            case _:
                raise Fault(
                    "MissingAuthenticationTokenException", "Missing Authentication Token", 403
                )

    def caller(
        self, request: Request, claim: Claim, body_digest: str | None, resource: str
    ) -> Caller:
        """The signer, proven.

        :param body_digest: SHA-256 of the body where it has been read; otherwise the body
            must be held against the caller's `payload` when it is.
        :param resource: as Version 2 signs it.
        :raises Fault: the key is not known, has expired, or did not sign this.
        """
        protocol = protocol_of(request, claim.service)
        key = self._keyring.find(claim.access_key)
        if key is None:
            raise _unknown_key(protocol, claim)
        _check_clock(protocol, claim)
        _check_token(protocol, claim, key)
        payload = payload_claim(request, claim) or body_digest or UNSIGNED
        right = (
            matches(request, claim, key.secret, payload, resource)
            and (claim.version == 2 or claim.stamp.startswith(claim.scope_date))
            and (claim.version == 4 or claim.service == "s3")
            and (body_digest is None or payload in (body_digest, UNSIGNED))
        )
        if not right:
            raise _mismatch(protocol, claim)
        return Caller(key=key, claim=claim, payload=payload)


def _unknown_key(protocol: Protocol, claim: Claim) -> Fault:
    match protocol:
        case Protocol.S3:
            return Fault(
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
                403,
                details={"AWSAccessKeyId": claim.access_key},
            )
        case Protocol.EC2:
            return Fault(
                "AuthFailure", "AWS was not able to validate the provided access credentials", 401
            )
        case Protocol.QUERY:
            code, status = "InvalidClientTokenId", 403
        case _:
            code, status = "UnrecognizedClientException", _json_status(protocol)
    return Fault(code, "The security token included in the request is invalid.", status)


def _mismatch(protocol: Protocol, claim: Claim) -> Fault:
    match protocol:
        case Protocol.S3:
            details = {"AWSAccessKeyId": claim.access_key, "SignatureProvided": claim.signature}
            return Fault("SignatureDoesNotMatch", _MISMATCH_S3, 403, details=details)
        case Protocol.EC2:
            return Fault(
                "AuthFailure", "AWS was not able to validate the provided access credentials", 401
            )
        case Protocol.QUERY:
            return Fault("SignatureDoesNotMatch", _MISMATCH, 403)
        case _:
            return Fault("InvalidSignatureException", _MISMATCH, _json_status(protocol))


def _check_clock(protocol: Protocol, claim: Claim) -> None:
    now = time.time()
    if claim.expires_at is not None:
        if now > claim.expires_at:
            raise Fault(
                "AccessDenied",
                "Request has expired",
                403,
                details={"Expires": _iso(claim.expires_at), "ServerTime": _iso(now)},
            )
        if claim.signed_at > now + _SKEW:
            raise Fault("AccessDenied", "Request is not valid yet", 403)
        return
    if abs(now - claim.signed_at) <= _SKEW:
        return
    if protocol is Protocol.S3:
        raise Fault(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            403,
            details={
                "RequestTime": claim.stamp,
                "ServerTime": _iso(now),
                "MaxAllowedSkewMilliseconds": str(_SKEW * 1000),
            },
        )
    early = claim.signed_at > now
    limit = _basic(now + _SKEW) if early else _basic(now - _SKEW)
    kind = "not yet current" if early else "expired"
    message = (
        f"Signature {kind}: {claim.stamp} is {'still later' if early else 'now earlier'} than "
        f"{limit} ({_basic(now)} {'+' if early else '-'} 15 min.)"
    )
    if protocol is Protocol.EC2:
        raise Fault("RequestExpired", "Request has expired.", 400)
    if protocol is Protocol.QUERY:
        raise Fault("SignatureDoesNotMatch", message, 403)
    raise Fault("InvalidSignatureException", message, _json_status(protocol))


def _check_token(protocol: Protocol, claim: Claim, key: Key) -> None:
    fits = hmac.compare_digest((claim.token or "").encode(), (key.token or "").encode())
    if not fits:
        match protocol:
            case Protocol.S3:
                raise Fault("InvalidToken", "The provided token is malformed or otherwise invalid.")
            case _:
                raise _unknown_key(protocol, claim)
    if key.expires is not None and key.expires < time.time():
        match protocol:
            case Protocol.S3:
                raise Fault("ExpiredToken", "The provided token has expired.")
            case Protocol.QUERY:
                code, status = "ExpiredToken", 403
            case Protocol.EC2:
                code, status = "RequestExpired", 400
            case _:
                code, status = "ExpiredTokenException", _json_status(protocol)
        raise Fault(code, "The security token included in the request is expired", status)


def _json_status(protocol: Protocol) -> int:
    return 400 if protocol is Protocol.JSON else 403


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _basic(seconds: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))

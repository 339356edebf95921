"""STS: sessions whose keys the gateway knows, which moto's would not be."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import xmltodict  # type: ignore[import-untyped]

from wideload.local.faults import Fault
from wideload.local.iam import session_principal

if TYPE_CHECKING:
    from wideload.local.iam import Identities
    from wideload.local.principals import Key, Keyring, Principal

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_HOUR = 3600


class SecurityTokens:
    """The operations of STS that hand out or tell of keys; all others are refused."""

    def __init__(self, keyring: Keyring, identities: Identities) -> None:
        self._keyring = keyring
        self._identities = identities

    def answer(self, query: str, body: bytes, principal: Principal, request_id: str) -> bytes:
        """The XML that answers a request.

        :raises Fault: it asks for something that cannot be had.
        """
        form = parse_qs(f"{query}&{body.decode('latin-1')}", encoding="utf-8")
        values = {name: several[0] for name, several in form.items()}
        action = values.get("Action", "")
        result: dict[str, object]
        match action:
            case "GetCallerIdentity":
                result = {
                    "Arn": principal.arn,
                    "UserId": principal.user_id,
                    "Account": principal.account,
                }
            case "AssumeRole":
                result = self._assume_role(values, principal)
            case "GetSessionToken":
                key = self._keyring.session(principal, _duration(values, 12 * _HOUR, 36 * _HOUR))
                result = {"Credentials": _credentials(key)}
            case "GetAccessKeyInfo":
                found = self._keyring.find(values.get("AccessKeyId", ""))
                if found is None:
                    raise Fault("ValidationError", "Invalid access key", 400)
                result = {"Account": found.principal.account}
            case _:
                raise Fault(
                    "InvalidAction", f"Could not find operation {action} for version 2011-06-15"
                )
        document = {
            f"{action}Response": {
                "@xmlns": _NAMESPACE,
                f"{action}Result": result,
                "ResponseMetadata": {"RequestId": request_id},
            }
        }
        text: str = xmltodict.unparse(document)
        return text.encode()

    def _assume_role(self, values: dict[str, str], caller: Principal) -> dict[str, object]:
        role_arn, name = values.get("RoleArn", ""), values.get("RoleSessionName", "")
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", name):
            raise Fault(
                "ValidationError",
                f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to "
                "satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
            )
        role = self._identities.role(role_arn)
        if role is None:
            raise Fault(
                "AccessDenied",
                f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: "
                f"{role_arn}",
                403,
            )
        longest = int(role.max_session_duration or _HOUR)
        seconds = _duration(values, _HOUR, longest)
        principal = session_principal(role_arn, role.id, name, values.get("Policy"))
        key = self._keyring.session(principal, seconds)
        return {
            "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
            "Credentials": _credentials(key),
        }


def _duration(values: dict[str, str], default: int, longest: int) -> int:
    text = values.get("DurationSeconds", str(default))
    if not text.isdigit() or int(text) < 900:
        raise Fault(
            "ValidationError",
            f"1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy "
            "constraint: Member must have value greater than or equal to 900",
        )
    if int(text) > longest:
        raise Fault(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    return int(text)


def _credentials(key: Key) -> dict[str, object]:
    return {
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "SessionToken": key.token,
        "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(key.expires)),
    }

"""Errors as AWS answers them, in the wire format of the protocol that was asked in."""

from __future__ import annotations

import enum
import json
from http import HTTPStatus

import xmltodict  # type: ignore[import-untyped]


class Protocol(enum.Enum):
    """The wire formats of AWS that differ in how an error looks."""

    S3 = "s3"
    QUERY = "query"
    EC2 = "ec2"
    JSON = "json"
    REST_JSON = "rest-json"


class Fault(Exception):
    """An error that a client is meant to see.

    :param code: as the service names it, e.g. ``NoSuchKey``.
    :param message: word for word as AWS says it.
    :param status: of HTTP.
    :param details: further elements of an S3 error, e.g. ``BucketName``.
    :param headers: further headers of the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        details: dict[str, str] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = details or {}
        self.headers = headers


def status_line(status: int) -> str:
    """``404 Not Found`` for 404."""
    return f"{status} {HTTPStatus(status).phrase}"


def render(fault: Fault, protocol: Protocol, request_id: str) -> tuple[str, bytes]:
    """The content type and the body that tell of a fault in this protocol."""
    if protocol is Protocol.JSON:
        answer = {"__type": fault.code, "message": fault.message}
        return "application/x-amz-json-1.1", json.dumps(answer).encode()
    if protocol is Protocol.REST_JSON:
        return "application/json", json.dumps({"message": fault.message}).encode()
    document: dict[str, object]
    if protocol is Protocol.S3:
        document = {
            "Error": {
                "Code": fault.code,
                "Message": fault.message,
                **fault.details,
                "RequestId": request_id,
                "HostId": request_id,
            }
        }
    elif protocol is Protocol.EC2:
        document = {
            "Response": {
                "Errors": {"Error": {"Code": fault.code, "Message": fault.message}},
                "RequestID": request_id,
            }
        }
    else:
        document = {
            "ErrorResponse": {
                "Error": {"Type": "Sender", "Code": fault.code, "Message": fault.message},
                "RequestId": request_id,
            }
        }
    return "application/xml", xmltodict.unparse(document).encode()

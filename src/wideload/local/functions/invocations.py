"""Running functions for those who call them."""

from __future__ import annotations

import base64
import binascii
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from wideload import limits
from wideload.errors import WideloadError
from wideload.local.functions import environments, faults, lookup, snapshots
from wideload.local.functions.faults import LambdaFault
from wideload.local.functions.service import Reply, fresh_id
from wideload.values.invocation import Outcome

if TYPE_CHECKING:
    from wideload.local.functions.concurrency import Slots
    from wideload.local.functions.documents import FunctionDocument, Version
    from wideload.local.functions.events import Events
    from wideload.local.functions.service import Call, Service
    from wideload.values.invocation import Invocation

_LOG_TAIL = 4096
_CLIENT_CONTEXT = 3583
"""Bytes: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""
# AWS admits and names 100 bytes more than it documents for the answer.
_ANSWER = limits.PAYLOAD_SIZE + 100


class Invocations:
    """Runs versions of functions, as many at once as they may."""

    def __init__(self, service: Service, slots: Slots) -> None:
        self._service = service
        self._slots = slots

    def run(
        self,
        function: FunctionDocument,
        version: Version,
        payload: bytes,
        request_id: str,
        client_context: str = "",
        qualifier: str | None = None,
    ) -> Invocation:
        """Run a version once and wait for it.

        :param qualifier: as the caller named it.
        :raises LambdaFault: throttled, not restored from its snapshot, or this machine cannot run
            it.
        """
        with self._slots.taken(function):
            try:
                invocation = self._service.pool.invoke(
                    environments.home(function, version),
                    partial(environments.spec, self._service, function, version),
                    payload,
                    request_id,
                    client_context,
                    qualifier or "",
                )
            except WideloadError as error:
                raise LambdaFault("ServiceException", str(error), 502, kind="Service") from error
        snapshots.check_restored(invocation)
        return _answer_within_limit(invocation)

    def invoke(self, events: Events, call: Call) -> Reply:
        """Invoke."""
        request = call.parameters
        function, qualifier = lookup.function(self._service, call)
        now = self._service.clock()
        version = lookup.routed(function, qualifier, now)
        snapshots.check_ready(version, now)
        if version.change == "create" and not version.settled(now):
            raise faults.conflict(
                "The operation cannot be performed at this time. The function is currently in "
                "the following state: Pending"
            )
        if "DurableExecutionName" in request or "TenantId" in request:
            raise faults.not_embedded("Durable executions and tenants")
        payload = _checked_payload(bytes(request.get("Payload", b"")))
        client_context = _checked_context(request.get("ClientContext", ""))
        headers = {"X-Amz-Executed-Version": version.number}
        match request.get("InvocationType", "RequestResponse"):
            case "DryRun":
                return Reply(204, headers=headers)
            case "Event":
                request_id = fresh_id()
                events.add(function, qualifier, payload, request_id)
                return Reply(202, headers={**headers, "x-amzn-RequestId": request_id})
        request_id = fresh_id()
        invocation = self.run(function, version, payload, request_id, client_context, qualifier)
        headers["x-amzn-RequestId"] = request_id
        if invocation.function_error is not None:
            headers["X-Amz-Function-Error"] = invocation.function_error
        if request.get("LogType") == "Tail":
            tail = invocation.log.encode()[-_LOG_TAIL:]
            headers["X-Amz-Log-Result"] = base64.b64encode(tail).decode()
        if invocation.missing:
            headers["X-Wideload-Missing"] = _one_line("; ".join(invocation.missing))
        return Reply(200, invocation.payload, headers)


def _answer_within_limit(invocation: Invocation) -> Invocation:
    if len(invocation.payload) <= _ANSWER or invocation.outcome is not Outcome.SUCCESS:
        return invocation
    document: dict[str, Any] = {
        "errorMessage": "Response payload size exceeded maximum allowed payload size "
        f"({_ANSWER} bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
    return msgspec.structs.replace(
        invocation, outcome=Outcome.HANDLED, payload=json.dumps(document).encode()
    )


def _checked_payload(payload: bytes) -> bytes:
    if not payload:
        return b"{}"
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise LambdaFault(
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {error}",
        ) from None
    return payload


def _checked_context(text: str) -> str:
    if not text:
        return ""
    try:
        context = base64.b64decode(text, validate=True).decode()
        sound = len(text) <= _CLIENT_CONTEXT and isinstance(json.loads(context), dict)
    except (binascii.Error, ValueError):
        sound = False
    if not sound:
        raise LambdaFault(
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        )
    return context


def _one_line(text: str) -> str:
    return " ".join(text.split()).encode("ascii", "replace").decode()

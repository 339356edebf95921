"""Errors as Lambda answers them: code, words and HTTP status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wideload.values.proposal import BrokenLimit

INVALID = "InvalidParameterValueException"
_STATUS = {"RequestEntityTooLargeException": 413, "RequestTooLargeException": 413}


class LambdaFault(Exception):
    """An error that the caller of the API is meant to see.

    :param code: as the SDK knows it, e.g. ``ResourceNotFoundException``.
    :param message: word for word as AWS says it; nothing where AWS says nothing.
    :param status: of HTTP.
    :param kind: Lambda's ``Type`` member; nothing for errors that AWS's front end raises
        before Lambda itself sees the request.
    :param members: further members of the answer, e.g. ``Reason``.
    """

    def __init__(
        self,
        code: str,
        message: str | None,
        status: int = 400,
        *,
        kind: str | None = "User",
        members: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.kind = kind
        self.members = members or {}


def invalid(message: str) -> LambdaFault:
    """A parameter has a value that the function or the service does not admit."""
    return LambdaFault(INVALID, message)


def validation(violations: list[str]) -> LambdaFault:
    """The request breaks constraints of the service model."""
    count = len(violations)
    return LambdaFault(
        "ValidationException",
        f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(violations)}",
        kind=None,
    )


def conflict(message: str) -> LambdaFault:
    """The resource is there already, or is being changed."""
    return LambdaFault("ResourceConflictException", message, 409)


def not_found(message: str = "The resource you requested does not exist.") -> LambdaFault:
    """There is no such resource."""
    return LambdaFault("ResourceNotFoundException", message, 404)


def function_not_found(arn: str) -> LambdaFault:
    """There is no such function, version or alias."""
    return not_found(f"Function not found: {arn}")


def stale_revision(call: str = "GetFunction/GetAlias") -> LambdaFault:
    """The caller's RevisionId is not the present one."""
    return LambdaFault(
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. "
        f"Call the {call} API to retrieve the latest Revision Id",
        412,
    )


def broken(limit: BrokenLimit) -> LambdaFault:
    """A quota is broken; code and words are those that `wideload.limits` gives."""
    code, _, message = limit.aws_error.partition(": ")
    status = _STATUS.get(code, 400)
    return LambdaFault(code, message, status, kind=None if status == 413 else "User")


def not_embedded(what: str) -> LambdaFault:
    """AWS can do it, the embedded AWS cannot."""
    return LambdaFault(
        INVALID, f"{what}: not embedded. The embedded AWS does not have this part of Lambda."
    )

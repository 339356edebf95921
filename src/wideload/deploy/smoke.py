"""The one invocation that a new version has to pass before callers get to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.deploy.cloud import Refused
from wideload.deploy.names import BUNDLE_KEYS
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from wideload.deploy.cloud import Functions

_SHOWN = 1000
"""Characters of an answer that an error shows."""


_MAY_NOT_READ = "may not be read"
"""Of what the loader says when S3 denies it the bundle."""


MOUNT_FAILURES = frozenset(
    f"{kind}Mount{what}Exception"
    for kind in ("EFS", "S3Files")
    for what in ("Failure", "Connectivity", "Timeout")
)
"""Lambda's codes for a file system that it could not mount."""


class MayNotRead(WideloadError):
    """The version's role may not read its bundle, or mount its file system, or may not yet."""


def check(
    functions: Functions, function: str, version: str, event: str, expected: str | None
) -> None:
    """Invoke a version by its number.

    :param expected: JSON that the answer must equal; nothing: any that is not an error.
    :raises MayNotRead: it cannot start, as S3 denies it its bundle, or its file system is not
        mounted.
    :raises WideloadError: it answered with a function error, or otherwise than expected.
    :raises Refused: Lambda did not run it.
    """
    try:
        answer = functions.invoke(function, version, event.encode())
    except Refused as refused:
        if refused.code not in MOUNT_FAILURES:
            raise
        error = _failed(function, version, f"{refused.code}: {refused.message}")
        raise MayNotRead(
            error.what,
            why=error.why,
            hint="its role needs ClientMount on the file system; its security group has to be let "
            f"in by TCP 2049; {error.hint}",
        ) from refused
    shown = answer.payload.decode(errors="replace")[:_SHOWN]
    if answer.function_error is not None:
        error = _failed(function, version, f"{answer.function_error}: {shown}")
        if BUNDLE_KEYS in shown and _MAY_NOT_READ in shown:
            raise MayNotRead(error.what, why=error.why, hint=error.hint)
        raise error
    if expected is not None and not _equal(answer.payload, expected.encode()):
        raise _failed(function, version, f"it answered {shown} instead of {expected[:_SHOWN]}")


def _equal(answer: bytes, expected: bytes) -> bool:
    try:
        return bool(msgspec.json.decode(answer) == msgspec.json.decode(expected))
    except msgspec.DecodeError:
        return False


def _failed(function: str, version: str, why: str) -> WideloadError:
    return WideloadError(
        f"version {version} of {function} failed its smoke test; no caller gets to it",
        why=why,
        hint=f"mend the function and deploy again; the alias was not moved. "
        f"`wideload logs {function}` shows what it wrote",
    )

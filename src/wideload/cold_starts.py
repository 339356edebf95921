"""What Lambda offers against cold starts, and what it refuses it to, in AWS's words.

The configuration is refused with these functions before anything is built, and the embedded AWS
refuses with the same ones. Each answer is the message of an InvalidParameterValueException.
"""

from __future__ import annotations

SNAP_START_EPHEMERAL = 512
"""MB of /tmp that a function with SnapStart may have at most:
https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html"""
LEAST_UNRESERVED = 100
"""Concurrent executions that functions without a reservation must be left:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"""
INIT_AHEAD_SECONDS = 130
"""What an init that nobody waits for may take, or the function's timeout where that is longer:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""

# The same page: Java 11, Python 3.12, .NET 8 and later, of the runtimes that AWS manages.
_SINCE = {"python": (3, 12), "java": (11, 0), "dotnet": (8, 0)}
# The same page, read in November 2026: all commercial regions but Asia Pacific (New Zealand) and
# Asia Pacific (Taipei).
_NOT_IN = frozenset({"ap-southeast-6", "ap-east-2"})
_UNSUPPORTED = "is not supported for SnapStart enabled functions."


def snap_start_refusal(
    runtime: str, ephemeral: int, *, provisioned: bool = False, file_systems: bool = False
) -> str | None:
    """Why Lambda would refuse SnapStart to such a function; nothing where it would not.

    :param ephemeral: MB of /tmp.
    :param provisioned: whether it is to have provisioned concurrency as well.
    :param file_systems: whether it mounts one.
    """
    family = runtime.rstrip("0123456789.")
    parts = runtime.removeprefix(family).split(".")
    version = tuple(int(part) for part in (*parts, "0")[:2] if part.isdecimal())
    since = _SINCE.get(family)
    # The first of these is how AWS answers; for the others it documents no words.
    if since is None or version < since:
        return f"{runtime} {_UNSUPPORTED}"
    if file_systems:
        return f"FileSystemConfigs {_UNSUPPORTED}"
    if ephemeral > SNAP_START_EPHEMERAL:
        return f"EphemeralStorage of more than {SNAP_START_EPHEMERAL} MB {_UNSUPPORTED}"
    if provisioned:
        return "Provisioned Concurrency is not supported for SnapStart enabled functions."
    return None


def has_snap_start(region: str) -> bool:
    """Whether AWS documents SnapStart for a region."""
    return region not in _NOT_IN


def provisioning_refusal(
    wanted: int, *, others: int, unreserved: int, reserved: int | None
) -> str | None:
    """Why Lambda would refuse to keep so many environments ready; nothing where it would not.

    :param others: what other versions and aliases of the function have.
    :param unreserved: concurrent executions of the account that nobody has set aside.
    :param reserved: what the function has set aside for itself, if it has.
    """
    if reserved is not None:
        if reserved >= others + wanted:
            return None
        return (
            "Requested Provisioned Concurrency should not be greater than the "
            "reservedConcurrentExecution for function"
        )
    if wanted > unreserved:
        return (
            "Specified ConcurrentExecutions for function is greater than account's unreserved "
            f"concurrency [{unreserved}]."
        )
    if unreserved - wanted < LEAST_UNRESERVED:
        return (
            "Specified ConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{LEAST_UNRESERVED}]."
        )
    return None

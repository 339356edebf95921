"""The directory that a function mounts from EFS: the function that fills it, from beginning to
end. Pure but for :func:`fill` and :func:`sweep`, which call it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from wideload.deploy import bundles, desired, names, waiting
from wideload.deploy.cloud import Refused
from wideload.deploy.smoke import MOUNT_FAILURES
from wideload.errors import WideloadError
from wideload.values.bundle import BUNDLE_VARIABLE
from wideload.values.instruction import (
    Configuration,
    CreateFunction,
    CreateRole,
    DeleteFunction,
    DeleteRole,
    FillDirectory,
    InlineCode,
    Instruction,
    PutRolePolicy,
    SweepDirectories,
    WaitUntilReady,
)
from wideload.values.mount import FILLER_HANDLER, FILLER_ROLE, MOUNT_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from wideload.deploy.cloud import Functions
    from wideload.deploy.networking import Network
    from wideload.deploy.observe import Observed
    from wideload.deploy.states import FunctionState
    from wideload.deploy.waiting import Clock
    from wideload.values.artifact import Manifest

MEMORY = 1769
"""MB: one vCPU, https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""
TIMEOUT = 900
_CALLS = 40
"""Of the filler, each as long as a call may take: ten hours."""
_SHOWN = 1000
# A new mount target's name, and IAM's news, take a while to be known everywhere.
# https://docs.aws.amazon.com/efs/latest/ug/troubleshooting-efs-mounting.html
_MOUNT_SECONDS = 180.0
_DENIED_YET = "may not be read"


def is_filled(manifest: Manifest, versions: tuple[FunctionState, ...]) -> bool:
    """Whether the build's directory is complete: a version that names it was published after it
    was."""
    if manifest.mount is None:
        return True
    return any(
        version.configuration.environment.get(MOUNT_VARIABLE) == manifest.mount.place
        and version.configuration.mount is not None
        for version in versions
    )


def filling(manifest: Manifest, observed: Observed, network: Network) -> Iterator[Instruction]:
    """Make the filler, have it fill the directory, take it away.

    What a deployment that was killed left of it is taken away first.
    """
    directory = manifest.mount
    if directory is None:
        raise AssertionError("there is no directory to fill")
    identity = observed.identity
    filler = names.filler_name(manifest.function)
    role, policy = names.role_name(filler), names.mount_policy_name(identity)
    if observed.has_filler:
        yield DeleteFunction(filler)
    if not observed.has_filler_role:
        yield CreateRole(role, names.trust_policy(), names.MADE_BY)
    mount, place = network.mount, bundles.location(manifest, identity)
    document = names.mount_policy([mount.access_point], identity, write=True)
    yield PutRolePolicy(role, policy, document, f"be in a VPC and write to {directory.path}")
    yield PutRolePolicy(
        role,
        names.bundle_policy_name(identity),
        names.bundles_policy([place.key], identity),
        f"read s3://{place.bucket}/{place.key} as well",
    )
    code = manifest.artifact(FILLER_ROLE)
    yield CreateFunction(
        function=filler,
        code=InlineCode(code.filename, code.sha256, code.size),
        architecture=manifest.target.architecture,
        configuration=Configuration(
            role=names.role_arn(filler, identity),
            runtime=manifest.target.runtime,
            handler=FILLER_HANDLER,
            memory=MEMORY,
            timeout=TIMEOUT,
            ephemeral=512,
            environment={BUNDLE_VARIABLE: place.variable()},
            layers=(),
            description=f"Fills {directory.place} while {manifest.function} is deployed",
            vpc=network.vpc,
            mount=mount,
        ),
        tags=names.MADE_BY,
    )
    yield WaitUntilReady(filler, desired.LATEST)
    bundle = bundles.artifact(manifest)
    yield FillDirectory(filler, directory.place, bundle.unzipped_bytes)
    yield DeleteFunction(filler)
    yield DeleteRole(role)


def fill(functions: Functions, step: FillDirectory, clock: Clock) -> None:
    """Call the filler until the directory is complete.

    :raises WideloadError: it cannot be filled.
    """
    event = {"do": "fill", "directory": step.directory}
    _until_complete(functions, step.function, event, clock)


def sweep(functions: Functions, step: SweepDirectories, clock: Clock) -> None:
    """Call the filler until directories are swept.

    :raises WideloadError: they cannot be.
    """
    event = {
        "do": "sweep",
        "path": step.path,
        "keep": list(step.keep),
        "age": step.age,
        "function": step.of,
    }
    _until_complete(functions, step.function, event, clock)


def _until_complete(
    functions: Functions, function: str, event: dict[str, Any], clock: Clock
) -> None:
    shown = ""
    for _ in range(_CALLS):
        answer = _called(functions, function, event, clock)
        if answer.get("complete"):
            return
        shown = json.dumps(answer)[:_SHOWN]
    raise WideloadError(
        f"{event.get('directory', 'the file system')} is not complete after {_CALLS} calls",
        why=f"the last answered {shown}",
        hint="deploy again: it goes on where it stopped",
    )


def _called(
    functions: Functions, function: str, event: dict[str, Any], clock: Clock
) -> dict[str, Any]:
    """One call; again while the file system is not there yet, or S3 denies the bundle yet."""
    payload = json.dumps(event).encode()
    for is_last in waiting.attempts(clock, _MOUNT_SECONDS, first=1.0, longest=10.0):
        try:
            answer = functions.invoke(function, desired.LATEST, payload)
        except Refused as refused:
            if refused.code not in MOUNT_FAILURES or is_last:
                raise
            continue
        text = answer.payload.decode(errors="replace")
        if answer.function_error is None:
            found: dict[str, Any] = msgspec.json.decode(answer.payload)
            return found
        if "Sandbox.Timedout" in text or "Task timed out" in text or "signal: killed" in text:
            # It goes on where it was.
            return {"complete": False, "ended": text[:_SHOWN]}
        if is_last or _DENIED_YET not in text:
            raise WideloadError(
                f"{function} failed to do its work in the mounted file system",
                why=text[:_SHOWN],
                hint="mend the cause and deploy again: it goes on where it stopped",
            )
    raise AssertionError("the last attempt returns or raises")

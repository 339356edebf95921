"""From a build and what is there now to the instructions of a deployment. Pure.

The order is that of a commit. Everything new is made beside the old: callers use the alias
`live`, which stands on an immutable version and moves last, in one step. The unpublished
function may pass through states that fit nobody; nobody calls it. Whatever was done before
a deployment was killed is seen in what is there, so the same computation finishes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.deploy import desired, names
from wideload.errors import WideloadError
from wideload.values.instruction import (
    LIVE_ALIAS,
    Configuration,
    CreateAlias,
    CreateBucket,
    CreateFunction,
    CreateLogGroup,
    CreateRole,
    Instruction,
    PublishVersion,
    PutRolePolicy,
    SecureBucket,
    SetRetention,
    SetTrust,
    Smoke,
    SmokeTest,
    StoredCode,
    TagFunction,
    UpdateAlias,
    UpdateCode,
    UpdateConfiguration,
    UploadObject,
    WaitUntilReady,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wideload.deploy.cloud import DeployedFunction, FunctionState
    from wideload.deploy.observe import Observed
    from wideload.values.artifact import Manifest
    from wideload.values.function import Function

_LATEST = "$LATEST"
# Inactive: reclaimed while idle, and brought back by the next update or invocation.
_USABLE = frozenset({"Pending", "Active", "Inactive"})


def compute(
    manifest: Manifest,
    function: Function,
    observed: Observed,
    *,
    adopt: bool = False,
    smoke: Smoke | None = None,
) -> tuple[Instruction, ...]:
    """The instructions that lead from what is there to what was built; none where it is there.

    :param adopt: take over a function that wideload did not make. It keeps its role.
    :param smoke: what the new version has to pass before the alias moves to it.
    :raises WideloadError: the build is out of date, its strategy cannot be deployed, the
        function is somebody else's, or it is in a state that no deployment mends.
    """
    desired.check_is_current(manifest, function)
    there = observed.function
    if there is not None:
        _check_may_change(there, manifest.function, adopt=adopt)
    own_role = names.role_arn(manifest.function, observed.identity)
    # A function keeps the role that it has: an adopted one may need what its own allows.
    role = own_role if there is None else there.latest.configuration.role
    steps: list[Instruction] = []
    if role == own_role:
        steps += _role(manifest.function, observed, adopt=adopt)
    steps += _log_group(manifest.function, observed)
    wanted = desired.configuration(manifest, role)
    if there is None:
        steps += _create(manifest, observed, wanted)
    else:
        steps += _update(manifest, observed, there, wanted)
    steps += _publish_and_serve(manifest, observed, wanted, smoke)
    return tuple(steps)


def _check_may_change(there: DeployedFunction, name: str, *, adopt: bool) -> None:
    if names.VERSION_TAG not in there.tags and not adopt:
        raise WideloadError(
            f"function {name} is there already, and wideload did not make it",
            why=f"{there.latest.arn} has no tag {names.VERSION_TAG}",
            hint="give the function another name, or take this one over with --adopt "
            "(its role is kept, its code and settings are replaced)",
        )
    if there.latest.package_type != "Zip":
        raise WideloadError(
            f"function {name} is there as a container image",
            why=f"{there.latest.arn} has PackageType {there.latest.package_type}, "
            "which Lambda never changes",
            hint="give the function another name, or delete the one that is there",
        )
    if there.latest.state not in _USABLE:
        raise WideloadError(
            f"function {name} is in state {there.latest.state}",
            why=there.latest.state_reason or "Lambda gives no reason",
            hint=f"mend the cause; or `wideload destroy {name}` and deploy it anew",
        )


def _role(function: str, observed: Observed, *, adopt: bool) -> Iterator[Instruction]:
    name = names.role_name(function)
    trust = names.trust_policy()
    role = observed.role
    if role is None:
        yield CreateRole(name, trust, names.MADE_BY)
    elif names.VERSION_TAG not in role.tags and not adopt:
        raise WideloadError(
            f"role {name} is there already, and wideload did not make it",
            why=f"{role.arn} has no tag {names.VERSION_TAG}",
            hint="give the function another name, or take the role over with --adopt",
        )
    elif role.trust != trust:
        yield SetTrust(name, trust)
    policy = names.logs_policy(function, observed.identity)
    if observed.policy != policy:
        what = f"write logs to {names.log_group(function)}"
        yield PutRolePolicy(name, names.policy_name(observed.identity), policy, what)


def _log_group(function: str, observed: Observed) -> Iterator[Instruction]:
    group = names.log_group(function)
    if observed.log_group is None:
        yield CreateLogGroup(group)
    # Another number of days is somebody's choice and stays.
    if observed.log_group is None or observed.log_group.retention_days is None:
        yield SetRetention(group, names.RETENTION_DAYS)


def _upload(manifest: Manifest, observed: Observed) -> Iterator[Instruction]:
    code = desired.code(manifest, observed.identity)
    if not isinstance(code, StoredCode):
        return
    owner = observed.identity.account
    if observed.bucket is None:
        yield CreateBucket(code.bucket, observed.identity.region)
    if observed.bucket is None or not observed.bucket.is_private:
        yield SecureBucket(code.bucket, owner)
    stored = observed.object
    if stored is None or (stored.size, stored.sha256) != (code.size, code.sha256):
        filename = manifest.artifact("function").filename
        yield UploadObject(code.bucket, code.key, owner, filename, code.sha256, code.size)


def _create(manifest: Manifest, observed: Observed, wanted: Configuration) -> Iterator[Instruction]:
    yield from _upload(manifest, observed)
    yield CreateFunction(
        function=manifest.function,
        code=desired.code(manifest, observed.identity),
        architecture=manifest.target.architecture,
        configuration=wanted,
        tags=desired.tags(manifest),
    )
    yield WaitUntilReady(manifest.function, _LATEST)


def _update(
    manifest: Manifest, observed: Observed, there: DeployedFunction, wanted: Configuration
) -> Iterator[Instruction]:
    name = manifest.function
    latest = there.latest
    # After a failed update Lambda may show what was asked for or what was before.
    is_doubtful = latest.last_update == "Failed"
    new_code = (
        is_doubtful
        or latest.code_sha256 != desired.code_sha256(manifest)
        or latest.architecture != manifest.target.architecture
    )
    code = desired.code(manifest, observed.identity)
    have = latest.configuration
    new_configuration = is_doubtful or have != wanted

    if new_code:
        yield from _upload(manifest, observed)
    if latest.state == "Pending" or latest.last_update == "InProgress":
        yield WaitUntilReady(name, _LATEST)
    if _tags_are_stale(manifest, there, changing=new_code or new_configuration):
        yield TagFunction(name, latest.arn, desired.tags(manifest))
    if new_code and not set(have.layers) <= set(wanted.layers):
        # Lambda holds code and layers together against its quota after every single call.
        # Old code with the layers that stay fits, and so does new code with them.
        shared = tuple(layer for layer in wanted.layers if layer in have.layers)
        between = msgspec.structs.replace(wanted, layers=shared)
        yield from _configure(name, have, between, again=is_doubtful)
        have = between
        new_configuration = have != wanted
    if new_code:
        yield UpdateCode(name, code, manifest.target.architecture)
        yield WaitUntilReady(name, _LATEST)
    if new_configuration:
        yield from _configure(name, have, wanted, again=is_doubtful)


def _tags_are_stale(manifest: Manifest, there: DeployedFunction, *, changing: bool) -> bool:
    wanted = desired.tags(manifest)
    have = {key: value for key, value in there.tags.items() if key in wanted}
    if changing or names.VERSION_TAG not in have:
        return have != wanted
    # A newer wideload alone is no reason to touch a function that needs nothing.
    return have.get(names.STRATEGY_TAG) != wanted[names.STRATEGY_TAG]


def _configure(
    name: str, have: Configuration, wanted: Configuration, *, again: bool
) -> Iterator[Instruction]:
    changes = desired.changes(have, wanted)
    if again and not changes:
        changes = ("again, since the last update failed",)
    yield UpdateConfiguration(name, wanted, changes)
    yield WaitUntilReady(name, _LATEST)


def _publish_and_serve(
    manifest: Manifest, observed: Observed, wanted: Configuration, smoke: Smoke | None
) -> Iterator[Instruction]:
    name = manifest.function
    newest = _newest(observed.versions)
    target: str | None = None
    if newest is not None and desired.is_version_of(newest, manifest, wanted):
        target = newest.version
        if newest.state == "Pending":
            yield WaitUntilReady(name, target)
    else:
        description = desired.version_description(manifest)
        yield PublishVersion(name, desired.code_sha256(manifest), description)
        yield WaitUntilReady(name, None)
    alias = observed.alias
    if alias is not None and alias.version == target and not alias.is_weighted:
        return
    if smoke is not None:
        yield SmokeTest(name, target, smoke.event, smoke.expected)
    if alias is None:
        yield CreateAlias(name, LIVE_ALIAS, target)
    else:
        yield UpdateAlias(name, LIVE_ALIAS, target, alias.version, alias.revision)


def _newest(versions: tuple[FunctionState, ...]) -> FunctionState | None:
    # Lambda itself compares only with the newest: an older one that looks the same may
    # differ in what is not looked at here, such as a VPC attached by hand.
    return max(versions, key=lambda version: int(version.version), default=None)

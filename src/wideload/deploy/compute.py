"""From a build and what is there now to the instructions of a deployment. Pure.

The order is that of a commit. Everything new is made beside the old: callers use the alias
`live`, which stands on an immutable version and moves last, in one step. The unpublished
function may pass through states that fit nobody; nobody calls it. Whatever was done before
a deployment was killed is seen in what is there, so the same computation finishes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.deploy import bundles, desired, images, names
from wideload.deploy.filling import filling, is_filled
from wideload.deploy.networking import network
from wideload.deploy.provisioning import compute_provisioning
from wideload.deploy.rollback import had_served
from wideload.deploy.states import ObjectState
from wideload.deploy.uploading import files
from wideload.errors import WideloadError
from wideload.values.function import Strategy
from wideload.values.instruction import (
    LIVE_ALIAS,
    Configuration,
    CreateAlias,
    CreateBucket,
    CreateFunction,
    CreateLogGroup,
    CreateRole,
    DeleteRolePolicy,
    ImageCode,
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

    from wideload.deploy.networking import Network
    from wideload.deploy.observe import Observed
    from wideload.deploy.states import AliasState, DeployedFunction, FunctionState
    from wideload.values.artifact import Artifact, Manifest
    from wideload.values.function import Function

# Inactive: reclaimed while idle, and brought back by the next update or invocation.
_USABLE = frozenset({"Pending", "Active", "Inactive"})


def compute(
    manifest: Manifest,
    function: Function,
    observed: Observed,
    *,
    adopt: bool = False,
    smoke: Smoke | None = None,
    create_network: bool = False,
) -> tuple[Instruction, ...]:
    """The instructions that lead from what is there to what was built; none where it is there.

    :param adopt: take over a function that wideload did not make. It keeps its role.
    :param smoke: what the new version has to pass before the alias moves to it.
    :param create_network: make what the function is to mount and is not there.
    :raises WideloadError: the build is out of date, its strategy cannot be deployed, the
        function is somebody else's, or it is in a state that no deployment mends; or something
        that it is to mount is missing, or not as it must be.
    """
    desired.check_is_current(manifest, function)
    desired.check_region(manifest, observed.identity)
    there = observed.function
    if there is not None:
        _check_may_change(there, manifest, adopt=adopt)
    own_role = names.role_arn(manifest.function, observed.identity)
    # A function keeps the role that it has: an adopted one may need what its own allows.
    role = own_role if there is None else there.latest.configuration.role
    steps: list[Instruction] = []
    mounting = _mounting(manifest, observed, create=create_network)
    steps += mounting.steps if mounting else ()
    if role == own_role:
        steps += _role(manifest.function, observed, adopt=adopt)
        steps += _bundle_access(manifest, function, observed)
        steps += _mount_access(manifest, observed, mounting)
    steps += _log_group(manifest.function, observed)
    layers = tuple(_layer(layer, observed) for layer in manifest.layers)
    bundle = bundles.location(manifest, observed.identity) if manifest.bundle else None
    wanted = desired.configuration(manifest, role, layers, bundle, mounting)
    steps += _fill(manifest, observed, mounting)
    if there is None:
        steps += _create(manifest, observed, wanted)
    else:
        wanted = _with_own_network(wanted, there)
        steps += _update(manifest, observed, there, wanted)
    steps += _publish_and_serve(manifest, observed, wanted, smoke)
    return tuple(steps)


def _check_may_change(there: DeployedFunction, manifest: Manifest, *, adopt: bool) -> None:
    name = manifest.function
    if names.VERSION_TAG not in there.tags and not adopt:
        raise WideloadError(
            f"function {name} is there already, and wideload did not make it",
            why=f"{there.latest.arn} has no tag {names.VERSION_TAG}",
            hint="give the function another name, or take this one over with --adopt "
            "(its role is kept, its code and settings are replaced)",
        )
    if (there.latest.package_type == "Image") != (manifest.image is not None):
        was, is_now = ("an image", "a zip") if manifest.image is None else ("a zip", "an image")
        raise WideloadError(
            f"function {name} is there as {was}, and was built as {is_now}",
            why=f"{there.latest.arn} has PackageType {there.latest.package_type}, "
            "which Lambda never changes",
            hint="give the function another name and let its callers move, so that nobody goes "
            f"without; or `wideload destroy {name}` with all its versions, then deploy it anew",
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


def _bundle_access(
    manifest: Manifest, function: Function, observed: Observed
) -> Iterator[Instruction]:
    """Before the code: what a new version reads it may read, and the old ones still may."""
    name, policy = names.role_name(manifest.function), names.bundle_policy_name(observed.identity)
    wanted = bundles.policy(manifest, observed.versions, observed.identity, function.bundle_access)
    if wanted is None:
        if observed.bundle_policy is not None:
            yield DeleteRolePolicy(name, policy, "since no version has a bundle any more")
    elif observed.bundle_policy != wanted[0]:
        yield PutRolePolicy(name, policy, wanted[0], f"{wanted[1]} as well")


def _mounting(manifest: Manifest, observed: Observed, *, create: bool) -> Network | None:
    """What the function is to mount, and the steps that make it."""
    if manifest.mount is None or observed.network is None:
        return None
    return network(manifest, observed.network, observed.identity, create=create)


def _mount_access(
    manifest: Manifest, observed: Observed, mounting: Network | None
) -> Iterator[Instruction]:
    """Before the code, and for all versions that may serve again, as for bundles."""
    identity = observed.identity
    role, policy = names.role_name(manifest.function), names.mount_policy_name(identity)
    held = [version.configuration for version in observed.versions]
    points = {one.mount.access_point for one in held if one.mount is not None}
    if mounting is not None:
        points.add(mounting.mount.access_point)
    in_vpc = any(one.vpc.subnets for one in held) or bool(mounting or manifest.settings.vpc.subnets)
    if not points and not in_vpc:
        if observed.mount_policy is not None:
            yield DeleteRolePolicy(role, policy, "since no version is in a VPC any more")
        return
    objects = f"{mounting.objects}{manifest.function}/*" if mounting and mounting.objects else ""
    document = names.mount_policy(sorted(points), identity, objects=objects)
    if observed.mount_policy != document:
        what = "be in a VPC" + (" and read what it mounts" if points else "")
        yield PutRolePolicy(role, policy, document, f"{what} as well")


def _fill(
    manifest: Manifest, observed: Observed, mounting: Network | None
) -> Iterator[Instruction]:
    """Bring into the mounted directory what belongs there, unless it is there."""
    if mounting is None or is_filled(manifest, observed.versions):
        return
    if manifest.strategy is Strategy.EFS:
        yield from _upload(manifest, observed, code=False, filling=True)
        yield from filling(manifest, observed, mounting)
    else:
        yield files(manifest, observed.identity, mounting)


def _with_own_network(wanted: Configuration, there: DeployedFunction) -> Configuration:
    """With the VPC that somebody attached the function to, where none is asked for and the one
    that it has is not for the sake of a mount of wideload's."""
    have = there.latest.configuration
    if wanted.vpc.subnets or have.mount is not None:
        return wanted
    return msgspec.structs.replace(wanted, vpc=have.vpc)


def _log_group(function: str, observed: Observed) -> Iterator[Instruction]:
    group = names.log_group(function)
    if observed.log_group is None:
        yield CreateLogGroup(group)
    # Another number of days is somebody's choice and stays.
    if observed.log_group is None or observed.log_group.retention_days is None:
        yield SetRetention(group, names.RETENTION_DAYS)


def _layer(layer: Artifact, observed: Observed) -> str:
    """The ARN of a layer version of this content, or of the layer where there is none yet."""
    arn = names.layer_arn(layer.sha256, observed.identity)
    there = observed.layers.get(arn)
    if not there:
        return arn
    # Two deployments at once may have published it twice: what a function has, it keeps.
    has = observed.function.latest.configuration.layers if observed.function else ()
    return next((one for one in there if one in has), there[-1])


def _upload(
    manifest: Manifest, observed: Observed, *, code: bool, filling: bool = False
) -> Iterator[Instruction]:
    """Bring into the bucket, and into layers, what is not there; the function is not touched.

    :param code: whether the function needs its code anew.
    :param filling: whether it is for the sake of a directory that is filled from the bundle.
    """
    identity = observed.identity
    wanted = desired.code(manifest, identity)
    if isinstance(wanted, ImageCode):
        if code:
            yield from images.brought(manifest, observed)
        return
    layers = [
        (layer, desired.publication(manifest, layer, identity))
        for layer in manifest.layers
        if names.layer_arn(layer.sha256, identity) not in observed.layers
    ]
    stored = wanted if code and isinstance(wanted, StoredCode) else None
    bundle = bundles.upload(manifest, identity) if filling or manifest.bundle else None
    if bundle is not None and observed.bundle == ObjectState(bundle.size, bundle.sha256):
        bundle = None
    if stored is None and bundle is None and not layers:
        return
    bucket, owner = names.bucket_name(identity), identity.account
    if observed.bucket is None:
        yield CreateBucket(bucket, identity.region)
    if observed.bucket is None or not observed.bucket.is_private:
        yield SecureBucket(bucket, owner)
    for layer, publish in layers:
        if not _is_stored(publish.code, observed.layer_objects.get(publish.code.key)):
            yield _sent(publish.code, owner, layer.filename, shared=True)
        yield publish
    if bundle is not None:
        yield bundle
    if stored is not None and not _is_stored(stored, observed.object):
        yield _sent(stored, owner, manifest.artifact("function").filename, shared=False)


def _is_stored(code: StoredCode, there: ObjectState | None) -> bool:
    return there is not None and (there.size, there.sha256) == (code.size, code.sha256)


def _sent(code: StoredCode, owner: str, filename: str, *, shared: bool) -> UploadObject:
    return UploadObject(code.bucket, code.key, owner, filename, code.sha256, code.size, shared)


def _create(manifest: Manifest, observed: Observed, wanted: Configuration) -> Iterator[Instruction]:
    yield from _upload(manifest, observed, code=True)
    yield CreateFunction(
        function=manifest.function,
        code=desired.code(manifest, observed.identity),
        architecture=manifest.target.architecture,
        configuration=wanted,
        tags=desired.tags(manifest),
    )
    yield WaitUntilReady(manifest.function, desired.LATEST)


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

    yield from _upload(manifest, observed, code=new_code)
    if latest.state == "Pending" or latest.last_update == "InProgress":
        yield WaitUntilReady(name, desired.LATEST)
    if _tags_are_stale(manifest, there, changing=new_code or new_configuration):
        yield TagFunction(name, latest.arn, desired.tags(manifest))
    between = msgspec.structs.replace(
        wanted, layers=_layers_between(have.layers, wanted.layers, doubtful=is_doubtful)
    )
    if new_code and (is_doubtful or between.layers != have.layers):
        yield from _configure(name, have, between, again=is_doubtful)
        have = between
        new_configuration = have != wanted
    if new_code:
        yield UpdateCode(name, code, manifest.target.architecture)
        yield WaitUntilReady(name, desired.LATEST)
    if new_configuration:
        yield from _configure(name, have, wanted, again=is_doubtful)


def _layers_between(
    have: tuple[str, ...], wanted: tuple[str, ...], *, doubtful: bool
) -> tuple[str, ...]:
    """The layers to have while the code changes.

    Lambda holds code and layers together against its quotas after every single call. The old
    code with some of its own layers fits, since it fits with all of them, and so does the new
    code with some of its. What both have is both: whatever the sizes are, neither the call
    before nor the one after it is refused. Where it is not known which layers are there,
    since the last update failed, none is the only answer that is right for every case.
    """
    if doubtful:
        return ()
    if set(have) <= set(wanted):
        return have
    return tuple(layer for layer in wanted if layer in have)


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
    unmount = have.mount is not None and wanted.mount is None
    yield UpdateConfiguration(name, wanted, changes, unmount)
    yield WaitUntilReady(name, desired.LATEST)


def _publish_and_serve(
    manifest: Manifest, observed: Observed, wanted: Configuration, smoke: Smoke | None
) -> Iterator[Instruction]:
    name = manifest.function
    newest = _newest(observed.versions)
    target: str | None = None
    if newest is not None and desired.is_version_of(newest, manifest, wanted):
        target = newest.version
        if newest.state == "Pending" or newest.awaits_snapshot:
            yield WaitUntilReady(name, target)
    else:
        description = desired.version_description(manifest)
        yield PublishVersion(name, desired.code_sha256(manifest), description)
        yield WaitUntilReady(name, None)
    alias = observed.alias
    provisioning = compute_provisioning(
        name,
        manifest.settings.provisioned_concurrency,
        wanted.memory,
        target,
        kept=observed.provisioned,
        room=observed.room,
    )
    if alias is not None and alias.version == target and not alias.is_weighted:
        yield from (*provisioning.before, *provisioning.after)
        return
    if smoke is not None:
        yield SmokeTest(name, target, smoke.event, smoke.expected)
    yield from provisioning.before
    yield from _serve(name, target, alias)
    yield from provisioning.after


def _serve(name: str, target: str | None, alias: AliasState | None) -> Iterator[Instruction]:
    if alias is None:
        yield CreateAlias(name, LIVE_ALIAS, target)
    else:
        served = had_served(alias)
        yield UpdateAlias(name, LIVE_ALIAS, target, alias.version, alias.revision, served)


def _newest(versions: tuple[FunctionState, ...]) -> FunctionState | None:
    # Lambda itself compares only with the newest: an older one that looks the same may
    # differ in what is not looked at here, such as a VPC attached by hand.
    return max(versions, key=lambda version: int(version.version), default=None)

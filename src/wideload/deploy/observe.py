"""What is there now. Asks AWS and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.deploy import names
from wideload.deploy.cloud import (
    AliasState,
    BucketState,
    DeployedFunction,
    FunctionState,
    Identity,
    LogGroupState,
    ObjectState,
    RoleState,
)
from wideload.values.function import Strategy
from wideload.values.instruction import LIVE_ALIAS

if TYPE_CHECKING:
    from wideload.deploy.cloud import Cloud
    from wideload.values.artifact import Manifest


class Observed(msgspec.Struct, frozen=True):
    """All that a deployment is computed from besides the build."""

    identity: Identity
    role: RoleState | None = None
    policy: str | None = None
    """JSON of the role's inline policy for this region."""
    log_group: LogGroupState | None = None
    bucket: BucketState | None = None
    object: ObjectState | None = None
    """The code package, under its digest."""
    function: DeployedFunction | None = None
    versions: tuple[FunctionState, ...] = ()
    """Published ones, oldest first."""
    alias: AliasState | None = None


class Remains(msgspec.Struct, frozen=True):
    """All of a function that can be taken away."""

    function_name: str
    identity: Identity
    role: RoleState | None = None
    log_group: LogGroupState | None = None
    bucket: BucketState | None = None
    keys: tuple[str, ...] = ()
    """Of its code packages."""
    other_keys: bool | None = None
    """Whether the bucket holds anything else; nothing: not looked."""
    function: DeployedFunction | None = None
    alias: AliasState | None = None


def observe(cloud: Cloud, manifest: Manifest) -> Observed:
    """What is there of the manifest's function.

    S3 is asked only where the strategy needs it: a direct zip deploys without any right there.

    :raises Refused: AWS does not let us see something.
    :raises WideloadError: AWS cannot be asked.
    """
    name = manifest.function
    identity = cloud.identity()
    function = cloud.functions.find(name)
    role = cloud.roles.find(names.role_name(name))
    policy = None
    if role is not None and names.policy_name(identity) in role.policies:
        policy = cloud.roles.policy(names.role_name(name), names.policy_name(identity))
    bucket, stored = None, None
    if manifest.strategy is Strategy.S3_ZIP:
        name_of_bucket = names.bucket_name(identity)
        bucket = cloud.storage.find_bucket(name_of_bucket, identity.account)
        if bucket is not None:
            key = names.object_key(name, manifest.artifact("function").sha256)
            stored = cloud.storage.find_object(name_of_bucket, key, identity.account)
    return Observed(
        identity=identity,
        role=role,
        policy=policy,
        log_group=cloud.logs.find(names.log_group(name)),
        bucket=bucket,
        object=stored,
        function=function,
        versions=_versions(cloud, name) if function else (),
        alias=cloud.functions.find_alias(name, LIVE_ALIAS) if function else None,
    )


def _versions(cloud: Cloud, function: str) -> tuple[FunctionState, ...]:
    versions = cloud.functions.versions(function)
    if not versions:
        return ()
    # Lambda's list leaves out whether a version is ready; only the newest has to be.
    return (*versions[:-1], cloud.functions.state(function, versions[-1].version))


def observe_remains(cloud: Cloud, function: str, *, whole_bucket: bool = False) -> Remains:
    """What is there of a function, whole or half gone.

    :param whole_bucket: look whether the bucket holds anything of other functions, too.
    :raises Refused: AWS does not let us see something.
    :raises WideloadError: AWS cannot be asked.
    """
    identity = cloud.identity()
    bucket_name = names.bucket_name(identity)
    bucket = cloud.storage.find_bucket(bucket_name, identity.account)
    keys: tuple[str, ...] = ()
    others = None
    if bucket is not None:
        keys = cloud.storage.keys(bucket_name, names.key_prefix(function), identity.account)
        if whole_bucket:
            others = cloud.storage.keys(bucket_name, "", identity.account) != keys
    found = cloud.functions.find(function)
    return Remains(
        function_name=function,
        identity=identity,
        role=cloud.roles.find(names.role_name(function)),
        log_group=cloud.logs.find(names.log_group(function)),
        bucket=bucket,
        keys=keys,
        other_keys=others,
        function=found,
        alias=cloud.functions.find_alias(function, LIVE_ALIAS) if found else None,
    )

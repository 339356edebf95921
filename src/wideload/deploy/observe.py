"""What is there now. Asks AWS and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.deploy import bundles, desired, images, names
from wideload.deploy.concurrency import ProvisionedState, Room
from wideload.deploy.states import (
    AliasState,
    BucketState,
    DeployedFunction,
    FunctionState,
    Identity,
    LayerVersion,
    LogGroupState,
    ObjectState,
    PushedImage,
    RepositoryState,
    RoleState,
    StoredObject,
)
from wideload.values.bundle import BUNDLE_VARIABLE
from wideload.values.function import Strategy
from wideload.values.instruction import LIVE_ALIAS

if TYPE_CHECKING:
    from wideload.deploy.cloud import Cloud
    from wideload.deploy.mounts import HeldMount, NetworkState
    from wideload.values.artifact import Manifest


class Observed(msgspec.Struct, frozen=True):
    """All that a deployment is computed from besides the build."""

    identity: Identity
    role: RoleState | None = None
    policy: str | None = None
    """JSON of the role's inline policy for this region."""
    bundle_policy: str | None = None
    """JSON of the one that lets the role read its bundles in this region."""
    mount_policy: str | None = None
    """JSON of the one that lets the role be in a VPC and mount in this region."""
    network: NetworkState | None = None
    """What there is to mount, for a build that mounts."""
    has_filler: bool = False
    """Whether the function that fills its directory is there, from a deployment that was
    killed."""
    has_filler_role: bool = False
    log_group: LogGroupState | None = None
    bucket: BucketState | None = None
    object: ObjectState | None = None
    """The code package, under its digest."""
    bundle: ObjectState | None = None
    """Likewise, of a build that has one."""
    layers: dict[str, tuple[str, ...]] = {}
    """For each layer of the build that is there, by ARN without a version: the ARNs of its
    versions with the very content, oldest first."""
    layer_objects: dict[str, ObjectState] = {}
    """Zips of the build's layers in the bucket, by key; looked for where a layer is missing."""
    repository: RepositoryState | None = None
    """Of the function's images, for a build that is one."""
    image: bool = False
    """Whether the image is there."""
    function: DeployedFunction | None = None
    versions: tuple[FunctionState, ...] = ()
    """Published ones, oldest first."""
    alias: AliasState | None = None
    provisioned: tuple[ProvisionedState, ...] = ()
    """Environments that are kept initialised, by version and alias."""
    room: Room | None = None
    """How many may be; nothing where none is wanted."""


class Remains(msgspec.Struct, frozen=True):
    """All of a function that can be taken away."""

    function_name: str
    identity: Identity
    role: RoleState | None = None
    log_group: LogGroupState | None = None
    bucket: BucketState | None = None
    keys: tuple[str, ...] = ()
    """Of its code packages."""
    bundle_keys: tuple[str, ...] = ()
    repository: RepositoryState | None = None
    """Of its images."""
    mounts: tuple[HeldMount, ...] = ()
    """What its versions mount by wideload."""
    file_keys: tuple[str, ...] = ()
    """Of its mounted files in wideload's bucket of them."""
    has_filler: bool = False
    """Whether the function is there that fills its directories, and its role."""
    has_filler_role: bool = False
    other_keys: bool | None = None
    """Whether the bucket holds anything else; nothing: not looked."""
    function: DeployedFunction | None = None
    alias: AliasState | None = None
    provisioned: tuple[ProvisionedState, ...] = ()


class Leftovers(msgspec.Struct, frozen=True):
    """All layers of wideload's in an account's region, and who has them."""

    identity: Identity
    versions: tuple[LayerVersion, ...]
    """Of layers whose names begin as ours do."""
    in_use: frozenset[str]
    """ARNs of the layer versions that a function has, or a version of one."""
    objects: tuple[StoredObject, ...]
    """Zips in the bucket that layers were published from."""
    bundles: tuple[StoredObject, ...] = ()
    """In the bucket, of all functions."""
    bundles_in_use: frozenset[str] = frozenset()
    """Keys of those that a function names, or a version of one."""
    images: tuple[PushedImage, ...] = ()
    """Of all repositories of wideload's."""
    images_in_use: frozenset[str] = frozenset()
    """Digests of those that a function is, or a version of one."""
    mounts: tuple[HeldMount, ...] = ()
    """What all versions of all functions mount by wideload."""
    files: tuple[StoredObject, ...] = ()
    """In wideload's bucket of mounted files."""


def observe(cloud: Cloud, manifest: Manifest) -> Observed:
    """What is there of the manifest's function.

    S3 is asked only where it is needed: a direct zip deploys without any right there, and so
    does code whose layers are there.

    :raises Refused: AWS does not let us see something.
    :raises WideloadError: AWS cannot be asked.
    """
    name = manifest.function
    identity = cloud.identity()
    function = cloud.functions.find(name)
    role = cloud.roles.find(names.role_name(name))
    policy = _policy(cloud, name, role, names.policy_name(identity))
    bundle_policy = _policy(cloud, name, role, names.bundle_policy_name(identity))
    mount_policy = _policy(cloud, name, role, names.mount_policy_name(identity))
    mounts = manifest.mount is not None
    filler = names.filler_name(name)
    has_bundle = bundles.has_one(manifest)
    layers = _layers(cloud, manifest, identity)
    missing = [
        layer for layer in manifest.layers if names.layer_arn(layer.sha256, identity) not in layers
    ]
    by_s3 = desired.goes_by_s3(manifest)
    bucket, stored, bundle = None, None, None
    layer_objects = {}
    if by_s3 or missing or has_bundle:
        name_of_bucket = names.bucket_name(identity)
        bucket = cloud.storage.find_bucket(name_of_bucket, identity.account)
    if bucket is not None:
        if by_s3:
            key = names.object_key(name, manifest.artifact("function").sha256)
            stored = cloud.storage.find_object(name_of_bucket, key, identity.account)
        if has_bundle:
            key = bundles.location(manifest, identity).key
            bundle = cloud.storage.find_object(name_of_bucket, key, identity.account)
        for layer in missing:
            key = names.layer_key(layer.sha256)
            found = cloud.storage.find_object(name_of_bucket, key, identity.account)
            if found is not None:
                layer_objects[key] = found
    repository = None
    if manifest.image is not None:
        repository = cloud.images.find(images.repository_name(name))
    return Observed(
        repository=repository,
        image=repository is not None and _has_image(cloud, manifest),
        identity=identity,
        role=role,
        policy=policy,
        bundle_policy=bundle_policy,
        mount_policy=mount_policy,
        network=_network(cloud, manifest, identity) if mounts else None,
        has_filler=manifest.strategy is Strategy.EFS and cloud.functions.find(filler) is not None,
        has_filler_role=manifest.strategy is Strategy.EFS
        and cloud.roles.find(names.role_name(filler)) is not None,
        log_group=cloud.logs.find(names.log_group(name)),
        bucket=bucket,
        object=stored,
        bundle=bundle,
        layers=layers,
        layer_objects=layer_objects,
        function=function,
        versions=_versions(cloud, name) if function else (),
        alias=cloud.functions.find_alias(name, LIVE_ALIAS) if function else None,
        provisioned=cloud.concurrency.listed(name) if function else (),
        room=(
            cloud.concurrency.room(name if function else None)
            if manifest.settings.provisioned_concurrency
            else None
        ),
    )


def _has_image(cloud: Cloud, manifest: Manifest) -> bool:
    code = images.code(manifest)
    return cloud.images.has(code.repository, f"sha256:{code.sha256}")


def _network(cloud: Cloud, manifest: Manifest, identity: Identity) -> NetworkState:
    vpc, mounts = manifest.settings.vpc, manifest.settings.mounts
    if manifest.strategy is Strategy.EFS:
        return cloud.mounts.observe("efs", vpc, mounts)
    bucket = cloud.storage.find_bucket(names.files_bucket(identity), identity.account)
    return msgspec.structs.replace(
        cloud.mounts.observe("s3-files", vpc, mounts),
        has_bucket=bucket is not None and bucket.is_private,
        has_role=cloud.roles.find(names.s3_files_role(identity)) is not None,
    )


def _policy(cloud: Cloud, function: str, role: RoleState | None, policy: str) -> str | None:
    if role is None or policy not in role.policies:
        return None
    return cloud.roles.policy(names.role_name(function), policy)


def _layers(cloud: Cloud, manifest: Manifest, identity: Identity) -> dict[str, tuple[str, ...]]:
    found = {}
    for layer in manifest.layers:
        name, digest = names.layer_name(layer.sha256), desired.base64_of(layer.sha256)
        versions = cloud.layers.find(name, digest)
        if versions:
            found[names.layer_arn(layer.sha256, identity)] = versions
    return found


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
    bundle_keys: tuple[str, ...] = ()
    others = None
    if bucket is not None:
        keys = cloud.storage.keys(bucket_name, names.key_prefix(function), identity.account)
        prefix = names.bundle_prefix(function)
        bundle_keys = cloud.storage.keys(bucket_name, prefix, identity.account)
        if whole_bucket:
            every = cloud.storage.keys(bucket_name, "", identity.account)
            others = set(every) != {*keys, *bundle_keys}
    found = cloud.functions.find(function)
    filler = names.filler_name(function)
    file_keys = cloud.storage.keys(
        names.files_bucket(identity), f"{names.FILE_PREFIX}{function}/", identity.account
    )
    return Remains(
        mounts=tuple(one for one in cloud.functions.mounts() if one.function == function),
        file_keys=file_keys,
        has_filler=cloud.functions.find(filler) is not None,
        has_filler_role=cloud.roles.find(names.role_name(filler)) is not None,
        function_name=function,
        identity=identity,
        role=cloud.roles.find(names.role_name(function)),
        log_group=cloud.logs.find(names.log_group(function)),
        bucket=bucket,
        keys=keys,
        bundle_keys=bundle_keys,
        repository=cloud.images.find(images.repository_name(function)),
        other_keys=others,
        function=found,
        alias=cloud.functions.find_alias(function, LIVE_ALIAS) if found else None,
        provisioned=cloud.concurrency.listed(function) if found else (),
    )


def observe_leftovers(cloud: Cloud) -> Leftovers:
    """All layers of wideload's, and who has them.

    :raises Refused: AWS does not let us see something.
    :raises WideloadError: AWS cannot be asked.
    """
    identity = cloud.identity()
    # Layers before functions: one that is published and attached in between is seen in use,
    # or not seen at all.
    versions = cloud.layers.listed(names.LAYER_PREFIX)
    bucket = names.bucket_name(identity)
    # Images and objects before functions, for the same reason.
    pushed = _pushed(cloud)
    stored = cloud.storage.listed(bucket, names.BUNDLE_KEYS, identity.account)
    named = cloud.functions.values(BUNDLE_VARIABLE) if stored else frozenset()
    keys = {bundles.key_of({BUNDLE_VARIABLE: value}, identity) for value in named}
    files = cloud.storage.listed(names.files_bucket(identity), names.FILE_PREFIX, identity.account)
    return Leftovers(
        identity=identity,
        files=files,
        mounts=cloud.functions.mounts(),
        versions=versions,
        in_use=cloud.layers.in_use(),
        objects=cloud.storage.listed(bucket, names.LAYER_KEYS, identity.account),
        images=pushed,
        images_in_use=cloud.functions.images() if pushed else frozenset(),
        bundles=stored,
        bundles_in_use=frozenset(key for key in keys if key is not None),
    )


def _pushed(cloud: Cloud) -> tuple[PushedImage, ...]:
    found: list[PushedImage] = []
    for name in cloud.images.listed(images.REPOSITORIES):
        state = cloud.images.find(name)
        # What others made is theirs to clean.
        if state is not None and names.VERSION_TAG in state.tags:
            found += cloud.images.images(name)
    return tuple(found)

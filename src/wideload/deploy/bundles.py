"""Bundles in the bucket: where they lie, which of them a function may read, how they get there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.deploy import names
from wideload.deploy.cloud import Refused
from wideload.deploy.execute import execute
from wideload.deploy.refusals import told
from wideload.deploy.states import ObjectState
from wideload.errors import WideloadError
from wideload.values.artifact import BUNDLE_ROLE
from wideload.values.bundle import BUNDLE_VARIABLE, BundleLocation
from wideload.values.instruction import CreateBucket, Instruction, SecureBucket, UploadObject

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wideload.deploy.cloud import Cloud
    from wideload.deploy.progress import Progress
    from wideload.deploy.states import FunctionState, Identity
    from wideload.values.artifact import Artifact, Manifest
    from wideload.values.function import BundleAccess

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: of all inline
# policies of a role together, white space not counted. The other policy has some 300.
_POLICY_SIZE = 10_240 - 1_000


def artifact(manifest: Manifest) -> Artifact:
    """The bundle of a build."""
    return manifest.artifact(BUNDLE_ROLE)


def has_one(manifest: Manifest) -> bool:
    """Whether the build has a bundle, for the function or to fill a directory from."""
    return any(artifact.role == BUNDLE_ROLE for artifact in manifest.artifacts)


def location(manifest: Manifest, identity: Identity) -> BundleLocation:
    """Where the bundle of a build lies, or will lie."""
    sha256 = manifest.artifact(BUNDLE_ROLE).sha256
    return BundleLocation(
        bucket=names.bucket_name(identity),
        key=names.bundle_key(manifest.function, sha256),
        region=identity.region,
        owner=identity.account,
    )


def upload(manifest: Manifest, identity: Identity) -> UploadObject:
    """How the bundle of a build gets there. Nobody else sends it: the key is the function's."""
    artifact, place = manifest.artifact(BUNDLE_ROLE), location(manifest, identity)
    return UploadObject(
        place.bucket,
        place.key,
        identity.account,
        artifact.filename,
        artifact.sha256,
        artifact.size,
    )


def key_of(variables: dict[str, str], identity: Identity) -> str | None:
    """The key of the bundle that these environment variables name; nothing where they name
    none, or one that is not in wideload's bucket."""
    place = BundleLocation.parse(variables.get(BUNDLE_VARIABLE, ""))
    if place is None or place.bucket != names.bucket_name(identity):
        return None
    return place.key


def policy(
    manifest: Manifest,
    versions: Iterable[FunctionState],
    identity: Identity,
    access: BundleAccess,
) -> tuple[str, str] | None:
    """What the role must be allowed to read, as JSON and in words; nothing where it is nothing.

    That are the bundles of all published versions, for any of them may serve again, and that
    of the build. The unpublished function counts for nothing: nobody calls it.

    :raises WideloadError: they are more than fit into a policy.
    """
    keys = {key_of(version.configuration.environment, identity) for version in versions}
    if manifest.bundle is not None:
        keys.add(location(manifest, identity).key)
    wanted = sorted(key for key in keys if key is not None)
    if not wanted:
        return None
    bucket = names.bucket_name(identity)
    if access == "prefix":
        prefix = names.bundle_prefix(manifest.function)
        return names.bundles_policy([f"{prefix}*"], identity), f"read s3://{bucket}/{prefix}*"
    document = names.bundles_policy(wanted, identity)
    if len(document) > _POLICY_SIZE:
        raise WideloadError(
            f"the role of {manifest.function} cannot be allowed to read {len(wanted)} bundles",
            why="as many are named by published versions, and IAM takes 10,240 characters of "
            "inline policies",
            hint='set bundle_access = "prefix", or delete versions that serve no more',
        )
    what = f"read s3://{bucket}/{wanted[0]}"
    if len(wanted) > 1:
        what = f"read the bundles of its {len(wanted)} versions in s3://{bucket}"
    return document, what


def store(manifest: Manifest, folder: Path, cloud: Cloud, progress: Progress | None = None) -> None:
    """Bring the bundle of a build into the bucket, without a function.

    :param folder: of the build.
    :raises WideloadError: AWS refused, or the bundle is not the one that was built.
    """
    bring(upload(manifest, cloud.identity()), folder, cloud, progress)


def bring(step: UploadObject, folder: Path, cloud: Cloud, progress: Progress | None = None) -> None:
    """Bring a file into wideload's bucket, which is made if need be, unless it is there.

    :param folder: holds the file.
    :raises WideloadError: AWS refused, or the file is another.
    """
    identity, steps = cloud.identity(), list[Instruction]()
    try:
        bucket = cloud.storage.find_bucket(step.bucket, step.owner)
        there = bucket and cloud.storage.find_object(step.bucket, step.key, step.owner)
    except Refused as refused:
        raise told("show what is in the bucket", refused) from refused
    if bucket is None:
        steps.append(CreateBucket(step.bucket, identity.region))
    if bucket is None or not bucket.is_private:
        steps.append(SecureBucket(step.bucket, step.owner))
    if there != ObjectState(step.size, step.sha256):
        steps.append(step)
    execute(tuple(steps), cloud, folder, progress=progress)

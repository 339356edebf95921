"""Taking away, one instruction at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from wideload.values import instruction as do

if TYPE_CHECKING:
    from wideload.deploy.cloud import Cloud

Deletion = (
    do.DeleteAlias
    | do.DeleteFunction
    | do.DeleteObjects
    | do.DeleteLayerVersion
    | do.DeleteImages
    | do.DeleteRepository
    | do.DeleteBucket
    | do.DeleteLogGroup
    | do.DeleteRolePolicy
    | do.DeleteRole
)


def delete(cloud: Cloud, step: Deletion) -> None:
    """Carry a deletion out.

    :raises Refused: AWS refused, or what was to go is not there.
    """
    match step:
        case do.DeleteAlias():
            cloud.functions.delete_alias(step.function, step.alias)
        case do.DeleteFunction():
            cloud.functions.delete(step.function)
        case do.DeleteObjects():
            cloud.storage.delete_objects(step.bucket, step.keys, step.owner)
        case do.DeleteLayerVersion():
            cloud.layers.delete(step.layer, step.version)
        case do.DeleteImages():
            cloud.images.delete_images(step.repository, step.digests)
        case do.DeleteRepository():
            cloud.images.delete(step.repository)
        case do.DeleteBucket():
            cloud.storage.delete_bucket(step.bucket, step.owner)
        case do.DeleteLogGroup():
            cloud.logs.delete(step.group)
        case do.DeleteRolePolicy():
            cloud.roles.delete_policy(step.role, step.policy)
        case do.DeleteRole():
            cloud.roles.delete(step.role)
        case _:
            assert_never(step)

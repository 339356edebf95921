"""From what is left of a function to the instructions that take it away. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.deploy import images, names
from wideload.deploy.sweeping import sweeping
from wideload.errors import WideloadError
from wideload.values.instruction import (
    LIVE_ALIAS,
    DeleteAlias,
    DeleteBucket,
    DeleteFunction,
    DeleteLogGroup,
    DeleteObjects,
    DeleteRepository,
    DeleteRole,
    DeleteRolePolicy,
    Instruction,
    ReleaseConcurrency,
)

if TYPE_CHECKING:
    from wideload.deploy.observe import Remains
    from wideload.deploy.states import RoleState
    from wideload.values.instruction import InlineCode


def compute_destroy(
    remains: Remains, *, bucket: bool = False, sweeper: InlineCode | None = None
) -> tuple[Instruction, ...]:
    """The instructions that leave nothing of a function; none where nothing is left.

    What callers use goes first. The role goes last: its tag is what still says, when a run
    was killed, that the log group is one of ours.

    :param bucket: take the bucket away as well if nothing of another function lies in it.
    :param sweeper: the code that removes its mounted directories; without it these stay.
    :raises WideloadError: wideload did not make the function.
    """
    name = remains.function_name
    there = remains.function
    if there is not None and names.VERSION_TAG not in there.tags:
        raise WideloadError(
            f"wideload did not make function {name}",
            why=f"{there.latest.arn} has no tag {names.VERSION_TAG}",
            hint="delete it with the tool that made it",
        )
    role = remains.role
    owns_role = role is not None and names.VERSION_TAG in role.tags
    steps: list[Instruction] = []
    if remains.alias is not None:
        steps.append(DeleteAlias(name, LIVE_ALIAS))
    # Nobody pays for them then, whatever comes of the rest.
    steps += [
        ReleaseConcurrency(name, one.qualifier, one.requested)
        for one in remains.provisioned
        if not one.is_of_alias
    ]
    if there is not None:
        steps.append(DeleteFunction(name))
    owner = remains.identity.account
    bucket_name = names.bucket_name(remains.identity)
    if remains.keys:
        steps.append(DeleteObjects(bucket_name, owner, remains.keys))
    if remains.bundle_keys:
        steps.append(DeleteObjects(bucket_name, owner, remains.bundle_keys))
    steps += _directories(remains, sweeper)
    repository = remains.repository
    if repository is not None and names.VERSION_TAG in repository.tags:
        steps.append(DeleteRepository(images.repository_name(name)))
    if bucket and remains.bucket is not None and remains.other_keys is False:
        steps.append(DeleteBucket(bucket_name, owner))
    if remains.log_group is not None and (there is not None or owns_role):
        steps.append(DeleteLogGroup(names.log_group(name)))
    if role is not None and owns_role:
        steps += _role(name, role, remains)
    return tuple(steps)


def _directories(remains: Remains, sweeper: InlineCode | None) -> list[Instruction]:
    """What it mounted, and what is left of filling that."""
    steps: list[Instruction] = []
    identity, name = remains.identity, remains.function_name
    filler = names.filler_name(name)
    if remains.has_filler:
        steps.append(DeleteFunction(filler))
    if remains.has_filler_role:
        steps.append(DeleteRole(names.role_name(filler)))
    if remains.file_keys:
        bucket = names.files_bucket(identity)
        steps.append(DeleteObjects(bucket, identity.account, remains.file_keys))
    if sweeper is not None:
        steps += sweeping(remains.mounts, identity, sweeper, 0.0, gone=name)
    return steps


def _role(function: str, role: RoleState, remains: Remains) -> list[Instruction]:
    name = names.role_name(function)
    own = (
        names.policy_name(remains.identity),
        names.bundle_policy_name(remains.identity),
        names.mount_policy_name(remains.identity),
    )
    prefixes = (names.POLICY_PREFIX, names.BUNDLE_POLICY_PREFIX, names.MOUNT_POLICY_PREFIX)
    elsewhere = [
        policy for policy in role.policies if policy.startswith(prefixes) and policy not in own
    ]
    if not elsewhere:
        return [DeleteRole(name)]
    return [DeleteRolePolicy(name, policy) for policy in own if policy in role.policies]

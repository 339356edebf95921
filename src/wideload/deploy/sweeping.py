"""Mounted directories that nothing names any more, taken away. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.deploy import desired, names
from wideload.deploy.filling import MEMORY, TIMEOUT
from wideload.values.instruction import (
    Configuration,
    CreateFunction,
    CreateRole,
    DeleteFunction,
    DeleteObjects,
    DeleteRole,
    Instruction,
    PutRolePolicy,
    SweepDirectories,
    WaitUntilReady,
)
from wideload.values.mount import FILLER_HANDLER
from wideload.values.target import Architecture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wideload.deploy.mounts import HeldMount
    from wideload.deploy.states import Identity, StoredObject
    from wideload.values.instruction import InlineCode

_S3_FILES = "s3files"
_RUNTIME = "python3.13"


def sweeping(
    held: Iterable[HeldMount],
    identity: Identity,
    code: InlineCode,
    age: float,
    *,
    gone: str = "",
) -> Iterator[Instruction]:
    """For each access point of EFS: make the sweeper, have it remove directories, take it away.

    :param held: what any version of any function mounts; of `gone`, what it mounted.
    :param age: seconds that a directory has to have been there for.
    :param gone: a function that is no more: all its directories go, and no others.
    """
    points: dict[str, list[HeldMount]] = {}
    for one in held:
        if one.mount.access_point.split(":")[2] != _S3_FILES:
            points.setdefault(one.mount.access_point, []).append(one)
    sweeper = names.filler_name(gone) if gone else names.SWEEPER
    role, policy = names.role_name(sweeper), names.mount_policy_name(identity)
    for point in sorted(points):
        some = points[point][0]
        keep = {one.directory.removeprefix(f"{one.mount.path}/") for one in points[point]}
        document = names.mount_policy([point], identity, write=True)
        yield CreateRole(role, names.trust_policy(), names.MADE_BY)
        yield PutRolePolicy(role, policy, document, f"be in a VPC and write to {some.mount.path}")
        yield CreateFunction(
            function=sweeper,
            code=code,
            architecture=Architecture.X86_64,
            configuration=Configuration(
                role=names.role_arn(sweeper, identity),
                runtime=_RUNTIME,
                handler=FILLER_HANDLER,
                memory=MEMORY,
                timeout=TIMEOUT,
                ephemeral=512,
                environment={},
                layers=(),
                description="Removes mounted directories that nothing names",
                vpc=some.vpc,
                mount=some.mount,
            ),
            tags=names.MADE_BY,
        )
        yield WaitUntilReady(sweeper, desired.LATEST)
        kept = () if gone else tuple(sorted(keep))
        yield SweepDirectories(sweeper, some.mount.path, kept, age, gone)
        yield DeleteFunction(sweeper)
        yield DeleteRole(role)


def unused_files(
    files: Iterable[StoredObject],
    held: Iterable[HeldMount],
    identity: Identity,
    before: float,
) -> DeleteObjects | None:
    """Objects in wideload's bucket of files of directories that nothing names.

    :param before: what is younger stays; seconds since 1970.
    """
    keep = tuple(
        f"{names.FILE_PREFIX}{one.directory.removeprefix(f'{one.mount.path}/')}/" for one in held
    )
    keys = tuple(one.key for one in files if one.modified < before and not one.key.startswith(keep))
    return DeleteObjects(names.files_bucket(identity), identity.account, keys) if keys else None

"""EC2 and EFS in memory: one network, made piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.deploy.mounts import (
    GroupState,
    NetworkState,
    PointState,
    SubnetState,
    TargetState,
)

if TYPE_CHECKING:
    from deploy_fake_cloud import Acts

    from wideload.values.mount import Mounts, Vpc
    from wideload.values.networking import FileService

ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
POINTS = {
    "efs": "arn:aws:elasticfilesystem:eu-central-1:123456789012:"
    "access-point/fsap-0123456789abcdef0",
    "s3-files": "arn:aws:s3files:eu-central-1:123456789012:file-system/fs-0123456789abcdef0/"
    "access-point/fsap-0123456789abcdef0",
}


class FakeMounts:
    """A `MountClient`; what is made shows in `state`, which tests may begin with."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts
        self.state = NetworkState(zones=ZONES)
        self.asked: list[FileService] = []

    def observe(self, service: FileService, vpc: Vpc, mounts: Mounts) -> NetworkState:
        self.asked.append(service)
        return self.state

    def create_vpc(self, block: str, tags: dict[str, str]) -> str:
        self._done("create-vpc", vpc="vpc-1")
        return "vpc-1"

    def create_subnet(self, vpc: str, zone: str, block: str, tags: dict[str, str]) -> str:
        made = SubnetState(f"subnet-{zone}", vpc, zone, "table-1", False)
        self._done("create-subnet", subnets=(*self.state.subnets, made))
        return made.id

    def create_endpoint(
        self, vpc: str, region: str, tables: tuple[str, ...], tags: dict[str, str]
    ) -> None:
        near = [msgspec.structs.replace(one, reaches_s3=True) for one in self.state.subnets]
        self._done("create-endpoint", subnets=tuple(near))

    def create_group(self, vpc: str, name: str, tags: dict[str, str]) -> str:
        self._done("create-security-group", groups=(GroupState("sg-1", vpc, (), (), True),))
        return "sg-1"

    def allow_nfs(self, group: str, source: str) -> None:
        def let(one: GroupState) -> GroupState:
            if one.id != group:
                return one
            return msgspec.structs.replace(one, nfs_groups=(*one.nfs_groups, source))

        targets = [
            msgspec.structs.replace(one, groups=tuple(map(let, one.groups)))
            for one in self.state.targets
        ]
        groups = tuple(map(let, self.state.groups))
        self._done("allow-nfs", groups=groups, targets=tuple(targets))

    def create_system(self, token: str, tags: dict[str, str]) -> str:
        self._done("create-file-system", system="fs-1")
        return "fs-1"

    def create_view(
        self, token: str, bucket: str, prefix: str, role: str, tags: dict[str, str]
    ) -> str:
        self._done("create-file-view", system="fs-1")
        return "fs-1"

    def protect(self, system: str, policy: str) -> None:
        self._done("protect-file-system", system_has_policy=True)

    def create_target(
        self, service: FileService, system: str, subnet: str, groups: tuple[str, ...]
    ) -> None:
        (zone,) = [one.zone for one in self.state.subnets if one.id == subnet]
        held = tuple(one for one in self.state.groups if one.id in groups)
        made = TargetState(subnet, "vpc-1", zone, held, True)
        self._done("create-mount-target", targets=(*self.state.targets, made))

    def create_point(
        self,
        service: FileService,
        system: str,
        token: str,
        uid: int,
        path: str,
        tags: dict[str, str],
    ) -> str:
        bucket = "arn:aws:s3:::wideload-files-123456789012-eu-central-1/mounts/"
        objects = bucket if service == "s3-files" else ""
        made = PointState(POINTS[service], system, uid, True, objects)
        self._done("create-access-point", point=made)
        return made.arn

    def _done(self, act: str, **more: object) -> None:
        self._acts.begin(act)
        self.state = msgspec.structs.replace(self.state, **more)
        self._acts.end(act)

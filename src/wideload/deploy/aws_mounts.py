"""What functions mount through boto3: their network, and file systems of either kind."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.deploy.mounts import NetworkState, PointState, TargetState
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wideload.deploy.aws_efs import AwsEfs
    from wideload.deploy.aws_network import AwsNetwork
    from wideload.deploy.aws_s3_files import AwsS3Files
    from wideload.values.mount import Mounts, Vpc
    from wideload.values.networking import FileService

_WAIT_SECONDS = 600.0
_PAUSE = 2.0
_READY = "available"


class AwsMounts:
    """A `MountClient`."""

    def __init__(self, network: AwsNetwork, efs: AwsEfs, s3_files: AwsS3Files) -> None:
        self._network, self._efs, self._s3_files = network, efs, s3_files

    def observe(self, service: FileService, vpc: Vpc, mounts: Mounts) -> NetworkState:
        """What there is for a function with these settings."""
        missing: list[str] = []
        subnets = self._network.subnets(vpc, missing)
        plain = NetworkState(
            zones=() if vpc.subnets else self._network.zones(),
            vpc=subnets[0].vpc if subnets else self._network.own_vpc(),
            subnets=subnets,
            groups=self._network.groups(vpc, missing),
        )
        if service == "s3-files":
            return self._with_view(plain, mounts.s3_files, missing)
        return self._with_efs(plain, mounts.efs, missing)

    def _with_efs(self, plain: NetworkState, arn: str, missing: list[str]) -> NetworkState:
        system: str | None = None
        point = None
        if arn:
            point = self._efs.point({"AccessPointId": arn.rpartition("/")[2]})
            missing += [] if point else [arn]
        else:
            system = self._efs.own()
            point = self._efs.point({"FileSystemId": system}) if system else None
        at = point.system if point else system
        return msgspec.structs.replace(
            plain,
            system=system,
            system_has_policy=system is not None and self._efs.has_policy(system),
            point=point,
            targets=tuple(
                TargetState(
                    subnet=target["SubnetId"],
                    vpc=target.get("VpcId", ""),
                    zone=target.get("AvailabilityZoneName", ""),
                    groups=self._network.group_states(target["SecurityGroups"]),
                    is_ready=target["LifeCycleState"] == _READY,
                )
                for target in (self._efs.targets(at) if at else ())
            ),
            missing=tuple(missing),
        )

    def _with_view(self, plain: NetworkState, arn: str, missing: list[str]) -> NetworkState:
        system = None if arn else self._s3_files.own()
        point = None
        if arn:
            point = self._s3_files.point(arn)
            missing += [] if point else [arn]
        elif system:
            point = self._s3_files.own_point(system)
        at = point["fileSystemId"] if point else system
        state = None
        if point:
            view = self._s3_files.system(point["fileSystemId"])
            root = point.get("rootDirectory", {}).get("path", "/").strip("/")
            keys = view.get("prefix", "") + (f"{root}/" if root else "")
            state = PointState(
                arn=point["accessPointArn"],
                system=point["fileSystemId"],
                uid=point.get("posixUser", {}).get("uid"),
                has_policy=True,
                objects=f"{view['bucket']}/{keys}",
            )
        return msgspec.structs.replace(
            plain,
            system=system,
            system_has_policy=True,
            point=state,
            targets=tuple(
                TargetState(
                    subnet=target["subnetId"],
                    vpc=target.get("vpcId", ""),
                    zone=self._network.zone_of(target["subnetId"]),
                    groups=self._network.group_states(target.get("securityGroups", [])),
                    is_ready=target.get("status") == _READY,
                )
                for target in (self._s3_files.targets(at) if at else ())
            ),
            missing=tuple(missing),
        )

    def create_vpc(self, block: str, tags: dict[str, str]) -> str:
        """Make a VPC whose names are resolved; its id."""
        return self._network.create_vpc(block, tags)

    def create_subnet(self, vpc: str, zone: str, block: str, tags: dict[str, str]) -> str:
        """Make a subnet; its id."""
        return self._network.create_subnet(vpc, zone, block, tags)

    def create_endpoint(
        self, vpc: str, region: str, tables: tuple[str, ...], tags: dict[str, str]
    ) -> None:
        """Make a gateway endpoint of S3; without tables in the VPC's main route table."""
        self._network.create_endpoint(vpc, region, tables, tags)

    def create_group(self, vpc: str, name: str, tags: dict[str, str]) -> str:
        """Make a security group; its id, or that of the one that has the name."""
        return self._network.create_group(vpc, name, tags)

    def allow_nfs(self, group: str, source: str) -> None:
        """Let TCP 2049 into a group from another; nothing where it may already."""
        self._network.allow_nfs(group, source)

    def create_system(self, token: str, tags: dict[str, str]) -> str:
        """Make a file system of EFS, and wait for it; its id, or of the one with this token."""
        system = self._efs.create_system(token, tags)
        _until(lambda: self._efs.system_state(system), f"file system {system}")
        return system

    def protect(self, system: str, policy: str) -> None:
        """Give a file system a policy."""
        self._efs.protect(system, policy)

    def create_view(
        self, token: str, bucket: str, prefix: str, role: str, tags: dict[str, str]
    ) -> str:
        """Make a file system of S3 Files, and wait for it; its id."""
        system = self._s3_files.create_system(token, bucket, prefix, role, tags)
        _until(lambda: self._s3_files.system_state(system), f"file system {system}")
        return system

    def create_target(
        self, service: FileService, system: str, subnet: str, groups: tuple[str, ...]
    ) -> None:
        """Make a mount target, and wait for it; nothing where the zone has one."""
        what = f"the mount target of {system} in {subnet}"
        if service == "s3-files":
            self._s3_files.create_target(system, subnet, groups)
            _until(lambda: _all_ready(self._s3_files.targets(system), "status"), what)
        else:
            self._efs.create_target(system, subnet, groups)
            _until(lambda: _all_ready(self._efs.targets(system), "LifeCycleState"), what)

    def create_point(
        self,
        service: FileService,
        system: str,
        token: str,
        uid: int,
        path: str,
        tags: dict[str, str],
    ) -> str:
        """Make an access point, and wait for it; its ARN."""
        if service == "s3-files":
            view = self._s3_files.create_point(system, token, uid, path, tags)
            _until(lambda: self._s3_files.point_state(view), f"access point {view}")
            return view
        arn = self._efs.create_point(system, token, uid, path, tags)
        _until(lambda: self._efs.point_state(arn), f"access point {arn}")
        return arn


def _all_ready(found: Sequence[Any], member: str) -> str:
    states = {str(one[member]) for one in found}
    return _READY if states == {_READY} else min(states - {_READY}, default="missing")


def _until(state: Callable[[], str], what: str) -> None:
    end = time.monotonic() + _WAIT_SECONDS
    while (now := state()) != _READY:
        if time.monotonic() > end or now in ("error", "deleting", "deleted"):
            raise WideloadError(
                f"{what} did not become available",
                why=f"it is {now} after {_WAIT_SECONDS:.0f} s at most",
                hint="run it again: what was made is found",
            )
        time.sleep(_PAUSE)

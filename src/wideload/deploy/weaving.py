"""Networks and file systems made, one step at a time, and what stands for what was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import msgspec

from wideload.values import networking as do
from wideload.values.mount import Vpc

if TYPE_CHECKING:
    from wideload.deploy.cloud import Cloud
    from wideload.values.instruction import Configuration


class Weaving:
    """Carries steps out, and remembers what came of them."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._made: dict[str, str] = {}

    def carry_out(self, step: do.Networking) -> None:
        """Make it.

        :raises Refused: AWS refused.
        """
        client, is_ = self._cloud.mounts, self.real
        match step:
            case do.CreateVpc():
                self._made[do.NEW_VPC] = client.create_vpc(step.block, step.tags)
            case do.CreateSubnet():
                made = client.create_subnet(is_(step.vpc), step.zone, step.block, step.tags)
                self._made[do.new_subnet(step.zone)] = made
            case do.CreateEndpoint():
                client.create_endpoint(is_(step.vpc), step.region, step.tables, step.tags)
            case do.CreateSecurityGroup():
                made = client.create_group(is_(step.vpc), step.name, step.tags)
                self._made[do.NEW_GROUP] = made
            case do.AllowNfs():
                client.allow_nfs(is_(step.group), is_(step.source))
            case do.CreateFileSystem():
                self._made[do.NEW_SYSTEM] = client.create_system(step.token, step.tags)
            case do.CreateFileView():
                self._made[do.NEW_SYSTEM] = client.create_view(
                    step.token, step.bucket, step.prefix, step.role, step.tags
                )
            case do.ProtectFileSystem():
                client.protect(is_(step.system), step.policy)
            case do.CreateMountTarget():
                groups = tuple(map(is_, step.groups))
                client.create_target(step.service, is_(step.system), is_(step.subnet), groups)
            case do.CreateAccessPoint():
                made = client.create_point(
                    step.service, is_(step.system), step.token, step.uid, step.path, step.tags
                )
                self._made[do.NEW_POINT] = made
            case _:
                assert_never(step)

    def real(self, text: str) -> str:
        """A text with what was made in the place of what stood for it."""
        for name, made in self._made.items():
            text = text.replace(name, made)
        return text

    def configured(self, configuration: Configuration) -> Configuration:
        """A configuration likewise."""
        vpc, mount = configuration.vpc, configuration.mount
        if mount is not None:
            mount = msgspec.structs.replace(mount, access_point=self.real(mount.access_point))
        return msgspec.structs.replace(
            configuration,
            vpc=Vpc(
                tuple(sorted(map(self.real, vpc.subnets))),
                tuple(sorted(map(self.real, vpc.security_groups))),
            ),
            mount=mount,
        )

"""EC2 through boto3, as functions that mount need it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wideload.deploy import names
from wideload.deploy.aws_trouble import asking
from wideload.deploy.cloud import Refused
from wideload.deploy.mounts import GroupState, SubnetState
from wideload.values.networking import NFS_PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from types_boto3_ec2 import EC2Client

    from wideload.values.mount import Vpc

_AVAILABLE = "available"
_USUAL = ("availability-zone", None)
GONE = frozenset({"InvalidGroup.NotFound", "InvalidSubnetID.NotFound"})


class AwsNetwork:
    """VPCs, subnets and security groups."""

    def __init__(self, ec2: EC2Client) -> None:
        self._ec2 = ec2

    def zones(self) -> tuple[str, ...]:
        """Names of the region's availability zones, sorted."""
        with asking("ec2"):
            found = self._ec2.describe_availability_zones()["AvailabilityZones"]
        # Local zones and Wavelength have no mount targets.
        usual = [one for one in found if one.get("ZoneType", "availability-zone") in _USUAL]
        return tuple(sorted(one["ZoneName"] for one in usual if one["State"] == _AVAILABLE))

    def own_vpc(self) -> str | None:
        """The id of wideload's own VPC."""
        with asking("ec2"):
            found = self._ec2.describe_vpcs(Filters=[_OWN])["Vpcs"]
        return found[0]["VpcId"] if found else None

    def subnets(self, vpc: Vpc, missing: list[str]) -> tuple[SubnetState, ...]:
        """Those that are named, or wideload's own; ids that are not there go to `missing`."""
        found = self._described(
            lambda one: self._ec2.describe_subnets(SubnetIds=[one])["Subnets"],
            vpc.subnets,
            lambda: self._ec2.describe_subnets(Filters=[_OWN])["Subnets"],
            missing,
        )
        return tuple(self._subnet(one) for one in sorted(found, key=lambda one: one["SubnetId"]))

    def groups(self, vpc: Vpc, missing: list[str]) -> tuple[GroupState, ...]:
        """Likewise."""
        found = self._described(
            lambda one: self._ec2.describe_security_groups(GroupIds=[one])["SecurityGroups"],
            vpc.security_groups,
            lambda: self._ec2.describe_security_groups(Filters=[_OWN])["SecurityGroups"],
            missing,
        )
        return tuple(_group(one) for one in found)

    def group_states(self, ids: Sequence[str]) -> tuple[GroupState, ...]:
        """The groups with these ids."""
        if not ids:
            return ()
        with asking("ec2"):
            found = self._ec2.describe_security_groups(GroupIds=list(ids))["SecurityGroups"]
        return tuple(_group(one) for one in found)

    def zone_of(self, subnet: str) -> str:
        """The zone of a subnet."""
        with asking("ec2"):
            return self._ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailabilityZone"]

    def create_vpc(self, block: str, tags: dict[str, str]) -> str:
        """Make a VPC whose names are resolved; its id."""
        with asking("ec2"):
            made = self._ec2.create_vpc(CidrBlock=block, TagSpecifications=_tagged("vpc", tags))
            vpc = made["Vpc"]["VpcId"]
            self._ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
            self._ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": True})
            self._ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        return vpc

    def create_subnet(self, vpc: str, zone: str, block: str, tags: dict[str, str]) -> str:
        """Make a subnet; its id."""
        with asking("ec2"):
            made = self._ec2.create_subnet(
                VpcId=vpc,
                AvailabilityZone=zone,
                CidrBlock=block,
                TagSpecifications=_tagged("subnet", tags),
            )
        return made["Subnet"]["SubnetId"]

    def create_endpoint(
        self, vpc: str, region: str, tables: tuple[str, ...], tags: dict[str, str]
    ) -> None:
        """Make a gateway endpoint of S3; without tables in the VPC's main route table."""
        with asking("ec2"):
            self._ec2.create_vpc_endpoint(
                VpcId=vpc,
                ServiceName=f"com.amazonaws.{region}.s3",
                VpcEndpointType="Gateway",
                RouteTableIds=list(tables or (self._main_table(vpc),)),
                TagSpecifications=_tagged("vpc-endpoint", tags),
            )

    def create_group(self, vpc: str, name: str, tags: dict[str, str]) -> str:
        """Make a security group; its id, or that of the one that has the name."""
        try:
            with asking("ec2"):
                made = self._ec2.create_security_group(
                    GroupName=name,
                    Description="Functions that mount, and their mount targets (wideload)",
                    VpcId=vpc,
                    TagSpecifications=_tagged("security-group", tags),
                )
        except Refused as refused:
            if refused.code != "InvalidGroup.Duplicate":
                raise
            filters = [_filter("vpc-id", vpc), _filter("group-name", name)]
            with asking("ec2"):
                found = self._ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
            return found[0]["GroupId"]
        return made["GroupId"]

    def allow_nfs(self, group: str, source: str) -> None:
        """Let TCP 2049 into a group from another; nothing where it may already."""
        try:
            with asking("ec2"):
                self._ec2.authorize_security_group_ingress(
                    GroupId=group,
                    IpPermissions=[
                        {
                            "IpProtocol": "tcp",
                            "FromPort": NFS_PORT,
                            "ToPort": NFS_PORT,
                            "UserIdGroupPairs": [{"GroupId": source}],
                        }
                    ],
                )
        except Refused as refused:
            if refused.code != "InvalidPermission.Duplicate":
                raise

    def _subnet(self, subnet: Any) -> SubnetState:
        with asking("ec2"):
            filters = [_filter("association.subnet-id", subnet["SubnetId"])]
            tables = self._ec2.describe_route_tables(Filters=filters)["RouteTables"]
            if not tables:
                tables = self._ec2.describe_route_tables(
                    Filters=[_filter("vpc-id", subnet["VpcId"]), _MAIN]
                )["RouteTables"]
            ends = self._ec2.describe_vpc_endpoints(Filters=[_filter("vpc-id", subnet["VpcId"])])[
                "VpcEndpoints"
            ]
        table: Any = tables[0]
        to_s3 = [one for one in ends if one["ServiceName"].endswith(".s3")]
        by_endpoint = any(
            table["RouteTableId"] in one.get("RouteTableIds", [])
            or one.get("VpcEndpointType") == "Interface"
            for one in to_s3
        )
        by_route = any(
            route.get("DestinationCidrBlock") == "0.0.0.0/0"
            and not route.get("GatewayId", "").startswith("igw-")
            for route in table["Routes"]
        )
        return SubnetState(
            subnet["SubnetId"],
            subnet["VpcId"],
            subnet["AvailabilityZone"],
            table["RouteTableId"],
            by_endpoint or by_route,
        )

    def _main_table(self, vpc: str) -> str:
        found = self._ec2.describe_route_tables(Filters=[_filter("vpc-id", vpc), _MAIN])
        return found["RouteTables"][0]["RouteTableId"]

    def _described(
        self,
        one: Callable[[str], list[Any]],
        ids: Iterable[str],
        own: Callable[[], list[Any]],
        missing: list[str],
    ) -> list[Any]:
        """Those with these ids; without any wideload's own."""
        found: list[Any] = []
        asked = list(ids)
        for each in asked:
            try:
                with asking("ec2"):
                    found += one(each)
            except Refused as refused:
                if refused.code not in GONE:
                    raise
                missing.append(each)
        if not asked:
            with asking("ec2"):
                found += own()
        return found


def _filter(name: str, value: str) -> Any:
    return {"Name": name, "Values": [value]}


_OWN = _filter("tag-key", names.NETWORK_TAG)
_MAIN = _filter("association.main", "true")


def _tagged(kind: Any, tags: dict[str, str]) -> list[Any]:
    listed = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    return [{"ResourceType": kind, "Tags": listed}]


def _group(group: Any) -> GroupState:
    into = [rule for rule in group["IpPermissions"] if _is_nfs(rule)]
    out = [rule for rule in group["IpPermissionsEgress"] if _is_nfs(rule)]
    return GroupState(
        id=group["GroupId"],
        vpc=group.get("VpcId", ""),
        nfs_groups=tuple(
            pair["GroupId"] for rule in into for pair in rule.get("UserIdGroupPairs", [])
        ),
        nfs_blocks=tuple(one["CidrIp"] for rule in into for one in rule.get("IpRanges", [])),
        lets_out=bool(out),
    )


def _is_nfs(rule: Any) -> bool:
    if rule["IpProtocol"] == "-1":
        return True
    return bool(rule["IpProtocol"] == "tcp" and rule["FromPort"] <= NFS_PORT <= rule["ToPort"])

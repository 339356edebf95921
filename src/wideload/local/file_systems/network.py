"""The part of EC2 that decides whether a function reaches a mount target, as moto holds it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends

from wideload.values.networking import NFS_PORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def subnet(account: str, region: str, subnet_id: str) -> Any | None:
    """moto's subnet of this id; nothing where there is none."""
    for by_zone in ec2_backends[account][region].subnets.values():
        if subnet_id in by_zone:
            return by_zone[subnet_id]
    return None


def group(account: str, region: str, group_id: str) -> Any | None:
    """moto's security group of this id; nothing where there is none."""
    for groups in ec2_backends[account][region].groups.values():
        if group_id in groups:
            return groups[group_id]
    return None


def reaches(
    account: str,
    region: str,
    *,
    source: Any,
    source_groups: Sequence[str],
    target_address: str,
    target_groups: Sequence[str],
) -> bool:
    """Whether TCP 2049 is open from a function in a subnet to a mount target, both ways about.

    :param source: moto's subnet that the function is in.
    """
    lets_in = any(
        _admits(rule, source_groups, source.cidr_block)
        for one in _groups(account, region, target_groups)
        for rule in one.ingress_rules
    )
    lets_out = any(
        _admits(rule, target_groups, f"{target_address}/32")
        for one in _groups(account, region, source_groups)
        for rule in one.egress_rules
    )
    return lets_in and lets_out


def _groups(account: str, region: str, ids: Iterable[str]) -> list[Any]:
    found = [group(account, region, one) for one in ids]
    return [one for one in found if one is not None]


def _admits(rule: Any, groups: Sequence[str], block: str) -> bool:
    if rule.ip_protocol not in ("-1", "tcp"):
        return False
    if rule.ip_protocol != "-1" and not rule.from_port <= NFS_PORT <= rule.to_port:
        return False
    if rule.source_group.get("GroupId") in groups:
        return True
    allowed = rule.ip_range.get("CidrIp")
    return allowed is not None and ipaddress.IPv4Network(block).subnet_of(
        ipaddress.IPv4Network(allowed)
    )

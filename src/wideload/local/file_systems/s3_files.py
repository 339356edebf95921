"""S3 Files: the control plane by botocore's service model, and a bucket's objects as files.

No emulator has it. What the model does not say, words of errors above all, is made up.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import msgspec
from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, StructureShape

from wideload.local.control import Answer
from wideload.local.faults import Fault
from wideload.local.file_systems import network
from wideload.local.file_systems.point import Point, Target
from wideload.local.functions.store import write_whole
from wideload.local.functions.validation import violations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from botocore.model import OperationModel

    from wideload.local.control import Control
    from wideload.local.journal import Call
    from wideload.local.objects.service import ObjectService

_AVAILABLE = "available"
_DIGITS = 17


class _Kept(msgspec.Struct):
    """What there is in an account's region, by id: members as the API answers them."""

    systems: dict[str, dict[str, Any]] = {}
    targets: dict[str, dict[str, Any]] = {}
    points: dict[str, dict[str, Any]] = {}
    policies: dict[str, str] = {}


class S3Files:
    """The service for clients, and a `Kind` of file system for Lambda."""

    service = "s3files"
    label = "S3 Files"
    name = "S3 Files"
    error = "S3Files"
    # Its documentation names no default that admits everybody.
    is_open = False
    # What is written is not brought back into the bucket here.
    writable = False

    def __init__(self, state: Path, control: Control, objects: ObjectService) -> None:
        self._state, self._control, self._objects = state / "s3files", control, objects
        self._lock = threading.RLock()
        self._note = self._state / "kept.json"
        try:
            self._kept = msgspec.json.decode(self._note.read_bytes(), type=dict[str, _Kept])
        except FileNotFoundError:
            self._kept = {}

    def answer(self, call: Call) -> Answer:
        """Answer a request whose signature is right.

        :raises Fault: with a code of the model.
        """
        operation, members = _operation(call)
        broken = list(violations(operation.input_shape, members)) if operation.input_shape else []
        if broken:
            raise _fault("ValidationException", "; ".join(broken), 400)
        with self._lock:
            kept = self._kept.setdefault(f"{call.account} {call.region}", _Kept())
            told = self._carry_out(operation.name, members, kept, call)
            if call.method != "GET":
                self._state.mkdir(parents=True, exist_ok=True)
                write_whole(self._note, msgspec.json.encode(self._kept))
        status = int(operation.http.get("responseCode", 200))
        body = json.dumps(told).encode() if told is not None else b""
        return Answer(status, (("Content-Type", "application/json"),), body)

    def find(self, arn: str) -> Point | None:
        """The access point of this ARN; nothing where there is none."""
        _, _, _, region, account, resource = arn.split(":", 5)
        with self._lock:
            kept = self._kept.get(f"{account} {region}", _Kept())
            point = kept.points.get(resource.rpartition("/")[2])
            if point is None:
                return None
            root = point.get("rootDirectory", {})
            user = point.get("posixUser", {})
            made = root.get("creationPermissions")
            system = point["fileSystemId"]
            return Point(
                arn=arn,
                account=account,
                region=region,
                file_system=system,
                file_system_arn=kept.systems[system]["fileSystemArn"],
                path=root.get("path", "/"),
                uid=user.get("uid"),
                gids=(user["gid"], *user.get("secondaryGids", ())) if user else (),
                created=(
                    (made["ownerUid"], made["ownerGid"], int(made["permissions"], 8))
                    if made
                    else None
                ),
                has_policy=system in kept.policies,
                targets=tuple(
                    Target(
                        one["_zone"], one["vpcId"], one["ipv4Address"], tuple(one["securityGroups"])
                    )
                    for one in kept.targets.values()
                    if one["fileSystemId"] == system
                ),
            )

    def folder(self, point: Point) -> Path:
        """A folder with the objects of the file system's bucket as they are now.

        An object here is a file that never changes, so that the folder holds links to them.
        """
        with self._lock:
            system = self._kept[f"{point.account} {point.region}"].systems[point.file_system]
            folder = self._state / point.account / point.region / point.file_system
            folder.mkdir(parents=True, exist_ok=True)
            bucket, prefix = system["bucket"].rpartition(":")[2], system.get("prefix", "")
            there = {
                path.relative_to(folder).as_posix(): path
                for path in folder.rglob("*")
                if path.is_file()
            }
            for key, stored in self._objects.under(bucket, prefix):
                name = key.removeprefix(prefix)
                if not name or name.endswith("/"):
                    continue
                path = there.pop(name, None)
                if path is not None and path.samefile(stored.path):
                    continue
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                path.hardlink_to(stored.path)
            for path in there.values():
                path.unlink()
            return folder

    def _carry_out(  # noqa: PLR0911
        self, name: str, asked: dict[str, Any], kept: _Kept, call: Call
    ) -> dict[str, Any] | None:
        match name:
            case "CreateFileSystem":
                return self._create_system(asked, kept, call)
            case "CreateMountTarget":
                return _shown(self._create_target(asked, kept, call))
            case "CreateAccessPoint":
                return self._create_point(asked, kept, call)
            case "GetFileSystem" | "GetMountTarget" | "GetAccessPoint":
                return _shown(_found(_things(name, kept), asked))
            case "ListFileSystems" | "ListMountTargets" | "ListAccessPoints":
                member = name.removeprefix("List")
                listed = [
                    _shown(one)
                    for one in _things(name, kept).values()
                    if asked.get("fileSystemId", one["fileSystemId"]) == one["fileSystemId"]
                ]
                return {member[0].lower() + member[1:]: listed}
            case "DeleteFileSystem" | "DeleteMountTarget" | "DeleteAccessPoint":
                self._delete(name, asked, kept)
                return None
            case "PutFileSystemPolicy":
                kept.policies[_found(kept.systems, asked)["fileSystemId"]] = asked["policy"]
                return {}
            case "ListTagsForResource":
                return {"tags": _tagged(kept, asked["resourceId"]).get("tags", [])}
            case _:
                raise Fault(
                    "NotImplemented", f"{name}: the embedded AWS does not have this part.", 501
                )

    def _create_system(self, asked: dict[str, Any], kept: _Kept, call: Call) -> dict[str, Any]:
        for one in kept.systems.values():
            if one["clientToken"] == asked.get("clientToken"):
                return one
        bucket = asked["bucket"].rpartition(":")[2]
        if not self._objects.is_versioned(bucket):
            raise _fault(
                "ValidationException",
                f"The bucket {bucket} does not exist, or versioning is not enabled on it",
                400,
            )
        system = f"fs-{secrets.token_hex(9)[:_DIGITS]}"
        made = {
            **asked,
            "creationTime": time.time(),
            "fileSystemArn": f"arn:aws:s3files:{call.region}:{call.account}:file-system/{system}",
            "fileSystemId": system,
            "status": _AVAILABLE,
            "ownerId": call.account,
        }
        kept.systems[system] = made
        return made

    def _create_target(self, asked: dict[str, Any], kept: _Kept, call: Call) -> dict[str, Any]:
        system = _found(kept.systems, asked)["fileSystemId"]
        with self._control.lock:
            subnet = network.subnet(call.account, call.region, asked["subnetId"])
            if subnet is None:
                raise _fault(
                    "ResourceNotFoundException", f"The subnet {asked['subnetId']} does not exist"
                )
            zone, vpc = subnet.availability_zone, subnet.vpc_id
            address = subnet.get_available_subnet_ip(self)
        for one in kept.targets.values():
            if (one["fileSystemId"], one["_zone"]) == (system, zone):
                raise _fault(
                    "ConflictException", f"{system} has a mount target in {zone} already", 409
                )
        target = f"fsmt-{secrets.token_hex(9)[:_DIGITS]}"
        kept.targets[target] = {
            "mountTargetId": target,
            "fileSystemId": system,
            "subnetId": asked["subnetId"],
            "vpcId": vpc,
            "ownerId": call.account,
            "ipv4Address": str(address),
            "securityGroups": asked.get("securityGroups", []),
            "status": _AVAILABLE,
            "_zone": zone,
        }
        return kept.targets[target]

    def _create_point(self, asked: dict[str, Any], kept: _Kept, call: Call) -> dict[str, Any]:
        system = _found(kept.systems, asked)
        for one in kept.points.values():
            if one["clientToken"] == asked.get("clientToken"):
                return one
        point = f"fsap-{secrets.token_hex(9)[:_DIGITS]}"
        kept.points[point] = {
            **asked,
            "accessPointArn": f"{system['fileSystemArn']}/access-point/{point}",
            "accessPointId": point,
            "status": _AVAILABLE,
            "ownerId": call.account,
        }
        return kept.points[point]

    def _delete(self, name: str, asked: dict[str, Any], kept: _Kept) -> None:
        things = _things(name, kept)
        gone = _found(things, asked)
        if name == "DeleteFileSystem":
            system = gone["fileSystemId"]
            held = [*kept.targets.values(), *kept.points.values()]
            if any(one["fileSystemId"] == system for one in held):
                raise _fault("ConflictException", f"{system} has mount targets or access points")
            kept.policies.pop(system, None)
        for id_ in [id_ for id_, one in things.items() if one is gone]:
            del things[id_]


def _things(operation: str, kept: _Kept) -> dict[str, dict[str, Any]]:
    if "FileSystem" in operation:
        return kept.systems
    return kept.targets if "MountTarget" in operation else kept.points


def _found(things: dict[str, dict[str, Any]], asked: dict[str, Any]) -> dict[str, Any]:
    named = next(
        asked[key] for key in ("mountTargetId", "accessPointId", "fileSystemId") if key in asked
    )
    found = things.get(named.rpartition("/")[2])
    if found is None:
        raise _fault("ResourceNotFoundException", f"{named} does not exist", 404)
    return found


def _tagged(kept: _Kept, named: str) -> dict[str, Any]:
    id_ = named.rpartition("/")[2]
    return kept.systems.get(id_) or kept.points.get(id_) or {}


def _shown(thing: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def _fault(code: str, message: str, status: int = 400) -> Fault:
    return Fault(code, message, status)


@cache
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("s3files", "service-2"), "s3files")


@cache
def _routes() -> tuple[tuple[str, re.Pattern[str], OperationModel], ...]:
    found = []
    for name in _model().operation_names:
        operation = _model().operation_model(name)
        path = re.sub(r"\{(\w+)\}", r"(?P<\1>.+)", operation.http["requestUri"])
        found.append((operation.http["method"], re.compile(path), operation))
    # The longest path first: ids may hold slashes.
    return tuple(sorted(found, key=lambda route: -len(route[1].pattern)))


def _operation(call: Call) -> tuple[OperationModel, dict[str, Any]]:
    for method, path, operation in _routes():
        match = path.fullmatch(unquote(call.path)) if method == call.method else None
        if match:
            return operation, dict(_members(operation, match, call))
    raise Fault("UnknownOperationException", f"{call.method} {call.path}", 404)


def _members(
    operation: OperationModel, match: re.Match[str], call: Call
) -> Iterator[tuple[str, Any]]:
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return
    query = parse_qs(call.query)
    body = json.loads(call.body) if call.body else {}
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        match member.serialization.get("location"):
            case "uri":
                yield name, match[wire]
            case "querystring" if wire in query:
                several = isinstance(member, ListShape)
                value: Any = query[wire] if several else query[wire][0]
                yield name, int(value) if member.type_name == "integer" else value
            case None if body.get(wire) is not None:
                yield name, body[wire]

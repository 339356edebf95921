"""Lambda through boto3."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, TypedDict, cast

from wideload.cold_starts import has_snap_start
from wideload.deploy import served as notes
from wideload.deploy.aws_trouble import asking
from wideload.deploy.cloud import Refused
from wideload.deploy.mounts import HeldMount
from wideload.deploy.states import AliasState, Answer, DeployedFunction, FunctionState, ImageAt
from wideload.values.instruction import Configuration, MountedAt
from wideload.values.mount import MOUNT_VARIABLE, Vpc

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.literals import ArchitectureType, RuntimeType
    from types_boto3_lambda.type_defs import (
        FileSystemConfigTypeDef,
        FunctionCodeTypeDef,
        FunctionConfigurationResponseTypeDef,
        FunctionConfigurationTypeDef,
        ImageConfigTypeDef,
        SnapStartTypeDef,
        VpcConfigTypeDef,
    )

    from wideload.deploy.states import Package

    class _Package(TypedDict, total=False):
        Runtime: RuntimeType
        Handler: str
        Layers: list[str]
        ImageConfig: ImageConfigTypeDef
        SnapStart: SnapStartTypeDef

    class _Network(TypedDict, total=False):
        VpcConfig: VpcConfigTypeDef
        FileSystemConfigs: list[FileSystemConfigTypeDef]


_NOT_FOUND = "ResourceNotFoundException"


class AwsFunctions:
    """A `Functions`.

    :param invoking: a client that waits long for an answer and never asks twice.
    """

    def __init__(self, client: LambdaClient, invoking: LambdaClient) -> None:
        self._client = client
        self._invoking = invoking

    def find(self, function: str) -> DeployedFunction | None:
        """The function with its tags."""
        try:
            with asking("lambda"):
                answer = self._client.get_function(FunctionName=function)
        except Refused as refused:
            if refused.code == _NOT_FOUND:
                return None
            raise
        # Not being shown the tags is not the same as there being none.
        hidden = cast("dict[str, Any]", answer).get("TagsError")
        if hidden:
            raise Refused("lambda:ListTags", hidden["ErrorCode"], hidden["Message"])
        return DeployedFunction(_state(answer["Configuration"]), answer.get("Tags", {}))

    def state(self, function: str, version: str) -> FunctionState:
        """The function (``$LATEST``) or a version of it."""
        with asking("lambda"):
            answer = self._client.get_function_configuration(
                FunctionName=function, Qualifier=version
            )
        return _state(answer)

    def versions(self, function: str) -> tuple[FunctionState, ...]:
        """The published versions, oldest first."""
        with asking("lambda"):
            pages = self._client.get_paginator("list_versions_by_function").paginate(
                FunctionName=function
            )
            found = [
                _state(version)
                for page in pages
                for version in page["Versions"]
                if version["Version"] != "$LATEST"
            ]
        return tuple(sorted(found, key=lambda version: int(version.version)))

    def images(self) -> frozenset[str]:
        """Digests of the images that functions are, and all their versions."""
        found = set()
        for arn in [
            one["FunctionArn"] for one in self._every_version() if one.get("PackageType") == "Image"
        ]:
            # Lists tell no image.
            try:
                with asking("lambda"):
                    code = self._client.get_function(FunctionName=arn)["Code"]
            except Refused as refused:
                if refused.code == _NOT_FOUND:
                    continue
                raise
            uris = (code.get("ResolvedImageUri", ""), code.get("ImageUri", ""))
            found |= {uri.partition("@")[2] for uri in uris}
        return frozenset(found - {""})

    def values(self, variable: str) -> frozenset[str]:
        """What this environment variable is, of all functions and all their versions."""
        told = [one.get("Environment", {}).get("Variables", {}) for one in self._every_version()]
        return frozenset(one[variable] for one in told if variable in one)

    def mounts(self) -> tuple[HeldMount, ...]:
        """What wideload has all functions and all their versions mount."""
        held = []
        for one in self._every_version():
            variables = one.get("Environment", {}).get("Variables", {})
            mount = _mount(one, variables)
            if mount is not None:
                vpc = _vpc(one)
                held.append(HeldMount(one["FunctionName"], variables[MOUNT_VARIABLE], mount, vpc))
        return tuple(held)

    def _every_version(self) -> list[FunctionConfigurationTypeDef]:
        """All functions of the region and all their versions."""
        with asking("lambda"):
            pages = self._client.get_paginator("list_functions").paginate(FunctionVersion="ALL")
            return [function for page in pages for function in page["Functions"]]

    def find_alias(self, function: str, alias: str) -> AliasState | None:
        """The alias of this name."""
        try:
            with asking("lambda"):
                answer = self._client.get_alias(FunctionName=function, Name=alias)
        except Refused as refused:
            if refused.code == _NOT_FOUND:
                return None
            raise
        routing = answer.get("RoutingConfig") or {}
        return AliasState(
            arn=answer["AliasArn"],
            version=answer["FunctionVersion"],
            revision=answer.get("RevisionId", ""),
            is_weighted=bool(routing.get("AdditionalVersionWeights")),
            served=notes.read(answer.get("Description", "")),
        )

    def create(
        self,
        function: str,
        code: Package,
        architecture: str,
        configuration: Configuration,
        tags: dict[str, str],
    ) -> None:
        """Make a function."""
        with asking("lambda"):
            self._client.create_function(
                FunctionName=function,
                Code=_code(code),
                PackageType="Image" if isinstance(code, ImageAt) else "Zip",
                Architectures=[cast("ArchitectureType", architecture)],
                Role=configuration.role,
                MemorySize=configuration.memory,
                Timeout=configuration.timeout,
                EphemeralStorage={"Size": configuration.ephemeral},
                Environment={"Variables": configuration.environment},
                Description=configuration.description,
                **self._package(configuration),
                **_network(configuration, unmount=False),
                Tags=tags,
            )

    def update_code(self, function: str, code: Package, architecture: str) -> None:
        """Replace the code."""
        architectures = [cast("ArchitectureType", architecture)]
        with asking("lambda"):
            if isinstance(code, bytes):
                self._client.update_function_code(
                    FunctionName=function, Architectures=architectures, ZipFile=code
                )
            elif isinstance(code, ImageAt):
                self._client.update_function_code(
                    FunctionName=function, Architectures=architectures, ImageUri=code.uri
                )
            else:
                self._client.update_function_code(
                    FunctionName=function,
                    Architectures=architectures,
                    S3Bucket=code.bucket,
                    S3Key=code.key,
                )

    def update_configuration(
        self, function: str, configuration: Configuration, *, unmount: bool = False
    ) -> None:
        """Replace the settings."""
        with asking("lambda"):
            self._client.update_function_configuration(
                FunctionName=function,
                Role=configuration.role,
                MemorySize=configuration.memory,
                Timeout=configuration.timeout,
                EphemeralStorage={"Size": configuration.ephemeral},
                Environment={"Variables": configuration.environment},
                Description=configuration.description,
                **self._package(configuration),
                **_network(configuration, unmount=unmount),
            )

    def _package(self, configuration: Configuration) -> _Package:
        """What goes with the one kind of package and not with the other."""
        if not configuration.runtime:
            return {"ImageConfig": {"Command": [configuration.handler]}}
        package: _Package = {
            "Runtime": cast("RuntimeType", configuration.runtime),
            "Handler": configuration.handler,
            "Layers": list(configuration.layers),
        }
        # A region that has no SnapStart may know no such parameter either.
        if has_snap_start(self._client.meta.region_name):
            package["SnapStart"] = {
                "ApplyOn": "PublishedVersions" if configuration.snap_start else "None"
            }
        return package

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        """Set these tags, beside the others."""
        with asking("lambda"):
            self._client.tag_resource(Resource=arn, Tags=tags)

    def publish(self, function: str, code_sha256: str, description: str) -> FunctionState:
        """Freeze a version; the last one again where nothing changed since it."""
        with asking("lambda"):
            answer = self._client.publish_version(
                FunctionName=function, CodeSha256=code_sha256, Description=description
            )
        return _state(answer)

    def create_alias(self, function: str, alias: str, version: str) -> None:
        """Make an alias, noting that this version served."""
        with asking("lambda"):
            self._client.create_alias(
                FunctionName=function,
                Name=alias,
                FunctionVersion=version,
                Description=notes.note((), version),
            )

    def update_alias(
        self, function: str, alias: str, version: str, revision: str, served: tuple[str, ...]
    ) -> None:
        """Move an alias, all its callers at once."""
        description = notes.note(served, version)
        with asking("lambda"):
            if revision:
                self._client.update_alias(
                    FunctionName=function,
                    Name=alias,
                    FunctionVersion=version,
                    Description=description,
                    RoutingConfig={"AdditionalVersionWeights": {}},
                    RevisionId=revision,
                )
            else:
                self._client.update_alias(
                    FunctionName=function,
                    Name=alias,
                    FunctionVersion=version,
                    Description=description,
                    RoutingConfig={"AdditionalVersionWeights": {}},
                )

    def delete_alias(self, function: str, alias: str) -> None:
        """Take an alias away; one that is not there is no error."""
        with asking("lambda"):
            self._client.delete_alias(FunctionName=function, Name=alias)

    def delete(self, function: str) -> None:
        """Take the function away."""
        with asking("lambda"):
            self._client.delete_function(FunctionName=function)

    def invoke(self, function: str, qualifier: str, event: bytes) -> Answer:
        """Run a version or an alias once and wait for it. Never sent twice."""
        with asking("lambda"):
            answer = self._invoking.invoke(
                FunctionName=function, Qualifier=qualifier, LogType="Tail", Payload=event
            )
            payload = answer["Payload"].read()
        return Answer(
            payload=payload,
            function_error=answer.get("FunctionError"),
            log_tail=base64.b64decode(answer.get("LogResult", "")).decode(errors="replace"),
            version=answer.get("ExecutedVersion", qualifier),
        )


def _network(configuration: Configuration, *, unmount: bool) -> _Network:
    told: _Network = {}
    if configuration.vpc.subnets or unmount:
        told["VpcConfig"] = {
            "SubnetIds": list(configuration.vpc.subnets),
            "SecurityGroupIds": list(configuration.vpc.security_groups),
        }
    mount = configuration.mount
    if mount is not None:
        system: Any = {"Arn": mount.access_point, "LocalMountPath": mount.path}
        if mount.direct_read:
            system["S3FilesConfig"] = {"DirectS3Read": mount.direct_read}
        told["FileSystemConfigs"] = [system]
    elif unmount:
        told["FileSystemConfigs"] = []
    return told


def _vpc(answer: Any) -> Vpc:
    vpc = answer.get("VpcConfig") or {}
    return Vpc(
        tuple(sorted(vpc.get("SubnetIds", []))), tuple(sorted(vpc.get("SecurityGroupIds", [])))
    )


def _mount(answer: Any, environment: dict[str, str]) -> MountedAt | None:
    """What wideload has it mount: its environment says where."""
    systems = answer.get("FileSystemConfigs", [])
    if not systems or MOUNT_VARIABLE not in environment:
        return None
    direct = systems[0].get("S3FilesConfig", {}).get("DirectS3Read", "")
    return MountedAt(systems[0]["Arn"], systems[0]["LocalMountPath"], direct)


def _code(code: Package) -> FunctionCodeTypeDef:
    if isinstance(code, bytes):
        return {"ZipFile": code}
    if isinstance(code, ImageAt):
        return {"ImageUri": code.uri}
    return {"S3Bucket": code.bucket, "S3Key": code.key}


def _command(answer: Any) -> str:
    """What an image's function is told to run; with more than a handler told it is none."""
    config = answer.get("ImageConfigResponse", {}).get("ImageConfig", {})
    words = [*config.get("EntryPoint", []), config.get("WorkingDirectory", "")]
    return " ".join([*filter(None, words), *config.get("Command", [])])


def _state(
    answer: FunctionConfigurationResponseTypeDef | FunctionConfigurationTypeDef,
) -> FunctionState:
    environment = answer.get("Environment") or {}
    unreadable = environment.get("Error")
    if unreadable:
        raise Refused(
            "kms:Decrypt", unreadable.get("ErrorCode", "Unknown"), unreadable.get("Message", "")
        )
    snap_start = answer.get("SnapStart") or {}
    variables = environment.get("Variables", {})
    return FunctionState(
        arn=answer["FunctionArn"],
        version=answer["Version"],
        configuration=Configuration(
            role=answer["Role"],
            runtime=answer.get("Runtime", ""),
            handler=answer.get("Handler", "") or _command(answer),
            memory=answer["MemorySize"],
            timeout=answer["Timeout"],
            ephemeral=answer.get("EphemeralStorage", {"Size": 512})["Size"],
            environment=variables,
            layers=tuple(layer["Arn"] for layer in answer.get("Layers", [])),
            description=answer.get("Description", ""),
            snap_start=snap_start.get("ApplyOn", "None") != "None",
            vpc=_vpc(answer),
            mount=_mount(answer, variables),
        ),
        architecture=answer.get("Architectures", ["x86_64"])[0],
        code_sha256=answer["CodeSha256"],
        code_size=answer["CodeSize"],
        package_type=answer.get("PackageType", "Zip"),
        # Lists of versions leave the states out.
        state=answer.get("State", "Active"),
        state_reason=answer.get("StateReason", ""),
        last_update=answer.get("LastUpdateStatus", "Successful"),
        last_update_reason=answer.get("LastUpdateStatusReason", ""),
        layer_sizes={layer["Arn"]: layer["CodeSize"] for layer in answer.get("Layers", [])},
        is_optimised=snap_start.get("OptimizationStatus", "Off") == "On",
    )

"""AWS in memory: the rules of Lambda, S3 and IAM that a deployment can trip over."""

from __future__ import annotations

import base64
import hashlib
import threading
from typing import IO, TYPE_CHECKING

import msgspec
from deploy_fake_concurrency import FakeConcurrency
from deploy_fake_mounts import FakeMounts

from wideload.deploy.cloud import Refused
from wideload.deploy.mounts import HeldMount
from wideload.deploy.served import note, read
from wideload.deploy.states import (
    AliasState,
    Answer,
    BucketState,
    DeployedFunction,
    FunctionState,
    Identity,
    ImageAt,
    LayerVersion,
    LogEvent,
    LogGroupState,
    ObjectState,
    Package,
    PushedImage,
    RepositoryState,
    RoleState,
    StoredObject,
)
from wideload.values.instruction import Configuration, StoredCode
from wideload.values.mount import MOUNT_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ACCOUNT = "123456789012"
REGION = "eu-central-1"
IDENTITY = Identity(ACCOUNT, REGION)


class Killed(BaseException):
    """The process ended here."""


class FakeClock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Acts:
    """Counts what changes something, and kills around the one that it is told to."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.kill_at: int | None = None
        self.kill_after = False
        self.check: Callable[[], None] = lambda: None

    def begin(self, name: str) -> None:
        if self.kill_at == len(self.log) and not self.kill_after:
            raise Killed(name)

    def end(self, name: str) -> None:
        self.log.append(name)
        self.check()
        if self.kill_at == len(self.log) - 1 and self.kill_after:
            raise Killed(name)


class FakeRoles:
    def __init__(self, acts: Acts, clock: FakeClock) -> None:
        self._acts = acts
        self._clock = clock
        self.roles: dict[str, RoleState] = {}
        self.documents: dict[tuple[str, str], str] = {}
        self.born: dict[str, float] = {}

    def find(self, role: str) -> RoleState | None:
        found = self.roles.get(role)
        if found is None:
            return None
        policies = tuple(policy for owner, policy in self.documents if owner == role)
        return msgspec.structs.replace(found, policies=policies)

    def policy(self, role: str, policy: str) -> str | None:
        return self.documents.get((role, policy))

    def create(self, role: str, trust: str, tags: dict[str, str]) -> None:
        self._acts.begin("create-role")
        if role in self.roles:
            raise Refused("iam:CreateRole", "EntityAlreadyExists", f"Role {role} exists.")
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        self.roles[role] = RoleState(arn, trust, (), dict(tags))
        self.born[arn] = self._clock.now()
        self._acts.end("create-role")

    def set_trust(self, role: str, trust: str) -> None:
        self._acts.begin("set-trust")
        self.roles[role] = msgspec.structs.replace(self._role(role), trust=trust)
        self._acts.end("set-trust")

    def put_policy(self, role: str, policy: str, document: str) -> None:
        self._acts.begin("put-role-policy")
        self._role(role)
        self.documents[role, policy] = document
        self._acts.end("put-role-policy")

    def delete_policy(self, role: str, policy: str) -> None:
        self._acts.begin("delete-role-policy")
        if self.documents.pop((role, policy), None) is None:
            raise Refused("iam:DeleteRolePolicy", "NoSuchEntity", "not there")
        self._acts.end("delete-role-policy")

    def delete(self, role: str) -> None:
        self._acts.begin("delete-role")
        self._role(role)
        del self.roles[role]
        self.documents = {key: text for key, text in self.documents.items() if key[0] != role}
        self._acts.end("delete-role")

    def _role(self, role: str) -> RoleState:
        if role not in self.roles:
            raise Refused("iam:GetRole", "NoSuchEntity", f"{role} cannot be found.")
        return self.roles[role]


class FakeStorage:
    def __init__(self, acts: Acts, clock: FakeClock) -> None:
        self._acts = acts
        self._clock = clock
        self.buckets: dict[str, BucketState] = {}
        self.versioned: set[str] = set()
        self._putting = threading.Lock()
        self.modified: dict[tuple[str, str], float] = {}
        self.objects: dict[tuple[str, str], tuple[bytes, str]] = {}

    def find_bucket(self, bucket: str, owner: str) -> BucketState | None:
        assert owner == ACCOUNT
        return self.buckets.get(bucket)

    def create_bucket(self, bucket: str, region: str) -> None:
        assert region == REGION
        self._acts.begin("create-bucket")
        if bucket in self.buckets:
            raise Refused("s3:CreateBucket", "BucketAlreadyOwnedByYou", "yours")
        self.buckets[bucket] = BucketState(is_private=False)
        self._acts.end("create-bucket")

    def secure_bucket(self, bucket: str, owner: str) -> None:
        assert owner == ACCOUNT
        self._acts.begin("secure-bucket")
        self._bucket(bucket)
        self.buckets[bucket] = BucketState(is_private=True)
        self._acts.end("secure-bucket")

    def find_object(self, bucket: str, key: str, owner: str) -> ObjectState | None:
        assert owner == ACCOUNT
        found = self.objects.get((bucket, key))
        return None if found is None else ObjectState(len(found[0]), found[1])

    def upload(
        self,
        path: Path,
        bucket: str,
        key: str,
        *,
        sha256: str,
        owner: str,
        sent: Callable[[int], None],
    ) -> None:
        assert owner == ACCOUNT
        self._acts.begin("upload-object")
        self._bucket(bucket)
        data = path.read_bytes()
        sent(len(data) // 2)
        sent(len(data) - len(data) // 2)
        self.objects[bucket, key] = (data, sha256)
        self.modified[bucket, key] = self._clock.now()
        self._acts.end("upload-object")

    def put(self, stream: IO[bytes], size: int, bucket: str, key: str, owner: str) -> None:
        assert owner == ACCOUNT
        self._bucket(bucket)
        with self._putting:
            self.objects[bucket, key] = (stream.read(), "")
            self.modified[bucket, key] = self._clock.now()

    def keep_versions(self, bucket: str, owner: str) -> None:
        assert owner == ACCOUNT
        self._acts.begin("version-bucket")
        self._bucket(bucket)
        self.versioned.add(bucket)
        self._acts.end("version-bucket")

    def keys(self, bucket: str, prefix: str, owner: str) -> tuple[str, ...]:
        assert owner == ACCOUNT
        return tuple(
            sorted(key for there, key in self.objects if there == bucket and key.startswith(prefix))
        )

    def listed(self, bucket: str, prefix: str, owner: str) -> tuple[StoredObject, ...]:
        return tuple(
            StoredObject(key, self.modified.get((bucket, key), 0.0))
            for key in self.keys(bucket, prefix, owner)
        )

    def delete_objects(self, bucket: str, keys: tuple[str, ...], owner: str) -> None:
        assert owner == ACCOUNT
        self._acts.begin("delete-objects")
        for key in keys:
            self.objects.pop((bucket, key), None)
        self._acts.end("delete-objects")

    def delete_bucket(self, bucket: str, owner: str) -> None:
        assert owner == ACCOUNT
        self._acts.begin("delete-bucket")
        self._bucket(bucket)
        if any(there == bucket for there, _ in self.objects):
            raise Refused("s3:DeleteBucket", "BucketNotEmpty", "not empty")
        del self.buckets[bucket]
        self._acts.end("delete-bucket")

    def _bucket(self, bucket: str) -> BucketState:
        if bucket not in self.buckets:
            raise Refused("s3:PutObject", "NoSuchBucket", "The specified bucket does not exist")
        return self.buckets[bucket]


LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer"


class FakeLayers:
    """Layers; those of others are known by their size alone."""

    def __init__(self, acts: Acts, clock: FakeClock, storage: FakeStorage) -> None:
        self._acts = acts
        self._clock = clock
        self._storage = storage
        self.versions: dict[str, tuple[LayerVersion, bytes]] = {}
        """By ARN."""
        self.foreign: dict[str, int] = {}
        """Bytes unzipped, by ARN."""
        self.functions: dict[str, FakeFunction] = {}
        self._numbers: dict[str, int] = {}

    def find(self, layer: str, code_sha256: str) -> tuple[str, ...]:
        return tuple(
            arn
            for arn, (version, data) in sorted(
                self.versions.items(), key=lambda item: item[1][0].version
            )
            if version.layer == layer and _base64_sha256(data) == code_sha256
        )

    def publish(
        self, layer: str, code: StoredCode, description: str, runtime: str, architecture: str
    ) -> str:
        assert runtime.startswith("python")
        assert architecture in ("x86_64", "arm64")
        assert len(layer) <= 64
        assert len(description) <= 256
        self._acts.begin("publish-layer")
        data = self._storage.objects[code.bucket, code.key][0]
        number = self._numbers.get(layer, 0) + 1
        self._numbers[layer] = number
        arn = f"{LAYER}:{layer}:{number}"
        created = self._clock.now()
        self.versions[arn] = (LayerVersion(layer, number, arn, description, created), data)
        self._acts.end("publish-layer")
        return arn

    def listed(self, prefix: str) -> tuple[LayerVersion, ...]:
        found = [version for version, _ in self.versions.values()]
        return tuple(
            sorted(
                (version for version in found if version.layer.startswith(prefix)),
                key=lambda version: (version.layer, version.version),
            )
        )

    def in_use(self) -> frozenset[str]:
        return frozenset(
            arn
            for function in self.functions.values()
            for state in (function.latest, *function.versions)
            for arn in state.configuration.layers
        )

    def delete(self, layer: str, version: int) -> None:
        self._acts.begin("delete-layer-version")
        self.versions.pop(f"{LAYER}:{layer}:{version}", None)
        self._acts.end("delete-layer-version")

    def size(self, arn: str) -> int:
        """Bytes unzipped of a layer that can be attached."""
        if arn in self.versions:
            return len(self.versions[arn][1])
        if arn in self.foreign:
            return self.foreign[arn]
        if arn.startswith(LAYER) or arn.count(":") == 7:
            raise Refused(
                "lambda:UpdateFunctionConfiguration",
                "InvalidParameterValueException",
                f"Layer version {arn} does not exist.",
            )
        return 0


def _base64_sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


class FakeFunction:
    """One function: `$LATEST` that changes, versions that do not."""

    def __init__(self, latest: FunctionState, tags: dict[str, str]) -> None:
        self.latest = latest
        self.tags = tags
        self.versions: list[FunctionState] = []
        self.published_revision: int | None = None
        self.revision = 0
        self.aliases: dict[str, AliasState] = {}
        self.busy_until = 0.0
        self.numbers = 0


class FakeFunctions:
    """Lambda. Everything that it is told takes `seconds` of the clock."""

    def __init__(
        self,
        acts: Acts,
        clock: FakeClock,
        roles: FakeRoles,
        storage: FakeStorage,
        layers: FakeLayers,
        images: FakeImages,
    ) -> None:
        self._acts = acts
        self._clock = clock
        self._roles = roles
        self._storage = storage
        self._layers = layers
        self._images = images
        self.functions = layers.functions
        self.quota = 262_144_000
        """Bytes of code and layers."""
        self.quota_of_layers = 5
        self.seconds = 3.0
        self.snapshot_seconds = 60.0
        self.role_seconds = 8.0
        self.fails: str | None = None
        """Why the next update fails."""
        self.answers: Callable[[FunctionState, bytes], Answer] = lambda version, event: Answer(
            payload=event, function_error=None, log_tail="START\nEND\n", version=version.version
        )
        self._revisions = 0

    def find(self, function: str) -> DeployedFunction | None:
        self._settle()
        found = self.functions.get(function)
        return None if found is None else DeployedFunction(found.latest, dict(found.tags))

    def state(self, function: str, version: str) -> FunctionState:
        self._settle()
        return self._version(function, version)

    def versions(self, function: str) -> tuple[FunctionState, ...]:
        self._settle()
        return tuple(
            msgspec.structs.replace(
                version,
                layer_sizes={arn: self._layers.size(arn) for arn in version.configuration.layers},
            )
            for version in self._function(function).versions
        )

    def images(self) -> frozenset[str]:
        return frozenset(
            f"sha256:{state.code_sha256}"
            for found in self.functions.values()
            for state in (found.latest, *found.versions)
            if state.package_type == "Image"
        )

    def _taken(self, code: Package) -> tuple[str, int]:
        """Digest and size of the code, as Lambda tells them."""
        if isinstance(code, ImageAt):
            name, _, digest = code.uri.partition("/")[2].partition("@")
            assert self._images.has(name, digest)
            assert self._images.repositories[name].policy
            return digest.removeprefix("sha256:"), 0
        data = self._data(code)
        return base64.b64encode(hashlib.sha256(data).digest()).decode(), len(data)

    def values(self, variable: str) -> frozenset[str]:
        states = [
            state for found in self.functions.values() for state in (found.latest, *found.versions)
        ]
        told = [state.configuration.environment.get(variable) for state in states]
        return frozenset(value for value in told if value is not None)

    def find_alias(self, function: str, alias: str) -> AliasState | None:
        return self._function(function).aliases.get(alias)

    def create(
        self,
        function: str,
        code: Package,
        architecture: str,
        configuration: Configuration,
        tags: dict[str, str],
    ) -> None:
        self._acts.begin("create-function")
        if function in self.functions:
            raise Refused(
                "lambda:CreateFunction",
                "ResourceConflictException",
                f"Function already exist: {function}",
            )
        self._check_role(configuration.role)
        sha256, size = self._taken(code)
        self._check_fits(size, configuration.layers)
        assert bool(configuration.runtime) != isinstance(code, ImageAt)
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
        latest = FunctionState(
            arn=arn,
            version="$LATEST",
            configuration=configuration,
            architecture=architecture,
            code_sha256=sha256,
            code_size=size,
            package_type="Image" if isinstance(code, ImageAt) else "Zip",
            state="Pending",
            state_reason="The function is being created.",
            last_update="Successful",
            last_update_reason="",
        )
        self.functions[function] = FakeFunction(latest, dict(tags))
        self._begin_update(function)
        self._acts.end("create-function")

    def update_code(self, function: str, code: Package, architecture: str) -> None:
        self._acts.begin("update-code")
        found = self._idle(function, "UpdateFunctionCode")
        assert (found.latest.package_type == "Image") == isinstance(code, ImageAt)
        sha256, size = self._taken(code)
        self._check_fits(size, found.latest.configuration.layers)
        found.latest = msgspec.structs.replace(
            found.latest,
            code_sha256=sha256,
            code_size=size,
            architecture=architecture,
            last_update="InProgress",
        )
        self._begin_update(function)
        self._acts.end("update-code")

    def mounts(self) -> tuple[HeldMount, ...]:
        return tuple(
            HeldMount(
                name,
                state.configuration.environment[MOUNT_VARIABLE],
                state.configuration.mount,
                state.configuration.vpc,
            )
            for name, found in self.functions.items()
            for state in (found.latest, *found.versions)
            if state.configuration.mount is not None
        )

    def update_configuration(
        self, function: str, configuration: Configuration, *, unmount: bool = False
    ) -> None:
        self._acts.begin("update-configuration")
        found = self._idle(function, "UpdateFunctionConfiguration")
        self._check_role(configuration.role)
        self._check_fits(found.latest.code_size, configuration.layers)
        have = found.latest.configuration
        if not unmount:
            # What is not told stays.
            configuration = msgspec.structs.replace(
                configuration,
                vpc=configuration.vpc if configuration.vpc.subnets else have.vpc,
                mount=configuration.mount or have.mount,
            )
        found.latest = msgspec.structs.replace(
            found.latest, configuration=configuration, last_update="InProgress"
        )
        self._begin_update(function)
        self._acts.end("update-configuration")

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        self._acts.begin("tag-function")
        self._idle(arn.rpartition(":")[2], "TagResource").tags.update(tags)
        self._acts.end("tag-function")

    def publish(self, function: str, code_sha256: str, description: str) -> FunctionState:
        self._acts.begin("publish-version")
        found = self._idle(function, "PublishVersion")
        if found.latest.code_sha256 != code_sha256:
            raise Refused(
                "lambda:PublishVersion",
                "InvalidParameterValueException",
                f"CodeSHA256 ({code_sha256}) is different from current CodeSHA256 in $LATEST "
                f"({found.latest.code_sha256}). Please try again with the CodeSHA256 in $LATEST.",
            )
        if found.published_revision != found.revision:
            found.numbers += 1
            found.published_revision = found.revision
            found.versions.append(
                msgspec.structs.replace(
                    found.latest,
                    version=str(found.numbers),
                    arn=f"{found.latest.arn}:{found.numbers}",
                    configuration=msgspec.structs.replace(
                        found.latest.configuration, description=description
                    ),
                    state="Pending",
                )
            )
            snapped = found.latest.configuration.snap_start
            seconds = self.snapshot_seconds if snapped else self.seconds
            found.busy_until = self._clock.now() + seconds
        version = found.versions[-1]
        self._acts.end("publish-version")
        return version

    def create_alias(self, function: str, alias: str, version: str) -> None:
        self._acts.begin("create-alias")
        found = self._function(function)
        if alias in found.aliases:
            raise Refused("lambda:CreateAlias", "ResourceConflictException", "Alias already exists")
        self._point(function, alias, version, ())
        self._acts.end("create-alias")

    def update_alias(
        self, function: str, alias: str, version: str, revision: str, served: tuple[str, ...]
    ) -> None:
        self._acts.begin("update-alias")
        there = self._function(function).aliases[alias]
        if revision and there.revision != revision:
            raise Refused(
                "lambda:UpdateAlias",
                "PreconditionFailedException",
                "The Revision Id provided does not match the latest Revision Id.",
            )
        self._point(function, alias, version, served)
        self._acts.end("update-alias")

    def delete_alias(self, function: str, alias: str) -> None:
        self._acts.begin("delete-alias")
        self._function(function).aliases.pop(alias, None)
        self._acts.end("delete-alias")

    def delete(self, function: str) -> None:
        self._acts.begin("delete-function")
        self._function(function)
        del self.functions[function]
        self._acts.end("delete-function")

    def invoke(self, function: str, qualifier: str, event: bytes) -> Answer:
        self._settle()
        found = self._function(function)
        alias = found.aliases.get(qualifier)
        version = self._version(function, alias.version if alias else qualifier)
        if version.state == "Pending":
            raise Refused(
                "lambda:InvokeFunction",
                "ResourceConflictException",
                "The operation cannot be performed at this time. The function is currently in "
                "the following state: Pending",
            )
        return self.answers(version, event)

    def _function(self, function: str) -> FakeFunction:
        if function not in self.functions:
            raise Refused(
                "lambda:GetFunction",
                "ResourceNotFoundException",
                f"Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}",
            )
        return self.functions[function]

    def _version(self, function: str, version: str) -> FunctionState:
        found = self._function(function)
        for state in (found.latest, *found.versions):
            if state.version == version:
                return state
        raise Refused("lambda:GetFunction", "ResourceNotFoundException", "Function not found")

    def _idle(self, function: str, operation: str) -> FakeFunction:
        self._settle()
        found = self._function(function)
        words = "The operation cannot be performed at this time. "
        if found.latest.state in ("Pending", "Failed"):
            words += f"The function is currently in the following state: {found.latest.state}"
            raise Refused(f"lambda:{operation}", "ResourceConflictException", words)
        if found.latest.last_update == "InProgress":
            words += f"An update is in progress for resource: {found.latest.arn}"
            raise Refused(f"lambda:{operation}", "ResourceConflictException", words)
        return found

    def _begin_update(self, function: str) -> None:
        found = self.functions[function]
        self._revisions += 1
        found.revision = self._revisions
        found.busy_until = self._clock.now() + self.seconds

    def _settle(self) -> None:
        for found in self.functions.values():
            if self._clock.now() < found.busy_until:
                continue
            latest = found.latest
            if latest.state == "Pending":
                latest = msgspec.structs.replace(latest, state="Active", state_reason="")
            if latest.last_update == "InProgress":
                latest = msgspec.structs.replace(
                    latest,
                    last_update="Failed" if self.fails else "Successful",
                    last_update_reason=self.fails or "",
                )
                self.fails = None
            found.latest = latest
            found.versions = [
                msgspec.structs.replace(
                    version,
                    state="Active",
                    state_reason="",
                    is_optimised=version.configuration.snap_start,
                )
                if version.state == "Pending"
                else version
                for version in found.versions
            ]

    def _check_role(self, arn: str) -> None:
        known = {role.arn for role in self._roles.roles.values()}
        fresh = self._clock.now() < self._roles.born.get(arn, -1e9) + self.role_seconds
        if arn not in known or fresh:
            raise Refused(
                "lambda:CreateFunction",
                "InvalidParameterValueException",
                "The role defined for the function cannot be assumed by Lambda.",
            )

    def _data(self, code: bytes | StoredCode) -> bytes:
        if isinstance(code, bytes):
            return code
        found = self._storage.objects.get((code.bucket, code.key))
        if found is None:
            raise Refused(
                "lambda:UpdateFunctionCode",
                "InvalidParameterValueException",
                "Error occurred while GetObject. S3 Error Code: NoSuchKey.",
            )
        return found[0]

    def _check_fits(self, code: int, layers: tuple[str, ...]) -> None:
        together = code + sum(self._layers.size(arn) for arn in layers)
        if together > self.quota or len(layers) > self.quota_of_layers:
            raise Refused(
                "lambda:UpdateFunctionConfiguration",
                "InvalidParameterValueException",
                f"{together} bytes in {len(layers)} layers and the code",
            )

    def _point(self, function: str, alias: str, version: str, served: tuple[str, ...]) -> None:
        assert version != "$LATEST"
        self._version(function, version)
        self._revisions += 1
        found = self._function(function)
        found.aliases[alias] = AliasState(
            arn=f"{found.latest.arn}:{alias}",
            version=version,
            revision=f"r{self._revisions}",
            is_weighted=False,
            served=read(note(served, version)),
        )


class FakeLogs:
    def __init__(self, acts: Acts) -> None:
        self._acts = acts
        self.groups: dict[str, LogGroupState] = {}
        self.written: dict[str, list[LogEvent]] = {}

    def find(self, group: str) -> LogGroupState | None:
        return self.groups.get(group)

    def create(self, group: str) -> None:
        self._acts.begin("create-log-group")
        if group in self.groups:
            raise Refused("logs:CreateLogGroup", "ResourceAlreadyExistsException", "already exists")
        self.groups[group] = LogGroupState(None)
        self._acts.end("create-log-group")

    def set_retention(self, group: str, days: int) -> None:
        self._acts.begin("set-retention")
        self._group(group)
        self.groups[group] = LogGroupState(days)
        self._acts.end("set-retention")

    def delete(self, group: str) -> None:
        self._acts.begin("delete-log-group")
        self._group(group)
        del self.groups[group]
        self._acts.end("delete-log-group")

    def events(self, group: str, since: int) -> Iterator[LogEvent]:
        self._group(group)
        yield from (event for event in self.written.get(group, []) if event.timestamp >= since)

    def _group(self, group: str) -> LogGroupState:
        if group not in self.groups:
            raise Refused(
                "logs:FilterLogEvents",
                "ResourceNotFoundException",
                "The specified log group does not exist.",
            )
        return self.groups[group]


class FakeImages:
    """ECR. A push takes any folder for an image."""

    def __init__(self, acts: Acts, clock: FakeClock) -> None:
        self._acts = acts
        self._clock = clock
        self.repositories: dict[str, RepositoryState] = {}
        self.pushed: dict[tuple[str, str], PushedImage] = {}
        """By repository and digest."""

    def find(self, repository: str) -> RepositoryState | None:
        return self.repositories.get(repository)

    def has(self, repository: str, digest: str) -> bool:
        self._there(repository)
        return (repository, digest) in self.pushed

    def push(
        self, repository: str, layout: Path, sha256: str, tag: str, sent: Callable[[int], None]
    ) -> int:
        assert (layout / "blobs" / "sha256" / sha256).is_file()
        assert len(tag) <= 128
        self._acts.begin("push-image")
        self._there(repository)
        digest = f"sha256:{sha256}"
        self.pushed[repository, digest] = PushedImage(repository, digest, self._clock.now())
        sent(100)
        self._acts.end("push-image")
        return 100

    def create(self, repository: str, tags: dict[str, str]) -> None:
        self._acts.begin("create-repository")
        if repository in self.repositories:
            raise Refused("ecr:CreateRepository", "RepositoryAlreadyExistsException", repository)
        uri = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{repository}"
        self.repositories[repository] = RepositoryState(uri, None, dict(tags))
        self._acts.end("create-repository")

    def set_policy(self, repository: str, document: str) -> None:
        self._acts.begin("set-repository-policy")
        self.repositories[repository] = msgspec.structs.replace(
            self._there(repository), policy=document
        )
        self._acts.end("set-repository-policy")

    def listed(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(name for name in self.repositories if name.startswith(prefix)))

    def images(self, repository: str) -> tuple[PushedImage, ...]:
        return tuple(image for (name, _), image in self.pushed.items() if name == repository)

    def delete_images(self, repository: str, digests: tuple[str, ...]) -> None:
        self._acts.begin("delete-images")
        for digest in digests:
            self.pushed.pop((repository, digest), None)
        self._acts.end("delete-images")

    def delete(self, repository: str) -> None:
        self._acts.begin("delete-repository")
        self._there(repository)
        del self.repositories[repository]
        self.pushed = {key: one for key, one in self.pushed.items() if key[0] != repository}
        self._acts.end("delete-repository")

    def _there(self, repository: str) -> RepositoryState:
        if repository not in self.repositories:
            raise Refused("ecr:DescribeImages", "RepositoryNotFoundException", repository)
        return self.repositories[repository]


class FakeCloud:
    """A `Cloud` without a cloud."""

    def __init__(self) -> None:
        self.acts = Acts()
        self.clock = FakeClock()
        self._roles = FakeRoles(self.acts, self.clock)
        self._storage = FakeStorage(self.acts, self.clock)
        self._layers = FakeLayers(self.acts, self.clock, self._storage)
        self._images = FakeImages(self.acts, self.clock)
        self._functions = FakeFunctions(
            self.acts, self.clock, self._roles, self._storage, self._layers, self._images
        )
        self._concurrency = FakeConcurrency(self.acts, self.clock, self._functions)
        self._logs = FakeLogs(self.acts)
        self._mounts = FakeMounts(self.acts)

    @property
    def roles(self) -> FakeRoles:
        return self._roles

    @property
    def storage(self) -> FakeStorage:
        return self._storage

    @property
    def functions(self) -> FakeFunctions:
        return self._functions

    @property
    def layers(self) -> FakeLayers:
        return self._layers

    @property
    def images(self) -> FakeImages:
        return self._images

    @property
    def concurrency(self) -> FakeConcurrency:
        return self._concurrency

    @property
    def logs(self) -> FakeLogs:
        return self._logs

    @property
    def mounts(self) -> FakeMounts:
        return self._mounts

    def identity(self) -> Identity:
        return IDENTITY

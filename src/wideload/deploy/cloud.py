"""What deploying asks of AWS and tells it: the questions, the acts, and what comes back.

Every method raises `Refused` for an error that AWS answers with, and `WideloadError` where
AWS cannot be asked at all (no credentials, no region, no way there). A question about
something that is not there gives nothing instead.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from wideload.deploy.concurrency import Concurrency
    from wideload.deploy.mounts import HeldMount, MountClient
    from wideload.deploy.states import (
        AliasState,
        Answer,
        BucketState,
        DeployedFunction,
        FunctionState,
        Identity,
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


class Refused(Exception):
    """AWS answered with an error.

    :param action: the IAM action that was asked for, e.g. ``lambda:UpdateFunctionCode``.
    :param code: AWS's error code.
    :param message: AWS's words, as they came.
    """

    def __init__(self, action: str, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.action = action
        self.code = code
        self.message = message


class Roles(Protocol):
    """IAM, as deploying needs it."""

    def find(self, role: str) -> RoleState | None:
        """The role of this name."""
        ...

    def policy(self, role: str, policy: str) -> str | None:
        """The inline policy's JSON, keys sorted, no spaces."""
        ...

    def create(self, role: str, trust: str, tags: dict[str, str]) -> None:
        """Make a role (``EntityAlreadyExists``)."""
        ...

    def set_trust(self, role: str, trust: str) -> None:
        """Replace the trust policy."""
        ...

    def put_policy(self, role: str, policy: str, document: str) -> None:
        """Make or replace an inline policy."""
        ...

    def delete_policy(self, role: str, policy: str) -> None:
        """Take an inline policy away (``NoSuchEntity``)."""
        ...

    def delete(self, role: str) -> None:
        """Take the role away with all its policies (``NoSuchEntity``)."""
        ...


class Storage(Protocol):
    """S3, as deploying needs it. `owner` is the account that must own the bucket."""

    def find_bucket(self, bucket: str, owner: str) -> BucketState | None:
        """The bucket of this name."""
        ...

    def create_bucket(self, bucket: str, region: str) -> None:
        """Make a bucket (``BucketAlreadyOwnedByYou``, ``BucketAlreadyExists``)."""
        ...

    def secure_bucket(self, bucket: str, owner: str) -> None:
        """Private, encrypted, owner-enforced; unfinished uploads expire."""
        ...

    def find_object(self, bucket: str, key: str, owner: str) -> ObjectState | None:
        """The object under this key."""
        ...

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
        """Send a file; the object appears whole or not at all.

        :param sent: called with the number of bytes more that have gone, from any thread.
        """
        ...

    def put(self, stream: IO[bytes], size: int, bucket: str, key: str, owner: str) -> None:
        """Send what a stream holds, so many bytes; the object appears whole or not at all."""
        ...

    def keep_versions(self, bucket: str, owner: str) -> None:
        """Have a bucket keep versions; those that were replaced expire after a day."""
        ...

    def keys(self, bucket: str, prefix: str, owner: str) -> tuple[str, ...]:
        """The keys that begin so, sorted; none where there is no bucket."""
        ...

    def listed(self, bucket: str, prefix: str, owner: str) -> tuple[StoredObject, ...]:
        """The objects whose keys begin so, sorted by key; none where there is no bucket."""
        ...

    def delete_objects(self, bucket: str, keys: tuple[str, ...], owner: str) -> None:
        """Take objects away; those that are not there are no error."""
        ...

    def delete_bucket(self, bucket: str, owner: str) -> None:
        """Take an empty bucket away (``NoSuchBucket``, ``BucketNotEmpty``)."""
        ...


class Functions(Protocol):
    """Lambda, as deploying needs it."""

    def find(self, function: str) -> DeployedFunction | None:
        """The function with its tags."""
        ...

    def state(self, function: str, version: str) -> FunctionState:
        """The function (``$LATEST``) or a version of it (``ResourceNotFoundException``)."""
        ...

    def versions(self, function: str) -> tuple[FunctionState, ...]:
        """The published versions, oldest first."""
        ...

    def images(self) -> frozenset[str]:
        """Digests of the images that functions are, and all their versions."""
        ...

    def values(self, variable: str) -> frozenset[str]:
        """What this environment variable is, of all functions and all their versions."""
        ...

    def mounts(self) -> tuple[HeldMount, ...]:
        """What wideload has all functions and all their versions mount."""
        ...

    def find_alias(self, function: str, alias: str) -> AliasState | None:
        """The alias of this name."""
        ...

    def create(
        self,
        function: str,
        code: Package,
        architecture: str,
        configuration: Configuration,
        tags: dict[str, str],
    ) -> None:
        """Make a function (``ResourceConflictException``)."""
        ...

    def update_code(self, function: str, code: Package, architecture: str) -> None:
        """Replace the code (``ResourceConflictException`` while an update is under way)."""
        ...

    def update_configuration(
        self, function: str, configuration: Configuration, *, unmount: bool = False
    ) -> None:
        """Replace the settings (``ResourceConflictException`` while an update is under way).

        Without subnets, and without a mount, those that it has stay.

        :param unmount: take the mount away, and the VPC where the settings have none.
        """
        ...

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        """Set these tags, beside the others."""
        ...

    def publish(self, function: str, code_sha256: str, description: str) -> FunctionState:
        """Freeze a version; the last one again where nothing changed since it.

        ``InvalidParameterValueException`` where the code is another.
        """
        ...

    def create_alias(self, function: str, alias: str, version: str) -> None:
        """Make an alias, noting that this version served (``ResourceConflictException``)."""
        ...

    def update_alias(
        self, function: str, alias: str, version: str, revision: str, served: tuple[str, ...]
    ) -> None:
        """Move an alias, all its callers at once.

        ``PreconditionFailedException`` where its revision is another; an empty one is any.

        :param served: the versions that served until then, to be noted with the new one.
        """
        ...

    def delete_alias(self, function: str, alias: str) -> None:
        """Take an alias away; one that is not there is no error."""
        ...

    def delete(self, function: str) -> None:
        """Take the function away (``ResourceNotFoundException``)."""
        ...

    def invoke(self, function: str, qualifier: str, event: bytes) -> Answer:
        """Run a version or an alias once and wait for it. Never sent twice."""
        ...


class Layers(Protocol):
    """Lambda's layers of this account and region, as deploying needs them."""

    def find(self, layer: str, code_sha256: str) -> tuple[str, ...]:
        """ARNs of the versions whose zip has this digest (base64), oldest first."""
        ...

    def publish(
        self, layer: str, code: StoredCode, description: str, runtime: str, architecture: str
    ) -> str:
        """Make a version of what lies in a bucket; its ARN."""
        ...

    def listed(self, prefix: str) -> tuple[LayerVersion, ...]:
        """Every version of the layers whose names begin so, sorted by name and version."""
        ...

    def in_use(self) -> frozenset[str]:
        """ARNs of the layer versions that any function has, or any version of one."""
        ...

    def delete(self, layer: str, version: int) -> None:
        """Take a version away; one that is not there is no error."""
        ...


class Images(Protocol):
    """ECR, as deploying needs it."""

    def find(self, repository: str) -> RepositoryState | None:
        """The repository of this name."""
        ...

    def has(self, repository: str, digest: str) -> bool:
        """Whether an image is there (``RepositoryNotFoundException``)."""
        ...

    def push(
        self, repository: str, layout: Path, sha256: str, tag: str, sent: Callable[[int], None]
    ) -> int:
        """Send what a repository lacks of an image, then name it; the bytes that were sent.

        :param layout: an OCI image layout that holds the image.
        :param sha256: of the image's manifest.
        :param sent: called with the number of bytes more that have gone, from any thread.
        """
        ...

    def create(self, repository: str, tags: dict[str, str]) -> None:
        """Make a repository (``RepositoryAlreadyExistsException``)."""
        ...

    def set_policy(self, repository: str, document: str) -> None:
        """Say who may pull."""
        ...

    def listed(self, prefix: str) -> tuple[str, ...]:
        """Names of the repositories that begin so, sorted."""
        ...

    def images(self, repository: str) -> tuple[PushedImage, ...]:
        """All images of a repository."""
        ...

    def delete_images(self, repository: str, digests: tuple[str, ...]) -> None:
        """Take images away; those that are not there are no error."""
        ...

    def delete(self, repository: str) -> None:
        """Take a repository away with all its images (``RepositoryNotFoundException``)."""
        ...


class Logs(Protocol):
    """CloudWatch Logs, as deploying needs it."""

    def find(self, group: str) -> LogGroupState | None:
        """The log group of this name."""
        ...

    def create(self, group: str) -> None:
        """Make a log group (``ResourceAlreadyExistsException``)."""
        ...

    def set_retention(self, group: str, days: int) -> None:
        """Let events expire."""
        ...

    def delete(self, group: str) -> None:
        """Take the log group away (``ResourceNotFoundException``)."""
        ...

    def events(self, group: str, since: int) -> Iterator[LogEvent]:
        """Events from this time on (milliseconds since 1970), oldest first."""
        ...


class Cloud(Protocol):
    """AWS, or something that answers as it does."""

    @property
    def roles(self) -> Roles:
        """IAM."""
        ...

    @property
    def storage(self) -> Storage:
        """S3."""
        ...

    @property
    def functions(self) -> Functions:
        """Lambda."""
        ...

    @property
    def layers(self) -> Layers:
        """Lambda's layers."""
        ...

    @property
    def images(self) -> Images:
        """ECR."""
        ...

    @property
    def concurrency(self) -> Concurrency:
        """Lambda's provisioned concurrency."""
        ...

    @property
    def logs(self) -> Logs:
        """CloudWatch Logs."""
        ...

    @property
    def mounts(self) -> MountClient:
        """EC2 and EFS."""
        ...

    def identity(self) -> Identity:
        """Who asks, and where."""
        ...

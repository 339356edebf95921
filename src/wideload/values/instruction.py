"""What a deployment is going to do, one frozen step after the other.

Instructions are computed before the first of them is executed, so they can be shown,
compared and counted. A version that only exists once another instruction has run is
written as nothing: it is the one that the `PublishVersion` before it brings. The version of a
layer that only exists once a `PublishLayer` has run is left out of the layer's ARN.
"""

from __future__ import annotations

import msgspec

from wideload.values.mount import Vpc
from wideload.values.networking import Networking
from wideload.values.target import Architecture

LIVE_ALIAS = "live"
"""The alias that callers use and that a deployment moves last."""


class MountedAt(msgspec.Struct, frozen=True):
    """A file system that a function mounts."""

    access_point: str
    """ARN."""
    path: str
    direct_read: str = ""
    """Of S3 Files: ``AUTO``, ``ENABLED`` or ``DISABLED``; empty for EFS."""


class Configuration(msgspec.Struct, frozen=True):
    """All that Lambda is told of a function besides its code."""

    role: str
    """ARN of the execution role."""
    runtime: str
    """Empty for a container image."""
    handler: str
    """For a container image what its entrypoint takes for an argument."""
    memory: int
    """MB."""
    timeout: int
    """Seconds."""
    ephemeral: int
    """MB of /tmp."""
    environment: dict[str, str]
    layers: tuple[str, ...]
    """ARNs of layer versions, later ones on top. An ARN without a version means the one that
    the `PublishLayer` before brings."""
    description: str
    snap_start: bool = False
    """Whether versions that are published from now on start from a snapshot."""
    vpc: Vpc = Vpc()
    """Subnets and groups are sorted."""
    mount: MountedAt | None = None
    """What wideload has it mount; what others have it mount stays as it is."""


class InlineCode(msgspec.Struct, frozen=True, tag="inline"):
    """A zip that is sent within the request."""

    filename: str
    """Beside the manifest; or an absolute path."""
    sha256: str
    size: int
    """Bytes."""


class StoredCode(msgspec.Struct, frozen=True, tag="stored"):
    """A zip that Lambda copies from a bucket."""

    bucket: str
    key: str
    sha256: str
    size: int
    """Bytes."""


class ImageCode(msgspec.Struct, frozen=True, tag="image"):
    """A container image, by its digest."""

    repository: str
    sha256: str
    """Of its manifest."""
    size: int
    """Bytes of its layers and documents."""


Code = InlineCode | StoredCode | ImageCode


class CreateRole(msgspec.Struct, frozen=True, tag="create-role", tag_field="do"):
    """Make the execution role."""

    role: str
    trust: str
    """JSON: who may assume it."""
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        return f"create role {self.role}"


class SetTrust(msgspec.Struct, frozen=True, tag="set-trust", tag_field="do"):
    """Say who may assume the role."""

    role: str
    trust: str
    """JSON."""

    def describe(self) -> str:
        """One line for people."""
        return f"let lambda.amazonaws.com assume role {self.role}"


class PutRolePolicy(msgspec.Struct, frozen=True, tag="put-role-policy", tag_field="do"):
    """Say what the function may do."""

    role: str
    policy: str
    """Name of the inline policy."""
    document: str
    """JSON."""
    what: str
    """What it allows, in words."""

    def describe(self) -> str:
        """One line for people."""
        return f"allow role {self.role} to {self.what}, nothing else"


class CreateLogGroup(msgspec.Struct, frozen=True, tag="create-log-group", tag_field="do"):
    """Make the log group that the function writes to."""

    group: str

    def describe(self) -> str:
        """One line for people."""
        return f"create log group {self.group}"


class SetRetention(msgspec.Struct, frozen=True, tag="set-retention", tag_field="do"):
    """Let log events expire."""

    group: str
    days: int

    def describe(self) -> str:
        """One line for people."""
        return f"keep events of log group {self.group} for {self.days} days"


class CreateBucket(msgspec.Struct, frozen=True, tag="create-bucket", tag_field="do"):
    """Make the bucket for code packages of this account and region."""

    bucket: str
    region: str

    def describe(self) -> str:
        """One line for people."""
        return f"create bucket {self.bucket}"


class SecureBucket(msgspec.Struct, frozen=True, tag="secure-bucket", tag_field="do"):
    """Shut the bucket to the public, encrypt it, and take away access lists."""

    bucket: str
    owner: str
    """Account that must own it."""

    def describe(self) -> str:
        """One line for people."""
        return f"make bucket {self.bucket} private and encrypted"


class UploadObject(msgspec.Struct, frozen=True, tag="upload-object", tag_field="do"):
    """Send an artifact to the bucket, under its digest."""

    bucket: str
    key: str
    owner: str
    """Account that must own the bucket."""
    filename: str
    """Beside the manifest."""
    sha256: str
    size: int
    """Bytes."""
    shared: bool = False
    """Whether deployments of other functions may be sending it, too."""

    def describe(self) -> str:
        """One line for people."""
        size = megabytes(self.size)
        return f"upload {self.filename} ({size}) to s3://{self.bucket}/{self.key}"


class CreateRepository(msgspec.Struct, frozen=True, tag="create-repository", tag_field="do"):
    """Make the repository for a function's images."""

    repository: str
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        return f"create repository {self.repository}"


class SetRepositoryPolicy(msgspec.Struct, frozen=True, tag="set-repository-policy", tag_field="do"):
    """Say who may pull from a repository."""

    repository: str
    document: str
    """JSON."""
    function: str

    def describe(self) -> str:
        """One line for people."""
        return f"let Lambda pull from repository {self.repository} for {self.function}"


class PushImage(msgspec.Struct, frozen=True, tag="push-image", tag_field="do"):
    """Send what a repository lacks of an image, then name it there."""

    repository: str
    folder: str
    """Beside the manifest: the image's OCI layout."""
    sha256: str
    """Of the image's manifest."""
    tag: str
    size: int
    """Bytes of all its layers, of which some may be there."""

    def describe(self) -> str:
        """One line for people."""
        return (
            f"push what is not there of image sha256:{self.sha256[:12]} "
            f"({megabytes(self.size)} in all) to repository {self.repository}"
        )


class PublishLayer(msgspec.Struct, frozen=True, tag="publish-layer", tag_field="do"):
    """Make a layer version of an object, unless there is one of the same bytes."""

    layer: str
    """ARN of the layer, without a version."""
    code: StoredCode
    runtime: str
    architecture: Architecture
    description: str

    def describe(self) -> str:
        """One line for people."""
        name = self.layer.rpartition(":")[2]
        return f"publish layer {name} ({megabytes(self.code.size)}) {_from(self.code)}"


class CreateFunction(msgspec.Struct, frozen=True, tag="create-function", tag_field="do"):
    """Make the function."""

    function: str
    code: Code
    architecture: Architecture
    configuration: Configuration
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        return (
            f"create function {self.function} ({self.configuration.runtime or 'image'}, "
            f"{self.architecture}, {self.configuration.memory} MB) {_from(self.code)}"
        )


class TagFunction(msgspec.Struct, frozen=True, tag="tag-function", tag_field="do"):
    """Note on the function what made it."""

    function: str
    arn: str
    tags: dict[str, str]

    def describe(self) -> str:
        """One line for people."""
        tags = ", ".join(f"{key}={value}" for key, value in sorted(self.tags.items()))
        return f"tag function {self.function} with {tags}"


class UpdateCode(msgspec.Struct, frozen=True, tag="update-code", tag_field="do"):
    """Replace the code of the unpublished function."""

    function: str
    code: Code
    architecture: Architecture

    def describe(self) -> str:
        """One line for people."""
        return f"update code of {self.function} ({self.architecture}) {_from(self.code)}"


class UpdateConfiguration(msgspec.Struct, frozen=True, tag="update-configuration", tag_field="do"):
    """Replace the settings of the unpublished function."""

    function: str
    configuration: Configuration
    changes: tuple[str, ...]
    """What differs, in words; values of environment variables are never among them."""
    unmount: bool = False
    """Whether it has a mount of wideload's that is to go."""

    def describe(self) -> str:
        """One line for people."""
        return f"update configuration of {self.function}: {'; '.join(self.changes)}"


class WaitUntilReady(msgspec.Struct, frozen=True, tag="wait-until-ready", tag_field="do"):
    """Wait until Lambda has carried out what it was told."""

    function: str
    version: str | None
    """``$LATEST``, a number, or nothing for the version just published."""

    def describe(self) -> str:
        """One line for people."""
        if self.version == "$LATEST":
            return f"wait until function {self.function} is ready"
        return f"wait until {_version(self.version)} of {self.function} is ready"


class PublishVersion(msgspec.Struct, frozen=True, tag="publish-version", tag_field="do"):
    """Freeze code and settings under a number."""

    function: str
    code_sha256: str
    """Base64, as Lambda writes it; Lambda refuses when the code is another by then."""
    description: str

    def describe(self) -> str:
        """One line for people."""
        return f"publish a new version of {self.function}"


class SmokeTest(msgspec.Struct, frozen=True, tag="smoke-test", tag_field="do"):
    """Invoke the new version by its number, and stop unless it answers well."""

    function: str
    version: str | None
    """A number, or nothing for the version just published."""
    event: str
    """JSON."""
    expected: str | None
    """JSON that the answer must equal; nothing: any answer that is not an error."""

    def describe(self) -> str:
        """One line for people."""
        which = _version(self.version)
        end = "" if self.expected is None else " and compare its answer"
        return f"invoke {which} of {self.function} once{end}"


class CreateAlias(msgspec.Struct, frozen=True, tag="create-alias", tag_field="do"):
    """Let callers in, and note on the alias that this version served."""

    function: str
    alias: str
    version: str | None
    """A number, or nothing for the version just published."""

    def describe(self) -> str:
        """One line for people."""
        return f"point new alias {self.alias} of {self.function} at {_version(self.version)}"


class UpdateAlias(msgspec.Struct, frozen=True, tag="update-alias", tag_field="do"):
    """Move callers to another version, all at once, and note on the alias what served."""

    function: str
    alias: str
    version: str | None
    """A number, or nothing for the version just published."""
    before: str
    """The version that serves until then."""
    revision: str
    """The alias's RevisionId: Lambda refuses when somebody moved it since."""
    served: tuple[str, ...] = ()
    """The versions that served until then, as far as they are noted, oldest first."""

    def describe(self) -> str:
        """One line for people."""
        return (
            f"move alias {self.alias} of {self.function} from version {self.before} "
            f"to {_version(self.version)}"
        )


class ProvisionConcurrency(
    msgspec.Struct, frozen=True, tag="provision-concurrency", tag_field="do"
):
    """Have environments of a version initialised before anybody calls them."""

    function: str
    version: str | None
    """A number, or nothing for the version just published."""
    count: int
    memory: int
    """MB of each environment, which are billed while they are kept."""

    def describe(self) -> str:
        """One line for people."""
        return (
            f"keep {_environments(self.count)} of {_version(self.version)} of {self.function} "
            f"initialised ({self.count * self.memory:,} MB, billed while kept)"
        )


class WaitUntilProvisioned(
    msgspec.Struct, frozen=True, tag="wait-until-provisioned", tag_field="do"
):
    """Wait until as many environments as asked for are initialised."""

    function: str
    version: str | None
    """A number, or nothing for the version just published."""

    def describe(self) -> str:
        """One line for people."""
        return f"wait until they are, for {_version(self.version)} of {self.function}"


class ReleaseConcurrency(msgspec.Struct, frozen=True, tag="release-concurrency", tag_field="do"):
    """Keep no environments of a version initialised any more."""

    function: str
    version: str
    """A number."""
    count: int
    """How many were kept."""
    why: str = ""

    def describe(self) -> str:
        """One line for people."""
        line = (
            f"keep {_environments(self.count)} of version {self.version} of {self.function} "
            "initialised no longer"
        )
        return f"{line}, {self.why}" if self.why else line


class DeleteAlias(msgspec.Struct, frozen=True, tag="delete-alias", tag_field="do"):
    """Let no caller in any more."""

    function: str
    alias: str

    def describe(self) -> str:
        """One line for people."""
        return f"delete alias {self.alias} of {self.function}"


class DeleteFunction(msgspec.Struct, frozen=True, tag="delete-function", tag_field="do"):
    """Take away the function with all its versions."""

    function: str

    def describe(self) -> str:
        """One line for people."""
        return f"delete function {self.function} with all its versions"


class DeleteObjects(msgspec.Struct, frozen=True, tag="delete-objects", tag_field="do"):
    """Take away code packages."""

    bucket: str
    owner: str
    """Account that must own the bucket."""
    keys: tuple[str, ...]

    def describe(self) -> str:
        """One line for people."""
        noun = "object" if len(self.keys) == 1 else "objects"
        folders = {key.rpartition("/")[0] for key in self.keys}
        # Bundles lie in a folder for each function.
        folder = folders.pop() if len(folders) == 1 else self.keys[0].partition("/")[0]
        return f"delete {len(self.keys)} {noun} under s3://{self.bucket}/{folder}/"


class DeleteLayerVersion(msgspec.Struct, frozen=True, tag="delete-layer-version", tag_field="do"):
    """Take away a layer version; functions that have it would keep it."""

    layer: str
    """Name."""
    version: int
    what: str
    """What it holds, in words."""

    def describe(self) -> str:
        """One line for people."""
        return f"delete version {self.version} of layer {self.layer} ({self.what})"


class DeleteImages(msgspec.Struct, frozen=True, tag="delete-images", tag_field="do"):
    """Take away images that no function names."""

    repository: str
    digests: tuple[str, ...]

    def describe(self) -> str:
        """One line for people."""
        noun = "image" if len(self.digests) == 1 else "images"
        return f"delete {len(self.digests)} {noun} of repository {self.repository}"


class DeleteRepository(msgspec.Struct, frozen=True, tag="delete-repository", tag_field="do"):
    """Take away a repository with all its images."""

    repository: str

    def describe(self) -> str:
        """One line for people."""
        return f"delete repository {self.repository} with all its images"


class DeleteBucket(msgspec.Struct, frozen=True, tag="delete-bucket", tag_field="do"):
    """Take away the bucket, which S3 allows only when it is empty."""

    bucket: str
    owner: str
    """Account that must own it."""

    def describe(self) -> str:
        """One line for people."""
        return f"delete empty bucket {self.bucket}"


class DeleteLogGroup(msgspec.Struct, frozen=True, tag="delete-log-group", tag_field="do"):
    """Take away the log group with all it holds."""

    group: str

    def describe(self) -> str:
        """One line for people."""
        return f"delete log group {self.group} with all its events"


class DeleteRolePolicy(msgspec.Struct, frozen=True, tag="delete-role-policy", tag_field="do"):
    """Take away one inline policy of a role that stays."""

    role: str
    policy: str
    why: str = "which another region uses"

    def describe(self) -> str:
        """One line for people."""
        return f"delete policy {self.policy} of role {self.role}, {self.why}"


class DeleteRole(msgspec.Struct, frozen=True, tag="delete-role", tag_field="do"):
    """Take away the execution role with its policies."""

    role: str

    def describe(self) -> str:
        """One line for people."""
        return f"delete role {self.role} with its policies"


class FillDirectory(msgspec.Struct, frozen=True, tag="fill-directory", tag_field="do"):
    """Have the filler unpack the bundle into a directory, called until it is complete."""

    function: str
    """The filler."""
    directory: str
    """Absolute path, where the filler mounts it."""
    bytes: int
    """What comes to lie in it."""

    def describe(self) -> str:
        """One line for people."""
        return f"fill {self.directory} with {megabytes(self.bytes)}"


class UploadFiles(msgspec.Struct, frozen=True, tag="upload-files", tag_field="do"):
    """Send the files of an artifact to a bucket, each under its own key, those that lack."""

    filename: str
    """Of a zip beside the manifest."""
    sha256: str
    size: int
    """Bytes of the zip."""
    count: int
    bucket: str
    owner: str
    """Account that must own the bucket."""
    prefix: str

    def describe(self) -> str:
        """One line for people."""
        where = f"s3://{self.bucket}/{self.prefix}"
        return f"upload {self.count:,} files of {self.filename} to {where}"


class VersionBucket(msgspec.Struct, frozen=True, tag="version-bucket", tag_field="do"):
    """Have a bucket keep versions, which S3 Files asks for, and let old ones expire."""

    bucket: str
    owner: str
    """Account that must own it."""

    def describe(self) -> str:
        """One line for people."""
        return f"let bucket {self.bucket} keep versions, those that were replaced for a day"


class SweepDirectories(msgspec.Struct, frozen=True, tag="sweep-directories", tag_field="do"):
    """Have the filler remove directories that nothing names."""

    function: str
    """The filler."""
    path: str
    """Where it mounts the file system."""
    keep: tuple[str, ...]
    """Names of directories that stay."""
    age: float
    """Seconds that a directory has to have been there for."""
    of: str = ""
    """The function whose directories are meant; empty for all."""

    def describe(self) -> str:
        """One line for people."""
        whose = f"of {self.of} " if self.of else ""
        kept = f", but for {len(self.keep)} that versions name" if self.keep else ""
        return f"remove the directories {whose}below {self.path}{kept}"


Instruction = (
    CreateRole
    | SetTrust
    | PutRolePolicy
    | CreateLogGroup
    | SetRetention
    | CreateBucket
    | SecureBucket
    | UploadObject
    | CreateRepository
    | SetRepositoryPolicy
    | PushImage
    | PublishLayer
    | CreateFunction
    | TagFunction
    | UpdateCode
    | UpdateConfiguration
    | WaitUntilReady
    | PublishVersion
    | SmokeTest
    | CreateAlias
    | UpdateAlias
    | ProvisionConcurrency
    | WaitUntilProvisioned
    | ReleaseConcurrency
    | DeleteAlias
    | DeleteFunction
    | DeleteObjects
    | DeleteLayerVersion
    | DeleteImages
    | DeleteRepository
    | DeleteBucket
    | DeleteLogGroup
    | DeleteRolePolicy
    | DeleteRole
    | FillDirectory
    | UploadFiles
    | VersionBucket
    | SweepDirectories
    | Networking
)


class Smoke(msgspec.Struct, frozen=True):
    """What a new version has to pass before callers get to it."""

    event: str
    """JSON."""
    expected: str | None = None
    """JSON that the answer must equal; nothing: any answer that is not an error."""


def megabytes(size: int) -> str:
    """Bytes for people: ``12.9 GB``, ``74.1 MB`` (millions), ``3.2 kB``, ``17 bytes``."""
    if size >= 10_000_000_000:
        return f"{size / 1_000_000_000:.1f} GB"
    if size >= 1_000_000:
        return f"{size / 1_000_000:.1f} MB"
    if size >= 1_000:
        return f"{size / 1_000:.1f} kB"
    return f"{size} bytes"


def _environments(count: int) -> str:
    return "1 environment" if count == 1 else f"{count} environments"


def _version(number: str | None) -> str:
    return "the new version" if number is None else f"version {number}"


def _from(code: Code) -> str:
    if isinstance(code, InlineCode):
        name = code.filename.rpartition("/")[2]
        return f"with {name} ({megabytes(code.size)}) in the request"
    if isinstance(code, ImageCode):
        return f"from image {code.repository}@sha256:{code.sha256[:12]}"
    return f"from s3://{code.bucket}/{code.key}"

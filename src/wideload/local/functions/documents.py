"""What the service remembers: one document a function, one a layer, immutable values."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from wideload.local.boundaries import PulledImage
from wideload.local.functions.names import LATEST, Place


class AttachedLayer(msgspec.Struct, frozen=True):
    """A layer version as a function holds it: it outlives the deletion of the layer."""

    arn: str
    code: Code


class Code(msgspec.Struct, frozen=True):
    """A package in the blob store, or an image in a registry."""

    sha256: str
    """Of the zip or of the image's manifest, hexadecimal."""
    size: int
    """Bytes of the zip; of an image 0, as Lambda says."""
    unzipped: int
    """The sum of its files' bytes; of an image 0."""
    image: PulledImage | None = None


class ImageConfig(msgspec.Struct, frozen=True):
    """What a function has otherwise than its image says; nothing is as the image says."""

    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    working_directory: str = ""


class Logging(msgspec.Struct, frozen=True):
    """Where and how a function logs."""

    format: str = "Text"
    group: str | None = None
    """Nothing: the group that carries the function's name."""
    application_level: str | None = None
    system_level: str | None = None


class Vpc(msgspec.Struct, frozen=True):
    """Kept and given back; functions run on this machine's network all the same."""

    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    ipv6: bool = False


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """All that UpdateFunctionConfiguration can change, and the architecture."""

    role: str
    runtime: str
    """Empty for an image, as is the handler."""
    handler: str
    image: ImageConfig | None = None
    """Of a function that is one and has something otherwise."""
    description: str = ""
    timeout: int = 3
    memory: int = 128
    ephemeral: int = 512
    architecture: str = "x86_64"
    environment: dict[str, str] | None = None
    layers: tuple[AttachedLayer, ...] = ()
    kms_key: str = ""
    tracing: str = "PassThrough"
    dead_letter: str = ""
    vpc: Vpc | None = None
    file_systems: tuple[dict[str, Any], ...] = ()
    snap_start: str = "None"
    logging: Logging = Logging()

    @property
    def layers_unzipped(self) -> int:
        """Bytes of all layers, unzipped."""
        return sum(layer.code.unzipped for layer in self.layers)


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A function's code and configuration at one time: ``$LATEST`` or a published one."""

    number: str
    configuration: Configuration
    code: Code
    modified: str
    """As Lambda writes it: ``2026-11-21T07:43:00.000+0000``."""
    incarnation: str
    """Changes with every change of code or configuration: environments belong to one."""
    change: Literal["create", "update"] = "create"
    settles: float = 0.0
    """When the change is through, in seconds since 1970."""
    revision: str
    """RevisionId until then."""
    settled_revision: str
    """RevisionId from then on: AWS counts the change of state as a revision."""
    failed: str = ""
    """Why no snapshot could be taken of it, or its image not be pulled; empty while all is
    well."""
    failed_code: str = "FunctionError"
    """Lambda's word for such reasons."""

    def settled(self, now: float) -> bool:
        """Whether the last change of it is through."""
        return now >= self.settles

    def revision_at(self, now: float) -> str:
        """The RevisionId in force."""
        return self.settled_revision if self.settled(now) else self.revision


class Policy(msgspec.Struct, frozen=True):
    """Who else may call a function, or use a layer version."""

    statements: tuple[dict[str, Any], ...]
    revision: str


class Alias(msgspec.Struct, frozen=True):
    """A name for a version, or for two with a share of the calls for the second."""

    name: str
    version: str
    description: str
    revision: str
    weights: dict[str, float] = {}


class Provisioned(msgspec.Struct, frozen=True):
    """Environments kept initialised for a version or alias."""

    requested: int
    modified: str


class EventConfig(msgspec.Struct, frozen=True):
    """How asynchronous invocations are retried."""

    modified: float
    retries: int | None = None
    age: int | None = None
    """Seconds."""


class FunctionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A function with all that hangs on it."""

    account: str
    region: str
    name: str
    latest: Version
    serving: Version | None = None
    """What ``$LATEST`` was before the change under way: calls go there meanwhile."""
    versions: dict[str, Version] = {}
    next_version: int = 1
    aliases: dict[str, Alias] = {}
    policies: dict[str, Policy] = {}
    """By qualifier, ``$LATEST`` standing for none."""
    tags: dict[str, str] = {}
    reserved: int | None = None
    provisioned: dict[str, Provisioned] = {}
    event_configs: dict[str, EventConfig] = {}
    published_as: str = ""
    """The version that was published of the state in `published_state`."""
    published_state: str = ""
    recursive_loop: str = "Terminate"

    @property
    def place(self) -> Place:
        """Where it lives."""
        return Place(self.account, self.region)

    def arn(self, qualifier: str | None = None) -> str:
        """Its ARN, or that of a version or alias of it."""
        return self.place.function_arn(self.name, qualifier)

    def version(self, number: str) -> Version | None:
        """``$LATEST`` or a published version; nothing where there is no such one."""
        return self.latest if number == LATEST else self.versions.get(number)

    def all_versions(self) -> tuple[Version, ...]:
        """``$LATEST`` and the published ones in the order of their numbers."""
        return (self.latest, *(self.versions[key] for key in sorted(self.versions, key=int)))


class LayerVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One published version of a layer."""

    number: int
    code: Code
    created: str
    description: str = ""
    license: str | None = None
    runtimes: tuple[str, ...] | None = None
    architectures: tuple[str, ...] | None = None
    policy: Policy | None = None


class LayerDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A layer; stays without versions when the last one is deleted, for its numbering."""

    account: str
    region: str
    name: str
    versions: dict[str, LayerVersion] = {}
    next_version: int = 1

    @property
    def place(self) -> Place:
        """Where it lives."""
        return Place(self.account, self.region)

    def arn(self, version: int | None = None) -> str:
        """Its ARN, or that of a version of it."""
        return self.place.layer_arn(self.name, version)


class RetiredNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """The next version of a function that was deleted: Lambda never gives one twice.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html"""

    account: str
    region: str
    name: str
    next_version: int


Document = FunctionDocument | LayerDocument | RetiredNumbers

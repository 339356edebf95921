"""What is told of a deployment, and of a function that is deployed."""

from __future__ import annotations

import msgspec

from wideload.values.function import Strategy
from wideload.values.instruction import Instruction

RESULT_SCHEMA = 1


class InstructionLine(msgspec.Struct, frozen=True):
    """An instruction as a result tells it: no document, no value of a variable."""

    do: str
    """The kind, e.g. ``update-code``."""
    text: str

    @classmethod
    def of(cls, instruction: Instruction) -> InstructionLine:
        """The line of this instruction."""
        return cls(str(instruction.__struct_config__.tag), instruction.describe())


class DeploymentResult(msgspec.Struct, frozen=True):
    """What `deploy --json` prints."""

    schema: int
    function: str
    strategy: Strategy
    version: str | None
    """The version that serves; nothing when the instructions were only shown and it is
    still to be published."""
    alias: str
    uploaded_bytes: int
    instructions: tuple[InstructionLine, ...]
    """Empty where there was nothing to do."""


class VersionStatus(msgspec.Struct, frozen=True):
    """One published version."""

    version: str
    code_sha256: str
    """Base64, as Lambda writes it."""
    code_size: int
    """Bytes of the zip."""
    description: str
    is_live: bool


class LayerStatus(msgspec.Struct, frozen=True):
    """A layer of the version that serves."""

    arn: str
    """Of the layer version."""
    name: str
    version: int
    size: int
    """Bytes of the zip."""
    is_own: bool
    """Whether wideload published it; otherwise it is one of others that was attached."""


class ProvisionedStatus(msgspec.Struct, frozen=True):
    """Environments that are kept initialised."""

    qualifier: str
    """The number of a version, or the name of an alias that somebody else keeps them for."""
    requested: int
    ready: int
    status: str
    """``IN_PROGRESS``, ``READY`` or ``FAILED``."""
    reason: str
    """Why it failed."""


class FunctionStatus(msgspec.Struct, frozen=True):
    """What `status --json` prints."""

    schema: int
    function: str
    arn: str
    strategy: str
    """As tagged at the last deployment; empty where wideload did not make the function."""
    state: str
    """``Active``, ``Pending``, ``Inactive``, ``Failed`` …"""
    state_reason: str
    last_update: str
    """``Successful``, ``InProgress`` or ``Failed``."""
    runtime: str
    architecture: str
    memory: int
    """MB."""
    timeout: int
    """Seconds."""
    code_size: int
    """Bytes of the zip."""
    alias: str
    version: str | None
    """The version that serves; nothing while there is no alias."""
    versions: tuple[VersionStatus, ...]
    """Oldest first."""
    url: str
    """Of the function in AWS's console; empty where it is not AWS that answers."""
    layers: tuple[LayerStatus, ...] = ()
    """Of the version that serves, later ones on top; of none where none serves."""
    snap_start: bool = False
    """Whether the version that serves starts from a snapshot."""
    provisioned: tuple[ProvisionedStatus, ...] = ()
    """Provisioned concurrency, sorted by qualifier."""
    mount: str = ""
    """Path of the directory that the version that serves has its packages mounted in; empty where
    it mounts none."""

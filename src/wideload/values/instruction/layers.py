"""Steps on layers."""

from __future__ import annotations

import msgspec

from wideload.values.instruction.code import StoredCode, told_of
from wideload.values.sizes import megabytes
from wideload.values.target import Architecture


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
        return f"publish layer {name} ({megabytes(self.code.size)}) {told_of(self.code)}"


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

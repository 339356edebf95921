"""Ways to ship a function, weighed: what each one costs, and which limit refuses it."""

from __future__ import annotations

import msgspec

from wideload.values.bundle import BundleEstimate
from wideload.values.function import Merit, Strategy
from wideload.values.merit import Merits
from wideload.values.split import Split
from wideload.values.target import Target


class Removal(msgspec.Struct, frozen=True, order=True):
    """One entry of the ledger: something slimming took out or made smaller."""

    path: str
    rule: str
    reason: str
    package: str
    """The distribution it is of, or empty for the function's own files."""
    saved_unzipped: int
    saved_zipped: int


class BrokenLimit(msgspec.Struct, frozen=True):
    """A quota that refuses, with the words that AWS would use."""

    limit: str
    """The quota's name in `wideload limits`, e.g. ``code-size-unzipped``."""
    allowed: int
    actual: int
    aws_error: str
    """``Code: message`` as AWS answers, byte for byte."""


class Proposal(msgspec.Struct, frozen=True, tag="proposal"):
    """A way that works."""

    strategy: Strategy
    zipped_bytes: int
    unzipped_bytes: int
    reason: str
    """Why it stands where it stands in the order, in one line."""
    split: Split | None = None
    """What lies in which layer, where the strategy has layers."""
    bundle: BundleEstimate | None = None
    """What lies where, where the strategy has a bundle."""
    merits: Merits | None = None


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """A way that does not work, and every reason why."""

    strategy: Strategy
    zipped_bytes: int
    unzipped_bytes: int
    limits: tuple[BrokenLimit, ...] = ()
    reasons: tuple[str, ...] = ()
    """Reasons other than a quota."""
    hint: str = ""
    """What makes it work, where a line of the configuration does."""
    merits: Merits | None = None
    """Nothing where a quota refuses it, or nothing is known to ship so."""


class PackageWeight(msgspec.Struct, frozen=True):
    """What one distribution weighs."""

    name: str
    version: str
    unzipped_bytes: int
    zipped_bytes: int
    provided_by: str | None = None
    """``"runtime"``, the ARN of a layer, or nothing where it is packed."""


class LayerWeight(msgspec.Struct, frozen=True):
    """What a layer made by others takes of the quota that the function and its layers share."""

    arn: str
    zipped_bytes: int
    unzipped_bytes: int


class Plan(msgspec.Struct, frozen=True):
    """All ways side by side, in order of merit."""

    function: str
    target: Target
    packages: tuple[PackageWeight, ...]
    candidates: tuple[Proposal | Refusal, ...]
    choice: Strategy | None
    downloaded_bytes: int
    exact: bool = True
    """Whether what ships is known to the byte; before the first build of these versions some
    sizes are estimates. Of a bundle the bytes that come from S3 always are one."""
    attached: tuple[LayerWeight, ...] = ()
    """Layers made by others, in the order in which they are attached."""
    merit: Merit = "simple"
    """By what the ways are in order."""

    def way(self, strategy: Strategy) -> Proposal | Refusal:
        """What is said of a strategy.

        :raises KeyError: the plan does not look at it.
        """
        return {one.strategy: one for one in self.candidates}[strategy]

    @property
    def chosen(self) -> Proposal | None:
        """The proposal that `choice` names."""
        for candidate in self.candidates:
            if isinstance(candidate, Proposal) and candidate.strategy is self.choice:
                return candidate
        return None

    @property
    def attached_bytes(self) -> int:
        """What layers made by others take, unzipped."""
        return sum(layer.unzipped_bytes for layer in self.attached)

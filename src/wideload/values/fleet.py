"""Many functions split together, so that they share layers."""

from __future__ import annotations

import msgspec

from wideload.values.attached import AttachedLayer
from wideload.values.proposal import Refusal
from wideload.values.resolution import Wheel
from wideload.values.split import Place, Share, Split
from wideload.values.target import Target
from wideload.values.tree import FileTree


class FleetMember(msgspec.Struct, frozen=True):
    """One function as it is to be split."""

    name: str
    tree: FileTree
    """Slimmed."""
    wheels: tuple[Wheel, ...]
    target: Target
    attached: tuple[AttachedLayer, ...] = ()
    pins: dict[str, Place] = {}
    """By hand: where packages are to lie."""
    before: dict[str, Place] = {}
    """Where packages lay when it was planned last."""
    held: bool = False
    """They stay there, whatever would be better for all."""


class FleetLayer(msgspec.Struct, frozen=True):
    """One layer, published once."""

    digest: str
    """Of the share's content."""
    target: Target
    share: Share
    functions: tuple[str, ...]
    """Names of those that attach it, sorted."""


class FleetPlan(msgspec.Struct, frozen=True):
    """All functions of a project, each with its own split."""

    splits: dict[str, Split | Refusal]
    """By function, in the order given."""
    layers: tuple[FleetLayer, ...]
    """Each content once for each target, those that most functions share first."""
    optimal: bool
    """Whether it is known that no other choice of layers uploads less."""

    @property
    def stored_bytes(self) -> int:
        """Zipped bytes of all functions and of each layer once."""
        own = sum(
            one.function.zipped_bytes for one in self.splits.values() if isinstance(one, Split)
        )
        return own + sum(one.share.tree.zipped_bytes for one in self.layers)

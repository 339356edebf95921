"""Each way to ship a function, weighed: whether it works, and what of it does not. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import msgspec

from wideload import limits
from wideload.plan.bootstrap import bootstrapped
from wideload.plan.costing import monthly_cost
from wideload.plan.image import imaged
from wideload.plan.mount import mounted
from wideload.plan.starting import cold_start
from wideload.values.function import Strategy
from wideload.values.merit import Merits
from wideload.values.proposal import Proposal, Refusal
from wideload.values.sizes import megabytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wideload.plan.mount import Mounting
    from wideload.plan.starting import Contents
    from wideload.values.attached import AttachedLayer
    from wideload.values.bundle import BundleEstimate
    from wideload.values.function import Settings
    from wideload.values.image import ImageEstimate
    from wideload.values.merit import Measured
    from wideload.values.mount import MountEstimate
    from wideload.values.split import Split
    from wideload.values.tree import FileTree


class Case(msgspec.Struct, frozen=True):
    """What a function is weighed by."""

    name: str
    contents: Contents
    attached: Sequence[AttachedLayer]
    """Layers made by others."""
    parted: Split | Refusal
    bundle: BundleEstimate | None
    image: ImageEstimate | None
    mount: MountEstimate | None
    settings: Settings
    measured: Measured | None
    """Of this function as it is now."""
    needs_internet: bool

    def weigh(self, strategy: Strategy) -> Proposal | Refusal:
        """One of the ways, with what is estimated of it where no quota refuses it."""
        found = self._weigh(strategy)
        if not self._is_weighed(strategy) or (isinstance(found, Refusal) and found.limits):
            return found
        return msgspec.structs.replace(found, merits=self._merits(strategy, found))

    def _is_weighed(self, strategy: Strategy) -> bool:
        match strategy:
            case Strategy.DIRECT_ZIP | Strategy.S3_ZIP | Strategy.LAYERS:
                return True
            case Strategy.S3_BOOTSTRAP:
                return self.bundle is not None
            case Strategy.IMAGE:
                return self.image is not None
            case Strategy.EFS | Strategy.S3_FILES:
                return self.mount is not None
            case _:
                assert_never(strategy)

    def _merits(self, strategy: Strategy, found: Proposal | Refusal) -> Merits:
        start = cold_start(strategy, self.contents, self.bundle, self.measured)
        cost = monthly_cost(
            strategy,
            start.seconds,
            self.contents,
            self.settings,
            zipped=found.zipped_bytes,
            bundle=self.bundle,
            image=self.image,
            mount=self.mount,
            needs_internet=self.needs_internet,
        )
        return Merits(start, cost)

    def _weigh(self, strategy: Strategy) -> Proposal | Refusal:
        match strategy:
            case Strategy.DIRECT_ZIP | Strategy.S3_ZIP:
                return self._zip(strategy)
            case Strategy.LAYERS:
                return _layered(self.parted)
            case Strategy.S3_BOOTSTRAP:
                return bootstrapped(
                    self.name, self.tree, self._layers_bytes, self.bundle, self.settings
                )
            case Strategy.IMAGE:
                return self._image()
            case Strategy.EFS | Strategy.S3_FILES:
                return self._mount(strategy)
            case _:
                assert_never(strategy)

    @property
    def tree(self) -> FileTree:
        """What ships."""
        return self.contents.tree

    @property
    def _layers_bytes(self) -> int:
        return sum(layer.unzipped_bytes for layer in self.attached)

    def _zip(self, strategy: Strategy) -> Proposal | Refusal:
        zipped, unzipped = self.tree.zipped_bytes, self.tree.unzipped_bytes
        direct, reason = None, "a bucket takes what is too big for the request"
        if strategy is Strategy.DIRECT_ZIP:
            direct, reason = limits.check_direct_zip(zipped), "one call, nothing else needed"
        fits = limits.check_unzipped(unzipped, self._layers_bytes)
        broken = tuple(limit for limit in (direct, fits) if limit)
        if broken:
            return Refusal(strategy, zipped, unzipped, limits=broken)
        return Proposal(strategy, zipped, unzipped, reason)

    def _image(self) -> Proposal | Refusal:
        if self.image is None:
            return self._refused(Strategy.IMAGE, "what it would be built on is not known")
        return imaged(self.image, len(self.attached), self.settings)

    def _mount(self, strategy: Mounting) -> Proposal | Refusal:
        if self.mount is None:
            why = "there is nothing to put into a file system: no packages and no large files"
            return self._refused(strategy, why)
        return mounted(
            strategy, self.mount, self._layers_bytes, self.contents.target, self.settings
        )

    def _refused(self, strategy: Strategy, reason: str) -> Refusal:
        zipped, unzipped = self.tree.zipped_bytes, self.tree.unzipped_bytes
        return Refusal(strategy, zipped, unzipped, reasons=(reason,))


def _layered(parted: Split | Refusal) -> Proposal | Refusal:
    if isinstance(parted, Refusal):
        return parted
    count = len(parted.layers)
    reason = (
        f"{count} layer{'s' if count > 1 else ''} that other functions share; a change of the "
        f"code uploads {megabytes(parted.function.zipped_bytes)}"
        if count
        else "nothing of it is worth a layer"
    )
    return Proposal(
        Strategy.LAYERS, parted.zipped_bytes, parted.unzipped_bytes, reason, split=parted
    )

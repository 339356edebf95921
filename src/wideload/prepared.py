"""What the modules that compose the stages hand to each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from wideload.resolve.subtraction import Share
from wideload.values.artifact import Manifest
from wideload.values.attached import AttachedLayer
from wideload.values.function import Function
from wideload.values.proposal import Plan
from wideload.values.resolution import Resolution
from wideload.values.slimmed import Slimmed
from wideload.values.tree import FileTree

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

STATE_FOLDER = ".wideload"


class Narrator(Protocol):
    """Whoever is told how the work goes."""

    def tell(self, line: str) -> None:
        """A line for a person: what was done, or a note."""
        ...

    def progress(self, what: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Bytes under way: the callable takes how many more were done."""
        ...


class Attached(msgspec.Struct, frozen=True):
    """What a function has to do with layers made by others."""

    layers: tuple[AttachedLayer, ...] = ()
    """In the order in which they are attached."""
    share: Share = Share(())

    @property
    def unzipped_bytes(self) -> int:
        """What the layers take of the unzipped quota."""
        return sum(layer.unzipped_bytes for layer in self.layers)


class Prepared(msgspec.Struct, frozen=True):
    """A function up to the point where ways to ship it can be weighed."""

    function: Function
    """Its attached layers are versions that are known."""
    resolution: Resolution
    slimmed: Slimmed
    attached: Attached = Attached()


def pinned(resolution: Resolution, slimmed: Slimmed) -> list[str]:
    """``name==version`` of what is packed, in the resolution's order."""
    gone = {one.name for one in slimmed.provided}
    return [
        f"{wheel.name}=={wheel.version}" for wheel in resolution.wheels if wheel.name not in gone
    ]


class Fetched(msgspec.Struct, frozen=True):
    """A function with all that it is packed of at hand."""

    prepared: Prepared
    """Its tree is exact."""
    paths: dict[str, Path]
    """The wheels, by sha256."""
    plan: Plan | None = None
    """Of the function alone, where it was weighed already."""


class Built(msgspec.Struct, frozen=True):
    """A finished build and the folder that it lies in."""

    function: Function
    plan: Plan
    manifest: Manifest
    packed: FileTree
    """The wheels' files in the package, without the user's own."""
    folder: Path
    attached: tuple[AttachedLayer, ...] = ()
    """Layers made by others."""


class Named(msgspec.Struct, frozen=True):
    """A function of a project, by name."""

    name: str
    root: Path
    source: Path


def state_folder(function: Function) -> Path:
    """Where wideload keeps what belongs to a project, beside its configuration."""
    return Path(function.root) / STATE_FOLDER


def local_state(root: Path) -> Path:
    """Where the embedded AWS of a project keeps what it holds."""
    return root / STATE_FOLDER / "local"


def build_folder(function: Function) -> Path:
    """Where the artifacts of a function lie."""
    return state_folder(function) / "build" / function.name

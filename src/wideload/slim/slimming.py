"""All rules in their order: a resolution and the user's files become the tree that ships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wideload.slim.runtime import provided_by_runtime, removal
from wideload.values.layout import lay, wheel_entries
from wideload.values.slimmed import Slimmed

if TYPE_CHECKING:
    from wideload.values.resolution import Resolution
    from wideload.values.tree import FileTree


def slim(
    resolution: Resolution, own: FileTree, *, rules: Literal["safe", "none"] = "safe"
) -> Slimmed:
    """What is left to ship of the wheels and the function's own files.

    :param rules: with ``none`` nothing is left out.

    :raises WideloadError: files of two sides do not fit into one folder.
    """
    if rules == "none":
        return Slimmed(lay(resolution.wheels, own))
    provided, notes = provided_by_runtime(resolution)
    gone = {one.name for one in provided}
    packed = [wheel for wheel in resolution.wheels if wheel.name not in gone]
    removals = tuple(
        removal(entry, wheel)
        for wheel in resolution.wheels
        if wheel.name in gone
        for entry in wheel_entries(wheel)
    )
    return Slimmed(lay(packed, own), removals, provided, notes)

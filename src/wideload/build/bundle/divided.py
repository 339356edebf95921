"""What of a tree lies in the function's zip and what in the bundle, by how the target starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from wideload.build.bundle.node import divide_node
from wideload.build.bundle.owners import Divided, divide
from wideload.build.bundle.provided import divide_provided
from wideload.values.target import Family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.values.resolution import Wheel
    from wideload.values.target import Target
    from wideload.values.tree import FileTree


def divided_for(target: Target, tree: FileTree, wheels: Mapping[str, Wheel]) -> Divided:
    """Part a tree.

    :param wheels: by sha256, all whose files may be in the tree.
    :raises WideloadError: there is nothing in it that the target would start.
    """
    match target.family:
        case Family.PYTHON:
            return divide(tree, wheels)
        case Family.NODE:
            return divide_node(tree)
        case Family.PROVIDED:
            return divide_provided(tree)
        case _:
            assert_never(target.family)

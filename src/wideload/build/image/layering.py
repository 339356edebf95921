"""Which file lies in which layer, so that an ordinary change makes one small layer anew.

A layer is named by its content, so one that did not change is not pushed again wherever it
stands. Lowest lie the packages, which change with their versions only: each heavy wheel in
layers of its own, all light ones together. Then follow the user's big files, and last all
else of the user's, dealt out by path so that no layer grows big.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from wideload.values.tree import FileEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wideload.values.resolution import Wheel
    from wideload.values.tree import FileTree

HEAVY_WHEEL = 1 << 20
"""Bytes of files from which on a wheel has a layer of its own."""
BIG_FILE = 1 << 20
"""Bytes from which on a file of the user's does not lie with his code."""
CODE_LAYER = 128 << 10
"""Bytes of the user's code that a layer is to have on the average, at most: deflated that is
some 40 kB, which is what a change of a line pushes."""
MOST_CODE_LAYERS = 16
MOST_WHEEL_LAYERS = 40
"""Of heavy wheels the heaviest. "For optimal performance, keep your image manifest size under
25,400 bytes": a layer takes some 160.
https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#images-types"""
LAYER_BYTES = 256 << 20
"""A layer of several files is not made bigger, since it is compressed in memory."""


class LayerPlan(msgspec.Struct, frozen=True):
    """What a layer is to hold."""

    what: str
    """For the image's history: the wheel, or what of the user's it holds."""
    entries: tuple[FileEntry, ...]
    """Sorted by path."""


def layered(tree: FileTree, wheels: Mapping[str, Wheel]) -> tuple[LayerPlan, ...]:
    """Deal the files of a tree out to layers, the one that changes least first.

    :param wheels: by sha256, all that the tree's entries name.
    """
    of_wheels: dict[str, list[FileEntry]] = {}
    big: list[FileEntry] = []
    code: list[FileEntry] = []
    for entry in tree:
        if entry.wheel:
            of_wheels.setdefault(entry.wheel, []).append(entry)
        elif entry.size >= BIG_FILE:
            big.append(entry)
        else:
            code.append(entry)
    weights = {wheel: sum(one.size for one in entries) for wheel, entries in of_wheels.items()}
    heavy = [wheel for wheel, weight in weights.items() if weight >= HEAVY_WHEEL]
    heavy = sorted(heavy, key=lambda one: (-weights[one], one))[:MOST_WHEEL_LAYERS]
    heavy.sort(key=lambda one: wheels[one].name)
    plans: list[LayerPlan] = []
    for wheel in heavy:
        what = f"{wheels[wheel].name} {wheels[wheel].version}"
        plans += _cut(what, of_wheels.pop(wheel))
    plans += _cut("other packages", (one for each in of_wheels.values() for one in each))
    plans += _cut("big files", big)
    plans += _dealt(code)
    return tuple(plans)


def _cut(what: str, entries: Iterable[FileEntry]) -> Iterator[LayerPlan]:
    """As many layers as it takes, in order of path."""
    share: list[FileEntry] = []
    size = 0
    for entry in sorted(entries, key=lambda one: one.path):
        if share and size + entry.size > LAYER_BYTES:
            yield LayerPlan(what, tuple(share))
            share, size = [], 0
        share.append(entry)
        size += entry.size
    if share:
        yield LayerPlan(what, tuple(share))


def _dealt(entries: list[FileEntry]) -> Iterator[LayerPlan]:
    # Powers of two, so that growing code rarely deals everything out anew.
    count, size = 1, sum(entry.size for entry in entries)
    while count < MOST_CODE_LAYERS and size > count * CODE_LAYER:
        count *= 2
    shares: dict[int, list[FileEntry]] = {}
    for entry in entries:
        number = hashlib.sha256(entry.path.encode()).digest()[0] % count
        shares.setdefault(number, []).append(entry)
    for _, share in sorted(shares.items()):
        yield LayerPlan("the function's own files", tuple(share))

"""What must not be parted: distributions, and those that meet in one place.

All layers are laid over each other, so between two layers everything that is importable from
one folder stays so. Only the function is a folder of its own: Python looks through /var/task
first. So what is kept on one side, function or layers, is

- what meets in a *solid* folder or name. Python takes the first folder of ``sys.path`` that
  has the package's ``__init__`` and looks for submodules nowhere else. That a package extends
  its path itself (pkgutil, pkg_resources) cannot be told from its paths, and is not relied on;
  folders without ``__init__`` (PEP 420) span all of ``sys.path`` and hold nothing together;
- what meets in ``X.libs``, where ``RPATH $ORIGIN/../X.libs`` looks for neighbours;
- what links with another distribution's libraries, which it finds by such an RPATH as well:
  compiled distributions, and those they require that have libraries that are no modules
  (torch and ``nvidia.*``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from wideload.values.tree import FileEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wideload.values.resolution import Wheel
    from wideload.values.tree import FileTree

HEAVY = 1024**2
"""Bytes zipped from which a distribution is worth a layer of its own."""
SMALL = 8 * 1024
"""Bytes zipped of distributions that may be uploaded with each change of the code."""

SLOW, FAST = 4, 50
"""Versions a year that are taken of a distribution: most release every two to three months;
the AWS SDK does every working day, of which a weekly upgrade takes one."""
_FAST = frozenset({"awscli", "boto3", "botocore", "s3transfer"})

_SHARED_OBJECT = re.compile(r"\.so(\.|$)")
_PRIVATE = re.compile(r"[^/]+\.libs/")


class Shape(msgspec.Struct, frozen=True):
    """Where the files of one side lie, as far as Python and the loader care."""

    solid: frozenset[str]
    """Modules and regular packages, outermost, as paths without ending; and ``X.libs``."""
    loose: frozenset[str]
    """Folders on the way there."""
    compiled: bool
    linkable: bool
    """Whether it has libraries that others may link with."""


class Distribution(msgspec.Struct, frozen=True):
    """What ships of one wheel."""

    name: str
    entries: tuple[FileEntry, ...]
    shape: Shape
    zipped: int
    """Bytes in a zip, without the zip's end."""
    number: int = 0
    """Of those that `Shapes` made out: the same for the same files."""

    @property
    def rate(self) -> int:
        """Versions a year."""
        return FAST if self.name in _FAST else SLOW

    @property
    def weight(self) -> int:
        """`zipped`, rounded down to a power of two."""
        return 1 << (self.zipped.bit_length() - 1) if self.zipped else 0


class Atom(msgspec.Struct, frozen=True):
    """Distributions that stay together."""

    members: tuple[Distribution, ...]
    """Sorted by name."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the distributions, sorted."""
        return tuple(one.name for one in self.members)

    @property
    def rate(self) -> int:
        """Versions a year of any of them."""
        return sum(one.rate for one in self.members)

    @property
    def weight(self) -> int:
        """The sum of theirs."""
        return sum(one.weight for one in self.members)

    @property
    def zipped(self) -> int:
        """Bytes in a zip."""
        return sum(one.zipped for one in self.members)

    @property
    def is_heavy(self) -> bool:
        """Whether any of them is worth a layer of its own."""
        return any(one.zipped >= HEAVY for one in self.members)


class Sides(msgspec.Struct, frozen=True):
    """A tree, taken apart."""

    own: tuple[FileEntry, ...]
    """The user's files, and what was made of them."""
    distributions: tuple[Distribution, ...]
    """Those that anything ships of, sorted by name."""
    together: tuple[tuple[int, ...], ...]
    """Indices of `distributions` that stay on one side, each once."""
    grown: frozenset[int]
    """Indices of those that meet files of the user's, so that they stay in the function."""


class Shapes:
    """Distributions as they were made out before: functions of one project share wheels."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[FileEntry, ...]], Distribution] = {}

    def distribution(self, name: str, entries: tuple[FileEntry, ...]) -> Distribution:
        """The distribution of this name with these files."""
        key = (name, entries)
        if key not in self._known:
            zipped = sum(entry.compressed_size + entry.zip_overhead for entry in entries)
            shape = _shape([entry.path for entry in entries])
            number = len(self._known)
            self._known[key] = Distribution(name, entries, shape, zipped, number)
        return self._known[key]


def take_apart(tree: FileTree, wheels: Sequence[Wheel], shapes: Shapes) -> Sides:
    """The user's own files and the distributions of a tree, and which of them belong together.

    :raises ValueError: a file is of a wheel that is not among these.
    """
    names = {wheel.sha256: wheel.name for wheel in wheels}
    own: list[FileEntry] = []
    files: dict[str, list[FileEntry]] = {}
    for entry in tree.entries:
        if not entry.wheel:
            own.append(entry)
        elif entry.wheel in names:
            files.setdefault(entry.wheel, []).append(entry)
        else:
            raise ValueError(f"{entry.path} is of a wheel that is not among the function's")
    distributions = tuple(
        sorted(
            (shapes.distribution(names[wheel], tuple(found)) for wheel, found in files.items()),
            key=lambda one: one.name,
        )
    )
    requires = {wheel.name: wheel.required_names for wheel in wheels}
    pairs = [*_meeting([one.shape for one in distributions]), *_linked(distributions, requires)]
    mine = _shape([entry.path for entry in own])
    grown = {index for index, one in enumerate(distributions) if any(_meeting([one.shape, mine]))}
    return Sides(tuple(own), distributions, _joined(len(distributions), pairs), frozenset(grown))


def _shape(paths: Sequence[str]) -> Shape:
    packages = {
        folder
        for folder, _, file in (path.rpartition("/") for path in paths)
        if file.startswith("__init__.") and _is_module(file)
    }
    solid: set[str] = set()
    loose: set[str] = set()
    compiled = linkable = False
    for path in paths:
        if _SHARED_OBJECT.search(path):
            compiled = True
            file = path.rpartition("/")[2]
            linkable = linkable or (file.startswith("lib") and not _PRIVATE.match(path))
        _place(path, packages, solid, loose)
    return Shape(frozenset(solid), frozenset(loose), compiled, linkable)


def _place(path: str, packages: set[str], solid: set[str], loose: set[str]) -> None:
    """Note the folders on the way to a file, up to the first that is solid."""
    at = path.find("/")
    while at != -1:
        folder = path[:at]
        if folder in solid:
            return
        if folder in packages or _PRIVATE.fullmatch(folder + "/"):
            solid.add(folder)
            return
        loose.add(folder)
        at = path.find("/", at + 1)
    folder, _, file = path.rpartition("/")
    if _is_module(file) and not folder.endswith("__pycache__"):
        solid.add(path[: len(path) - len(file)] + file.partition(".")[0])


def _is_module(file: str) -> bool:
    return file.endswith((".py", ".pyc", ".so"))


def _meeting(shapes: Sequence[Shape]) -> Iterable[tuple[int, int]]:
    """Indices of shapes that meet where something is solid."""
    solid: dict[str, int] = {}
    for index, shape in enumerate(shapes):
        for node in shape.solid:
            if node in solid:
                yield solid[node], index
            else:
                solid[node] = index
    for index, shape in enumerate(shapes):
        for node in shape.loose:
            if node in solid and solid[node] != index:
                yield solid[node], index


def _linked(
    distributions: Sequence[Distribution], requires: Mapping[str, tuple[str, ...]]
) -> Iterable[tuple[int, int]]:
    linkable = {one.name: index for index, one in enumerate(distributions) if one.shape.linkable}
    if not linkable:
        return
    for index, one in enumerate(distributions):
        if one.shape.compiled:
            for name in requires[one.name]:
                if name in linkable:
                    yield linkable[name], index


def _joined(count: int, pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """The classes that these pairs join, each sorted, in order of their first."""
    leader = list(range(count))

    def lead(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    for one, other in pairs:
        low, high = sorted((lead(one), lead(other)))
        leader[high] = low
    classes: dict[int, list[int]] = {}
    for index in range(count):
        classes.setdefault(lead(index), []).append(index)
    return tuple(tuple(members) for members in classes.values())

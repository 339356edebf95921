"""How soon a function's module is imported by each way: a model, held to what was measured. Pure.

The model knows sizes and numbers of files only, so what a function does while it is imported is
unknown to it: expect half or twice as much. Between the ways of one function it errs less, since
the import is in each of them.
"""

from __future__ import annotations

from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING, assert_never

import msgspec

from wideload.prices import S3_FILES_DIRECT
from wideload.values.function import Strategy
from wideload.values.merit import ColdStart
from wideload.values.network import Network
from wideload.values.target import Family
from wideload.values.tree import FileEntry, FileTree, LocalFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.values.bundle import BundleEstimate
    from wideload.values.merit import Measured
    from wideload.values.target import Target

RUNTIME = {Family.PYTHON: 0.081, Family.NODE: 0.140, Family.PROVIDED: 0.049}
"""Seconds until a runtime asks for the module: Python 3.12, Node.js 22 and Go, as
https://maxday.github.io/lambda-perf/ had them in 2026."""
IMPORT_SECONDS = 0.001
"""Of a module with byte-code: the recommender's 1,900 take 2.0 s (docs/explanation/cold-starts.md),
and Node.js about as long for a file."""
UNCOMPILED = 2.8
"""Times as long, where Lambda compiles modules at each start: 3.7 s against 1.3 s."""
IMPORTED = 40
"""Of n modules that ship, 40 √n are taken to be imported: nearly all of a package for numbers,
half of TensorFlow's."""
UNPACK_RATE = 270e6
"""Bytes a second that the loader unpacks into /tmp: 1.5 GB in 5.6 s (the classifier, same page)."""
LOADER_SECONDS = 0.05
"""What the loader adds to a start, the same page."""
CONNECTIONS_SECONDS = 0.1
"""Until the first bytes of a bundle are there."""
ROUND_TRIPS = 1
"""That the load of a shared library from a mounted directory waits for: its opening. All else is
read ahead, and modules come from a file for each distribution. Of the recommender's 248 libraries
185 are loaded: counted on a file system with 1 ms for each trip its import makes 359 look-ups and
466 opens, more than half of them by what reads ahead, and `wideload bench` has it 0.2 s behind
``/var/task`` (3.94 s against 3.76)."""
ROUND_TRIP = 0.001
"""Seconds of one, where nothing is cached: "low, single-digit millisecond latencies" of EFS,
https://docs.aws.amazon.com/efs/latest/ug/performance.html"""
READ_AT_ONCE = 8
"""Files that the loader has read ahead at the same time (`ahead.py`)."""
NOT_AT_HAND = 0.33
"""Of an image's chunks, those that are not on the machine already: "67% local",
https://brooker.co.za/blog/2023/05/23/snapshot-loading.html"""
BIG_FILE = 1 << 20
"""Bytes from which on a file of the user's is taken for data that a start reads, a model say."""
A_FILE = 68_000
"""Bytes of a package of npm's to one module, where its files are not known yet: the thumbnailer's
1,631 in 111 MB."""
_LARGEST_PACKAGE_JSON = 100_000
_NETWORK = Network()
_LIBRARIES = (".so", ".node", ".wasm")
_MODULES = {Family.PYTHON: (".py", ".pyc"), Family.NODE: (".js", ".mjs", ".cjs")}
_ALIKE = ("plain", *(one.value for one in (Strategy.DIRECT_ZIP, Strategy.S3_ZIP, Strategy.LAYERS)))
"""All of a package lies where the function finds it: they start alike."""


class Contents(msgspec.Struct, frozen=True, dict=True):
    """What of a tree counts for how it starts."""

    target: Target
    tree: FileTree

    @cached_property
    def modules(self) -> int:
        """How many modules may be imported."""
        suffixes = _MODULES.get(self.target.family, ())
        known = sum(
            entry.path.endswith(suffixes) and "__pycache__/" not in entry.path
            for entry in self.tree
            if suffixes
        )
        return known + sum(entry.size for entry in self.tree if _stands_in(entry)) // A_FILE

    @cached_property
    def imported(self) -> float:
        """How many of them are taken to be."""
        return min(self.modules, IMPORTED * sqrt(self.modules))

    @cached_property
    def is_compiled(self) -> bool:
        """Whether modules need not be compiled at each start."""
        if self.target.family is not Family.PYTHON:
            return True
        return any(entry.path.endswith(".pyc") for entry in self.tree)

    @cached_property
    def read(self) -> FileTree:
        """What a start reads: modules, libraries, and big files of the user's; of an executable
        all."""
        suffixes = (*_MODULES.get(self.target.family, ()), *_LIBRARIES)
        return self.tree.where(
            lambda entry: (
                self.target.family is Family.PROVIDED
                or entry.path.endswith(suffixes)
                or ".so." in entry.path
                or _stands_in(entry)
                or (isinstance(entry.origin, LocalFile) and entry.size > BIG_FILE)
            )
        )

    @cached_property
    def libraries(self) -> int:
        """How many shared libraries there are."""
        return sum(
            entry.path.endswith(_LIBRARIES) or ".so." in entry.path for entry in self.mounted
        )

    @cached_property
    def mounted(self) -> FileTree:
        """Of these what would not lie in the function's zip."""
        return self.read.where(
            lambda entry: not isinstance(entry.origin, LocalFile) or entry.size > BIG_FILE
        )


def _stands_in(entry: FileEntry) -> bool:
    """Whether it is a package of npm's of which the registry told the size, not the files."""
    return entry.size > _LARGEST_PACKAGE_JSON and entry.path.endswith("/package.json")


def cold_start(
    strategy: Strategy,
    contents: Contents,
    bundle: BundleEstimate | None,
    measured: Measured | None,
) -> ColdStart:
    """How long it takes by one way.

    What Lambda itself takes to bring a zip to the machine is not in it.

    :param measured: of this function as it is now.
    """
    seconds = measured.seconds if measured else {}
    for way in (strategy.value, *(_ALIKE if strategy.value in _ALIKE else ())):
        if way in seconds:
            return ColdStart(seconds[way], "measured")
    importing = _import_seconds(contents)
    found = _learnt(seconds, contents, bundle)
    parts = _parts(strategy, contents, bundle, importing if found is None else found)
    total = sum(parts.values())
    return ColdStart(total, "model" if found is None else "corrected", parts)


def _import_seconds(contents: Contents) -> float:
    return IMPORT_SECONDS * contents.imported * (1 if contents.is_compiled else UNCOMPILED)


def _learnt(
    seconds: Mapping[str, float], contents: Contents, bundle: BundleEstimate | None
) -> float | None:
    """What the import takes, by what was measured of another way; nothing where that does not
    tell."""
    runtime = RUNTIME[contents.target.family]
    for way in _ALIKE:
        if way in seconds:
            return max(seconds[way] - runtime, 0.0)
    for strategy in Strategy:
        if strategy.value in seconds:
            # What can be hidden behind the import is taken to be.
            parts = _parts(strategy, contents, bundle, seconds[strategy])
            beside = sum(parts.values()) - parts["import"]
            return max(seconds[strategy] - beside, 0.0)
    return None


def _parts(
    strategy: Strategy, contents: Contents, bundle: BundleEstimate | None, importing: float
) -> dict[str, float]:
    parts = {"runtime": RUNTIME[contents.target.family], "import": importing}
    match strategy:
        case Strategy.DIRECT_ZIP | Strategy.S3_ZIP | Strategy.LAYERS:
            pass
        case Strategy.S3_BOOTSTRAP:
            zipped, unzipped = (bundle.zipped, bundle.unzipped) if bundle else (0, 0)
            arriving = CONNECTIONS_SECONDS + max(fetch_seconds(zipped), unzipped / UNPACK_RATE)
            if contents.target.family is Family.PYTHON:
                # What is imported waits for its own files only.
                arriving = max(arriving - importing, 0.0) + LOADER_SECONDS
            parts["fetch and unpack"] = arriving
        case Strategy.IMAGE:
            parts["read"] = fetch_seconds(NOT_AT_HAND * contents.read.unzipped_bytes)
        case Strategy.EFS:
            parts["round trips"] = ROUND_TRIPS * ROUND_TRIP * contents.libraries
            parts["read"] = _read(contents.mounted, importing)
        case Strategy.S3_FILES:
            # Small files lie in the file system's own storage, the others are read from S3.
            big = contents.mounted.where(lambda entry: entry.size > S3_FILES_DIRECT)
            parts["round trips"] = (
                ROUND_TRIPS * ROUND_TRIP * contents.libraries
                + _NETWORK.median * len(big) / READ_AT_ONCE
            )
            parts["read"] = _read(big, importing)
        case _:
            assert_never(strategy)
    return parts


def _read(tree: FileTree, importing: float) -> float:
    """How long it is waited for what is mounted: packages are read ahead while they are imported,
    the user's own files when he opens them."""
    own = tree.where(lambda entry: isinstance(entry.origin, LocalFile))
    return max(
        fetch_seconds(tree.unzipped_bytes) - importing, fetch_seconds(own.unzipped_bytes), 0.0
    )


def fetch_seconds(size: float) -> float:
    """How long so many bytes take over a function's network, by several connections."""
    burst = _NETWORK.burst_rate * _NETWORK.burst_seconds
    if size <= burst:
        return size / _NETWORK.burst_rate
    return _NETWORK.burst_seconds + (size - burst) / _NETWORK.rate
